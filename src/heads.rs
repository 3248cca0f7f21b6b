//! The files of signed heads: kept apart from the database, they show rows that are not there any more.

use std::{
    fs::{self, Metadata},
    io::ErrorKind,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::SystemTime,
};

use serde::Deserialize;
use service::{SignedHead, Signer};
use store::audit::{Chain, Head};

use crate::{
    Failure,
    home::{HEADS, there, written_private},
};

/// What `GET /v1/audit/heads` answers.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    items: Vec<SignedHead>,
}

/// The newest head of each chain, in the order in which they became known.
#[derive(Clone, Default)]
pub(crate) struct Heads(Vec<SignedHead>);

impl Heads {
    /// Reads one JSON object a line; `None` for a file that is not there.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>, Failure> {
        text_of(path)?.map(|text| Self::lines(path, &text)).transpose()
    }

    /// The same of any copy that somebody kept: of such a file, or of what the service answered to those who read its
    /// trail, once or several times.
    pub(crate) fn kept(path: &Path) -> Result<Option<Self>, Failure> {
        let Some(text) = text_of(path)? else { return Ok(None) };
        let answers: Result<Vec<Answer>, _> = serde_json::Deserializer::from_str(&text).into_iter().collect();
        match answers {
            Ok(answers) => Ok(Some(Self(
                answers.into_iter().flat_map(|answer| answer.items).collect(),
            ))),
            Err(_) => Self::lines(path, &text).map(Some),
        }
    }

    fn lines(path: &Path, text: &str) -> Result<Self, Failure> {
        let heads = text.lines().enumerate().map(|(index, line)| {
            serde_json::from_str(line).map_err(|_quotes_the_line| damaged(path, index + 1, "it is no head"))
        });
        heads.collect::<Result<_, _>>().map(Self)
    }

    /// The heads.
    pub(crate) fn as_slice(&self) -> &[SignedHead] {
        &self.0
    }

    /// What is signed in this file: all of it, or it is refused.
    fn proven(&self, path: &Path, signer: &dyn Signer) -> Result<Vec<Head>, Failure> {
        let proven: Vec<_> = self.0.iter().map(|head| head.proven(signer)).collect();
        if !proven.is_empty() && proven.iter().all(Option::is_none) {
            let what = format!(
                "the keyring is another database's: it signed none of the heads in {}",
                path.display()
            );
            return Err(Failure::new(what).help("put back the keyring file that belongs to this database"));
        }
        let each = proven.into_iter().enumerate();
        each.map(|(index, head)| head.ok_or_else(|| damaged(path, index + 1, "the signature does not hold")))
            .collect()
    }

    /// Takes the newer head of its chain; false when nothing is new. A chain never becomes shorter.
    fn advance(&mut self, head: SignedHead) -> bool {
        match self.0.iter_mut().find(|known| known.chain == head.chain) {
            Some(known) if known.position >= head.position => false,
            Some(known) => {
                *known = head;
                true
            }
            None => {
                self.0.push(head);
                true
            }
        }
    }

    fn text(&self) -> Result<String, Failure> {
        let mut text = String::new();
        for head in &self.0 {
            text += &serde_json::to_string(head).map_err(Failure::new)?;
            text.push('\n');
        }
        Ok(text)
    }
}

fn text_of(path: &Path) -> Result<Option<String>, Failure> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::new(format!("{} cannot be read: {error}", path.display())).help(AS_KEPT)),
    }
}

const AS_KEPT: &str = "put the file back as it was kept; each line is a head as `serve` writes it";

fn damaged(path: &Path, line: usize, what: impl std::fmt::Display) -> Failure {
    Failure::new(format!("{}, line {line}: {what}", path.display())).help(AS_KEPT)
}

/// The file in the data directory, and the one where an operator said; both are asked, and both are written.
pub(crate) struct HeadsFiles {
    files: Vec<Kept>,
    heads: Heads,
    /// What each of the files says, by its place.
    proven: Vec<(usize, Head)>,
}

struct Kept {
    path: PathBuf,
    there: bool,
    empty: bool,
    /// As it was left.
    written: Option<Left>,
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
        let mut files = Vec::new();
        for path in std::iter::once(inside.as_path()).chain(elsewhere) {
            if let Some(known) = files.first().map(|kept: &Kept| &kept.path)
                && same_place(known, path)
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
                there: found.is_some(),
                empty: found.as_ref().is_none_or(|found| found.0.is_empty()),
                written: None,
            });
            found.into_iter().flat_map(|found| found.0).for_each(|head| {
                heads.advance(head);
            });
        }
        Ok(Self {
            files,
            heads,
            proven: Vec::new(),
        })
    }

    /// No head is known, in no file.
    pub(crate) fn is_empty(&self) -> bool {
        self.heads.0.is_empty()
    }

    /// The first file that is missing, and one that is not.
    pub(crate) fn missing(&self) -> Option<(&Path, Option<&Path>)> {
        let missing = self.files.iter().find(|kept| !kept.there)?;
        let other = self.files.iter().find(|kept| kept.there && !kept.empty);
        Some((&missing.path, other.map(|kept| kept.path.as_path())))
    }

    /// The first file that has nothing in it though another one has, and that one.
    pub(crate) fn emptied(&self) -> Option<(&Path, &Path)> {
        let other = self.files.iter().find(|kept| !kept.empty)?;
        let empty = self.files.iter().find(|kept| kept.there && kept.empty)?;
        Some((&empty.path, &other.path))
    }

    /// Every head of every file; one line that is not signed, and the file is refused.
    pub(crate) fn prove(&mut self, signer: &dyn Signer) -> Result<Vec<Head>, Failure> {
        for (place, kept) in self.files.iter().enumerate() {
            if let Some(heads) = Heads::read(&kept.path)? {
                let proven = heads.proven(&kept.path, signer)?;
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
        for kept in self.files.iter().filter(|kept| !kept.there) {
            write(&kept.path, "")?;
        }
        Ok(())
    }

    /// Takes in what the register has signed: chains of commands beside the service, too.
    pub(crate) fn take_in(&mut self, register: &[Chain], signer: &dyn Signer) -> bool {
        let mut new = false;
        for closing in register.iter().filter_map(|chain| chain.closing.as_ref()) {
            let known = self.heads.0.iter().find(|known| known.chain == closing.head.chain);
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
    pub(crate) fn write(&mut self) -> Result<(), Failure> {
        let text = self.heads.text()?;
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

/// Whether two paths are one, by whatever way they go there.
fn same_place(one: &Path, other: &Path) -> bool {
    let folder = |path: &Path| {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        fs::canonicalize(folder.unwrap_or(Path::new("."))).ok()
    };
    one.file_name() == other.file_name() && folder(one) == folder(other)
}

fn write(path: &Path, text: &str) -> Result<Metadata, Failure> {
    written_private(path, text.as_bytes())
        .map_err(|error| Failure::new(format!("{} cannot be written: {error}", path.display())))
}
