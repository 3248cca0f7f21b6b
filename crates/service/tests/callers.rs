//! No use case runs without a caller whose right to it was checked in the use case (invariant 9).
#![allow(clippy::disallowed_methods, reason = "a test reads its own sources")]

mod support;

use std::{collections::BTreeSet, fs, path::Path, pin::Pin};

use service::{
    Approver, AuditFilter, AuditOrder, Caller, ChallengeAnswer, ChallengePurpose, Confirmation, Courier,
    ExportedTokens, Factor, GrantUse, HistoryView, IdentityProof, Method, MethodReport, NewAdministrators,
    NewApplication, NewChallenge, NewDevice, NewEnrollment, NewExport, NewImport, NewKey, NewLot, NewOperation,
    NewOutcome, NewPageLink, NewPasscode, NewPromptLink, NewProvenMethod, NewRequirements, NewSession,
    NewUnbindRequest, NewVouching, NewWebhook, NoticeKind, OpenedBy, Owner, PageVisit, Posted, Posting,
    ProtectionChange, ProtectionMethod, Question, Receipt, Revocation, Role, SeedFile, SeedOptions, Service,
    ServiceError, TokenFilter, TokenTransition, UnixMs, UserPageName, VisitPurpose, Words,
};
use support::{World, id};
use syn::{FnArg, ImplItem, Item, Type, Visibility};
use zeroize::Zeroizing;

/// What is for nobody in particular: it begins, ends and looks at the whole, says who somebody is, or tells public keys.
const WITHOUT_A_CALLER: [&str; 10] = [
    "start",
    "close",
    "ready",
    "authenticate",
    "sign_in",
    "look_at_page_link",
    "open_page_link",
    "page_visitor",
    "grant_keys",
    "user_names",
];

/// A public method of [`Service`], and whether a caller is the first thing that it takes.
fn methods(dir: &Path, found: &mut Vec<(String, bool)>) {
    for entry in fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            methods(&path, found);
            continue;
        }
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let text = fs::read_to_string(&path).expect("a source");
        let file = syn::parse_file(&text).expect("it compiles");
        for item in file.items {
            let Item::Impl(block) = item else { continue };
            let is_service = matches!(&*block.self_ty, Type::Path(path) if path.path.is_ident("Service"));
            if !is_service || block.trait_.is_some() {
                continue;
            }
            for item in block.items {
                let ImplItem::Fn(method) = item else { continue };
                if matches!(method.vis, Visibility::Public(_)) {
                    let first = method.sig.inputs.iter().find(|input| matches!(input, FnArg::Typed(_)));
                    found.push((method.sig.ident.to_string(), first.is_some_and(is_caller)));
                }
            }
        }
    }
}

/// `&Caller`.
fn is_caller(input: &FnArg) -> bool {
    let FnArg::Typed(input) = input else { return false };
    let Type::Reference(reference) = &*input.ty else {
        return false;
    };
    matches!(&*reference.elem, Type::Path(path) if path.path.is_ident("Caller")) && reference.mutability.is_none()
}

