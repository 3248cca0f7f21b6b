//! What the disk asks for one durable append.

use std::{
    fs::{File, OpenOptions},
    io::Write as _,
    path::Path,
};

use crate::Any;

/// A file that is appended to.
pub(crate) struct Disk(File);

impl Disk {
    pub(crate) fn new(dir: &Path) -> Any<Self> {
        Ok(Self(
            OpenOptions::new()
                .create(true)
                .append(true)
                .open(dir.join("appended"))?,
        ))
    }

    /// 4 KiB more, durable.
    pub(crate) fn append(&mut self) -> Any<()> {
        self.0.write_all(&[7; 4_096])?;
        self.0.sync_data()?;
        Ok(())
    }
}
