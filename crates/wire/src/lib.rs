//! The token's serial line.
#![no_std]
