#![no_std]
#![no_main]
use nrf52840 as _;
#[panic_handler]
fn p(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
