//! One login on an idle service, beside what the disk asks for one durable append.

use std::{
    fs::{File, OpenOptions},
    io::Write as _,
    path::Path,
    time::{Duration, Instant},
};

use crate::{
    Any,
    scenario::{Callers, Scenario, Shots, Slice},
};

/// Logins, then appends, in turn.
const TURN: usize = 10;

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

    /// 4 KiB more, durable; how long it took, in microseconds.
    fn append(&mut self) -> Any<u32> {
        let begun = Instant::now();
        self.0.write_all(&[7; 4_096])?;
        self.0.sync_data()?;
        Ok(begun.elapsed().as_micros() as u32)
    }
}

/// Logins one at a time for this long, and the appends between them.
pub(crate) async fn slice(
    callers: &mut Callers,
    shots: &Shots,
    disk: &mut Disk,
    length: Duration,
) -> Any<(Slice, Vec<u32>)> {
    let (mut all, mut appends_us) = (Slice::default(), Vec::new());
    let begun = Instant::now();
    while begun.elapsed() < length {
        all.add(callers.lone(shots, Scenario::Single, TURN).await?);
        for _ in 0..TURN {
            appends_us.push(disk.append()?);
        }
    }
    Ok((all, appends_us))
}
