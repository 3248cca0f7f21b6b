//! The workspace of the firmware, and what cargo makes of it.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::{cortex_m, machine, report::Outcome};

pub(crate) const MANIFEST: &str = "firmware/Cargo.toml";
const WORKSPACE: &str = "firmware";
const TARGET_DIR: &str = "target/firmware";

/// One that the firmware is built for.
pub(crate) struct Board {
    pub(crate) name: &'static str,
    pub(crate) target: &'static str,
}

/// The board that QEMU emulates.
pub(crate) const EMULATED: Board = Board {
    name: "lm3s6965",
    target: "thumbv7m-none-eabi",
};

const BOARDS: [Board; 2] = [
    EMULATED,
    Board {
        name: "nrf52840",
        target: "thumbv7em-none-eabihf",
    },
];

impl Board {
    /// The ELF file of one of its programs: `token` or `self-test`.
    pub(crate) fn program(&self, program: &str) -> PathBuf {
        self.program_in(Path::new(TARGET_DIR), program)
    }

    fn program_in(&self, target_dir: &Path, program: &str) -> PathBuf {
        let release = machine::root().join(target_dir).join(self.target).join("release");
        release.join(format!("{program}-{}", self.name))
    }

    /// The token alone, without its serial line, where it does not overwrite the real one.
    pub(crate) fn build_without_session(&self) -> Result<PathBuf, String> {
        let target_dir = Path::new(TARGET_DIR).join("without-session");
        let mut cargo = self.cargo("build", &target_dir);
        cortex_m::target(&mut cargo, self.target)?;
        cargo.args(["--no-default-features", "--bin", &format!("token-{}", self.name)]);
        machine::run(&mut cargo)?;
        Ok(self.program_in(&target_dir, "token"))
    }

    fn build(&self) -> Outcome {
        let mut cargo = self.cargo("build", Path::new(TARGET_DIR));
        let compiler = cortex_m::target(&mut cargo, self.target)?;
        machine::run(&mut cargo)?;
        Ok(compiler)
    }

    fn cargo(&self, command: &str, target_dir: &Path) -> Command {
        let mut cargo = machine::cargo();
        cargo.current_dir(machine::root().join(WORKSPACE)); // there cargo finds the workspace's .cargo/config.toml
        cargo.args([command, "--release", "--target-dir"]);
        cargo.arg(machine::root().join(target_dir));
        cargo.args(["--package", &format!("countersign-token-{}", self.name)]);
        cargo
    }
}

/// Builds every program of every board, and with it whatever must do without std and heap (invariant 2).
pub(crate) fn build() -> Outcome {
    let mut notes = Vec::new();
    for board in BOARDS {
        notes.push(format!("{} for {}, {}", board.name, board.target, board.build()?));
    }
    Ok(notes.join("; "))
}

/// The parts of boards that a desk can test.
pub(crate) fn test() -> Outcome {
    let mut cargo = machine::cargo_verbose();
    cargo.args(["test", "--manifest-path", MANIFEST, "--target-dir", TARGET_DIR]);
    machine::run(cargo.args(["--package", "countersign-board"]))
}
