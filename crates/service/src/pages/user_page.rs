//! The pages that a page link may be for, and what else each lets its user see.

/// A page of the user's security settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UserPageName {
    /// All of them, from the device on.
    Security,
    /// Binding an authenticator app.
    Bind,
    /// Binding a hardware token.
    BindToken,
    /// A new device for an old one.
    Replace,
    /// Unbinding.
    Unbind,
    /// Login and operation protection.
    Protection,
    /// Protection of suspicious logins.
    SuspiciousLogin,
    /// Sessions.
    Sessions,
    /// Trusted browsers.
    TrustedDevices,
    /// What happened.
    History,
    /// New recovery codes.
    RecoveryCodes,
    /// What to do about a lost device.
    Lost,
}

impl UserPageName {
    /// Every page, in the order people are told them.
    pub const ALL: [Self; 12] = [
        Self::Security,
        Self::Bind,
        Self::BindToken,
        Self::Replace,
        Self::Unbind,
        Self::Protection,
        Self::SuspiciousLogin,
        Self::Sessions,
        Self::TrustedDevices,
        Self::History,
        Self::RecoveryCodes,
        Self::Lost,
    ];

    /// The name on the wire and in storage.
    pub fn name(self) -> &'static str {
        match self {
            Self::Security => "security",
            Self::Bind => "bind",
            Self::BindToken => "bind_token",
            Self::Replace => "replace",
            Self::Unbind => "unbind",
            Self::Protection => "protection",
            Self::SuspiciousLogin => "suspicious_login",
            Self::Sessions => "sessions",
            Self::TrustedDevices => "trusted_devices",
            Self::History => "history",
            Self::RecoveryCodes => "recovery_codes",
            Self::Lost => "lost",
        }
    }

    /// The page of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|page| page.name() == name)
    }

    /// Whether a link for this page lets its user see that one too. Binding may be by app or by token, and turning on what
    /// needs a device leads to binding; a recovery code replaces a lost device.
    pub fn leads_to(self, page: Self) -> bool {
        let binds = matches!(page, Self::Bind | Self::BindToken);
        match self {
            Self::Security => true,
            Self::Bind | Self::BindToken | Self::Replace | Self::Protection | Self::SuspiciousLogin => {
                page == self || binds
            }
            Self::Lost => page == self || page == Self::Replace || binds,
            _ => page == self,
        }
    }
}
