//! The host's side against the simulated token: over a cable in memory, and over a real pseudo-terminal.

mod attacks;
mod cable;
mod life;
mod port;
mod silence;
