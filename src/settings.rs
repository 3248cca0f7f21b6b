//! The config file: flags beat the environment, the environment beats the file, the file beats the defaults.

use std::{
    fmt::Display,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use clap::Args;
use serde::{Deserialize, de::DeserializeOwned};
use service::{NoMethod, Settings, UnknownOperations};
use verify::{Policy, UnixMs};

use crate::{
    Failure,
    cities::CitiesTable,
    courier::WebhooksTable,
    heads::SecondCopy,
    home::{Home, read_named},
    limits::LimitsTable,
    methods::{MethodTable, set_methods},
    pages::PagesTable,
    support::SupportTable,
};

/// The data of a service, beside it: where it is and by which rules, as the service's own configuration says.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Configured {
    #[command(flatten)]
    home: Home,
    /// The service's TOML file: its data_dir and its [policy] hold here too
    #[arg(long, value_name = "FILE", env = "COUNTERSIGN_CONFIG")]
    config: Option<PathBuf>,
}

impl Configured {
    /// The directory, which `serve` must have made, and the rules' settings.
    pub(crate) fn read(&self) -> Result<(PathBuf, Settings), Failure> {
        let file = ConfigFile::read(self.config.as_deref())?;
        let settings = file.settings()?;
        Ok((self.home.clone().or(file.data_dir).existing()?, settings))
    }

    /// The path of the second copy of the heads, as this command or the service's configuration says.
    pub(crate) fn second_copy(&self, named: &SecondCopy) -> Result<Option<PathBuf>, Failure> {
        if named.heads_file.is_some() {
            return Ok(named.heads_file.clone());
        }
        Ok(ConfigFile::read(self.config.as_deref())?.heads_file)
    }
}

/// `--config FILE`, in TOML; a key nobody knows is an error.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub(crate) struct ConfigFile {
    /// As `--data-dir`.
    pub(crate) data_dir: Option<PathBuf>,
    /// As `--listen`.
    pub(crate) listen: Option<SocketAddr>,
    /// As `--admin-listen`.
    pub(crate) admin_listen: Option<SocketAddr>,
    /// As `--heads-file`.
    pub(crate) heads_file: Option<PathBuf>,
    /// As `--tls-cert`.
    pub(crate) tls_cert: Option<PathBuf>,
    /// As `--tls-key`.
    pub(crate) tls_key: Option<PathBuf>,
    /// As `--allow-plain-http`.
    #[serde(default)]
    pub(crate) allow_plain_http: bool,
    /// The rules' settings.
    #[serde(default)]
    pub(crate) policy: PolicyTable,
    /// What callers may cost.
    #[serde(default)]
    pub(crate) limits: LimitsTable,
    /// The operator's external methods, in place of those that are shipped; the strongest first.
    #[serde(default)]
    pub(crate) methods: Vec<MethodTable>,
    /// What people are shown.
    #[serde(default)]
    pub(crate) pages: PagesTable,
    /// What support goes by.
    #[serde(default)]
    support: SupportTable,
    /// Where users come from.
    #[serde(default)]
    pub(crate) cities: CitiesTable,
    /// What grants say.
    #[serde(default)]
    pub(crate) grants: GrantsTable,
    /// Where notices may be sent.
    #[serde(default)]
    pub(crate) webhooks: WebhooksTable,
}

/// `[grants]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub(crate) struct GrantsTable {
    /// `iss` of every grant: verifiers ask for it.
    pub(crate) issuer: Option<String>,
}

