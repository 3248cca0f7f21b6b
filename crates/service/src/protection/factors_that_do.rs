//! What would do as the fresh factor of a change (U5), as a refusal says it: true for this user, and this change.

use std::{fmt, slice};

use crate::{ServiceError, protection::catalogue::rows_of};

/// The factors that would do for a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FactorsThatDo {
    /// A device is bound: then a grant counts only if a device or a recovery code gave it (P3a).
    pub has_device: bool,
    /// What a grant of an identity check is for; none where no grant does.
    pub operations: &'static [&'static str],
}

impl FactorsThatDo {
    /// For what this action does to a user, who has a device or none.
    pub(crate) fn of(action: &str, has_device: bool) -> Self {
        Self {
            has_device,
            operations: rows_of(action),
        }
    }

    /// The same, where the change is this row of the catalogue and none of the action's others.
    pub(crate) fn meaning(self, row: &str) -> Self {
        let meant = self.operations.iter().find(|operation| **operation == row);
        Self {
            operations: meant.map_or(self.operations, slice::from_ref),
            ..self
        }
    }

    /// The words of a change that came without a factor.
    pub(crate) fn required(&self) -> String {
        let code = "a code of a device, or a recovery code";
        match (self.has_device, self.operations) {
            (true, []) => format!("this change needs a fresh factor of the user: {code}; no grant does"),
            (true, _) => {
                format!("this change needs a fresh factor of the user: {code}, or {self} that one of them gave")
            }
            (false, []) => {
                "this change needs a code of the user's device, and there is none: bind one first".to_owned()
            }
            (false, _) => format!(
                "this change needs a fresh factor of the user, who has no device: {self}, which any method gives that the \
                 challenge offers"
            ),
        }
    }

    /// The words of a change whose grant was refused; what is wrong with it is not said.
    pub(crate) fn refused(&self) -> String {
        let by = match self.has_device {
            true => "given by a device or a recovery code",
            false => "given by any method that its challenge offers",
        };
        match self.operations {
            [] => "no grant counts for this change".to_owned(),
            _ => format!("the grant does not count here: {self}, {by}, counts once within 5 minutes"),
        }
    }
}

/// The grant that does.
impl fmt::Display for FactorsThatDo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operations = self.operations.join("` or `");
        write!(f, "the grant of a challenge of purpose `identity` for `{operations}`")
    }
}

impl ServiceError {
    /// The same refusal of a change that is this row of the catalogue and none of its action's others.
    pub(crate) fn meaning(self, row: &str) -> Self {
        match self {
            Self::FactorRequired(doing) => Self::FactorRequired(doing.meaning(row)),
            Self::GrantRefused(doing) => Self::GrantRefused(doing.meaning(row)),
            other => other,
        }
    }
}