fn all_methods() -> Vec<(String, bool)> {
    let mut found = Vec::new();
    methods(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    found
}

#[test]
fn every_use_case_takes_a_caller_first() {
    let without: BTreeSet<String> = all_methods()
        .into_iter()
        .filter(|(_, has_caller)| !has_caller)
        .map(|(name, _)| name)
        .collect();
    assert_eq!(without, WITHOUT_A_CALLER.map(str::to_owned).into());
}

type Called<'a> = Pin<Box<dyn Future<Output = Result<(), ServiceError>> + 'a>>;
type Call = for<'a> fn(&'a Service, &'a Caller) -> Called<'a>;

macro_rules! calls {
    ($($name:ident($($argument:expr),*);)+) => {
        &[$((stringify!($name), |service, caller| {
            Box::pin(async move { service.$name(caller, $($argument),*).await.map(drop) })
        })),+]
    };
}

/// Each use case with something to work on; `verify`, `signed_head`, `check_session`, two settings and those of the lists come apart.
const CALLS: &[(&str, Call)] = calls! {
    create_key(&NewKey { roles: vec![Role::Verify], owner: "me".into(), audiences: Vec::new(), person: None, return_urls: Vec::new(), accounts: None }, None);
    revoke_key(id(1));
    list_keys();
    user(&alice());
    protection(&alice());
    protection_choices(&alice());
    own_cities(&alice());
    forget_cities(&alice());
    device(&alice(), id(1));
    unbind(&alice(), id(1), &factor());
    close_user(&alice());
    erase_user(&alice());
    resync(&alice(), id(1), [&code(), &code()], None);
    unlock(&alice(), id(1), None);
    diagnose(&alice(), &code());
    drift_report(None);
    start_enrollment(&wanted());
    confirm_enrollment(&alice(), id(1), &confirmation());
    enrollment_png(&alice(), id(1));
    abandon_enrollment(&alice(), id(1));
    renew_recovery_codes(&alice(), &factor());
    lots(None, 9);
    lot("one");
    lot_counts("one", 9);
    lot_size("one", 9);
    lot_clocks("one", None);
    tokens_of_user(&alice());
    create_lot("one", &NewLot::default());
    change_lot("one", &NewLot::default());
    import_file(seed_file(), &import());
    import(&[], Receipt::default(), &import());
    token("CS-1");
    tokens(TokenFilter::default(), None, 9);
    drifting_tokens(None, 9);
    move_token("CS-1", &TokenTransition::Retire);
    find_unbound(&code());
    find_bound([&code(), &code()]);
    request_export(export());
    export(id(1));
    approve_export(id(1));
    withdraw_export(id(1));
    fetch_export(id(1), &[7; 32]);
    create_page_link(&page_link());
    enrollment_on_page(&alice(), id(1));
    create_prompt_link(&prompt_link());
    prompt(&visit());
    answer_on_page(id(1), &Zeroizing::new(String::new()), answer());
    exchange_prompt("none", "none");
    act_on_page(id(1));
    end_page_session(id(1));
    request_passcode(&passcode());
    passcode(id(1));
    passcodes("requested", None, 9);
    open_passcodes_of(&alice());
    approve_passcode(id(1), &approver());
    reveal_passcode(id(1));
    open_unbind_request(&unbinding());
    open_unbind_request_of(&alice());
    apply_for_unbinding(&application());
    vouch_for_unbind_request(id(1), &NewVouching { evidence: Vec::new(), reason: "seen".into() });
    verify_one(question());
    unbind_request(id(1));
    unbind_requests("requested", None, 9);
    approve_unbind_request(id(1), &approver());
    reject_unbind_request(id(1), "no");
    withdraw_unbind_request(id(1), "no");
    complete_unbind_request("ut_1_1");
    trail(None, 9);
    activity();
    audit(&of_acme(), AuditOrder::OldestFirst, None, 9);
    user_history(&alice(), HistoryView::Support, None, 9);
    unbind_by_administrator(&alice(), id(1), &approver());
    end_all_sessions_by_administrator(&alice(), &approver());
    set_requirements_by_administrator("acme", 7, &NewRequirements::default(), &approver());
    history_of_user(&alice(), None, 9);
    history_of_device(id(1), None, 9);
    history_of_token("CS-1", None, 9);
    index_history();
    count_activity();
    close_trail();
    run_housekeeping();
    accept_clock();
    record_grant_key("kid");
    operations(None, None, 9);
    operation("accounts/bind-mfa-token");
    set_operation("billing/refund", &new_operation());
    create_challenge(&challenge());
    challenge_state("none");
    answer_challenge("none", answer());
    introspect_grant("none", &GrantUse::default());
    revoke_grants(&Revocation::User(alice()));
    set_protection(&alice(), 0, &protection());
    methods(&alice());
    prove_method(&alice(), "sms", &proven());
    end_method(&alice(), "sms", false);
    method_uses(&alice(), "sms");
    report_method("none", &report());
    trusted_devices(&alice());
    end_trust(&alice(), None);
    requirements("acme");
    users("acme", None, 9);
    set_requirements("acme", 0, &NewRequirements::default());
    create_session(&alice(), &NewSession::default());
    sessions(&alice(), None, 9);
    end_session(&alice(), id(1));
    end_all_sessions(&alice(), None);
    save_touches();
    administrators("acme");
    set_administrators("acme", 0, &administrators());
    start_closing(&alice());
    withdraw_closing(&alice());
    leave(&alice());
    hand_over(&alice(), id(1));
    create_webhook(&webhook());
    webhooks();
    delete_webhook(id(1));
    rotate_webhook(id(1), 24);
    deliveries(id(1), None, None, 9);
    replay_delivery(id(1), id(2));
    deliver_notices(&NoCourier);
};

/// To be asked about by somebody who does not reach it.
fn webhook() -> NewWebhook {
    NewWebhook {
        url: "https://console.example.org/".into(),
        events: vec![NoticeKind::DeviceBound],
        accounts: Some(vec!["acme".into()]),
    }
}

fn page_link() -> NewPageLink {
    NewPageLink {
        owner: alice(),
        page: UserPageName::Bind,
        return_url: "https://console.example/back".into(),
        state: "c0ffee".into(),
        identity_proof: None,
        session: None,
    }
}

fn prompt_link() -> NewPromptLink {
    NewPromptLink {
        challenge: "none".into(),
        return_url: "https://login.example/back".into(),
        state: "c0ffee".into(),
        code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".into(),
    }
}

fn visit() -> PageVisit {
    PageVisit {
        owner: alice(),
        api_key: id(1),
        return_url: "https://login.example/back".into(),
        state: "c0ffee".into(),
        purpose: VisitPurpose::Prompt {
            challenge: "none".into(),
            code_challenge: [7; 32],
        },
    }
}

/// Nobody posts anything.
struct NoCourier;

impl Courier for NoCourier {
    fn post<'a>(&'a self, _: Posting<'a>) -> Pin<Box<dyn Future<Output = Posted> + Send + 'a>> {
        Box::pin(std::future::ready(Posted::Unanswered))
    }
}

fn administrators() -> NewAdministrators {
    NewAdministrators {
        root: "root".into(),
        administrators: Vec::new(),
        factor: None,
    }
}

fn protection() -> ProtectionChange {
    ProtectionChange {
        login_protection: ProtectionMethod::None,
        operation_protection: ProtectionMethod::None,
        suspicious_login_protection: ProtectionMethod::None,
        allow_trusted_devices: true,
        session_idle_minutes: 120,
        session_total_hours: 48,
        factor: None,
    }
}

fn challenge() -> NewChallenge {
    NewChallenge {
        owner: alice(),
        purpose: ChallengePurpose::Login,
        audience: None,
        operation: None,
        resource: None,
        session_id: None,
        first_factor: Some("password".into()),
        client: None,
        is_risky: false,
        trusted_device: None,
    }
}

fn answer() -> ChallengeAnswer {
    ChallengeAnswer {
        method: "totp".into(),
        code: code(),
        trust_device: false,
    }
}

fn proven() -> NewProvenMethod {
    NewProvenMethod {
        identity: "+86 138 0013 8000".into(),
        verified_at: UnixMs::new(1_795_219_200_000),
        factor: None,
    }
}

fn report() -> MethodReport {
    MethodReport {
        method: "sms".into(),
        identity: "+86 138 0013 8000".into(),
        reference: "4711".into(),
        at: UnixMs::new(1_795_219_200_000),
        trust_device: false,
    }
}

fn new_operation() -> NewOperation {
    let words = || Words {
        en: "Refund".into(),
        zh: "退款".into(),
    };
    NewOperation {
        category: words(),
        product: words(),
        operation: words(),
        identity_always: false,
        protected: true,
    }
}

fn alice() -> Owner {
    Owner::new("acme", "alice")
}

fn code() -> Zeroizing<String> {
    "123456".to_owned().into()
}

fn factor() -> Factor {
    Factor::Code {
        code: code(),
        method: Method::Totp,
    }
}

fn of_acme() -> AuditFilter {
    AuditFilter {
        account: Some("acme".into()),
        ..AuditFilter::default()
    }
}

/// Nobody approves for themself.
fn approver() -> Approver {
    Approver {
        owner: alice(),
        factor: factor(),
    }
}

fn wanted() -> NewEnrollment {
    NewEnrollment {
        owner: alice(),
        device: NewDevice::App { issuer: None },
        label: None,
        identity_proof: IdentityProof {
            method: "password".into(),
            at: UnixMs::new(1_795_219_200_000),
            by: "login".into(),
        }
        .into(),
        factor: None,
    }
}

fn confirmation() -> Confirmation {
    Confirmation {
        codes: vec![code()],
        login_protection: true,
        operation_protection: true,
        recovery_codes: true,
    }
}

fn seed_file() -> SeedFile {
    SeedFile {
        bytes: b"serial,seed\n".to_vec().into(),
        opened_by: OpenedBy::Nothing,
        options: SeedOptions::default(),
    }
}

fn import() -> NewImport {
    NewImport {
        lot: "one".into(),
        ..NewImport::default()
    }
}

fn export() -> NewExport {
    NewExport {
        tokens: ExportedTokens::UnboundOf("one".into()),
        recipient: "partner".into(),
        key: vec![7; 32].into(),
    }
}

fn passcode() -> NewPasscode {
    NewPasscode {
        owner: alice(),
        reason: "lost".into(),
    }
}

fn application() -> NewApplication {
    NewApplication {
        owner: alice(),
        evidence: Vec::new(),
        reason: "lost".into(),
    }
}

fn unbinding() -> NewUnbindRequest {
    NewUnbindRequest {
        owner: alice(),
        device: None,
        outcome: NewOutcome::Unbind,
        evidence: Vec::new(),
        reason: "lost".into(),
    }
}

fn question() -> Question {
    Question {
        owner: alice(),
        code: code(),
        first_factor: true,
        method: Method::Totp,
        request_id: None,
        client: None,
    }
}

#[test]
fn every_use_case_is_called_here() {
    let here: BTreeSet<String> = CALLS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let apart = [
        "verify",
        "signed_head",
        "check_session",
        "staff_account",
        "takes_applications",
    ]
    .map(str::to_owned);
    let there: BTreeSet<String> = all_methods()
        .into_iter()
        .map(|(name, _)| name)
        .filter(|name| !WITHOUT_A_CALLER.contains(&&**name) && !apart.contains(name))
        .collect();
    assert_eq!(here, there);
}

/// Every one refuses a caller who has no right to it, whatever it is asked about, and writes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_no_right_is_refused_and_nothing_is_written() {
    let world = World::new().await;
    let service = &world.service;
    // Of every role one that has all others' would pass somewhere: these have none, and none there.
    let nobody = world.caller(&[Role::Audit], Some(&["elsewhere"])).await;
    let elsewhere = world.caller(&Role::ALL, Some(&["elsewhere"])).await;
    let before = world.rows().await.len();
    for caller in [&nobody, &elsewhere] {
        for (name, call) in CALLS {
            // Whom a challenge or a grant is about is known once it opens: what is none of this service's is about nobody.
            // Nor is the catalogue of operations; and others' webhooks are not there.
            // Nor is the catalogue of operations, or what support asked for by an id.
            let is_about_nobody = [
                "challenge_state",
                "answer_challenge",
                "create_prompt_link",
                "exchange_prompt",
                "report_method",
                "introspect_grant",
                "operations",
                "operation",
                "webhooks",
                "delete_webhook",
                "rotate_webhook",
                "deliveries",
                "replay_delivery",
                "passcode",
                "passcodes",
                "open_passcodes_of",
                "approve_passcode",
                "reveal_passcode",
                "unbind_request",
                "unbind_requests",
                "approve_unbind_request",
                "vouch_for_unbind_request",
                "reject_unbind_request",
                "withdraw_unbind_request",
                "complete_unbind_request",
            ]
            .contains(name);
            if is_about_nobody && std::ptr::eq(caller, &elsewhere) {
                continue;
            }
            let refused = call(service, caller).await;
            assert!(
                matches!(refused, Err(ServiceError::Forbidden(_))),
                "{name}: {refused:?}"
            );
        }
        assert!(matches!(service.signed_head(caller), Err(ServiceError::Forbidden(_))));
        if std::ptr::eq(caller, &nobody) {
            let told = service.takes_applications(caller);
            assert!(matches!(told, Err(ServiceError::Forbidden(_))), "{told:?}");
        }
        // A token that is none of this service's is about nobody.
        if std::ptr::eq(caller, &nobody) {
            let checked = service.check_session(caller, "none", true);
            assert!(matches!(checked, Err(ServiceError::Forbidden(_))), "{checked:?}");
        }
        let answers = service.verify(caller, vec![question(), question()]).await;
        assert!(
            answers
                .iter()
                .all(|answer| matches!(answer, Err(ServiceError::Forbidden(_)))),
            "{answers:?}"
        );
    }
    // The service itself is no road around a role.
    for (name, call) in CALLS {
        let of_the_house = [
            "create_key",
            "revoke_key",
            "list_keys",
            "index_history",
            "count_activity",
            "close_trail",
            "run_housekeeping",
            "save_touches",
            "accept_clock",
            "record_grant_key",
            "deliver_notices",
        ];
        if !of_the_house.contains(name) {
            let refused = call(service, &Caller::system()).await;
            assert!(
                matches!(refused, Err(ServiceError::Forbidden(_))),
                "{name}: {refused:?}"
            );
        }
    }
    assert_eq!(world.rows().await.len(), before, "nothing was written");
    service.close().await;
    assert_eq!(world.rows().await.len(), before, "nor behind");
}

