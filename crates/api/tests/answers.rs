//! What is written, held against `answers.json`; and what can never be printed by accident.

use std::{fmt, path::Path};

use countersign_api::{
    Administrators, AdministratorsRequest, Approver, AuditHead, AuditHeads, AuditPage, AuditRecord, Base64, BatchDrift,
    BatchFailure, BatchResult, Cause, ClosingState, ClosingStatus, CodeText, ConfirmRequest, ConfirmResponse, Delivery,
    DeliveryState, Device, DeviceKind, DeviceState, DiagnosedCause, Diagnosis, Drift, DriftReport, DriftingDevice,
    EndedMethod, EndedUse, Enrollment, EnrollmentCodes, EnrollmentRequest, Factor, FindByCodeRequest, Hint,
    HintAlgorithm, ImportReceipt, ImportRefusal, ImportRequest, InForce, InForceGround, InForceProtection, Method,
    MethodUses, Methods, NewWebhook, Notice, NoticeData, NoticeType, Operation, OperationPage, OperationSource,
    OtpType, Probe, Problem, ProblemCode, Protection, ProtectionMethod, ProtectionName, ProtectionSettings,
    ProtectionSettingsRequest, RecoveryCodes, RecoveryCodesRequest, Replaces, Requirements, RequirementsRequest,
    ResyncRequest, SecretText, SettingChange, TakesEffect, Text, Timestamp, Token, TokenPage, TokenState,
    UnbindRequest, User, UserClosing, VerifyBatchRequest, VerifyBatchResponse, VerifyRequest, VerifyResponse, Words,
};
use serde::Serialize;
use serde_json::{Value, value::RawValue};
use uuid::Uuid;
use zeroize::Zeroizing;

const ID: Uuid = Uuid::from_u128(0x019a_9ef4_4f60_7c1e_9d4b_2f6b_8f0a_7c11);
const DECISION: Uuid = Uuid::from_u128(0x019a_a06b_93e4_7d02_8b3f_5a1c_9e7f_2d60);

/// The answer of this name in the file is the one that is written.
#[track_caller]
fn check(name: &str, answer: &impl Serialize) {
    let text = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/answers.json")).unwrap();
    let all: Value = serde_json::from_slice(&text).unwrap();
    let written = serde_json::to_string_pretty(answer).unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(&written).unwrap(),
        all[name],
        "{name} is written as {written}"
    );
}

fn time(ms: i64) -> Timestamp {
    Timestamp::from_unix_ms(1_795_236_300_000 + ms)
}

fn secret(text: &str) -> Zeroizing<String> {
    Zeroizing::new(text.to_owned())
}

fn fresh() -> Device {
    Device {
        id: ID,
        kind: DeviceKind::Virtual,
        otp_type: OtpType::Totp,
        label: "alice".into(),
        serial_number: None,
        state: DeviceState::Bound,
        suspended: Vec::new(),
        bound_at: time(0),
        unbound_at: None,
        last_success_at: None,
        locked_until: None,
        refused_until: None,
        drift_steps: 0,
    }
}

#[test]
fn verdicts() {
    check("accepted", &VerifyResponse::accepted(Some(ID), DECISION, 3));
    check(
        "accepted without a device",
        &VerifyResponse::accepted(None, DECISION, 0),
    );
    check(
        "accepted before",
        &VerifyResponse::accepted(Some(ID), DECISION, 3).repeated(),
    );
    check("refused", &VerifyResponse::refused());
    check("locked", &VerifyResponse::locked(Some(840)));
    check("locked until somebody acts", &VerifyResponse::locked(None));
    let problem = Problem::new(ProblemCode::FirstFactorRequired, "send first_factor: true");
    let results = vec![
        BatchResult::Decided(VerifyResponse::refused()),
        BatchResult::Failed(BatchFailure::new(problem)),
    ];
    check("batch", &VerifyBatchResponse { results });
}

