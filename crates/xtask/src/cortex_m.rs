//! A compiler for the processors of tokens.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::{machine, packages, report::Outcome};

/// The path at which Debian's packages put a compiler that comes with the sources of its own `core`.
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_PACKAGES: [&str; 2] = ["rustc-web", "rust-web-src"];

/// Has cargo build for this target: with its `core` of the toolchain in use or, where rustup's servers are out of
/// reach, with one that Debian's compiler builds from source. That way builds no `alloc`, so it also proves that no heap
/// is used. Returns which.
pub(crate) fn target(cargo: &mut Command, target: &str) -> Outcome {
    cargo.args(["--target", target]);
    if sysroot_has("rustc", target) {
        return Ok("rustup's target".into());
    }
    ensure_debian_compiler(target)?;
    // Debian's compiler comes without a linker.
    let linker = format!("CARGO_TARGET_{}_LINKER", target.to_uppercase().replace(['-', '.'], "_"));
    cargo
        .env("RUSTC", DEBIAN_RUSTC)
        .env("RUSTC_BOOTSTRAP", "1")
        .env(linker, rustup_linker()?)
        .env_remove("LD_LIBRARY_PATH") // `cargo run` put the other compiler's libraries there
        .arg("-Zbuild-std=core");
    let version = machine::output(without_libraries(DEBIAN_RUSTC).arg("--version"))?;
    Ok(format!("core built by Debian's {version}"))
}

fn ensure_debian_compiler(target: &str) -> Result<(), String> {
    if sysroot_has(DEBIAN_RUSTC, "src/rust/library/core") {
        return Ok(());
    }
    eprintln!("   {target} is missing: `rustup target add {target}` is the quick way; trying Debian's compiler");
    packages::install(&DEBIAN_PACKAGES)
        .map_err(|wrong| format!("run `rustup target add {target}`; or else {wrong}"))?;
    if sysroot_has(DEBIAN_RUSTC, "src/rust/library/core") {
        Ok(())
    } else {
        Err(format!(
            "{} are installed, but {DEBIAN_RUSTC} has no sources of core",
            DEBIAN_PACKAGES.join(" and ")
        ))
    }
}

/// The linker that comes with the toolchain in use.
fn rustup_linker() -> Result<PathBuf, String> {
    let rustlib = rustlib("rustc")?;
    let version = machine::output(without_libraries("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let linker = rustlib.join(host.unwrap_or_default()).join("bin/rust-lld");
    if linker.is_file() {
        Ok(linker)
    } else {
        Err(format!("the toolchain in use has no {}", linker.display()))
    }
}

fn sysroot_has(rustc: &str, below_rustlib: &str) -> bool {
    rustlib(rustc).is_ok_and(|rustlib| rustlib.join(below_rustlib).is_dir())
}

fn rustlib(rustc: &str) -> Result<PathBuf, String> {
    let sysroot = machine::output(without_libraries(rustc).args(["--print", "sysroot"]))?;
    Ok(Path::new(&sysroot).join("lib/rustlib"))
}

fn without_libraries(rustc: &str) -> Command {
    let mut rustc = Command::new(rustc);
    rustc.env_remove("LD_LIBRARY_PATH");
    rustc
}
