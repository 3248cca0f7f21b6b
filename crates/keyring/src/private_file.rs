//! Files that only their owner may read: put in their place whole or not at all, whatever crashes, and read only where
//! they are files.
//!
//! For the keyring and for the program above it. The authenticator, which depends on neither (it works where there is no
//! service), has a writer of its own in `vault_file`: a vault is written under a lock, keeps the user it belongs to, and
//! goes onto file systems that have less than these rules ask for.

use std::{
    ffi::OsString,
    fs::{self, File, Metadata, OpenOptions},
    io::{self, ErrorKind, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use rustix::fs::OFlags;

/// Links that lead on, at most, as the kernel has it.
const LINKS_MAX: usize = 40;

/// Opens a file to be read that is one. A pipe or a device in its place would keep whoever opens it waiting, for as long
/// as whoever put it there likes.
pub fn open_plain(path: &Path) -> io::Result<File> {
    let at_once = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(at_once).open(path)?;
    if file.metadata()?.is_file() {
        return Ok(file);
    }
    Err(io::Error::new(
        ErrorKind::InvalidInput,
        "it is no file: a pipe, a device or a directory",
    ))
}

/// The path behind all symbolic links, whether or not there is a file yet.
pub fn resolved(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..LINKS_MAX {
        let real = in_its_folder(&path)?;
        match fs::read_link(&real) {
            Ok(to) => path = real.parent().unwrap_or(Path::new("/")).join(to),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::InvalidInput) => return Ok(real),
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::new(ErrorKind::InvalidInput, "too many links"))
}

/// Writes a file (0600) in the place of what is there, if anything is; where a link leads, if it is one. On disk when it
/// returns, with what the file was before anybody could find it: a change of a moment later shows against that.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<Metadata> {
    put(&resolved(path)?, bytes, |unfinished, path| fs::rename(unfinished, path))
}

/// Writes a file (0600) where nothing is. On disk when it returns.
///
/// # Errors
/// [`ErrorKind::AlreadyExists`] where anything is, a link to nowhere too.
pub fn create(path: &Path, bytes: &[u8]) -> io::Result<Metadata> {
    put(&in_its_folder(path)?, bytes, |unfinished, path| {
        // Unlike a rename this fails where something is.
        fs::hard_link(unfinished, path)?;
        fs::remove_file(unfinished)
    })
}

fn in_its_folder(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(ErrorKind::InvalidInput)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    Ok(fs::canonicalize(folder.unwrap_or(Path::new(".")))?.join(name))
}

/// Written beside its place and synced, then put there in one step that is synced too.
fn put(path: &Path, bytes: &[u8], into_place: impl Fn(&Path, &Path) -> io::Result<()>) -> io::Result<Metadata> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(ErrorKind::InvalidInput.into());
    };
    // A name that nobody else gives a file: what stands there is what a crash left of ours.
    let mut unfinished = OsString::from(".");
    unfinished.push(name);
    unfinished.push(".countersign-unfinished");
    let unfinished = folder.join(unfinished);
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&unfinished)?;
    let written = file
        .write_all(bytes)
        .and_then(|()| file.sync_all())
        .and_then(|()| file.metadata())
        .and_then(|written| into_place(&unfinished, path).map(|()| written));
    if written.is_err() {
        let _none_is_left = fs::remove_file(&unfinished);
    }
    let written = written?;
    // The new name is on disk only with its directory.
    File::open(folder)?.sync_all()?;
    Ok(written)
}
