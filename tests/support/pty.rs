//! A pseudo-terminal, and the program that is started on it.

use std::{
    fs::{File, OpenOptions},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use rustix::{
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{Winsize, tcsetwinsize},
};

use super::process::bare;

pub(crate) struct Pty {
    /// The end where somebody types and reads.
    pub(crate) keyboard: File,
    /// The end of the program.
    pub(crate) slave: File,
}

impl Pty {
    pub(crate) fn open(columns: u16, rows: u16) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a pty");
        grantpt(&master).expect("a pty");
        unlockpt(&master).expect("a pty");
        let name = ptsname(&master, Vec::new())
            .expect("a name")
            .into_string()
            .expect("UTF-8");
        let slave = OpenOptions::new()
            .read(true)
            .write(true)
            .open(PathBuf::from(name))
            .expect("a terminal");
        let keyboard = File::from(master);
        resize(&keyboard, columns, rows);
        Self { keyboard, slave }
    }

    /// Starts a command as the leader of a session on this terminal (`setsid`, from util-linux).
    pub(crate) fn start(&self, command: &Command) -> Child {
        let stdio = || Stdio::from(self.slave.try_clone().expect("a descriptor"));
        let mut leader = bare("setsid");
        leader
            .arg("--ctty")
            .arg(command.get_program())
            .args(command.get_args())
            .envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.get_current_dir().map(|dir| leader.current_dir(dir));
        leader
            .stdin(stdio())
            .stdout(stdio())
            .stderr(stdio())
            .spawn()
            .expect("setsid")
    }
}

pub(crate) fn resize(keyboard: &File, columns: u16, rows: u16) {
    let size = Winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(keyboard, size).expect("a size");
}
