//! Lots as a whole: their tokens by status, how their clocks go, and what is whose.

mod support;

use service::{Answer, Caller, Owner, TokenMove, TokenTransition, UnixMs};
use store::TokenStatus;
use support::{World, alice, bob, phone::Phone};

async fn moved(world: &World, caller: &Caller, serial_number: &str, to: &TokenTransition) {
    let done = world.service.move_token(caller, serial_number, to).await;
    done.unwrap_or_else(|error| panic!("{serial_number}: {error}"));
}

#[tokio::test]
async fn d1_the_tokens_of_a_lot_are_counted_by_status_up_to_a_bound() {
    let world = World::new().await;
    let caller = world.all().await;
    world.stock(&caller, "one", &["CS-1", "CS-2", "CS-3", "CS-4"]).await;
    world.stock(&caller, "two", &["CS-5"]).await;
    moved(&world, &caller, "CS-2", &TokenTransition::Retire).await;
    world.bind_token(&caller, &alice(), "CS-3").await;
    let all = vec![
        (TokenStatus::Imported, 2),
        (TokenStatus::Bound, 1),
        (TokenStatus::Retired, 1),
    ];
    assert_eq!(world.service.lot_counts(&caller, "one", 9).await, Ok(all));
    let first = vec![
        (TokenStatus::Imported, 1),
        (TokenStatus::Bound, 1),
        (TokenStatus::Retired, 1),
    ];
    assert_eq!(world.service.lot_counts(&caller, "one", 1).await, Ok(first));
    assert_eq!(world.service.lot_counts(&caller, "none", 9).await, Ok(vec![]));
    for (lot, most, size) in [
        ("one", 9, 4),
        ("one", 4, 4),
        ("one", 3, 3),
        ("two", 9, 1),
        ("none", 9, 0),
    ] {
        assert_eq!(
            world.service.lot_size(&caller, lot, most).await,
            Ok(size),
            "{lot} {most}"
        );
    }
}

#[tokio::test]
async fn d6_the_clocks_of_a_lot_are_its_own_and_those_about_to_leave_are_named() {
    let world = World::new().await;
    let caller = world.all().await;
    world.stock(&caller, "one", &["CS-1", "CS-2"]).await;
    world.stock(&caller, "two", &["CS-3"]).await;
    let owners = ["a", "b", "c"].map(|user| Owner::new("acme", user));
    for (owner, serial_number) in owners.iter().zip(["CS-1", "CS-2", "CS-3"]) {
        world.bind_token(&caller, owner, serial_number).await;
    }
    // One of each lot gains a step, and is not heard of for long.
    world.clock.pass(20 * UnixMs::DAY);
    for (owner, serial_number, ahead) in [(0, "CS-1", 1), (1, "CS-2", 0), (2, "CS-3", 1)] {
        let code = Phone::token(serial_number).ahead(ahead).shows(world.now());
        let told = world.verify(&caller, &owners[owner], &code).await;
        assert!(matches!(told, Ok(Answer::Accepted(_))), "{told:?}");
    }
    world.clock.pass(21 * UnixMs::DAY);
    let clocks = world.service.lot_clocks(&caller, "one", None).await.expect("clocks");
    assert_eq!((clocks.drift.devices, clocks.drift.about_to_leave), (2, 1));
    assert_eq!(clocks.drift.drifts, [(0, 1), (1, 1)].into());
    assert_eq!(clocks.next, None);
    let leaving: Vec<_> = clocks
        .devices
        .iter()
        .map(|device| device.serial_number.as_deref())
        .collect();
    assert_eq!(leaving, [Some("CS-1")]);
    assert_eq!(clocks.devices[0].owner, owners[0]);
    let after = world.service.lot_clocks(&caller, "one", Some("CS-1".into())).await;
    assert_eq!(after.expect("the rest").drift.devices, 1);
}

#[tokio::test]
async fn d3_a_users_tokens_are_those_they_bound_and_those_that_wait_for_them() {
    let world = World::new().await;
    let caller = world.all().await;
    world.stock(&caller, "one", &["CS-1", "CS-2", "CS-3"]).await;
    let found = async |owner: &Owner| {
        let found = world.service.tokens_of_user(&caller, owner).await.expect("a list");
        let told = found.into_iter().map(|token| (token.serial_number, token.status));
        told.collect::<Vec<_>>()
    };
    assert_eq!(found(&alice()).await, []);
    world.bind_token(&caller, &alice(), "CS-2").await;
    moved(&world, &caller, "CS-1", &TokenTransition::Assign(alice())).await;
    moved(&world, &caller, "CS-3", &TokenTransition::Assign(bob())).await;
    assert_eq!(
        found(&alice()).await,
        [
            ("CS-2".into(), TokenStatus::Bound),
            ("CS-1".into(), TokenStatus::Assigned)
        ]
    );
    assert_eq!(found(&bob()).await, [("CS-3".into(), TokenStatus::Assigned)]);
}

#[tokio::test]
async fn what_a_token_says_may_become_of_it_is_what_may() {
    let world = World::new().await;
    let caller = world.all().await;
    let transitions = [
        (TokenMove::Assign, TokenTransition::Assign(bob())),
        (TokenMove::Unassign, TokenTransition::Unassign),
        (TokenMove::Lose, TokenTransition::Lose),
        (TokenMove::Return, TokenTransition::Return),
        (TokenMove::Retire, TokenTransition::Retire),
    ];
    let ways: [(&str, Option<&str>, &[TokenTransition]); 7] = [
        ("imported", None, &[]),
        ("assigned", None, &[TokenTransition::Assign(alice())]),
        ("bound", Some("b"), &[]),
        ("lost", None, &[TokenTransition::Lose]),
        ("lost-bound", Some("l"), &[TokenTransition::Lose]),
        ("returned", None, &[TokenTransition::Return]),
        ("retired", None, &[TokenTransition::Retire]),
    ];
    for (name, bound_by, way) in ways {
        for (place, (wanted, transition)) in transitions.iter().enumerate() {
            let serial_number = format!("{name}-{place}");
            world.stock(&caller, &serial_number, &[&*serial_number]).await;
            if let Some(user) = bound_by {
                let owner = Owner::new("acme", format!("{user}{place}"));
                world.bind_token(&caller, &owner, &serial_number).await;
            }
            for step in way {
                moved(&world, &caller, &serial_number, step).await;
            }
            let token = world.service.token(&caller, &serial_number).await.expect("it is there");
            let told = world.service.move_token(&caller, &serial_number, transition).await;
            assert_eq!(
                token.moves().contains(wanted),
                told.is_ok(),
                "{serial_number} {wanted:?}: {told:?}"
            );
        }
    }
}
