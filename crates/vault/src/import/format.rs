use std::fmt;

/// The formats that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `otpauth-migration:` URIs, alone or among `otpauth:` ones.
    GoogleMigration,
    /// A vault of this program.
    Vault,
    /// Aegis' vault.
    Aegis,
    /// 2FAS' backup.
    TwoFas,
    /// andOTP's backup.
    AndOtp,
    /// Bitwarden's CSV.
    BitwardenCsv,
    /// Bitwarden's JSON, of its password manager or its authenticator.
    BitwardenJson,
    /// Another password manager's CSV.
    PasswordCsv,
    /// FreeOTP's and FreeOTP+'s JSON.
    FreeOtp,
    /// Ente Auth's export.
    Ente,
    /// Proton Authenticator's export.
    Proton,
    /// Stratum's (once Authenticator Pro's) backup.
    Stratum,
    /// cotp's database, or its export as URIs.
    Cotp,
    /// Raivo's JSON.
    Raivo,
    /// LastPass Authenticator's JSON.
    LastPass,
    /// 1Password's 1PUX.
    OnePassword,
    /// Proton Pass' ZIP, not encrypted.
    ProtonPass,
    /// Steam's own account files.
    Steam,
    /// Authy's settings, of a rooted phone; and its tokens, as others' tools save them.
    Authy,
    /// Battle.net's settings, of a rooted phone.
    BattleNet,
    /// `otpauth:` URIs, a line each.
    UriList,
    /// A ZIP with an export of another format in it; once it is opened, that one is told.
    Zip,
}

impl Format {
    /// All of them, in no order that matters.
    pub const ALL: [Self; 22] = [
        Self::GoogleMigration,
        Self::Vault,
        Self::Aegis,
        Self::TwoFas,
        Self::AndOtp,
        Self::BitwardenCsv,
        Self::BitwardenJson,
        Self::PasswordCsv,
        Self::FreeOtp,
        Self::Ente,
        Self::Proton,
        Self::Stratum,
        Self::Cotp,
        Self::Raivo,
        Self::LastPass,
        Self::OnePassword,
        Self::ProtonPass,
        Self::Steam,
        Self::Authy,
        Self::BattleNet,
        Self::UriList,
        Self::Zip,
    ];

    /// What people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::GoogleMigration => "Google Authenticator",
            Self::Vault => "Countersign vault",
            Self::Aegis => "Aegis",
            Self::TwoFas => "2FAS",
            Self::AndOtp => "andOTP",
            Self::BitwardenCsv => "Bitwarden CSV",
            Self::BitwardenJson => "Bitwarden JSON",
            Self::PasswordCsv => "password manager's CSV",
            Self::FreeOtp => "FreeOTP",
            Self::Ente => "Ente Auth",
            Self::Proton => "Proton Authenticator",
            Self::Stratum => "Stratum",
            Self::Cotp => "cotp",
            Self::Raivo => "Raivo",
            Self::LastPass => "LastPass Authenticator",
            Self::OnePassword => "1Password",
            Self::ProtonPass => "Proton Pass",
            Self::Steam => "Steam",
            Self::Authy => "Authy",
            Self::BattleNet => "Battle.net",
            Self::Zip => "ZIP",
            Self::UriList => "list of otpauth URIs",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
