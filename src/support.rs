//! `[support]` of the config file: cool-downs of unbind requests, whose statements are taken for evidence, whether users apply
//! themselves, and who the staff are.

use std::collections::BTreeMap;

use api::Name;
use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;
use service::{EVIDENCE_KINDS, EvidenceProvider, Settings};
use verify::UnixMs;

use crate::Failure;

/// `[support]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub(crate) struct SupportTable {
    /// How long a request cools down on evidence of a kind.
    #[serde(default)]
    cool_down_hours: BTreeMap<String, u16>,
    /// Whose signed statements are taken.
    #[serde(default)]
    evidence_providers: Vec<ProviderTable>,
    /// A user who lost their device may apply for its end on a page of theirs.
    #[serde(default)]
    applications: bool,
    /// The account whose users are the operator's staff.
    staff_account: Option<String>,
}

/// One of `[[support.evidence_providers]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
struct ProviderTable {
    /// The `iss` of its statements.
    name: String,
    /// Ed25519: 32 bytes in base64url, the `x` of its JSON Web Key.
    public_key: String,
}

/// A fortnight: a user who waits longer is left alone.
const HOURS_MAX: u16 = 336;
const PROVIDERS_MAX: usize = 16;

impl SupportTable {
    pub(crate) fn set(&self, settings: &mut Settings) -> Result<(), Failure> {
        let cool_down = |(kind, hours): (&String, &u16)| match () {
            () if !EVIDENCE_KINDS.contains(&&**kind) => Err(Failure::usage(format!(
                "support.cool_down_hours has a kind of evidence that is none: choose from {}",
                EVIDENCE_KINDS.join(", ")
            ))),
            () if *hours > HOURS_MAX => Err(Failure::usage(format!(
                "support.cool_down_hours.{kind} is {hours}: 0 to {HOURS_MAX} are taken"
            ))),
            () => Ok((kind.clone(), i64::from(*hours) * UnixMs::HOUR)),
        };
        let cool_downs: Result<_, Failure> = self.cool_down_hours.iter().map(cool_down).collect();
        settings.support.cool_downs_ms = cool_downs?;
        if self.evidence_providers.len() > PROVIDERS_MAX {
            return Err(Failure::usage(format!(
                "support.evidence_providers: at most {PROVIDERS_MAX} are taken"
            )));
        }
        let providers: Result<Vec<_>, Failure> = self.evidence_providers.iter().enumerate().map(provider).collect();
        settings.support.evidence_providers = providers?;
        settings.support.applications = self.applications;
        if let Some(Err(error)) = self.staff_account.as_deref().map(Name::new) {
            return Err(Failure::usage(format!(
                "support.staff_account is no account's name: it {error}"
            )));
        }
        settings.support.staff_account.clone_from(&self.staff_account);
        Ok(())
    }
}

fn provider((at, table): (usize, &ProviderTable)) -> Result<EvidenceProvider, Failure> {
    let refused = |why: &str| Failure::usage(format!("support.evidence_providers, entry {}: {why}", at + 1));
    if table.name.is_empty() || table.name.len() > 64 || table.name == "countersign" {
        return Err(refused(
            "name is 1 to 64 bytes, and not `countersign`, which is the service itself",
        ));
    }
    let bytes = BASE64URL_NOPAD.decode(table.public_key.as_bytes()).ok();
    let public_key = bytes.and_then(|bytes| bytes.try_into().ok());
    Ok(EvidenceProvider {
        name: table.name.clone(),
        public_key: public_key.ok_or_else(|| refused("public_key is an Ed25519 key: 32 bytes in base64url"))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::ConfigFile;

    fn settings(text: &str) -> Result<Settings, String> {
        let file: ConfigFile = toml::from_str(text).expect("it is TOML of ours");
        file.settings().map_err(|failure| failure.to_string())
    }

    #[test]
    fn u2_users_apply_only_where_the_operator_says_so() {
        let default = settings("").expect("defaults").support;
        assert_eq!((default.applications, default.staff_account), (false, None));
        let text = "[support]\napplications = true\nstaff_account = \"staff\"\n";
        let own = settings(text).expect("right").support;
        assert_eq!((own.applications, own.staff_account.as_deref()), (true, Some("staff")));
    }

    #[test]
    fn a_staff_account_is_an_accounts_name() {
        for name in ["", "a\\nb", &"x".repeat(129)] {
            let told = settings(&format!("[support]\nstaff_account = \"{name}\"\n")).expect_err("refused");
            assert!(told.starts_with("support.staff_account"), "{name}: {told}");
        }
    }
}
