//! Hardware tokens: imported in lots, found, assigned, marked and exported.

pub(crate) mod binding;
pub(crate) mod export;
pub(crate) mod find_by_code;
pub(crate) mod import;
pub(crate) mod lots;
pub(crate) mod tokens;
pub(crate) mod transition;

pub use export::{EXPORT_MAX, ExportedTokens, NewExport};
pub use import::{IMPORT_MAX, NewImport, OpenedBy, Receipt, Refused, SeedFile};
pub use lots::{NewLot, OPEN_TO_MAX};
pub use tokens::TokenView;
pub use transition::TokenTransition;

use crate::Role;

/// The roles of the desk that keeps the inventory.
pub(crate) const DESK: &[Role] = &[Role::Inventory];
/// Those of support, too.
pub(crate) const DESK_OR_SUPPORT: &[Role] = &[Role::Inventory, Role::Support];
/// The inventory, which a key that is limited to some accounts does not see.
pub(crate) const INVENTORY: &str = "inventory";
