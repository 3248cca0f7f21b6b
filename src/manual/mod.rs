//! The reasons: why it is so, and why not otherwise. Read in this order.
//!
//! 1. [`defaults`]: what the service does when nobody says anything.
//! 2. [`single_use`]: why a code is accepted once, whatever crashes.
//! 3. [`drift`]: how a device's clock is followed, and how far.
//! 4. [`lockout`]: what wrong codes cost, and whom.
//! 5. [`audit`]: what the trail shows, and what it cannot.
//! 6. [`seed_files`]: what hardware tokens come in, and leave in.
//! 7. [`inventory`]: a token's life, and what is told of it to whom.
//! 8. [`wire_protocol`]: what a desk and a token say to each other, byte by byte.
//! 9. [`factory_desk`]: how tokens are programmed in a row, and what to do after a cut.
//! 10. [`storage_trial`]: hot row or append-and-fold, with the figures that decided.
//! 11. [`figures`]: how fast, beside what.
//! 12. [`threat_model`]: who attacks, what holds, what does not.
//! 13. [`token_threat_model`]: who attacks a token, what holds, what does not.
//! 14. [`new_board`]: bringing up a new board.
//! 15. [`vault_format`]: what the authenticator keeps on disk, byte by byte.
//! 16. [`authenticator`]: what protects what on a desk, and the agent.
//! 17. [`pictures`]: what is read in a picture of a QR code, how surely, and within which limits.
//! 18. [`terminal_interface`]: the keys of the authenticator on a terminal, and what is hidden when.
//! 19. [`clocks`]: when the service believes its clock, and the way out when it does not.

#[doc = include_str!("defaults.md")]
pub mod defaults {}

#[doc = include_str!("single_use.md")]
pub mod single_use {}

#[doc = include_str!("clocks.md")]
pub mod clocks {}

#[doc = include_str!("drift.md")]
pub mod drift {}

#[doc = include_str!("lockout.md")]
pub mod lockout {}

#[doc = include_str!("audit.md")]
pub mod audit {}

#[doc = include_str!("seed_files.md")]
pub mod seed_files {}

#[doc = include_str!("inventory.md")]
pub mod inventory {}

#[doc = include_str!("storage_trial.md")]
pub mod storage_trial {}

#[doc = include_str!("figures.md")]
pub mod figures {}

#[doc = include_str!("threat_model.md")]
pub mod threat_model {}

#[doc = include_str!("wire_protocol.md")]
pub mod wire_protocol {}

#[doc = include_str!("token_threat_model.md")]
pub mod token_threat_model {}

#[doc = include_str!("factory_desk.md")]
pub mod factory_desk {}

#[doc = include_str!("new_board.md")]
pub mod new_board {}

#[doc = include_str!("vault_format.md")]
pub mod vault_format {}

#[doc = include_str!("authenticator.md")]
pub mod authenticator {}

#[doc = include_str!("pictures.md")]
pub mod pictures {}

#[doc = include_str!("terminal_interface.md")]
pub mod terminal_interface {}
