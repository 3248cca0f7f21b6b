//! The terminal: taken over whole, and given back whatever happens.

use std::{
    io::{self, Write as _},
    mem, panic,
    sync::{
        Once,
        atomic::{AtomicBool, Ordering},
    },
};

use crossterm::{
    cursor::Show,
    event::{DisableBracketedPaste, EnableBracketedPaste},
    execute,
    terminal::{Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode},
};
use ratatui::{Terminal, backend::CrosstermBackend, buffer::Buffer};
use rustix::termios::tcgetattr;

use super::{model::Model, view::view};

/// There is one terminal, and a panic has to know whether it is taken.
static IS_OURS: AtomicBool = AtomicBool::new(false);

pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<io::Stdout>>,
    clusters: Clusters,
}

/// Characters that are drawn in one place, and where. Terminals disagree with `unicode-width`, and with each other, on
/// how wide a flag, a family or a conjunct is; what is left of one is nobody's cell, and is not drawn over.
type Clusters = Vec<(usize, String)>;

impl Screen {
    pub(super) fn open() -> io::Result<Self> {
        restore_on_panic();
        enter()?;
        let terminal = Terminal::new(CrosstermBackend::new(io::stdout())).inspect_err(|_| leave())?;
        Ok(Self {
            terminal,
            clusters: Clusters::new(),
        })
    }

    /// Writes the cells that have changed since the last time.
    pub(super) fn draw(&mut self, model: &Model) -> io::Result<()> {
        // A panic that was caught (what reads pictures has them) has given the terminal back.
        if !IS_OURS.load(Ordering::SeqCst) {
            self.again()?;
        }
        let mut clusters = Clusters::new();
        self.terminal.draw(|frame| {
            view(model, frame);
            clusters = clusters_of(frame.buffer_mut());
        })?;
        if clusters != self.clusters {
            self.clusters = clusters;
            self.redraw()?;
            self.terminal.draw(|frame| view(model, frame))?;
        }
        Ok(())
    }

    /// Writes everything, next time. (`Terminal::clear` asks the terminal where its cursor is, and not every one answers.)
    pub(super) fn redraw(&mut self) -> io::Result<()> {
        execute!(io::stdout(), Clear(ClearType::All))?;
        self.terminal = Terminal::new(CrosstermBackend::new(io::stdout()))?;
        Ok(())
    }

    /// Gives the terminal back for `meanwhile`.
    pub(super) fn aside(&mut self, meanwhile: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        leave();
        let done = meanwhile();
        self.again()?;
        done
    }

    /// Gives the terminal back, if there still is one.
    pub(super) fn close(self) {
        // `Terminal` complains on stderr of a cursor that it cannot show, and where nothing can be written that is a panic.
        if tcgetattr(io::stdout()).is_err() {
            mem::forget(self);
        }
    }

    /// Takes the terminal over again, from whoever had it.
    pub(super) fn again(&mut self) -> io::Result<()> {
        enter()?;
        self.redraw()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        leave();
    }
}

fn clusters_of(buffer: &Buffer) -> Clusters {
    let cells = buffer.content().iter().enumerate();
    cells
        .filter(|(_, cell)| cell.symbol().chars().nth(1).is_some())
        .map(|(at, cell)| (at, cell.symbol().to_owned()))
        .collect()
}

fn enter() -> io::Result<()> {
    enable_raw_mode()?;
    IS_OURS.store(true, Ordering::SeqCst);
    execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste).inspect_err(|_| leave())
}

/// Once: a second time would move the shell's cursor over what was said since. Nobody is left to be told when the terminal
/// is gone.
fn leave() {
    if !IS_OURS.swap(false, Ordering::SeqCst) {
        return;
    }
    let _gone = execute!(io::stdout(), DisableBracketedPaste, LeaveAlternateScreen, Show);
    let _gone = disable_raw_mode();
    let _gone = io::stdout().flush();
}

/// The message of a panic belongs on the shell's screen, not on the one that vanishes.
fn restore_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let says = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            leave();
            says(info);
        }));
    });
}