/// Which roles each use case is open to, one of them being enough; those of none are the operator's.
const OPEN_TO: &[(&[Role], &[&str])] = &[
    (
        &[Role::Enroll],
        &[
            "create_page_link",
            "protection",
            "protection_choices",
            "own_cities",
            "forget_cities",
            "set_protection",
            "methods",
            "prove_method",
            "end_method",
            "trusted_devices",
            "end_trust",
            "unbind",
            "resync",
            "start_enrollment",
            "confirm_enrollment",
            "enrollment_png",
            "abandon_enrollment",
            "renew_recovery_codes",
            "end_session",
            "end_all_sessions",
            "unbind_by_administrator",
            "end_all_sessions_by_administrator",
            "complete_unbind_request",
            "apply_for_unbinding",
        ],
    ),
    (&[Role::Enroll, Role::Admin], &["set_requirements_by_administrator"]),
    (
        &[Role::Verify],
        &[
            "verify_one",
            "operations",
            "operation",
            "create_challenge",
            "challenge_state",
            "answer_challenge",
            "create_prompt_link",
            "exchange_prompt",
            "report_method",
            "method_uses",
            "introspect_grant",
            "revoke_grants",
            "create_session",
        ],
    ),
    (
        &[Role::Enroll, Role::Support],
        &["user", "device", "users", "sessions", "open_unbind_request_of"],
    ),
    (&[Role::Support], &["unlock", "diagnose", "user_history"]),
    (
        &[Role::Support],
        &[
            "unlock",
            "request_passcode",
            "passcode",
            "passcodes",
            "open_passcodes_of",
            "approve_passcode",
            "reveal_passcode",
            "open_unbind_request",
            "unbind_request",
            "unbind_requests",
            "vouch_for_unbind_request",
            "approve_unbind_request",
            "reject_unbind_request",
            "withdraw_unbind_request",
        ],
    ),
    (
        &[Role::Inventory],
        &[
            "lots",
            "lot",
            "lot_counts",
            "lot_size",
            "create_lot",
            "change_lot",
            "import_file",
            "import",
            "tokens",
            "drifting_tokens",
            "move_token",
        ],
    ),
    (
        &[Role::Inventory, Role::Support],
        &[
            "token",
            "tokens_of_user",
            "find_unbound",
            "find_bound",
            "drift_report",
            "lot_clocks",
        ],
    ),
    (
        &[Role::Admin],
        &[
            "set_operation",
            "close_user",
            "erase_user",
            "requirements",
            "set_requirements",
            "administrators",
            "set_administrators",
            "start_closing",
            "withdraw_closing",
            "leave",
            "hand_over",
            "request_export",
            "export",
            "approve_export",
            "withdraw_export",
            "fetch_export",
            "create_webhook",
            "webhooks",
            "delete_webhook",
            "rotate_webhook",
            "deliveries",
            "replay_delivery",
        ],
    ),
    (
        &[Role::Audit],
        &[
            "trail",
            "activity",
            "audit",
            "history_of_user",
            "history_of_device",
            "history_of_token",
        ],
    ),
    (
        &[],
        &[
            // Of a browser's session, which no key has.
            "enrollment_on_page",
            "prompt",
            "answer_on_page",
            "act_on_page",
            "end_page_session",
            "create_key",
            "revoke_key",
            "list_keys",
            "index_history",
            "count_activity",
            "close_trail",
            "run_housekeeping",
            "save_touches",
            "accept_clock",
            "record_grant_key",
            "deliver_notices",
        ],
    ),
];