/// `[policy]`: every number with its unit last in the name.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub(crate) struct PolicyTable {
    /// Shown in apps when the caller names no issuer.
    pub(crate) issuer: Option<String>,
    /// Bound devices a user may have: 1 to 8.
    pub(crate) devices_max: Option<u8>,
    /// Users of an account who may have a device or a setting.
    pub(crate) users_per_account: Option<u32>,
    /// How long the closing of a user can be taken back.
    pub(crate) closing_days: Option<u16>,
    /// Codes that complete the binding of an app: 1 or 2.
    pub(crate) virtual_codes: Option<u8>,
    /// Steps accepted on each side: 1 or 2.
    pub(crate) window_steps: Option<u8>,
    /// Codes of a counter token that may be skipped: 0 to 10.
    pub(crate) counter_look_ahead: Option<u8>,
    /// How long an enrollment lives.
    pub(crate) enrollment_minutes: Option<u16>,
    /// Wrong codes that end an enrollment.
    pub(crate) enrollment_wrong_codes: Option<u8>,
    /// Enrollments that may be started for one user within an hour.
    pub(crate) enrollments_per_user: Option<u16>,
    /// Enrollments that may be started with one API key within an hour.
    pub(crate) enrollments_per_key: Option<u32>,
    /// How old an identity proof may be.
    pub(crate) identity_proof_minutes: Option<u16>,
    /// How far past the newest record a start is believed.
    pub(crate) clock_gap_hours: Option<u16>,
    /// Wrong codes within an hour that lock.
    pub(crate) lock_attempts: Option<u16>,
    /// The shortest lock.
    pub(crate) lock_min_minutes: Option<u16>,
    /// The longest lock.
    pub(crate) lock_max_hours: Option<u16>,
    /// Wrong codes of 13 weeks, mistakes apart, that suspend verification.
    pub(crate) suspend_after: Option<u16>,
    /// The same for changes of factors: unbinding, replacing.
    pub(crate) suspend_unbinding_after: Option<u16>,
    /// Wrong recovery codes within an hour that lock them.
    pub(crate) recovery_attempts: Option<u16>,
    /// Recovery codes in a set.
    pub(crate) recovery_codes: Option<u8>,
    /// What is decided of operations that no catalogue has.
    pub(crate) unknown_operations: Option<UnknownOperationsText>,
    /// What is decided of users who have nothing to answer a challenge with.
    pub(crate) no_method: Option<NoMethodText>,
}

/// `[policy] no_method`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NoMethodText {
    Deny,
    Allow,
}

/// `[policy] unknown_operations`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum UnknownOperationsText {
    Protected,
    NotProtected,
}

/// The longest `[grants] issuer`, in characters.
const GRANT_ISSUER_MAX: usize = 200;

impl GrantsTable {
    fn apply(&self, settings: &mut Settings) -> Result<(), Failure> {
        let Some(issuer) = &self.issuer else { return Ok(()) };
        if !(1..=GRANT_ISSUER_MAX).contains(&issuer.chars().count()) || !issuer.chars().all(vault::is_shown) {
            return Err(
                Failure::usage("grants.issuer is not a name that can be shown").help(format!(
                    "write 1 to {GRANT_ISSUER_MAX} printable characters, such as https://mfa.example.org"
                )),
            );
        }
        settings.grant_issuer.clone_from(issuer);
        Ok(())
    }
}

impl ConfigFile {
    /// The service's settings: the rules', the operator's methods, their words, and what grants say.
    pub(crate) fn settings(&self) -> Result<Settings, Failure> {
        let mut settings = self.policy.settings()?;
        set_methods(&mut settings, &self.methods)?;
        self.support.set(&mut settings)?;
        self.pages.set(&mut settings)?;
        self.grants.apply(&mut settings)?;
        settings.webhooks_in_the_clear = !self.webhooks.networks()?.is_empty();
        Ok(settings)
    }

    /// Reads the file, or takes the defaults when none is named.
    pub(crate) fn read(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path else { return Ok(Self::default()) };
        let unread = |error: &dyn Display| {
            Failure::usage(format!("{} cannot be read: {error}", path.display()))
                .help("name a TOML file that is there with --config FILE, or leave it out")
        };
        let bytes = read_named(path).map_err(|error| unread(&error))?;
        let text = str::from_utf8(&bytes).map_err(|error| unread(&error))?;
        toml::from_str(text).map_err(|error| {
            let failure = Failure::usage(format!("{}, {}", path.display(), explained(&error, text)));
            match Unknown::of(&error) {
                Some(unknown) => failure.help(unknown.remedy()),
                None => failure,
            }
        })
    }
}

/// The remedy for what is no address to listen on.
const ADDRESS: &str = "write an IP address and a port, such as 127.0.0.1:8700";

/// The address of a flag.
pub(crate) fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse().map_err(|_| ADDRESS)
}

/// The place where the file is wrong, and what would be right there. Whatever stands there is not repeated: the file may be
/// another one than was meant, and hold a key.
fn explained(error: &toml::de::Error, text: &str) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|character| *character != '\n').count() + 1;
    let place = format!("line {line}, column {column}");
    if error.message().contains("socket address") {
        return format!("{place}: {ADDRESS}");
    }
    if Unknown::of(error).is_some() {
        return format!("{place}: there is no such setting here");
    }
    // What was expected comes last, and is ours.
    match error.message().rsplit_once("expected ") {
        Some((_, expected)) => format!("{place}: expected {expected}"),
        None => format!("{place}: this is not TOML as `serve` takes it"),
    }
}

/// A setting that nobody knows, as serde says it: "unknown field `lisen`, expected one of `data_dir`, `listen`, …".
struct Unknown<'a> {
    name: &'a str,
    known: Vec<&'a str>,
}

