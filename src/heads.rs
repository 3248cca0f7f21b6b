//! The file of signed heads: kept apart from the database, it shows a tail that was cut off.

use std::{fs, io::ErrorKind, path::Path};

use service::{SignedHead, Signer};
use store::Store;

use crate::{Failure, home::write_private};

/// The newest head of each chain, in the order the chains were opened.
#[derive(Default)]
pub(crate) struct Heads(Vec<SignedHead>);

impl Heads {
    /// Reads one JSON object a line; an absent file holds none.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(Failure::new(format!("{} cannot be read: {error}", path.display()))),
        };
        let heads = text
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim().is_empty())
            .map(|(index, line)| {
                serde_json::from_str(line).map_err(|_quotes_the_line| {
                    Failure::new(format!("{}, line {}, is no head", path.display(), index + 1))
                        .help("each line is a head as `serve` writes it; give the file as it was kept")
                })
            });
        heads.collect::<Result<_, _>>().map(Self)
    }

    /// The heads.
    pub(crate) fn as_slice(&self) -> &[SignedHead] {
        &self.0
    }

    /// Refuses a keyring that signed none of these: it would sign the next chain, and could not open any secret.
    pub(crate) fn signed_by(&self, signer: &dyn Signer) -> Result<(), Failure> {
        if self.0.is_empty() || self.0.iter().any(|head| head.proven(signer).is_some()) {
            return Ok(());
        }
        Err(
            Failure::new("the keyring is another database's: it signed none of the heads in audit.heads")
                .help("put back the keyring file that belongs to this database"),
        )
    }

    /// Refuses a database that is behind the newest of these: it was put back, and what was used, unbound or
    /// revoked since would be good again.
    pub(crate) async fn reached_by(&self, store: &dyn Store, signer: &dyn Signer) -> Result<(), Failure> {
        let newest = self.0.iter().max_by_key(|head| (head.chain, head.position));
        let Some(head) = newest.and_then(|head| head.proven(signer)) else {
            return Ok(());
        };
        let found = store.last_of(head.chain).await.map_err(Failure::new)?;
        let reached = found.is_some_and(|found| {
            found.position > head.position || (found.position == head.position && found.hash == head.hash)
        });
        if reached {
            return Ok(());
        }
        Err(Failure::new(format!(
            "the database is older than audit.heads: chain {} had {} row(s), and they are not all there",
            head.chain, head.position
        ))
        .help(
            "put the newest database back. With an older one, codes that were used, devices that were unbound and \
             keys that were revoked since are good again; who accepts that moves audit.heads away",
        ))
    }

    /// Takes the newer head of its chain; false when nothing is new. A chain never becomes shorter.
    pub(crate) fn advance(&mut self, head: SignedHead) -> bool {
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

    /// Replaces the file.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Failure> {
        let mut text = String::new();
        for head in &self.0 {
            text += &serde_json::to_string(head).map_err(Failure::new)?;
            text.push('\n');
        }
        write_private(path, text.as_bytes())
            .map_err(|error| Failure::new(format!("{} cannot be written: {error}", path.display())))
    }
}
