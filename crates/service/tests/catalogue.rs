//! The catalogue of operations: shipped ones, the operator's own beside them, and what is decided by it.

mod support;

use service::{
    Caller, CatalogueOperation, ChallengePurpose, Ground, Input, NewChallenge, NewOperation, OWN_OPERATIONS_MAX,
    OperationSource, Role, Service, ServiceError, Settings, UnknownOperations, Words,
};
use store::{Change, OwnOperation, Write, audit::Event};
use support::{World, alice, is_invalid};

const RESTART: &str = "cloud-virtual-machine/restart-an-instance";
const REBIND: &str = "accounts/unbinding-mfa-token";
const REFUND: &str = "billing/refund";

fn words(en: &str, zh: &str) -> Words {
    Words {
        en: en.into(),
        zh: zh.into(),
    }
}

fn refund(protected: bool) -> NewOperation {
    NewOperation {
        category: words("Finance", "财务"),
        product: words("Billing", "账单"),
        operation: words("Refund", "退款"),
        identity_always: false,
        protected,
    }
}

fn always(protected: bool) -> NewOperation {
    NewOperation {
        identity_always: true,
        ..refund(protected)
    }
}

/// The ground on which it is decided whether `alice`, who has operation protection, is asked before this.
async fn ground(service: &Service, caller: &Caller, operation: &str) -> Ground {
    let wanted = NewChallenge {
        owner: alice(),
        purpose: ChallengePurpose::Operation,
        audience: None,
        operation: Some(operation.into()),
        resource: None,
        session_id: Some("s1".into()),
        first_factor: None,
        client: None,
        is_risky: false,
        trusted_device: None,
    };
    service
        .create_challenge(caller, &wanted)
        .await
        .expect("a decision")
        .ground
}

async fn bound(settings: Settings) -> (World, Caller) {
    let world = World::with(settings).await;
    let caller = world.all().await;
    world.bind(&caller, &alice()).await;
    (world, caller)
}

#[tokio::test]
async fn p3_an_own_operation_stands_beside_the_shipped_ones() {
    let (world, caller) = bound(Settings::default()).await;
    let service = &world.service;
    let unknown = service.operation(&caller, REFUND).await;
    assert_eq!(unknown, Err(ServiceError::NotFound("operation")));
    let set = service
        .set_operation(&caller, REFUND, &refund(true))
        .await
        .expect("set");
    assert_eq!((&*set.key, set.source), (REFUND, OperationSource::Own));
    assert_eq!(service.operation(&caller, REFUND).await, Ok(set.clone()));
    let of_product = service.operations(&caller, Some("billing"), None, 9).await;
    assert_eq!(of_product, Ok(vec![set.clone()]));
    let event = world.last("operation.set").await;
    let detail = serde_json::json!({"operation": REFUND, "protected": true, "identity_always": false});
    assert_eq!(event["detail"], detail);

    let before = world.rows().await.len();
    assert_eq!(
        service.set_operation(&caller, REFUND, &refund(true)).await,
        Ok(set),
        "the same again"
    );
    assert_eq!(
        world.rows().await.len(),
        before,
        "nothing changed, and nothing is written"
    );
}

#[tokio::test]
async fn all_are_listed_in_pages_in_the_order_of_their_keys() {
    let (world, caller) = bound(Settings::default()).await;
    let service = &world.service;
    for key in [REFUND, "zoo/feed", RESTART] {
        service.set_operation(&caller, key, &refund(true)).await.expect("set");
    }
    let mut listed: Vec<CatalogueOperation> = Vec::new();
    loop {
        let after = listed.last().map(|last| last.key.clone());
        let page = service.operations(&caller, None, after.as_deref(), 50).await;
        let page = page.expect("a page");
        let is_last = page.len() < 50;
        listed.extend(page);
        if is_last {
            break;
        }
    }
    assert_eq!(
        listed.len(),
        214,
        "212 shipped, one of which is the operator's now, and two beside them"
    );
    assert!(listed.is_sorted_by(|one, next| one.key < next.key));
    let own = listed.iter().filter(|one| one.source == OperationSource::Own);
    assert_eq!(
        own.map(|one| &*one.key).collect::<Vec<_>>(),
        [REFUND, RESTART, "zoo/feed"]
    );
    let accounts = service.operations(&caller, Some("accounts"), None, 1_000).await;
    let accounts = accounts.expect("a page");
    assert!(!accounts.is_empty() && accounts.iter().all(|one| one.key.starts_with("accounts/")));
    assert_eq!(service.operations(&caller, Some("account"), None, 9).await, Ok(vec![]));
}

/// A changed row is in force for the next decision of this process.
#[tokio::test]
async fn p3_an_own_word_decides_at_once() {
    let (world, caller) = bound(Settings::default()).await;
    let service = &world.service;
    for key in [REFUND, RESTART] {
        assert_eq!(ground(service, &caller, key).await, Ground::Protected, "{key}");
        service.set_operation(&caller, key, &refund(false)).await.expect("set");
        assert_eq!(ground(service, &caller, key).await, Ground::NotSensitive, "{key}");
        service.set_operation(&caller, key, &refund(true)).await.expect("set");
        assert_eq!(ground(service, &caller, key).await, Ground::Protected, "{key}");
    }
    let always = NewOperation {
        identity_always: true,
        ..refund(true)
    };
    service.set_operation(&caller, REFUND, &always).await.expect("set");
    assert_eq!(ground(service, &caller, REFUND).await, Ground::IdentityAlways);
}