impl<'a> Unknown<'a> {
    fn of(error: &'a toml::de::Error) -> Option<Self> {
        let said = error.message().strip_prefix("unknown field `")?;
        let (name, expected) = said.rsplit_once("`, expected ")?;
        // Every second piece stands between backticks.
        let known = expected.split('`').skip(1).step_by(2).collect();
        Some(Self { name, known })
    }

    /// The table whose setting it is, or the nearest one here, or all of them. The name itself is not repeated: the file
    /// may be another one than was meant.
    fn remedy(&self) -> String {
        let tables = [
            ("policy", settings_of::<PolicyTable>()),
            ("limits", settings_of::<LimitsTable>()),
            ("pages", settings_of::<PagesTable>()),
            ("cities", settings_of::<CitiesTable>()),
            ("grants", settings_of::<GrantsTable>()),
            ("webhooks", settings_of::<WebhooksTable>()),
        ];
        let is_its = |(_, settings): &&(&str, Vec<String>)| settings.iter().any(|setting| setting == self.name);
        if let Some((table, _)) = tables.iter().find(is_its) {
            return format!("write it under [{table}]");
        }
        if settings_of::<ConfigFile>().iter().any(|setting| setting == self.name) {
            return "write it at the top of the file, above every [table]".into();
        }
        let near = self
            .known
            .iter()
            .map(|known| (strsim::jaro_winkler(self.name, known), known));
        match near.max_by(|(one, _), (other, _)| one.total_cmp(other)) {
            Some((likeness, nearest)) if likeness > 0.8 => format!("the nearest one is `{nearest}`"),
            _ => format!("the settings here are {}", self.known.join(", ")),
        }
    }
}

/// The names of a table's settings: serde tells them to whoever has another one.
fn settings_of<T: DeserializeOwned>() -> Vec<String> {
    match toml::from_str::<T>("\"\" = 0") {
        Err(error) => Unknown::of(&error).map_or_else(Vec::new, |unknown| {
            unknown.known.into_iter().map(str::to_owned).collect()
        }),
        Ok(_) => Vec::new(),
    }
}

impl PolicyTable {
    /// The settings with these changes, each within what the rules allow.
    pub(crate) fn settings(&self) -> Result<Settings, Failure> {
        let mut settings = Settings::default();
        if let Some(issuer) = &self.issuer {
            enroll::Issuer::new(issuer).map_err(|error| Failure::usage(format!("policy.issuer: {error}")))?;
            settings.issuer.clone_from(issuer);
        }
        set(
            &mut settings.devices_max,
            "devices_max",
            self.devices_max,
            1..=8,
            usize::from,
        )?;
        set(
            &mut settings.virtual_codes,
            "virtual_codes",
            self.virtual_codes,
            1..=2,
            usize::from,
        )?;
        self.people(&mut settings)?;
        self.enrollments(&mut settings)?;
        let gap = &mut settings.clock_gap_ms;
        set(gap, "clock_gap_hours", self.clock_gap_hours, 1..=720, hours_ms)?;
        let proof = &mut settings.identity_proof_ms;
        set(
            proof,
            "identity_proof_minutes",
            self.identity_proof_minutes,
            1..=60,
            minutes_ms,
        )?;
        set(
            &mut settings.recovery_codes,
            "recovery_codes",
            self.recovery_codes,
            1..=50,
            usize::from,
        )?;
        set(
            &mut settings.policy.window_steps,
            "window_steps",
            self.window_steps,
            1..=2,
            u32::from,
        )?;
        set(
            &mut settings.policy.counter_look_ahead,
            "counter_look_ahead",
            self.counter_look_ahead,
            0..=10,
            u32::from,
        )?;
        if let Some(unknown) = self.unknown_operations {
            settings.unknown_operations = match unknown {
                UnknownOperationsText::Protected => UnknownOperations::Protected,
                UnknownOperationsText::NotProtected => UnknownOperations::NotProtected,
            };
        }
        if let Some(no_method) = self.no_method {
            settings.no_method = match no_method {
                NoMethodText::Deny => NoMethod::Deny,
                NoMethodText::Allow => NoMethod::Allow,
            };
        }
        self.throttles(&mut settings.policy)?;
        locks_grow(&settings.policy)?;
        Ok(settings)
    }

    /// How many users there may be, and how they go.
    fn people(&self, settings: &mut Settings) -> Result<(), Failure> {
        set(
            &mut settings.users_per_account,
            "users_per_account",
            self.users_per_account,
            1..=100_000_000,
            u64::from,
        )?;
        set(
            &mut settings.closing_ms,
            "closing_days",
            self.closing_days,
            1..=365,
            |days| i64::from(days) * UnixMs::DAY,
        )
    }

