//! What claims to be a picture is read or refused; each text that is read from it is one, and said once.

use authenticator::picture::Picture;

/// One input of the fuzzer: the bytes of a file.
pub fn run(data: &[u8]) {
    let Ok(picture) = Picture::parse(data) else { return };
    let codes = picture.codes();
    let mut texts: Vec<&str> = codes.iter().map(|code| code.expose_text()).collect();
    texts.sort_unstable();
    texts.dedup();
    assert_eq!(texts.len(), codes.len());
    assert!(!texts.contains(&""));
}
