//! What everybody is told while the engine refuses, and that nothing is decided then.

mod support;

use service::{
    Answer, Caller, ExportedTokens, Id, NewExport, NewKey, NewLot, Role, ServiceError, TokenFilter, TokenTransition,
};
use store::StoreError;
use support::{
    World, alice, app, bob, by_code, confirmation, faulty::Fault, paper_question, phone::Phone, question, seeds, text,
};
use zeroize::Zeroizing;

/// Something for every use case to work on.
struct Scene {
    world: World,
    caller: Caller,
    /// Whose key somebody else answers for.
    other: Caller,
    device: Id,
    phone: Phone,
    paper: Vec<Zeroizing<String>>,
    enrollment: Id,
    new_phone: Phone,
    requested: Id,
    approved: Id,
    key: Id,
}

const KEY: [u8; 32] = [7; 32];

fn export() -> NewExport {
    NewExport {
        tokens: ExportedTokens::UnboundOf("one".into()),
        recipient: "partner".into(),
        key: KEY.to_vec().into(),
    }
}

fn new_key() -> NewKey {
    NewKey {
        roles: vec![Role::Verify],
        owner: "console".into(),
        audiences: Vec::new(),
        person: None,
        return_urls: Vec::new(),
        accounts: None,
    }
}

impl Scene {
    async fn new() -> Self {
        let world = World::new().await;
        let caller = world.all().await;
        let other = world.person(&Role::ALL, None, "Grace", "ben").await;
        world.stock(&caller, "one", &["CS-1", "CS-2"]).await;
        let (device, phone, paper) = world.bind_with_paper(&caller, &alice()).await;
        let (offer, new_phone) = world.start(&caller, &bob()).await;
        let requested = world
            .service
            .request_export(&caller, export())
            .await
            .expect("asked for")
            .id;
        let approved = world
            .service
            .request_export(&caller, export())
            .await
            .expect("asked for")
            .id;
        world.service.approve_export(&other, approved).await.expect("approved");
        let (key, _) = world
            .service
            .create_key(&Caller::shell(), &new_key(), None)
            .await
            .expect("a key");
        Self {
            world,
            caller,
            other,
            device,
            phone,
            paper,
            enrollment: offer.id,
            new_phone,
            requested,
            approved,
            key,
        }
    }

    /// What each use case that writes, and that somebody else can overtake, comes to.
    async fn overtaken(&self) -> Vec<(&'static str, Result<(), ServiceError>)> {
        let Self {
            world, caller, other, ..
        } = self;
        let (service, now, alice, bob) = (&world.service, world.now(), alice(), bob());
        let code = by_code(&self.phone.shows(now));
        let wrong = by_code(&self.phone.wrong_code(now));
        let [first, second] = self.phone.two(now).map(|code| text(&code));
        let wanted = world.wanted(&bob, app(), None);
        let confirmed = confirmation(&[&self.new_phone.shows(now)]);
        let mistaken = confirmation(&[&self.new_phone.wrong_code(now)]);
        let device = self.device;
        let confirm = service.confirm_enrollment(caller, &bob, self.enrollment, &confirmed);
        let mistake = service.confirm_enrollment(caller, &bob, self.enrollment, &mistaken);
        let shell = Caller::shell();
        vec![
            ("start", service.start_enrollment(caller, &wanted).await.map(drop)),
            ("confirm", confirm.await.map(drop)),
            ("a wrong confirmation", mistake.await.map(drop)),
            (
                "abandon",
                service.abandon_enrollment(caller, &bob, self.enrollment).await,
            ),
            ("unbind", service.unbind(caller, &alice, device, &code).await),
            (
                "a wrong unbinding",
                service.unbind(caller, &alice, device, &wrong).await,
            ),
            (
                "resync",
                service
                    .resync(caller, &alice, device, [&first, &second], None)
                    .await
                    .map(drop),
            ),
            ("unlock", service.unlock(caller, &alice, device, None).await.map(drop)),
            (
                "renew",
                service.renew_recovery_codes(caller, &alice, &code).await.map(drop),
            ),
            ("close", service.close_user(caller, &alice).await),
            ("erase", service.erase_user(caller, &alice).await),
            (
                "change a lot",
                service.change_lot(caller, "one", &NewLot::default()).await.map(drop),
            ),
            ("import", world.import(caller, "one", &seeds(&["CS-9"])).await.map(drop)),
            (
                "move",
                service
                    .move_token(caller, "CS-1", &TokenTransition::Lose)
                    .await
                    .map(drop),
            ),
            ("find", service.find_unbound(caller, &first).await.map(drop)),
            (
                "find bound",
                service.find_bound(caller, [&first, &second]).await.map(drop),
            ),
            (
                "ask for an export",
                service.request_export(caller, export()).await.map(drop),
            ),
            ("approve", service.approve_export(other, self.requested).await.map(drop)),
            (
                "withdraw",
                service.withdraw_export(caller, self.requested).await.map(drop),
            ),
            (
                "fetch",
                service.fetch_export(caller, self.approved, &KEY).await.map(drop),
            ),
            (
                "create a key",
                service.create_key(&shell, &new_key(), None).await.map(drop),
            ),
            ("revoke a key", service.revoke_key(&shell, self.key).await),
        ]
    }