#[tokio::test]
async fn another_process_decides_by_it_within_two_seconds() {
    let (world, caller) = bound(Settings::default()).await;
    let service = &world.service;
    assert_eq!(ground(service, &caller, REFUND).await, Ground::Protected);
    // The engine in memory writes one chain: it is the other one that changes something from here on.
    let other = Service::start(world.another(), Settings::default())
        .await
        .expect("it starts");
    let set = other.set_operation(&caller, REFUND, &always(true)).await;
    assert!(set.is_ok(), "{set:?}");
    assert_eq!(
        service.operation(&caller, REFUND).await,
        set,
        "reading shows it at once"
    );
    assert_eq!(ground(service, &caller, REFUND).await, Ground::Protected);
    world.clock.pass(2_000);
    assert_eq!(ground(service, &caller, REFUND).await, Ground::IdentityAlways);
    other.close().await;
}

#[tokio::test]
async fn unknown_operations_follow_the_setting() {
    let (world, caller) = bound(Settings {
        unknown_operations: UnknownOperations::NotProtected,
        ..Settings::default()
    })
    .await;
    let service = &world.service;
    assert_eq!(ground(service, &caller, "no/such").await, Ground::NotSensitive);
    assert_eq!(ground(service, &caller, RESTART).await, Ground::Protected);
    assert_eq!(ground(service, &caller, REBIND).await, Ground::IdentityAlways);
    service
        .set_operation(&caller, REFUND, &refund(true))
        .await
        .expect("set");
    assert_eq!(ground(service, &caller, REFUND).await, Ground::Protected);
}

#[tokio::test]
async fn p3_what_is_shipped_as_always_checked_stays_so() {
    let (world, caller) = bound(Settings::default()).await;
    let service = &world.service;
    let set = async |key, wanted| service.set_operation(&caller, key, &wanted).await;
    assert!(is_invalid(&set(REBIND, refund(true)).await, Input::IdentityAlways));
    assert!(is_invalid(&set(REBIND, always(false)).await, Input::Protected));
    assert!(is_invalid(&set(REFUND, always(false)).await, Input::Protected));
    assert!(is_invalid(&set(RESTART, always(true)).await, Input::IdentityAlways));
    assert!(world.told("operation.set").await.is_empty());

    let renamed = set(REBIND, always(true)).await.expect("its words are the operator's");
    assert_eq!(renamed.operation, words("Refund", "退款"));
    assert_eq!(ground(service, &caller, REBIND).await, Ground::IdentityAlways);
}

/// A row that an older program wrote, before the operation was shipped as one that is always checked.
#[tokio::test]
async fn p3_an_old_row_does_not_weaken_what_is_shipped_now() {
    let (world, caller) = bound(Settings::default()).await;
    write(&world, &[REBIND.to_owned()]).await;
    let told = world.service.operation(&caller, REBIND).await.expect("it is there");
    assert!(told.identity_always && told.protected);
    assert_eq!(ground(&world.service, &caller, REBIND).await, Ground::IdentityAlways);
}

#[tokio::test]
async fn a_key_has_a_form() {
    let world = World::new().await;
    let caller = world.all().await;
    let long = format!("{}/refund", "b".repeat(101));
    for key in [
        "refund",
        "/refund",
        "billing/",
        "Billing/refund",
        "billing/re/fund",
        "账单/refund",
        &*long,
    ] {
        let told = world.service.set_operation(&caller, key, &refund(true)).await;
        assert!(is_invalid(&told, Input::OperationKey), "{key}: {told:?}");
    }
}

#[tokio::test]
async fn own_operations_are_so_many_at_most() {
    let world = World::new().await;
    let caller = world.all().await;
    let keys: Vec<String> = (0..OWN_OPERATIONS_MAX).map(|number| format!("many/{number}")).collect();
    write(&world, &keys).await;
    let told = world.service.set_operation(&caller, REFUND, &refund(true)).await;
    assert!(is_invalid(&told, Input::OperationKey), "{told:?}");
    let told = world.service.set_operation(&caller, "many/7", &refund(true)).await;
    assert!(told.is_ok(), "those that are there change");
}

/// Own operations without protection, past the use case.
async fn write(world: &World, keys: &[String]) {
    let event = Event {
        at: world.now(),
        salt: [0; 16],
        payload: r#"{"action": "test"}"#.into(),
    };
    let mut change = Change::of(event);
    for key in keys {
        let NewOperation {
            category,
            product,
            operation,
            ..
        } = refund(false);
        let own = OwnOperation {
            key: key.clone(),
            version: 1,
            category,
            product,
            operation,
            identity_always: false,
            protected: false,
        };
        change = change.with([Write::put(None, &own)]);
    }
    world.store.commit(vec![change]).await.expect("a commit");
}

/// Reading is any verifier's, also of one that is limited to accounts; changing is for those who answer for all of them.
#[tokio::test]
async fn a4_the_catalogue_is_read_by_verifiers_and_changed_by_administrators() {
    let world = World::new().await;
    let limited = world.caller(&[Role::Verify], Some(&["acme"])).await;
    assert!(world.service.operation(&limited, RESTART).await.is_ok());
    assert!(world.service.operations(&limited, None, None, 9).await.is_ok());
    for caller in [limited, world.caller(&[Role::Admin], Some(&["acme"])).await] {
        let told = world.service.set_operation(&caller, REFUND, &refund(true)).await;
        assert!(matches!(told, Err(ServiceError::Forbidden(_))), "{told:?}");
    }
}
