//! A file that was named to be added: where it is, and what is in it that can be.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io::ErrorKind,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use percent_encoding::percent_decode_str;
use vault::import::{self, ImportError, MAX_EXPORT_LEN_BYTES};
use zeroize::Zeroizing;

use super::trouble::Trouble;
use crate::{
    otpauth::{push_line, uri_in},
    picture::{Found, Picture},
    prompt::grown,
};

/// The URIs in a picture's QR codes, or whatever another app exported.
pub(super) fn read(typed: &str, home: Option<&Path>) -> Result<Zeroizing<Vec<u8>>, Trouble> {
    let mut meant = meant(typed, home);
    let path = match meant.iter().position(|path| path.exists()) {
        Some(at) => meant.swap_remove(at),
        None => meant.swap_remove(0),
    };
    let found = fs::metadata(&path).map_err(unread)?;
    // Reading anything else may wait for ever.
    if !found.is_file() {
        return Err(Trouble::NotAFile);
    }
    if found.len() > MAX_EXPORT_LEN_BYTES as u64 {
        return Err(Trouble::Import(ImportError::TooLarge));
    }
    let bytes = File::open(&path).and_then(grown).map_err(unread)?;
    match import::read(&bytes, None) {
        Err(ImportError::Picture) => uris(&Picture::parse(&bytes).map_err(Trouble::Picture)?),
        _ => Ok(bytes),
    }
}

fn unread(error: std::io::Error) -> Trouble {
    match error.kind() {
        ErrorKind::NotFound => Trouble::NoSuchFile,
        _ => Trouble::File(error),
    }
}

/// The meanings of a typed path, the likeliest first. A terminal quotes the name of a file that is dropped on it as a shell
/// wants it, or makes a URI of it; a name that has quotes is taken as it is, if it is there.
fn meant(typed: &str, home: Option<&Path>) -> Vec<PathBuf> {
    let scheme = "file:";
    if let Some(start) = typed.get(..scheme.len())
        && start.eq_ignore_ascii_case(scheme)
    {
        let rest = &typed[scheme.len()..];
        // The host is this one, whatever it calls itself.
        let path = match rest.strip_prefix("//") {
            Some(rest) => rest.find('/').map_or("", |at| &rest[at..]),
            None => rest,
        };
        let bytes: Vec<u8> = percent_decode_str(path).collect();
        return vec![PathBuf::from(OsStr::from_bytes(&bytes))];
    }
    let mut meant = vec![below(home, typed)];
    if let Some([word]) = shlex::split(typed).as_deref() {
        meant.push(below(home, word));
    }
    meant
}

fn below(home: Option<&Path>, path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(path),
    }
}

/// The otpauth URIs that a picture shows, a line each.
fn uris(picture: &Picture) -> Result<Zeroizing<Vec<u8>>, Trouble> {
    let Found { codes, has_parts } = picture.found();
    let mut lines = Zeroizing::new(String::new());
    for code in &codes {
        if let Some(uri) = uri_in(code.expose_text()) {
            push_line(&mut lines, uri);
        }
    }
    match (codes.as_slice(), lines.is_empty()) {
        (_, false) => Ok(Zeroizing::new(lines.as_bytes().to_vec())),
        (_, true) if has_parts => Err(Trouble::PartOfCode),
        ([], true) => Err(Trouble::NoCode),
        (_, true) => Err(Trouble::OtherCode),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::PictureError;

    const URI: &str = "otpauth://totp/Example:bob?secret=JBSWY3DPEHPK3PXP";

    fn read_from(dir: &Path, typed: &str) -> Result<String, Trouble> {
        read(typed, Some(dir)).map(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[test]
    fn a_path_is_understood_however_a_person_or_a_terminal_writes_it() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path();
        for name in [
            "uris.txt",
            "my codes.txt",
            "bob's \"codes\".txt",
            "备份.txt",
            "100%41.txt",
        ] {
            fs::write(dir.join(name), URI).unwrap();
        }
        let at = dir.to_str().unwrap();
        for typed in [
            format!("{at}/uris.txt"),
            "~/uris.txt".into(),
            "'~/uris.txt'".into(),
            format!("'{at}/my codes.txt'"),
            format!("\"{at}/my codes.txt\""),
            format!("{at}/my\\ codes.txt"),
            format!("{at}/my codes.txt"),
            format!("{at}/bob's \"codes\".txt"),
            format!("'{at}/bob'\\''s \"codes\".txt'"),
            format!("file://{at}/my%20codes.txt"),
            format!("file://localhost{at}/%E5%A4%87%E4%BB%BD.txt"),
            format!("FILE:{at}/uris.txt"),
            format!("{at}/100%41.txt"),
        ] {
            assert_eq!(read_from(dir, &typed).as_deref().ok(), Some(URI), "{typed}");
        }
        for typed in ["~/none.txt", "'~/none.txt'", "file:", "file://host", "''", "~/"] {
            let refused = read_from(dir, typed);
            assert!(
                matches!(refused, Err(Trouble::NoSuchFile | Trouble::NotAFile)),
                "{typed}"
            );
        }
    }

    #[test]
    fn a_picture_of_any_format_gives_its_uris_and_says_what_it_lacks() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path();
        let drawn =
            |text: &str| image::load_from_memory(&enroll::Qr::encode(text).unwrap().to_png(4).unwrap()).unwrap();
        for name in ["code.png", "code.bmp", "code.webp"] {
            drawn(URI).save(dir.join(name)).unwrap();
            let read = read_from(dir, &format!("~/{name}"));
            assert_eq!(read.as_deref().ok(), Some(format!("{URI}\n").as_str()), "{name}");
        }
        drawn("https://example.com").save(dir.join("other.png")).unwrap();
        assert!(matches!(read_from(dir, "~/other.png"), Err(Trouble::OtherCode)));
        image::GrayImage::new(50, 50).save(dir.join("none.png")).unwrap();
        assert!(matches!(read_from(dir, "~/none.png"), Err(Trouble::NoCode)));
        fs::write(dir.join("cut.png"), b"\x89PNG\r\n\x1a\n").unwrap();
        assert!(matches!(
            read_from(dir, "~/cut.png"),
            Err(Trouble::Picture(PictureError::Damaged))
        ));
    }

    #[test]
    fn what_never_ends_is_not_read() {
        for typed in ["/dev/zero", "/dev/tty", "/"] {
            assert!(matches!(read(typed, None), Err(Trouble::NotAFile)), "{typed}");
        }
    }
}
