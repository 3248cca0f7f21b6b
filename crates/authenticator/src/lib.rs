//! The virtual device on the desk: its vault on disk, its command line, its terminal interface, pictures of QR codes.
//!
//! Clock, randomness and environment are arguments; nothing here knows the service, a store or the network.

pub mod picture;