/// A4: a key of one role may what that role is for, and nothing else.
#[tokio::test]
async fn a4_every_use_case_is_open_to_its_roles() {
    let world = World::new().await;
    for role in Role::ALL {
        let caller = world.caller(&[role], None).await;
        for (name, call) in CALLS {
            let (roles, _) = OPEN_TO
                .iter()
                .find(|(_, names)| names.contains(name))
                .unwrap_or_else(|| panic!("{name} is open to nobody"));
            let told = call(&world.service, &caller).await;
            let refused = matches!(told, Err(ServiceError::Forbidden(_)));
            assert_eq!(refused, !roles.contains(&role), "{name} as {role:?}: {told:?}");
        }
        let refused = world.service.signed_head(&caller).is_err();
        assert_eq!(refused, role != Role::Audit);
        let refused = world.service.takes_applications(&caller).is_err();
        assert_eq!(refused, ![Role::Enroll, Role::Support].contains(&role));
        let refused = world.service.staff_account(&caller).is_err();
        assert_eq!(refused, [Role::Verify, Role::Enroll].contains(&role));
        let refused = world.service.check_session(&caller, "none", true).is_err();
        assert_eq!(refused, role != Role::Verify);
        let told = world.service.verify(&caller, vec![question()]).await;
        assert_eq!(told[0].is_err(), role != Role::Verify);
    }
}
