#![no_main]

#[path = "../targets/otp_code.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|data: &[u8]| target::run(data));
