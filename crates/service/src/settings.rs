//! Settings of the service.

use store::UserNames;
use verify::{Policy, UnixMs};

use crate::{
    ServiceError,
    support::evidence::{EvidenceProvider, TOKEN_RETURNED},
};

/// The rules' settings; every default is the product's promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The policy by which codes are judged.
    pub policy: Policy,
    /// Bound devices a user may have, 1 to 8.
    pub devices_max: usize,
    /// Codes that complete the binding of an app: 1 or 2.
    pub virtual_codes: usize,
    /// The life of an enrollment.
    pub enrollment_ms: i64,
    /// Wrong codes that end an enrollment.
    pub enrollment_wrong_codes: u32,
    /// The greatest age of an identity proof.
    pub identity_proof_ms: i64,
    /// The name an app shows when the caller gives none.
    pub issuer: String,
    /// The issuer that grants name (`iss`).
    pub grant_issuer: String,
    /// Recovery codes in a set.
    pub recovery_codes: usize,
    /// The time for which the `request_id` of an accepted request is remembered.
    pub request_id_ms: i64,
    /// The number of searches by code of an actor within an hour.
    pub find_by_code_per_hour: u32,
    /// How often an actor may ask why a code was refused, and how often it may be asked of one user, within an hour.
    pub diagnoses_per_hour: u32,
    /// Users of an account who may have a device or a setting, its root apart (P1).
    pub users_per_account: u64,
    /// How long the closing of a user can be taken back (P9).
    pub closing_ms: i64,
    /// The number of enrollments that may be started for one user within an hour.
    pub enrollments_per_user: u32,
    /// The number that may be started with one API key.
    pub enrollments_per_key: u32,
    /// How far past the newest record a start is believed, and how far forward a running clock may be set.
    pub clock_gap_ms: i64,
    /// Requests for one user that may wait or be judged at once.
    pub waiting_per_user: usize,
    /// What is decided of operations that no catalogue has.
    pub unknown_operations: UnknownOperations,
    /// The operator's methods beside devices and recovery codes, the strongest first.
    pub external_methods: Vec<ExternalMethod>,
    /// What is decided where something is asked, and the user has nothing to answer with (P4).
    pub no_method: NoMethod,
    /// The operator's words for people who are stuck, and where they find help.
    pub contact: Option<String>,
    /// A webhook may be at an address without TLS: of the operator's own networks, which the courier knows.
    pub webhooks_in_the_clear: bool,
    /// What support goes by.
    pub support: SupportSettings,
    /// How users' names are compared (A3b); `None` for as the database has it. A new one has them byte for byte.
    pub user_names: Option<UserNames>,
}

/// What support goes by when it helps people who lost their device (U2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SupportSettings {
    /// Cool-downs that the operator set, by kind of evidence.
    pub cool_downs_ms: Vec<(String, i64)>,
    /// Whose signed statements are taken for evidence.
    pub evidence_providers: Vec<EvidenceProvider>,
    /// A user who lost their device may apply for its end on a page of theirs; support vouches for it, or does not.
    pub applications: bool,
    /// The account whose users are the operator's staff: of an approver who names no account.
    pub staff_account: Option<String>,
}

impl SupportSettings {
    /// How long a request cools down on evidence of this kind: as the operator set; none for a token that was handed back or a
    /// passed face check, else a day.
    pub(crate) fn cool_down_ms(&self, kind: &str) -> i64 {
        let set = self.cool_downs_ms.iter().find(|(of, _)| of == kind);
        match (set, kind) {
            (Some((_, ms)), _) => *ms,
            (None, TOKEN_RETURNED | "face") => 0,
            (None, _) => UnixMs::DAY,
        }
    }
}

/// What is decided of a user who has nothing to answer with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NoMethod {
    /// They do not go on.
    #[default]
    Deny,
    /// They go on, and it is recorded that nothing was asked; but for an identity check, which proves something or fails.
    Allow,
}

/// How sensitive an operation is that no catalogue has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnknownOperations {
    /// As any of the catalogue: a name that was mistyped opens nothing.
    #[default]
    Protected,
    /// Only what the catalogue has is checked.
    NotProtected,
}

/// A method that the caller performs by itself and reports (P1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalMethod {
    /// The name on the wire and in storage.
    pub name: String,
    /// Its name for people, in English.
    pub en: String,
    /// Its name for people, in Chinese.
    pub zh: String,
    /// A setting may name it.
    pub is_main: bool,
    /// It may stand in for what a setting names (P4).
    pub is_alternative: bool,
}

impl Settings {
    /// The operator's method of this name.
    pub(crate) fn external_method(&self, name: &str) -> Option<&ExternalMethod> {
        self.external_methods.iter().find(|method| method.name == name)
    }

    /// Whether this may answer a challenge: a method that is only evidence may not, nor one that the operator has no more.
    pub(crate) fn may_answer(&self, name: &str) -> bool {
        let method = self.external_method(name);
        method.is_some_and(|method| method.is_main || method.is_alternative)
    }

    /// The refusal of a method that is none of the operator's.
    pub(crate) fn unknown_method(&self) -> ServiceError {
        ServiceError::UnknownMethod(self.external_methods.iter().map(|method| method.name.clone()).collect())
    }

    /// The names of those that may stand in for another, in order.
    pub(crate) fn alternatives(&self) -> Vec<String> {
        let all = self.external_methods.iter().filter(|method| method.is_alternative);
        let mut names: Vec<String> = all.map(|method| method.name.clone()).collect();
        names.sort_unstable();
        names
    }
}

fn shipped_methods() -> Vec<ExternalMethod> {
    let method = |name: &str, en: &str, zh: &str, is_main| ExternalMethod {
        name: name.into(),
        en: en.into(),
        zh: zh.into(),
        is_main,
        is_alternative: true,
    };
    vec![
        method("sms", "Text message", "短信验证码", true),
        method("wechat", "WeChat", "微信", true),
        method("qq", "QQ", "QQ", true),
        method("face", "Face", "人脸识别", false),
        method("email", "E-mail", "邮箱验证码", false),
    ]
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            policy: Policy::default(),
            devices_max: 1,
            virtual_codes: 1,
            enrollment_ms: 10 * UnixMs::MINUTE,
            enrollment_wrong_codes: 5,
            identity_proof_ms: 15 * UnixMs::MINUTE,
            issuer: "Countersign".into(),
            grant_issuer: "countersign".into(),
            recovery_codes: 10,
            request_id_ms: 5 * UnixMs::MINUTE,
            find_by_code_per_hour: 10,
            diagnoses_per_hour: 20,
            users_per_account: 1_000,
            closing_ms: 15 * UnixMs::DAY,
            enrollments_per_user: 20,
            enrollments_per_key: 10_000,
            clock_gap_ms: UnixMs::DAY,
            waiting_per_user: 5,
            unknown_operations: UnknownOperations::Protected,
            external_methods: shipped_methods(),
            no_method: NoMethod::Deny,
            contact: None,
            webhooks_in_the_clear: false,
            support: SupportSettings::default(),
            user_names: None,
        }
    }
}
