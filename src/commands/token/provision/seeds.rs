//! The secrets of a batch: an encrypted PSKC file for each token while the batch lasts, one for all at its end.

use std::{
    collections::HashMap,
    fs::{self, DirBuilder, File},
    io::{self, ErrorKind},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use keyring::private_file;
use pskc::{Protect, Seed};

use crate::{
    Failure,
    client::Client,
    commands::token::{import, seed_key::SeedKey},
};

/// The seed files of a batch, and the key that encrypts them.
pub(super) struct Seeds {
    /// Of the batch.
    dir: PathBuf,
    key: SeedKey,
}

/// The file of all, once all are done.
pub(super) const ALL: &str = "tokens.pskc";
const EACH: &str = "seeds";

impl Seeds {
    pub(super) fn open(dir: &Path, key: SeedKey) -> Result<Self, Failure> {
        let seeds = Self {
            dir: dir.to_owned(),
            key,
        };
        let made = DirBuilder::new().recursive(true).mode(0o700).create(dir.join(EACH));
        let made = made.and_then(|()| File::open(dir)?.sync_all());
        made.map_err(|error| Failure::new(format!("{}: {error}", dir.display())))?;
        Ok(seeds)
    }

    fn path(&self, serial_number: &str) -> PathBuf {
        self.dir.join(EACH).join(format!("{serial_number}.pskc"))
    }

    /// True if there may be a token with a secret that is kept here.
    pub(super) fn has(&self, serial_number: &str) -> bool {
        fs::exists(self.path(serial_number)).unwrap_or(true)
    }

    /// On disk when it returns.
    pub(super) fn keep(&self, seed: &Seed) -> Result<(), Failure> {
        let path = self.path(&seed.serial_number);
        // Another file of the same token would be the only trace of a secret that may be sealed.
        if fs::exists(&path).unwrap_or(true) {
            return Err(Failure::new(format!("{} is there already", path.display())));
        }
        self.write(&path, [seed])
    }

    /// The token's secret, out of what is on disk.
    pub(super) fn read(&self, serial_number: &str) -> Result<Seed, Failure> {
        self.read_from(&self.path(serial_number), serial_number)
    }

    fn read_from(&self, path: &Path, serial_number: &str) -> Result<Seed, Failure> {
        let seeds = self.key.read_seeds(path)?;
        let found = seeds.into_iter().find(|seed| seed.serial_number == serial_number);
        found.ok_or_else(|| Failure::new(format!("{} does not hold {serial_number}", path.display())))
    }

    /// Forgets a secret that no token will use; on disk when it returns.
    pub(super) fn forget(&self, serial_number: &str) -> Result<(), Failure> {
        let path = self.path(serial_number);
        let gone = match fs::remove_file(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            other => other,
        };
        let gone = gone.and_then(|()| sync_dir(&self.dir.join(EACH)));
        gone.map_err(|error| Failure::new(format!("{}: {error}", path.display())))
    }

    /// Makes one file of those that are done, in this order; the others go.
    pub(super) fn gather(&self, serial_numbers: &[&str]) -> Result<PathBuf, Failure> {
        let all = self.dir.join(ALL);
        if !fs::exists(&all).unwrap_or(true) {
            let seeds: Result<Vec<_>, _> = serial_numbers.iter().map(|number| self.read(number)).collect();
            self.write(&all, &seeds?)?;
        }
        self.assert_held(&all, serial_numbers)?;
        let emptied = fs::remove_dir_all(self.dir.join(EACH)).and_then(|()| sync_dir(&self.dir));
        emptied.map_err(|error| Failure::new(format!("{}: {error}", self.dir.join(EACH).display())))?;
        Ok(all)
    }

    /// Takes the tokens of [`gather`](Self::gather)'s file into the inventory.
    pub(super) fn take_in(&self, all: &Path, client: &Client, batch: &str) -> Result<String, Failure> {
        let file = fs::read(all).map_err(|error| Failure::new(format!("{}: {error}", all.display())))?;
        import::take_in(client, &file, batch, &self.key)
    }

    /// Checks that what goes is in the file, whoever wrote that: in no other place is it any more.
    fn assert_held(&self, all: &Path, serial_numbers: &[&str]) -> Result<(), Failure> {
        let held = self.key.read_seeds(all)?;
        let held: HashMap<_, _> = held.iter().map(|seed| (&*seed.serial_number, &seed.secret)).collect();
        let other = |what: &str, number: &str| {
            Failure::new(format!("{} holds {what} of {number}", all.display()))
                .help("it is another batch's: move it to a directory of its own, and repeat the command")
        };
        for &number in serial_numbers {
            let secret = held.get(number).ok_or_else(|| other("no secret", number))?;
            if self.has(number) && self.read(number)?.secret.expose_secret() != secret.expose_secret() {
                return Err(other("another secret", number));
            }
        }
        Ok(())
    }

    fn write<'s>(&self, path: &Path, seeds: impl IntoIterator<Item = &'s Seed>) -> Result<(), Failure> {
        let protect = Protect::Key {
            key: self.key.expose_secret(),
            name: None,
        };
        let file = pskc::write_encrypted(seeds, &protect, crate::commands::token::port::fill).map_err(Failure::new)?;
        private_file::write(path, &file).map(drop).map_err(|error| {
            Failure::new(format!("{}: {error}", path.display()))
                .help("make room on the disk and repeat the command: it goes on where it stopped")
        })
    }
}

fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}
