//! What a user's app is given and gives: otpauth URIs, text keys, QR codes.
