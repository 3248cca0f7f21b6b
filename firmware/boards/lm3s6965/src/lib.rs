#![doc = include_str!("../README.md")]
#![no_std]

mod at24c64;
mod button;
mod chip;
mod ds1338;
mod i2c;
mod interrupts;
mod line;
mod ports;
mod register;
mod ssd0323;
mod ssi;
mod uptime;

pub use ports::Lm3s6965;
