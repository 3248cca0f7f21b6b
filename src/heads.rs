//! The files of signed heads: kept apart from the database, they show rows that are not there any more.

use std::{
    fs::{self, Metadata},
    io::ErrorKind,
    os::unix::fs::MetadataExt as _,
    path::{self, Path, PathBuf},
    time::SystemTime,
};

use clap::Args;
use data_encoding::HEXLOWER_PERMISSIVE;
use keyring::private_file::{self, resolved};
use serde::{Deserialize, Serialize};
use service::{SignedHead, Signer};
use store::audit::{Chain, Head};

use crate::{
    Failure,
    home::{HEADS, read_plain, there},
};

/// The answer of `GET /v1/audit/heads`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    items: Vec<SignedHead>,
}

/// Where the second copy of the heads is, for commands that work beside a service or without one.
#[derive(Args)]
pub(crate) struct SecondCopy {
    /// The second copy of the trail's newest heads, as `serve` has it: written here while no service runs
    #[arg(long, value_name = "FILE", env = "COUNTERSIGN_HEADS_FILE")]
    pub(crate) heads_file: Option<PathBuf>,
}

/// The last line of a file: it signs those before, so that none of them can be taken away.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Seal {
    /// How many lines there are before.
    heads: usize,
    /// Where the second file was, when this one was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    elsewhere: Option<String>,
    /// In hex.
    signature: String,
}

/// The statement that a seal signs.
fn sealed(heads: usize, elsewhere: Option<&str>, text: &str) -> Vec<u8> {
    let elsewhere = elsewhere.unwrap_or_default();
    let mut bytes = b"countersign/audit/heads/1".to_vec();
    bytes.extend((heads as u64).to_be_bytes());
    bytes.extend((elsewhere.len() as u64).to_be_bytes());
    bytes.extend(elsewhere.as_bytes());
    bytes.extend(text.as_bytes());
    bytes
}

/// The newest head of each chain, in the order in which they became known.
#[derive(Clone, Default)]
pub(crate) struct Heads {
    heads: Vec<SignedHead>,
    /// As read.
    seal: Option<Seal>,
    /// What the seal is about.
    text: String,
}

impl Heads {
    /// Reads one JSON object a line; `None` for a file that is not there.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>, Failure> {
        text_of(path)?.map(|text| Self::lines(path, &text)).transpose()
    }

    /// Reads any copy that somebody kept: of such a file, or of what the service answered to those who read its
    /// trail, once or several times.
    pub(crate) fn kept(path: &Path) -> Result<Option<Self>, Failure> {
        let Some(text) = text_of(path)? else { return Ok(None) };
        let answers: Result<Vec<Answer>, _> = serde_json::Deserializer::from_str(&text).into_iter().collect();
        match answers {
            Ok(answers) => Ok(Some(Self {
                heads: answers.into_iter().flat_map(|answer| answer.items).collect(),
                ..Self::default()
            })),
            Err(_) => Self::lines(path, &text).map(Some),
        }
    }

    fn lines(path: &Path, text: &str) -> Result<Self, Failure> {
        let mut read = Self::default();
        for (index, line) in text.lines().enumerate() {
            if read.seal.is_some() {
                return Err(damaged(path, index + 1, "it stands behind the end"));
            }
            if let Ok(seal) = serde_json::from_str(line) {
                read.seal = Some(seal);
                continue;
            }
            let head = serde_json::from_str(line);
            read.heads
                .push(head.map_err(|_quotes_the_line| damaged(path, index + 1, "it is no head"))?);
            read.text += line;
            read.text.push('\n');
        }
        Ok(read)
    }

    /// The heads.
    pub(crate) fn as_slice(&self) -> &[SignedHead] {
        &self.heads
    }

    fn is_empty(&self) -> bool {
        self.heads.is_empty() && self.seal.is_none()
    }

    fn is_unsealed(&self) -> bool {
        !self.heads.is_empty() && self.seal.is_none()
    }

    /// Refuses a file of which a part was taken away; one without its last line only where that is not `accepted`.
    pub(crate) fn whole(&self, path: &Path, signer: &dyn Signer, accepted: bool) -> Result<(), Failure> {
        let Some(seal) = &self.seal else {
            return if self.is_unsealed() && !accepted {
                Err(cut(path))
            } else {
                Ok(())
            };
        };
        let statement = sealed(seal.heads, seal.elsewhere.as_deref(), &self.text);
        let signature = HEXLOWER_PERMISSIVE.decode(seal.signature.as_bytes());
        if seal.heads == self.heads.len() && signature.is_ok_and(|signature| signer.verify(&statement, &signature)) {
            return Ok(());
        }
        let what = "it does not sign the lines before it: some were changed or taken away";
        Err(damaged(path, self.heads.len() + 1, what))
    }

    /// The heads of this file, all of them signed, or it is refused.
    fn proven(&self, path: &Path, signer: &dyn Signer, unsealed: bool) -> Result<Vec<Head>, Failure> {
        let proven: Vec<_> = self.heads.iter().map(|head| head.proven(signer)).collect();
        if !proven.is_empty() && proven.iter().all(Option::is_none) {
            let what = format!(
                "the keyring is another database's: it signed none of the heads in {}",
                path.display()
            );
            return Err(Failure::new(what).help("put back the keyring file that belongs to this database"));
        }
        let each = proven.into_iter().enumerate();
        let heads = each
            .map(|(index, head)| head.ok_or_else(|| damaged(path, index + 1, "the signature does not hold")))
            .collect::<Result<_, _>>()?;
        self.whole(path, signer, unsealed)?;
        Ok(heads)
    }

    /// Takes the newer head of its chain; false when nothing is new. A chain never becomes shorter.
    fn advance(&mut self, head: SignedHead) -> bool {
        match self.heads.iter_mut().find(|known| known.chain == head.chain) {
            Some(known) if known.position >= head.position => false,
            Some(known) => {
                *known = head;
                true
            }
            None => {
                self.heads.push(head);
                true
            }
        }
    }

    fn text(&self, elsewhere: Option<&str>, signer: &dyn Signer) -> Result<String, Failure> {
        let mut text = String::new();
        for head in &self.heads {
            text += &serde_json::to_string(head).map_err(Failure::new)?;
            text.push('\n');
        }
        let signature = signer.sign(&sealed(self.heads.len(), elsewhere, &text));
        let seal = Seal {
            heads: self.heads.len(),
            elsewhere: elsewhere.map(str::to_owned),
            signature: HEXLOWER_PERMISSIVE.encode(&signature),
        };
        text += &serde_json::to_string(&seal).map_err(Failure::new)?;
        text.push('\n');
        Ok(text)
    }
}

