//! Hands the board's memory map to cortex-m-rt's linker script.
#![allow(clippy::disallowed_methods, reason = "a build script is told by its environment")]

fn main() {
    let directory = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    println!("cargo::rustc-link-search={directory}");
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
    println!("cargo::rustc-link-arg-bins=--nmagic"); // sections are not aligned to pages that the chip does not have
    println!("cargo::rerun-if-changed=memory.x");
}
