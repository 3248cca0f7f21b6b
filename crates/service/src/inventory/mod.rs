//! Hardware tokens: imported in lots, found, assigned, marked and exported.

pub(crate) mod binding;
pub(crate) mod export;
pub(crate) mod find_by_code;
pub(crate) mod import;
mod label;
pub(crate) mod lots;
mod of_user;
mod overview;
pub(crate) mod receipt;
mod seed_file;
pub(crate) mod tokens;
pub(crate) mod transition;

pub use export::{EXPORT_MAX, ExportedTokens, NewExport};
pub use import::{IMPORT_MAX, NewImport};
pub use label::serial_number_qr;
pub use lots::{NewLot, OPEN_TO_MAX};
pub use overview::LotClocks;
pub use receipt::{ImportRemark, Receipt, Refused, SeedFileError, TokenRefusal};
pub use seed_file::{OpenedBy, SeedFile};
pub use tokens::TokenView;
pub use transition::{TokenMove, TokenTransition};

use crate::Role;

/// The roles of the desk that keeps the inventory.
pub(crate) const DESK: &[Role] = &[Role::Inventory];
/// Those of support, too.
pub(crate) const DESK_OR_SUPPORT: &[Role] = &[Role::Inventory, Role::Support];
/// The inventory, which a key that is limited to some accounts does not see.
pub(crate) const INVENTORY: &str = "inventory";
