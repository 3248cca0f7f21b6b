//! An X11 desktop without a monitor, and terminals on it.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::{python, run};

/// `Xvfb`, ended when dropped.
pub(crate) struct Desktop {
    server: Child,
    display: String,
}

impl Desktop {
    pub(crate) fn start() -> Self {
        let mut server = Command::new("Xvfb")
            .args([
                "-displayfd",
                "1",
                "-screen",
                "0",
                "1400x1000x24",
                "-nolisten",
                "tcp",
                "-noreset",
            ])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Xvfb cannot be run: install the Debian package xvfb");
        // it says its number when it is ready for clients
        let mut number = String::new();
        BufReader::new(server.stdout.take().unwrap())
            .read_line(&mut number)
            .unwrap();
        let display = format!(":{}", number.trim());
        Self { server, display }
    }

    pub(crate) fn display(&self) -> &str {
        &self.display
    }

    /// A terminal that shows the file; all of it is on the screen when this returns.
    pub(crate) fn terminal(&self, text: &Path, look: &[&str]) -> Terminal {
        let shown = text.with_extension("shown");
        fs::remove_file(&shown).ok();
        // the terminal answers where its cursor is after it has drawn what came before
        let script =
            "cat \"$0\"; stty -icanon -echo; printf '\\033[6n'; head -c 4 >/dev/null; : >\"$1\"; exec sleep 600";
        let terminal = Command::new("xterm")
            .args(["-u8", "-geometry", "140x70+0+0"])
            .args(look)
            .args(["-e", "sh", "-c", script])
            .args([text, &shown])
            .env("DISPLAY", &self.display)
            .env("LC_ALL", "C.UTF-8")
            .stderr(Stdio::null())
            .spawn()
            .expect("xterm cannot be run: install the Debian package xterm");
        let started = Instant::now();
        while !shown.exists() {
            assert!(started.elapsed() < Duration::from_secs(30), "xterm shows nothing");
            thread::sleep(Duration::from_millis(10));
        }
        Terminal(terminal)
    }

    /// What Pillow sees on the screen.
    pub(crate) fn screenshot(&self, picture: &Path) {
        let script = "import sys; from PIL import ImageGrab; ImageGrab.grab(xdisplay=sys.argv[1]).save(sys.argv[2])";
        run(python().args(["-c", script, &self.display]).arg(picture));
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        self.server.kill().ok();
        self.server.wait().ok();
    }
}

/// `xterm`, ended when dropped.
pub(crate) struct Terminal(Child);

impl Drop for Terminal {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}