fn text_of(path: &Path) -> Result<Option<String>, Failure> {
    let unread = |error: &dyn std::fmt::Display| {
        Failure::new(format!("{} cannot be read: {error}", path.display())).help(AS_KEPT)
    };
    match read_plain(path) {
        Ok(bytes) => match str::from_utf8(&bytes) {
            Ok(text) => Ok(Some(text.to_owned())),
            Err(error) => Err(unread(&error)),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unread(&error)),
    }
}

const AS_KEPT: &str = "put the file back as it was kept: a line for each head, and one that signs them all, as `serve` \
                       writes them";

fn cut(path: &Path) -> Failure {
    let path = path.display();
    Failure::new(format!("{path} is not whole: its last line, which signs those before, is missing")).help(
        "put the file back as it was kept. One that an earlier version wrote has no such line: who knows that it was that \
         starts `serve` once with --begin-anew, which asks for the heads that are there",
    )
}

fn damaged(path: &Path, line: usize, what: impl std::fmt::Display) -> Failure {
    Failure::new(format!("{}, line {line}: {what}", path.display())).help(AS_KEPT)
}

/// The file in the data directory, and the one where an operator said; both are asked, and both are written.
pub(crate) struct HeadsFiles {
    files: Vec<Kept>,
    heads: Heads,
    /// What each of the files says, by its place.
    proven: Vec<(usize, Head)>,
    /// Where the second file is, or was, when it is not named now.
    elsewhere: Option<String>,
    /// Files without a last line are accepted.
    unsealed: bool,
}

struct Kept {
    path: PathBuf,
    /// Nothing, where there was no file.
    read: Option<Heads>,
    /// As it was left.
    written: Option<Left>,
}

impl Kept {
    fn has_some(&self) -> bool {
        self.read.as_ref().is_some_and(|heads| !heads.is_empty())
    }
}

/// By which a file is known again.
type Left = (u64, u64, u32, u64, Option<SystemTime>);

fn left(found: &Metadata) -> Left {
    (
        found.dev(),
        found.ino(),
        found.mode(),
        found.len(),
        found.modified().ok(),
    )
}

impl HeadsFiles {
    /// Reads what is there.
    pub(crate) fn read(dir: &Path, elsewhere: Option<&Path>) -> Result<Self, Failure> {
        let inside = dir.join(HEADS);
        let mut heads = Heads::default();
        let absolute = elsewhere.map(|path| path::absolute(path).map_err(|error| unseen(path, &error)));
        let mut named = absolute.transpose()?.map(|path| path.to_string_lossy().into_owned());
        let mut files = Vec::new();
        for path in std::iter::once(inside.as_path()).chain(elsewhere) {
            if let Some(known) = files.first().map(|kept: &Kept| &kept.path)
                && same_place(known, path)?
            {
                return Err(Failure::usage(format!(
                    "{} is where heads are kept anyway: name a file on another disk",
                    path.display()
                )));
            }
            let found = match there(path)? {
                Some(_) => Heads::read(path)?,
                None => None,
            };
            files.push(Kept {
                path: path.into(),
                read: found.clone(),
                written: None,
            });
            let Some(found) = found else { continue };
            if elsewhere.is_none() {
                named = found.seal.and_then(|seal| seal.elsewhere);
            }
            found.heads.into_iter().for_each(|head| {
                heads.advance(head);
            });
        }
        Ok(Self {
            files,
            heads,
            proven: Vec::new(),
            elsewhere: named,
            unsealed: false,
        })
    }

