#![doc = include_str!("../README.md")]
#![no_std]

mod button;
mod faults;
mod line;
mod ports;
mod ssd1306;
mod uptime;

pub use ports::Nrf52840;
