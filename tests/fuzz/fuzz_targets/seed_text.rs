#![no_main]

#[path = "../targets/seed_text.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|data: &[u8]| target::run(data));