#[test]
fn external_methods() {
    let method = |last_used_at| Method {
        method: "sms".into(),
        identity: "+86 138 0013 8000".into(),
        verified_at: time(0),
        last_used_at,
    };
    let items = vec![method(None), method(Some(time(60_000)))];
    check("methods", &Methods { items });
    let uses = vec![ProtectionName::LoginProtection, ProtectionName::OperationProtection];
    let removable = false;
    check("method uses", &MethodUses { uses, removable });
    let in_force = InForceProtection {
        method: ProtectionMethod::External(Text::from_static("sms")),
        since: Some(time(0)),
        ground: InForceGround::NoMethod,
    };
    let protection = ProtectionName::SuspiciousLoginProtection;
    let ended = EndedMethod {
        method: "sms".into(),
        ended: vec![EndedUse { protection, in_force }],
    };
    check("method ended", &ended);
}

#[test]
fn bindings() {
    check(
        "enrollment",
        &Enrollment {
            id: ID,
            otpauth_uri: Some(secret(
                "otpauth://totp/Example:alice?secret=JBSWY3DPEHPK3PXP&issuer=Example",
            )),
            secret_text: Some(secret("JBSW Y3DP EHPK 3PXP")),
            qr_svg: Some(secret("<svg/>")),
            expires_at: time(600_000),
            codes_needed: 1,
            otp_type: OtpType::Totp,
        },
    );
    check(
        "confirmed",
        &ConfirmResponse {
            device: fresh(),
            recovery_codes: None,
        },
    );
    let codes = vec![secret("K4VQ 6J2M XWTA 7N3B")];
    check(
        "confirmed with recovery codes",
        &ConfirmResponse {
            device: fresh(),
            recovery_codes: Some(codes),
        },
    );
    check(
        "recovery codes",
        &RecoveryCodes {
            recovery_codes: vec![secret("K4VQ 6J2M XWTA 7N3B")],
        },
    );
}

#[test]
fn users_and_devices() {
    let token = Device {
        kind: DeviceKind::Hardware,
        serial_number: Some("CS-000042".into()),
        state: DeviceState::Suspended,
        unbound_at: Some(time(4)),
        last_success_at: Some(time(2)),
        locked_until: Some(time(3)),
        refused_until: Some(time(5)),
        drift_steps: -2,
        ..fresh()
    };
    check("device", &token);
    let protection = Protection {
        login_protection: ProtectionMethod::Mfa,
        operation_protection: ProtectionMethod::None,
    };
    check(
        "user",
        &User {
            devices: vec![fresh()],
            locked_until: Some(time(0)),
            recovery_codes_left: 9,
            protection: protection.clone(),
            closing: Some(UserClosing { ends_at: time(6) }),
        },
    );
    check("protection", &protection);
}

#[test]
fn support() {
    let wrong = Diagnosis {
        cause: DiagnosedCause::Wrong,
        text: Words {
            en: "It is wrong.".into(),
            zh: "它是错误的。".into(),
        },
        device_id: None,
        clock_off_s: None,
        used_at: None,
        locked_until: None,
        asks_left: 19,
    };
    check("diagnosis, wrong", &wrong);
    let full = Diagnosis {
        cause: DiagnosedCause::RightButLocked,
        device_id: Some(ID),
        clock_off_s: Some(-90),
        used_at: Some(time(0)),
        locked_until: Some(time(1)),
        ..wrong
    };
    check("diagnosis", &full);
    let token = DriftingDevice {
        account: "acme".into(),
        user: "alice".into(),
        device_id: ID,
        kind: DeviceKind::Hardware,
        serial_number: Some("CS-000042".into()),
        batch: Some("2026-11".into()),
        drift_steps: -7,
        learned_drift_steps: -8,
        last_success_at: Some(time(2)),
    };
    let batch = |batch: Option<&str>, drifts| BatchDrift {
        batch: batch.map(str::to_owned),
        devices: 2,
        about_to_leave: 1,
        drifts,
    };
    check(
        "drift",
        &DriftReport {
            batches: vec![
                batch(None, Vec::new()),
                batch(Some("2026-11"), vec![Drift { steps: -8, devices: 1 }]),
            ],
            items: vec![token],
            next_cursor: Some("[\"acme\",\"alice\"]".into()),
        },
    );
}

#[test]
fn operations() {
    let words = |en: &str, zh: &str| Words {
        en: en.into(),
        zh: zh.into(),
    };
    let shipped = Operation {
        key: "billing/refund".into(),
        category: words("Finance", "财务"),
        product: words("Billing", "账单"),
        operation: words("Refund", "退款"),
        identity_always: false,
        protected: true,
        source: OperationSource::Shipped,
    };
    let own = Operation {
        source: OperationSource::Own,
        ..shipped.clone()
    };
    let next_cursor = Some("billing/refund".into());
    let items = vec![shipped, own];
    check("operations", &OperationPage { items, next_cursor });
}