    /// What enrollments may cost.
    fn enrollments(&self, settings: &mut Settings) -> Result<(), Failure> {
        set(
            &mut settings.enrollment_ms,
            "enrollment_minutes",
            self.enrollment_minutes,
            1..=60,
            minutes_ms,
        )?;
        let wrong = &mut settings.enrollment_wrong_codes;
        set(
            wrong,
            "enrollment_wrong_codes",
            self.enrollment_wrong_codes,
            1..=20,
            u32::from,
        )?;
        let per_user = &mut settings.enrollments_per_user;
        set(
            per_user,
            "enrollments_per_user",
            self.enrollments_per_user,
            1..=1_000,
            u32::from,
        )?;
        let per_key = &mut settings.enrollments_per_key;
        set(
            per_key,
            "enrollments_per_key",
            self.enrollments_per_key,
            1..=10_000_000,
            u32::from,
        )
    }

    /// The throttles of wrong codes.
    fn throttles(&self, policy: &mut Policy) -> Result<(), Failure> {
        let attempts_max = u16::try_from(verify::ATTEMPTS_MAX).map_err(Failure::new)?;
        let roads = [
            &mut policy.verification,
            &mut policy.unbinding,
            &mut policy.resync,
            &mut policy.identity,
        ];
        for throttle in roads {
            set(
                &mut throttle.attempts,
                "lock_attempts",
                self.lock_attempts,
                1..=attempts_max,
                u32::from,
            )?;
        }
        set(
            &mut policy.recovery_codes.attempts,
            "recovery_attempts",
            self.recovery_attempts,
            1..=attempts_max,
            u32::from,
        )?;
        set(
            &mut policy.verification.suspend_after,
            "suspend_after",
            self.suspend_after,
            1..=SUSPEND_AFTER_MAX,
            u32::from,
        )?;
        set(
            &mut policy.unbinding.suspend_after,
            "suspend_unbinding_after",
            self.suspend_unbinding_after,
            1..=SUSPEND_UNBINDING_AFTER_MAX,
            u32::from,
        )?;
        self.locks(policy)
    }

    /// The lengths of locks.
    fn locks(&self, policy: &mut Policy) -> Result<(), Failure> {
        for throttle in [
            &mut policy.verification,
            &mut policy.unbinding,
            &mut policy.resync,
            &mut policy.identity,
            &mut policy.recovery_codes,
        ] {
            set(
                &mut throttle.lock_min_ms,
                "lock_min_minutes",
                self.lock_min_minutes,
                1..=1_440,
                minutes_ms,
            )?;
            set(
                &mut throttle.lock_max_ms,
                "lock_max_hours",
                self.lock_max_hours,
                1..=720,
                hours_ms,
            )?;
        }
        Ok(())
    }
}

fn minutes_ms(minutes: u16) -> i64 {
    i64::from(minutes) * UnixMs::MINUTE
}

fn hours_ms(hours: u16) -> i64 {
    i64::from(hours) * UnixMs::HOUR
}

/// Refuses a first lock that is longer than the longest.
fn locks_grow(policy: &Policy) -> Result<(), Failure> {
    let throttles = [
        &policy.verification,
        &policy.unbinding,
        &policy.resync,
        &policy.identity,
        &policy.recovery_codes,
    ];
    for throttle in throttles {
        if throttle.lock_min_ms > throttle.lock_max_ms {
            return Err(Failure::usage(format!(
                "policy.lock_min_minutes, {}, is more than policy.lock_max_hours, {}: the first lock is the shortest",
                throttle.lock_min_ms / UnixMs::MINUTE,
                throttle.lock_max_ms / UnixMs::HOUR
            )));
        }
    }
    Ok(())
}

/// The most that may be allowed; the manual's table of guesses says what that comes to.
pub(crate) const SUSPEND_AFTER_MAX: u16 = 120;
/// The most that may be allowed for changes of factors.
pub(crate) const SUSPEND_UNBINDING_AFTER_MAX: u16 = 60;

/// Takes a value of the file, when there is one and it is allowed.
fn set<T, V: PartialOrd + std::fmt::Display>(
    setting: &mut T,
    name: &str,
    value: Option<V>,
    allowed: std::ops::RangeInclusive<V>,
    convert: impl Fn(V) -> T,
) -> Result<(), Failure> {
    let Some(value) = value else { return Ok(()) };
    if !allowed.contains(&value) {
        let (least, most) = allowed.into_inner();
        return Err(Failure::usage(format!(
            "policy.{name} is {value}: use {least} to {most}"
        )));
    }
    *setting = convert(value);
    Ok(())
}
