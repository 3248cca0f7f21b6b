use otp::Algorithm;

/// A hash as people write it: `HMAC-SHA256`, `SHA-1`, `HmacSHA512`, `sha256`, an algorithm's URI.
pub(crate) fn hash(name: &str) -> Option<Algorithm> {
    let last = name.rsplit(['#', ':']).next().unwrap_or(name);
    let name: String = last
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_uppercase())
        .collect();
    match name.strip_prefix("HMAC").unwrap_or(&name) {
        "SHA1" => Some(Algorithm::Sha1),
        "SHA256" => Some(Algorithm::Sha256),
        "SHA512" => Some(Algorithm::Sha512),
        _ => None,
    }
}