#[test]
fn webhooks() {
    let made = NewWebhook {
        id: ID,
        url: "https://console.example.org/mfa".into(),
        events: vec![NoticeType::DeviceBound],
        accounts: Some(vec!["acme".into()]),
        created_at: time(0),
        secret: Zeroizing::new("whsec_AA==".into()),
    };
    check("new_webhook", &made);
    let pending = Delivery {
        id: ID,
        kind: NoticeType::DeviceBound,
        timestamp: time(0),
        state: DeliveryState::Pending,
        attempts: 2,
        next_attempt_at: Some(time(10_000)),
        last_status: Some(503),
    };
    check("delivery", &pending);
    let notice = Notice {
        kind: NoticeType::ProtectionChanged,
        timestamp: time(0),
        data: NoticeData {
            account: "acme".into(),
            user: "alice".into(),
            changes: vec![SettingChange {
                setting: "login_protection".into(),
                before: Some("sms".into()),
                after: "mfa".into(),
            }],
            by: Some("user".into()),
            ..NoticeData::default()
        },
    };
    check("notice", &notice);
}

#[test]
fn tokens() {
    let imported = Token {
        serial_number: "CS-000042".into(),
        state: TokenState::Imported,
        batch: "2026-11".into(),
        manufacturer: None,
        model: None,
        label: None,
        algorithm: HintAlgorithm::Sha1,
        digits: 6,
        otp_type: OtpType::Totp,
        period_s: Some(30),
        counter: None,
        account: None,
        user: None,
        device_id: None,
        drift_steps: 0,
        last_success_at: None,
        starts_at: None,
        expires_at: None,
        imported_at: time(0),
        changed_at: time(1),
        exported_at: None,
    };
    let bound = Token {
        state: TokenState::Bound,
        manufacturer: Some("Example".into()),
        account: Some("acme".into()),
        user: Some("alice".into()),
        device_id: Some(ID),
        drift_steps: -2,
        last_success_at: Some(time(2)),
        ..imported.clone()
    };
    let counts = Token {
        otp_type: OtpType::Hotp,
        period_s: None,
        counter: Some(42),
        ..imported.clone()
    };
    check(
        "tokens",
        &TokenPage {
            items: vec![imported, bound, counts],
            next_cursor: Some("CS-000042".into()),
        },
    );
    let refusal = ImportRefusal {
        serial_number: None,
        why: "line 3: it has no serial number".into(),
    };
    check(
        "import",
        &ImportReceipt {
            dry_run: false,
            format: "PSKC (RFC 6030)".into(),
            count: 2,
            usable: 0,
            imported: 0,
            duplicates: vec!["CS-000042".into()],
            refusals: vec![refusal],
            remarks: Vec::new(),
        },
    );
}

