//! Sealing and signing under a key file, with rotation.