    /// The path of the second file, as the directory remembers it.
    pub(crate) fn elsewhere(&self) -> Option<&str> {
        self.elsewhere.as_deref()
    }

    /// No second file is written from now on.
    pub(crate) fn forget_elsewhere(&mut self) -> Option<String> {
        self.elsewhere.take()
    }

    /// Accepts files without the line that signs all of them, where there are such: earlier versions wrote none.
    pub(crate) fn accept_unsealed(&mut self) -> bool {
        self.unsealed = self
            .files
            .iter()
            .any(|kept| kept.read.as_ref().is_some_and(Heads::is_unsealed));
        self.unsealed
    }

    /// No head is known, in no file.
    pub(crate) fn is_empty(&self) -> bool {
        self.heads.heads.is_empty()
    }

    /// The first file that is missing, and one that is not.
    pub(crate) fn missing(&self) -> Option<(&Path, Option<&Path>)> {
        let missing = self.files.iter().find(|kept| kept.read.is_none())?;
        let other = self.files.iter().find(|kept| kept.has_some());
        Some((&missing.path, other.map(|kept| kept.path.as_path())))
    }

    /// The first file that has nothing in it though another one has, and that one.
    pub(crate) fn emptied(&self) -> Option<(&Path, &Path)> {
        let other = self.files.iter().find(|kept| kept.has_some())?;
        let empty = self.files.iter().find(|kept| kept.read.is_some() && !kept.has_some())?;
        Some((&empty.path, &other.path))
    }

    /// Every head of every file; one line that is not signed, and the file is refused.
    pub(crate) fn prove(&mut self, signer: &dyn Signer) -> Result<Vec<Head>, Failure> {
        for (place, kept) in self.files.iter().enumerate() {
            if let Some(heads) = &kept.read {
                let proven = heads.proven(&kept.path, signer, self.unsealed)?;
                self.proven.extend(proven.into_iter().map(|head| (place, head)));
            }
        }
        Ok(self.proven.iter().map(|(_, head)| *head).collect())
    }

    /// The file that names this head.
    pub(crate) fn file_of(&self, head: &Head) -> &Path {
        let place = self.proven.iter().find(|(_, known)| known == head);
        let place = place.map_or(0, |(place, _)| *place);
        self.files.get(place).map_or(Path::new(HEADS), |kept| &kept.path)
    }

    /// Makes the files of a directory that has nothing yet, before anything else: whoever finds a database without them
    /// knows that they are lost.
    pub(crate) fn begin(&mut self) -> Result<(), Failure> {
        for kept in self.files.iter().filter(|kept| kept.read.is_none()) {
            write(&kept.path, "")?;
        }
        Ok(())
    }

    /// Takes in what the register has signed: chains of commands beside the service, too.
    pub(crate) fn take_in(&mut self, register: &[Chain], signer: &dyn Signer) -> bool {
        let mut new = false;
        for closing in register.iter().filter_map(|chain| chain.closing.as_ref()) {
            let known = self.heads.heads.iter().find(|known| known.chain == closing.head.chain);
            if known.is_none_or(|known| known.position < closing.head.position) {
                let head = SignedHead::of_closing(closing);
                new |= head.proven(signer).is_some() && self.heads.advance(head);
            }
        }
        new
    }

    /// Takes in a newer head.
    pub(crate) fn advance(&mut self, head: SignedHead) -> bool {
        self.heads.advance(head)
    }

    /// The first file that is not as it was left.
    pub(crate) fn touched(&self) -> Option<&Path> {
        let touched = self.files.iter().find(|kept| {
            let now = fs::metadata(&kept.path).ok().map(|found| left(&found));
            kept.written.is_some() && now != kept.written
        });
        touched.map(|kept| kept.path.as_path())
    }

    /// Replaces the files, each as far as it can be; the one elsewhere first, for it proves more.
    pub(crate) fn write(&mut self, signer: &dyn Signer) -> Result<(), Failure> {
        let text = self.heads.text(self.elsewhere.as_deref(), signer)?;
        let mut done = Ok(());
        for kept in self.files.iter_mut().rev() {
            match write(&kept.path, &text) {
                Ok(written) => kept.written = Some(left(&written)),
                Err(failure) => done = Err(failure),
            }
        }
        done
    }
}

/// True if two paths are one file, by whatever way they go there.
fn same_place(one: &Path, other: &Path) -> Result<bool, Failure> {
    if let (Some(one), Some(other)) = (there(one)?, there(other)?) {
        return Ok((one.dev(), one.ino()) == (other.dev(), other.ino()));
    }
    // One in a directory that is not there is another.
    Ok(resolved(one).ok() == resolved(other).ok())
}

fn unseen(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("{}: {error}", path.display()))
        .help("name a file in a directory that is there, and that the user who runs this program may write to")
}

const WRITABLE: &str = "its disk must have room and be mounted for writing, and the user who runs this program must be \
                        allowed to write there";

fn write(path: &Path, text: &str) -> Result<Metadata, Failure> {
    private_file::write(path, text.as_bytes())
        .map_err(|error| Failure::new(format!("{} cannot be written: {error}", path.display())).help(WRITABLE))
}