#[test]
fn the_trail_and_the_probes() {
    let record = AuditRecord {
        id: "3.2.1".into(),
        chain: 3,
        position: 2,
        at: time(0),
        event: Some(RawValue::from_string(r#"{"outcome":"refused", "action":"verify"}"#.into()).unwrap()),
        committed: None,
        masked: false,
        explanation: None,
        commitment: None,
        salt: Some("00ff".into()),
        hash: "abcd".into(),
    };
    assert!(
        serde_json::to_string(&record)
            .unwrap()
            .contains(r#"{"outcome":"refused", "action":"verify"}"#)
    );
    let erased = AuditRecord {
        event: None,
        commitment: Some("beef".into()),
        ..record.clone()
    };
    let sealed = AuditRecord {
        committed: Some(r#"{"action":"verify","outcome":"refused","names":"c2VhbGVk"}"#.into()),
        ..record.clone()
    };
    let masked = AuditRecord {
        masked: true,
        salt: None,
        explanation: Cause::named("wrong").map(Cause::explanation),
        ..record.clone()
    };
    check(
        "audit",
        &AuditPage {
            items: vec![record, erased, sealed, masked],
            next_cursor: Some("7".into()),
        },
    );
    let head = AuditHead {
        chain: 3,
        position: 2,
        hash: "abcd".into(),
        signature: "00".into(),
    };
    check("heads", &AuditHeads { items: vec![head] });
    check("probe", &Probe::ok());
}

#[test]
fn settings() {
    let sms = || ProtectionMethod::External("sms".parse().expect("a name"));
    let in_force = |method, since, ground| InForceProtection { method, since, ground };
    let settings = ProtectionSettings {
        login_protection: ProtectionMethod::Mfa,
        operation_protection: ProtectionMethod::None,
        suspicious_login_protection: sms(),
        allow_trusted_devices: true,
        session_idle_minutes: 120,
        session_total_hours: 48,
        in_force: InForce {
            login_protection: in_force(ProtectionMethod::Mfa, Some(time(0)), InForceGround::Own),
            operation_protection: in_force(ProtectionMethod::Mfa, Some(time(1)), InForceGround::RequiredByAccount),
            suspicious_login_protection: in_force(sms(), None, InForceGround::NoMethod),
        },
        takes_effect: TakesEffect::NextLogin,
    };
    check("settings", &settings);
    let nothing = Requirements {
        login_protection: None,
        operation_protection: None,
        alternatives: vec!["sms".into()],
    };
    check("requirements of nothing", &nothing);
    let login = Requirements {
        login_protection: Some(ProtectionMethod::Mfa),
        ..nothing
    };
    check("requirements", &login);
}

#[test]
fn people() {
    let administrators = Administrators {
        root: "root".into(),
        administrators: vec!["alice".into()],
    };
    check("administrators", &administrators);
    let closing = ClosingStatus {
        state: ClosingState::Closing,
        ends_at: Some(time(0)),
    };
    check("closing", &closing);
    for (case, state) in [
        ("closing withdrawn", ClosingState::Withdrawn),
        ("closing ended", ClosingState::Ended),
        ("handed over", ClosingState::HandedOver),
    ] {
        check(case, &ClosingStatus { state, ends_at: None });
    }
}

#[test]
fn problems() {
    check(
        "problem",
        &Problem::new(ProblemCode::InvalidRequest, "code is null").with_field("code"),
    );
    let refused = |hint| {
        let mut problem = Problem::new(ProblemCode::CodeRefused, "the code was refused");
        (problem.hint, problem.attempts_left) = (Some(hint), Some(4));
        problem
    };
    check("clock off", &refused(Hint::ClockOff { seconds: -90 }));
    check(
        "other algorithm",
        &refused(Hint::OtherAlgorithm {
            algorithm: HintAlgorithm::Sha256,
        }),
    );
    check("other period", &refused(Hint::OtherPeriod { period_s: 60 }));
    check("other entry", &refused(Hint::OtherEntry));
    let mut limited = Problem::new(ProblemCode::RateLimited, "too many wrong codes");
    limited.retry_after_s = Some(840);
    check("rate limited", &limited);
}

/// Compiles only while none of them has `Debug`, `Display` or `Clone`: with it, which `Lacks` is meant is ambiguous.
#[test]
fn what_holds_a_secret_cannot_be_printed() {
    trait Lacks<Marker> {
        fn holds() {}
    }
    struct Debug;
    struct Display;
    struct Clones;
    impl<T: ?Sized> Lacks<()> for T {}
    impl<T: ?Sized + fmt::Debug> Lacks<Debug> for T {}
    impl<T: ?Sized + fmt::Display> Lacks<Display> for T {}
    impl<T: Clone> Lacks<Clones> for T {}
    macro_rules! lacks {
        ($($secretive:ty),+ $(,)?) => { $(<$secretive as Lacks<_>>::holds();)+ };
    }
    lacks!(
        AdministratorsRequest,
        CodeText,
        ConfirmRequest,
        ConfirmResponse,
        Enrollment,
        EnrollmentCodes,
        EnrollmentRequest,
        Factor,
        FindByCodeRequest,
        ImportRequest,
        ProtectionSettingsRequest,
        Base64,
        SecretText,
        RecoveryCodes,
        RecoveryCodesRequest,
        Replaces,
        ResyncRequest,
        Approver,
        RequirementsRequest,
        UnbindRequest,
        VerifyBatchRequest,
        VerifyRequest,
    );
}
