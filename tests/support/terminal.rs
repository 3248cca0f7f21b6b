//! A terminal with a program in it, and what a person sees on it.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    num::NonZeroU16,
    os::unix::process::ExitStatusExt as _,
    process::{Child, Command, ExitStatus},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use rustix::{
    process::{Pid, Signal, kill_process},
    termios::{LocalModes, Termios, tcgetattr},
};
use vt100::{Callbacks, Parser, Screen};

use super::pty::{Pty, resize};

const PATIENCE: Duration = Duration::from_secs(60);

/// The clipboard, as the program asked for it.
#[derive(Default)]
pub(crate) struct Clipboard(pub(crate) Vec<u8>);

impl Callbacks for Clipboard {
    fn copy_to_clipboard(&mut self, _: &mut Screen, _: &[u8], data: &[u8]) {
        self.0 = data.to_vec();
    }
}

pub(crate) struct Terminal {
    child: Child,
    keyboard: File,
    slave: File,
    shown: Arc<Mutex<Parser<Clipboard>>>,
    before: Termios,
    looks_on: Arc<AtomicBool>,
    looker: Option<JoinHandle<()>>,
}

impl Terminal {
    /// Starts a command as the leader of a session on a terminal of its own.
    pub(crate) fn start(command: &Command, columns: u16, rows: u16) -> Self {
        let pty = Pty::open(columns, rows);
        let before = tcgetattr(&pty.slave).expect("a terminal");
        let child = pty.start(command);
        let Pty { keyboard, slave } = pty;
        let [high, wide] = [rows, columns].map(|n| NonZeroU16::new(n).expect("a size"));
        let shown = Arc::new(Mutex::new(Parser::new_with_callbacks(
            high,
            wide,
            0,
            Clipboard::default(),
        )));
        let mut wire = keyboard.try_clone().expect("a descriptor");
        let seen = Arc::clone(&shown);
        let looks_on = Arc::new(AtomicBool::new(true));
        let goes_on = looks_on.clone();
        let looker = thread::spawn(move || {
            let mut bytes = [0; 4_096];
            while let Ok(read @ 1..) = wire.read(&mut bytes)
                && goes_on.load(Ordering::SeqCst)
            {
                seen.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .process(&bytes[..read]);
            }
        });
        Self {
            child,
            keyboard,
            slave,
            shown,
            before,
            looks_on,
            looker: Some(looker),
        }
    }

    /// Takes the terminal away, as a window does that is closed; whoever looks on leaves after the next thing that is drawn.
    pub(crate) fn hang_up(&mut self) {
        self.looks_on.store(false, Ordering::SeqCst);
        self.looker.take().expect("it hangs up once").join().expect("a thread");
        for side in [&mut self.keyboard, &mut self.slave] {
            *side = File::open("/dev/null").expect("a device");
        }
    }

    pub(crate) fn types(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).expect("a terminal");
    }

    pub(crate) fn resize(&self, columns: u16, rows: u16) {
        let [high, wide] = [rows, columns].map(|n| NonZeroU16::new(n).expect("a size"));
        self.shown().set_size(high, wide);
        resize(&self.keyboard, columns, rows);
    }

    fn shown(&self) -> MutexGuard<'_, Parser<Clipboard>> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn screen(&self) -> String {
        self.shown().screen().contents()
    }

    pub(crate) fn clipboard(&self) -> Vec<u8> {
        self.shown().callbacks().0.clone()
    }

    /// Waits for a screen of which something is true.
    #[track_caller]
    pub(crate) fn see_that(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let until = Instant::now() + PATIENCE;
        while !is_so(self) {
            assert!(Instant::now() < until, "{what} was never seen:\n{}", self.screen());
            thread::sleep(Duration::from_millis(10));
        }
    }

    #[track_caller]
    pub(crate) fn see(&self, text: &str) {
        self.see_that(text, |terminal| terminal.screen().contains(text));
    }

    #[track_caller]
    pub(crate) fn see_no(&self, text: &str) {
        self.see_that("anything else", |terminal| !terminal.screen().contains(text));
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("a process");
    }

    pub(crate) fn has_ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a process")
    }

    #[track_caller]
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.has_ended() {
                return status;
            }
            assert!(Instant::now() < until, "it does not end:\n{}", self.screen());
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Whether it is the program's alone: its screen, and every key at once and unseen.
    pub(crate) fn is_taken(&self) -> bool {
        let modes = tcgetattr(&self.slave).expect("a terminal").local_modes;
        let is_raw = !modes.intersects(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG);
        is_raw && self.shown().screen().alternate_screen()
    }

    pub(crate) fn echoes(&self) -> bool {
        let now = tcgetattr(&self.slave).expect("a terminal");
        now.local_modes.contains(LocalModes::ECHO)
    }

    /// Whether the shell gets back what it lent.
    #[track_caller]
    pub(crate) fn is_as_it_was(&self) {
        self.see_that("the shell's screen", |terminal| {
            let shown = terminal.shown();
            !shown.screen().alternate_screen() && !shown.screen().hide_cursor() && !shown.screen().bracketed_paste()
        });
        let now = tcgetattr(&self.slave).expect("a terminal");
        assert_eq!(
            (now.local_modes, now.input_modes, now.output_modes),
            (
                self.before.local_modes,
                self.before.input_modes,
                self.before.output_modes
            )
        );
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// The signal that ended a process.
pub(crate) fn ended_by(status: ExitStatus) -> Option<i32> {
    status.signal()
}