    /// The others that write.
    async fn written(&self) -> Vec<(&'static str, Result<(), ServiceError>)> {
        let Self { world, caller, .. } = self;
        let code = self.phone.shows(world.now());
        let shell = Caller::shell();
        let service = &world.service;
        vec![
            ("verify", world.verify(caller, &alice(), &code).await.map(drop)),
            ("of nobody", world.verify(caller, &bob(), &code).await.map(drop)),
            (
                "on paper",
                world
                    .ask(caller, paper_question(&alice(), &self.paper[0]))
                    .await
                    .map(drop),
            ),
            (
                "make a lot",
                service.create_lot(caller, "two", &NewLot::default()).await.map(drop),
            ),
            ("accept", service.accept_clock(&shell).await),
            ("index", service.index_history(&shell).await),
        ]
    }

    /// What each that only reads comes to.
    async fn read(&self) -> Vec<(&'static str, Result<(), ServiceError>)> {
        let Self { world, caller, .. } = self;
        let (service, alice) = (&world.service, alice());
        let all = TokenFilter::default;
        vec![
            ("user", service.user(caller, &alice).await.map(drop)),
            ("protection", service.protection(caller, &alice).await.map(drop)),
            ("device", service.device(caller, &alice, self.device).await.map(drop)),
            (
                "png",
                service.enrollment_png(caller, &bob(), self.enrollment).await.map(drop),
            ),
            ("lots", service.lots(caller, None, 9).await.map(drop)),
            ("lot", service.lot(caller, "one").await.map(drop)),
            ("token", service.token(caller, "CS-1").await.map(drop)),
            ("tokens", service.tokens(caller, all(), None, 9).await.map(drop)),
            ("drifting", service.drifting_tokens(caller, None, 9).await.map(drop)),
            ("export", service.export(caller, self.requested).await.map(drop)),
            ("trail", service.trail(caller, None, 9).await.map(drop)),
            (
                "of a user",
                service.history_of_user(caller, &alice, None, 9).await.map(drop),
            ),
            (
                "of a device",
                service.history_of_device(caller, self.device, None, 9).await.map(drop),
            ),
            (
                "of a token",
                service.history_of_token(caller, "CS-1", None, 9).await.map(drop),
            ),
            ("keys", service.list_keys(&Caller::shell()).await.map(drop)),
            ("ready", service.ready().await.map(drop)),
            (
                "housekeeping",
                service.run_housekeeping(&Caller::system()).await.map(drop),
            ),
        ]
    }
}

fn full() -> StoreError {
    StoreError::Unavailable("the disk is full".into())
}

#[tokio::test]
async fn whoever_is_overtaken_again_and_again_is_told_so() {
    let scene = Scene::new().await;
    let rows = scene.world.rows().await.len();
    scene.world.engine.becomes(Fault::Missed);
    for (name, told) in scene.overtaken().await {
        assert_eq!(told, Err(ServiceError::Contended), "{name}");
    }
    assert_eq!(scene.world.rows().await.len(), rows, "nothing was written");
    let told = scene
        .world
        .ask(&scene.caller, paper_question(&alice(), &scene.paper[0]))
        .await;
    assert_eq!(told, Err(ServiceError::Contended), "there is no next recovery code");
    let code = scene.phone.shows(scene.world.now());
    let told = scene.world.verify(&scene.caller, &alice(), &code).await;
    assert_eq!(told, Ok(Answer::Refused), "the user waits for the next code");
    assert_eq!(scene.world.last("verify").await["cause"], "contended");
    scene.world.engine.becomes(Fault::None);
    let told = scene.world.verify(&scene.caller, &alice(), &code).await;
    assert!(matches!(told, Ok(Answer::Accepted(_))), "it was not burned: {told:?}");
}

