//! Who may call: API keys, their roles and their accounts.

mod support;

use service::{Answer, Caller, Input, NewKey, Owner, Role, ServiceError};
use support::{World, actor_of, alice, bob, id, is_invalid};

fn wanted(roles: &[Role], accounts: Option<Vec<String>>) -> NewKey {
    NewKey {
        roles: roles.to_vec(),
        owner: "console".into(),
        audiences: Vec::new(),
        person: None,
        return_urls: Vec::new(),
        accounts,
    }
}

fn forbidden(told: Result<(), ServiceError>) -> bool {
    matches!(told, Err(ServiceError::Forbidden(_)))
}

#[tokio::test]
async fn a4_a_key_is_shown_once_proves_its_caller_and_ends() {
    let world = World::new().await;
    let service = &world.service;
    let shell = Caller::shell();
    let (first, text) = service
        .create_key(&shell, &wanted(&[Role::Verify], None), None)
        .await
        .expect("a key");
    let event = world.last("key.create").await;
    assert_eq!(
        (&event["detail"]["owner"], &event["detail"]["roles"][0]),
        (&"console".into(), &"verify".into())
    );
    let payloads: String = world.events().await.iter().map(ToString::to_string).collect();
    assert!(!payloads.contains(&text[text.len() - 64..]));
    world.clock.pass(1);
    let (second, other) = service
        .create_key(&shell, &wanted(&[Role::Audit], None), None)
        .await
        .expect("a key");
    let keys = service.list_keys(&shell).await.expect("keys");
    assert_eq!(
        keys.iter().map(|key| key.id).collect::<Vec<_>>(),
        [first, second],
        "oldest first"
    );

    let caller = service.authenticate(&text).await.expect("it is right");
    assert_eq!(world.verify(&caller, &alice(), "123456").await, Ok(Answer::Refused));
    let of_another = format!("{}{}", &text[..text.len() - 64], &other[other.len() - 64..]);
    let unknown = text.replace(&first.simple().to_string(), &id(9).simple().to_string());
    for garbage in [
        "",
        "cs_",
        "cs_1_2",
        &text[1..],
        &text[..text.len() - 1],
        &text.to_uppercase(),
        &format!("{}\n", *text),
        &of_another,
        &unknown,
    ] {
        let told = service.authenticate(garbage).await.map(drop);
        assert_eq!(told, Err(ServiceError::Unauthorized), "{garbage}");
    }

    service.revoke_key(&shell, first).await.expect("it ends");
    assert_eq!(world.last("key.revoke").await["detail"]["key"], first.to_string());
    assert_eq!(
        service.authenticate(&text).await.map(drop),
        Err(ServiceError::Unauthorized)
    );
    service.authenticate(&other).await.expect("the other one lives");
    let rows = world.rows().await.len();
    service.revoke_key(&shell, first).await.expect("once more");
    assert_eq!(world.rows().await.len(), rows);
    let told = service.revoke_key(&shell, id(9)).await;
    assert_eq!(told, Err(ServiceError::NotFound("API key")));
}

#[tokio::test]
async fn a4_keys_are_made_by_the_operator_and_have_a_role() {
    let world = World::new().await;
    let told = world
        .service
        .create_key(&Caller::shell(), &wanted(&[], None), None)
        .await;
    assert!(is_invalid(&told, Input::Roles), "{told:?}");
    let caller = world.all().await;
    let told = world
        .service
        .create_key(&caller, &wanted(&[Role::Verify], None), None)
        .await;
    assert!(forbidden(told.map(drop)));
    assert!(forbidden(world.service.list_keys(&caller).await.map(drop)));
    assert!(forbidden(world.service.revoke_key(&caller, id(9)).await));
}

#[tokio::test]
async fn a_stolen_key_is_revoked_even_while_the_clock_is_doubted() {
    let world = World::new().await;
    let shell = Caller::shell();
    let (key, text) = world
        .service
        .create_key(&shell, &wanted(&[Role::Verify], None), None)
        .await
        .expect("a key");
    world.clock.set(-service::UnixMs::DAY);
    let told = world
        .service
        .create_key(&shell, &wanted(&[Role::Verify], None), None)
        .await
        .map(drop);
    assert!(matches!(told, Err(ServiceError::ClockUnreliable(_))), "{told:?}");
    world.service.revoke_key(&shell, key).await.expect("it ends");
    assert_eq!(
        world.service.authenticate(&text).await.map(drop),
        Err(ServiceError::Unauthorized)
    );
}

#[tokio::test]
async fn a4_what_a_caller_may() {
    let world = World::new().await;
    let elsewhere = Owner::new("other", "alice");
    for role in Role::ALL {
        let key = world.caller(&[role], None).await;
        for asked in Role::ALL {
            assert_eq!(forbidden(key.may(&[asked])), asked != role, "{role:?} {asked:?}");
        }
        assert_eq!(key.may(&Role::ALL), Ok(()), "one of them is enough");
        assert_eq!(key.may_for(&[role], &elsewhere), Ok(()));
        assert_eq!(key.may_for_all(&[role], "trail"), Ok(()));
        let limited = world.caller(&[role], Some(&["acme", "umbrella"])).await;
        assert_eq!(limited.may_for(&[role], &alice()), Ok(()));
        assert!(forbidden(limited.may_for(&[role], &elsewhere)));
        assert!(forbidden(limited.may_for_all(&[role], "trail")));
        let none = world.caller(&[role], Some(&[])).await;
        assert!(
            forbidden(none.may_for(&[role], &alice())),
            "a list of none is a limit, too"
        );
    }
    for role in Role::ALL {
        assert_eq!(Caller::shell().may(&[role]), Ok(()));
        assert!(
            forbidden(Caller::system().may(&[role])),
            "the service itself has no role"
        );
    }
}

#[tokio::test]
async fn a3b_an_account_is_the_same_however_it_is_composed() {
    let world = World::new().await;
    let composed = Owner::new("caf\u{e9}", "alice");
    let decomposed = Owner::new("cafe\u{301}", "alice");
    for name in ["caf\u{e9}", "cafe\u{301}"] {
        let caller = world.caller(&[Role::Verify], Some(&[name])).await;
        for owner in [&composed, &decomposed] {
            assert_eq!(caller.may_for(&[Role::Verify], owner), Ok(()));
        }
        assert!(
            forbidden(caller.may_for(&[Role::Verify], &Owner::new("Caf\u{e9}", "alice"))),
            "byte for byte"
        );
    }
}

#[tokio::test]
async fn a_limit_holds_for_each_user_that_is_named() {
    let world = World::new().await;
    let all = world.all().await;
    world.bind(&all, &alice()).await;
    let limited = world.caller(&Role::ALL, Some(&["other"])).await;
    let service = &world.service;
    for owner in [alice(), bob()] {
        assert!(forbidden(service.user(&limited, &owner).await.map(drop)));
        assert!(forbidden(service.close_user(&limited, &owner).await));
    }
    service
        .user(&limited, &Owner::new("other", "bob"))
        .await
        .expect("its own");
    let acting = all.acting(actor_of("ann"));
    service.close_user(&acting, &alice()).await.expect("who has the right");
    let records = service
        .history_of_user(&all, &alice(), None, 1)
        .await
        .expect("a history");
    let event = records[0].event.as_deref().expect("an event");
    assert!(event.contains(r#""actor":{"id":"ann""#), "{event}");
}
