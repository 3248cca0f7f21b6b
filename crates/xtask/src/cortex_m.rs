//! The crates without std and heap, compiled for the token's processor.

use std::{path::Path, process::Command};

use crate::{machine, packages, report::Outcome};

/// The packages that must compile for it (invariant 2).
const PACKAGES: [&str; 1] = ["countersign-otp"];
const TARGET: &str = "thumbv7m-none-eabi";

/// Where Debian's packages put a compiler that comes with the sources of its own `core`.
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_PACKAGES: [&str; 2] = ["rustc-web", "rust-web-src"];

/// Builds with the target's `core` of the toolchain in use or, where rustup's servers are out of reach, with one that
/// Debian's compiler builds from source. That way builds no `alloc`, so it also proves that no heap is used.
pub(crate) fn build() -> Outcome {
    let mut cargo = machine::cargo();
    let target_dir = machine::root().join("target/cortex-m");
    cargo
        .args(["build", "--release", "--target", TARGET, "--target-dir"])
        .arg(target_dir);
    cargo.args(PACKAGES.iter().flat_map(|package| ["--package", package]));

    let compiler = if sysroot_has("rustc", TARGET) {
        "rustup's target".to_owned()
    } else {
        ensure_debian_compiler()?;
        cargo
            .env("RUSTC", DEBIAN_RUSTC)
            .env("RUSTC_BOOTSTRAP", "1")
            .arg("-Zbuild-std=core");
        cargo.env_remove("LD_LIBRARY_PATH"); // `cargo run` put the other compiler's libraries there
        format!(
            "core built by Debian's {}",
            machine::output(debian_rustc().arg("--version"))?
        )
    };
    machine::run(&mut cargo)?;
    Ok(format!("{} for {TARGET}, {compiler}", PACKAGES.join(", ")))
}

fn ensure_debian_compiler() -> Result<(), String> {
    if sysroot_has(DEBIAN_RUSTC, "src/rust/library/core") {
        return Ok(());
    }
    eprintln!("   {TARGET} is missing: `rustup target add {TARGET}` is the quick way; trying Debian's compiler");
    packages::install(&DEBIAN_PACKAGES)
        .map_err(|wrong| format!("run `rustup target add {TARGET}`; or else {wrong}"))?;
    if sysroot_has(DEBIAN_RUSTC, "src/rust/library/core") {
        Ok(())
    } else {
        Err(format!(
            "{} are installed, but {DEBIAN_RUSTC} has no sources of core",
            DEBIAN_PACKAGES.join(" and ")
        ))
    }
}

fn sysroot_has(rustc: &str, below_rustlib: &str) -> bool {
    machine::output(
        Command::new(rustc)
            .args(["--print", "sysroot"])
            .env_remove("LD_LIBRARY_PATH"),
    )
    .is_ok_and(|sysroot| Path::new(&sysroot).join("lib/rustlib").join(below_rustlib).is_dir())
}

fn debian_rustc() -> Command {
    let mut rustc = Command::new(DEBIAN_RUSTC);
    rustc.env_remove("LD_LIBRARY_PATH");
    rustc
}