#[tokio::test]
async fn what_cannot_be_written_is_not_decided() {
    let scene = Scene::new().await;
    let faults = [
        (full(), ServiceError::StorageUnavailable("the disk is full".into())),
        (
            StoreError::Closed,
            ServiceError::StorageUnavailable("the service is shutting down".into()),
        ),
        (
            StoreError::Untrusted("another's files".into()),
            ServiceError::Untrusted("another's files".into()),
        ),
        (
            StoreError::Damaged("page 7".into()),
            ServiceError::Internal("page 7".into()),
        ),
    ];
    let rows = scene.world.rows().await.len();
    for (fault, wanted) in faults {
        scene.world.engine.becomes(Fault::Writing(fault));
        for (name, told) in scene.overtaken().await.into_iter().chain(scene.written().await) {
            assert_eq!(told, Err(wanted.clone()), "{name}");
        }
    }
    assert_eq!(scene.world.rows().await.len(), rows);
    // Everything is as it was: right codes, and what waits for somebody.
    scene.world.engine.becomes(Fault::None);
    let typed = question(&alice(), &scene.phone.shows(scene.world.now()));
    for question in [typed, paper_question(&alice(), &scene.paper[0])] {
        let told = scene.world.ask(&scene.caller, question).await;
        assert!(matches!(told, Ok(Answer::Accepted(_))), "{told:?}");
    }
    let right = confirmation(&[&scene.new_phone.shows(scene.world.now())]);
    let service = &scene.world.service;
    let told = service
        .confirm_enrollment(&scene.caller, &bob(), scene.enrollment, &right)
        .await;
    told.expect("no wrong code was counted");
    let told = scene
        .world
        .service
        .fetch_export(&scene.caller, scene.approved, &KEY)
        .await;
    told.expect("the file did not leave");
}

#[tokio::test]
async fn what_cannot_be_read_is_said() {
    let scene = Scene::new().await;
    scene.world.engine.becomes(Fault::Reading(full()));
    let all = scene
        .overtaken()
        .await
        .into_iter()
        .chain(scene.written().await)
        .chain(scene.read().await);
    for (name, told) in all {
        assert_eq!(
            told,
            Err(ServiceError::StorageUnavailable("the disk is full".into())),
            "{name}"
        );
    }
    scene.world.engine.becomes(Fault::None);
    for (name, told) in scene.read().await {
        assert_eq!(told, Ok(()), "{name}");
    }
}

#[tokio::test]
async fn a_service_whose_disk_was_full_finds_out_by_itself_that_it_has_room() {
    let scene = Scene::new().await;
    let Scene { world, caller, .. } = &scene;
    assert_eq!(world.service.ready().await.expect("it is").reads, 0);
    assert_eq!(world.told("storage.probe").await.len(), 0);
    world.engine.becomes(Fault::Writing(full()));
    world.service.ready().await.expect("nobody knows yet");
    let told = world.import(caller, "one", &seeds(&["CS-9"])).await;
    assert!(matches!(told, Err(ServiceError::StorageUnavailable(_))));
    for _ in 0..2 {
        let told = world.service.ready().await;
        assert!(matches!(told, Err(ServiceError::StorageUnavailable(_))), "{told:?}");
    }
    world.engine.becomes(Fault::None);
    for _ in 0..2 {
        world.service.ready().await.expect("it has room");
    }
    assert_eq!(world.told("storage.probe").await.len(), 1);
    world
        .engine
        .becomes(Fault::Writing(StoreError::Untrusted("another's files".into())));
    let told = world.service.ready().await;
    assert!(matches!(told, Err(ServiceError::Untrusted(_))), "{told:?}");
}

#[tokio::test]
async fn a_closed_service_lets_nothing_in() {
    let scene = Scene::new().await;
    scene.world.service.close().await;
    scene.world.service.close().await;
    let code = scene.phone.shows(scene.world.now());
    let told = scene.world.verify(&scene.caller, &alice(), &code).await;
    let ends = ServiceError::StorageUnavailable("the service is shutting down".into());
    assert_eq!(told, Err(ends), "nobody has too many requests waiting");
}
