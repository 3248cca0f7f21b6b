//! A user's factors as a change of them finds them: the row with its devices, and the settings of protection.

use store::{Owner, Protection, ProtectionMethod, ProtectionSetting, User, Write};
use verify::UnixMs;

use crate::{Core, ServiceError};

/// A user's factors, as read for a change of them.
pub(crate) struct Factors {
    /// On whose revision the change depends; a new row for a user who has none.
    pub(crate) user: User,
    /// The settings.
    pub(crate) protection: Option<Protection>,
}

impl Factors {
    /// The settings with a code asked for where these boxes are ticked; what is not ticked stays as it was (B5).
    pub(crate) fn settings_protected_by_mfa(&self, login: bool, operation: bool, now: UnixMs) -> Protection {
        let mut next = self.settings();
        for (ticked, setting) in [
            (login, &mut next.login_protection),
            (operation, &mut next.operation_protection),
        ] {
            if ticked && setting.method != ProtectionMethod::Mfa {
                *setting = ProtectionSetting::of(ProtectionMethod::Mfa, now);
            }
        }
        next
    }

    /// The settings without those that ask for a code, for there is no device any more (U1); external methods go on.
    pub(crate) fn settings_without_mfa(&self, now: UnixMs) -> Protection {
        self.settings_with(
            |method| (*method == ProtectionMethod::Mfa).then_some(ProtectionMethod::None),
            now,
        )
    }

    /// The settings with a code in place of external methods, which were another holder's.
    pub(crate) fn settings_without_external(&self, now: UnixMs) -> Protection {
        let is_external = |method: &ProtectionMethod| matches!(method, ProtectionMethod::External(_));
        self.settings_with(|method| is_external(method).then_some(ProtectionMethod::Mfa), now)
    }

    /// The settings with this method where a code was asked for.
    pub(crate) fn settings_with_method(&self, method: &ProtectionMethod, now: UnixMs) -> Protection {
        self.settings_with(|old| (*old == ProtectionMethod::Mfa).then(|| method.clone()), now)
    }

    fn settings_with(&self, other: impl Fn(&ProtectionMethod) -> Option<ProtectionMethod>, now: UnixMs) -> Protection {
        let mut next = self.settings();
        for setting in [
            &mut next.login_protection,
            &mut next.operation_protection,
            &mut next.suspicious_login_protection,
        ] {
            if let Some(method) = other(&setting.method) {
                *setting = ProtectionSetting::of(method, now);
            }
        }
        next
    }

    /// The settings as they are, or as they are before anything was set.
    pub(crate) fn settings(&self) -> Protection {
        let settings = self.protection.clone();
        settings.unwrap_or_else(|| Protection::none(self.user.owner.clone()))
    }

    /// The write that changes the settings of protection, if they become others.
    pub(crate) fn become_protected(&self, next: Protection) -> Option<Write> {
        let expected = self.protection.as_ref().map(|old| old.version);
        let version = expected.unwrap_or(0);
        let is_set = self.settings()
            != Protection {
                version,
                ..next.clone()
            };
        is_set.then(|| {
            let version = version + 1;
            Write::put(expected, &Protection { version, ..next })
        })
    }
}

/// The write of a row in which no device came or went.
pub(crate) fn touched(user: User) -> Write {
    if user.revision.is_some() {
        user.used()
    } else {
        user.changed()
    }
}

impl Core {
    /// The factors that a change of them stands on: whatever changes them meanwhile changes the revision of the user's row, and what
    /// expected it misses.
    pub(crate) async fn factors(&self, owner: &Owner, now: UnixMs) -> Result<Factors, ServiceError> {
        let user = self.row(owner, now).await?;
        let protection = self.store.protection(owner.clone()).await?;
        Ok(Factors { user, protection })
    }

    /// The row of this user; a new one for somebody who has none, which is written by what stands on it, or by itself.
    pub(crate) async fn row(&self, owner: &Owner, now: UnixMs) -> Result<User, ServiceError> {
        match self.store.user(owner.clone()).await? {
            Some(user) => Ok(user),
            None => self.trail.strangers.row(self, owner, now),
        }
    }
}
