//! The reasons: why it is so, and why not otherwise. Read in this order.
//!
//! 1. [`rules`]: what is promised, by the numbers that tests cite.
//! 2. [`defaults`]: what the service does when nobody says anything.
//! 3. [`clocks`]: when the service believes its clock, and the way out when it does not.
//! 4. [`single_use`]: why a code is accepted once, whatever crashes.
//! 5. [`drift`]: how a device's clock is followed, and how far.
//! 6. [`lockout`]: what wrong codes cost, and whom.
//! 7. [`protection`]: what login and operation services ask, and what they are given.
//! 8. [`audit`]: what the trail shows, and what it cannot.
//! 9. [`seed_files`]: what hardware tokens come in, and leave in.
//! 10. [`inventory`]: a token's life, and what is told of it to whom.
//! 11. [`wire_protocol`]: what a desk and a token say to each other, byte by byte.
//! 12. [`factory_desk`]: how tokens are programmed in a row, and what to do after a cut.
//! 13. [`store`]: what is kept, where, and how it is changed; how to read it by hand.
//! 14. [`storage_trial`]: what a row of the states and of the trail holds, with the figures that decided.
//! 15. [`figures`]: how fast, beside what.
//! 16. [`threat_model`]: who attacks, what holds, what does not.
//! 17. [`token_threat_model`]: who attacks a token, what holds, what does not.
//! 18. [`new_board`]: bringing up a new board.
//! 19. [`vault_format`]: what the authenticator keeps on disk, byte by byte.
//! 20. [`authenticator`]: what protects what on a desk, and the agent.
//! 21. [`pictures`]: what is read in a picture of a QR code, how surely, and within which limits.
//! 22. [`terminal_interface`]: the keys of the authenticator on a terminal, and what is hidden when.
//! 23. [`support`]: what support asks and does for users who are stuck.
//! 24. [`webhooks`]: who is told what happens, and where it may go.
//! 25. [`pages`]: how a console sends its users to the hosted pages, and what stands in front of them.
//! 26. [`names`]: when two names are one user, and how that is changed.

#[doc = include_str!("rules.md")]
pub mod rules {}

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

#[doc = include_str!("protection.md")]
pub mod protection {}

#[doc = include_str!("webhooks.md")]
pub mod webhooks {}

#[doc = include_str!("names.md")]
pub mod names {}

#[doc = include_str!("pages.md")]
pub mod pages {}

#[doc = include_str!("audit.md")]
pub mod audit {}

#[doc = include_str!("support.md")]
pub mod support {}

#[doc = include_str!("seed_files.md")]
pub mod seed_files {}

#[doc = include_str!("inventory.md")]
pub mod inventory {}

#[doc = include_str!("store.md")]
pub mod store {}

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
