//! The binary: it wires nothing itself.

fn main() -> std::process::ExitCode {
    countersign::main()
}
