//! The use cases, one file each, over ports: [`Clock`], [`Entropy`], [`Sealer`], [`Signer`] and a
//! [`store::Store`].
//!
//! Every use case is load, judge, one commit; what it answers is on disk before it answers. Verification
//! goes through a lane, which makes a batch of what waits; everything else writes by itself and
//! is judged again when somebody else was faster.

mod allowance;
mod ask;
mod batch;
mod batches;
mod caller;
mod clock;
mod confirm;
mod core;
mod devices;
mod enrollment;
mod erase;
mod error;
mod event;
mod export;
mod factor;
mod find_by_code;
mod history;
mod hourly;
mod housekeeping;
mod identity;
mod import;
mod inventory;
mod keys;
mod lane;
mod life;
mod memo;
mod names;
mod ports;
mod recovery;
mod recovery_set;
mod request_id;
mod rotation;
mod sealing;
mod settings;
mod start;
mod strangers;
mod tally;
mod tokens;
mod trail;
mod turns;
mod unbind;
mod verification;
mod vouch;
mod witness;

pub use ask::{Acceptance, Answer};
pub use batches::{NewBatch, OPEN_TO_MAX};
pub use caller::{Actor, ActorKind, Caller, Client, Origin};
pub use confirm::Confirmation;
pub(crate) use core::Core;
pub use core::{Ports, Service};
pub use devices::{DeviceView, UserView};
pub use error::{Hint, ServiceError};
pub use export::{EXPORT_MAX, ExportedTokens, NewExport};
pub use factor::{Factor, Method};
pub use import::{IMPORT_MAX, NewImport, OpenedBy, Receipt, Refused, SeedFile};
pub use keys::NewKey;
pub use life::Passage;
pub use ports::{Clock, Entropy, PortError, Sealer, Signer};
pub use rotation::{end_witness, reseal};
pub use settings::Settings;
pub use start::{NewBinding, NewDevice, Offer, Replacement, Shown};
pub use tokens::TokenView;
pub use trail::{Finding, Record, Report, SignedHead, verify_trail};
pub use verification::Question;
pub use vouch::{ClockStatus, DeviceAhead, look_at_clock};
pub use witness::prove_keyring;

// The nouns that the use cases and the ports speak, so that whoever calls or implements them needs no other
// crate of ours.
pub use otp::{Algorithm, Parameters, Period, Secret};
pub use pskc::{Encoding, Seed};
pub use store::{
    ApiKey, Batch, Damage, Export, ExportState, Id, IdentityProof, OpenTo, Owner, Protection, Role, Sealed, Stage,
    TokenFilter, audit,
};
pub use verify::{Kind, Purpose, Standing, UnixMs};
