//! What is typed as a code: never a panic, and what was read is read again from what it is written as.

use otp::Code;

/// `data` as a user's input.
pub fn run(data: &[u8]) {
    let Ok(typed) = std::str::from_utf8(data) else { return };
    let Ok(code) = Code::parse(typed) else { return };
    let mut buf = [0; 8];
    let written = code.text(&mut buf);
    assert_eq!(written.len(), usize::from(code.digits().get()));
    assert!(written.bytes().all(|byte| byte.is_ascii_digit()));
    let again = Code::parse(written).expect("what a code is written as");
    assert!(bool::from(code.ct_eq(&again)));
}
