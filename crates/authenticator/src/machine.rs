use std::path::PathBuf;

use crate::{Bind, Binding, Refusal};

/// Speaks with the service that a binding is to be made with.
pub type Connect = fn(&Bind) -> Result<Box<dyn Binding>, Refusal>;

/// The machine's clock, randomness and places: nothing in this crate asks for it by itself.
pub struct Machine {
    /// Milliseconds since 1970.
    pub unix_ms: fn() -> u64,
    /// Fills the whole slice from a cryptographic source.
    pub entropy: fn(&mut [u8]) -> Result<(), String>,
    /// The user's own directory, which paths that begin with `~/` mean, if there is one.
    pub home_dir: Option<PathBuf>,
    /// Where the user's data of this program belongs, if anywhere.
    pub data_dir: Option<PathBuf>,
    /// Where the user's sockets may be, the best place first: the same whatever the environment says, so that `lock` finds
    /// what `unlock` left in another shell.
    pub runtime_dirs: Vec<PathBuf>,
    /// This program, to be started again in the background.
    pub executable: PathBuf,
    /// The name of the locale for messages, such as `zh_CN.UTF-8`; empty where none is set.
    pub locale: String,
    /// Speaks with a Countersign service.
    pub connect: Connect,
    /// Whether colours are unwanted.
    pub no_color: bool,
}

impl Machine {
    pub(crate) fn unix_s(&self) -> u64 {
        (self.unix_ms)() / 1_000
    }
}
