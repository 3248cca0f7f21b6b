//! Whatever message of the serial line can be read says the same when it is written and read again.

use wire::{PAYLOAD_MAX_LEN_BYTES, Request, Response, ToHost, ToToken, read, write};

/// `data` as a payload.
pub fn run(data: &[u8]) {
    let mut buffer = [0; PAYLOAD_MAX_LEN_BYTES];
    macro_rules! again {
        ($($message:ident)*) => {$(
            if let Some(message) = read::<$message<'_>>(data)
                && let Ok(written) = write(&message, &mut buffer)
            {
                assert_eq!(read::<$message<'_>>(written), Some(message));
            }
        )*};
    }
    again!(ToToken ToHost Request Response);
}
