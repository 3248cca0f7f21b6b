//! Names of users that are folded, from the beginning or later: whoever was renamed is who they were (A3b).

mod support;

use service::{
    Answer, Caller, ChallengePurpose, Decision, Ground, NewAdministrators, NewChallenge, NewLot, OpenTo, Owner, Role,
    Service, ServiceError, Settings, TokenTransition, UserNames, UserNamesSet, UserView, set_user_names,
};
use store::StoreError;
use support::{World, faulty::Fault, identity, paper_question};

fn folding() -> Settings {
    Settings {
        user_names: Some(UserNames::CaseInsensitive),
        ..Settings::default()
    }
}

fn login(owner: &Owner) -> NewChallenge {
    NewChallenge {
        owner: owner.clone(),
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

async fn decided(service: &Service, caller: &Caller, owner: &Owner) -> (Decision, Ground) {
    let told = service
        .create_challenge(caller, &login(owner))
        .await
        .expect("a decision");
    (told.decision, told.ground)
}

async fn set(world: &World, wanted: UserNames) -> Result<UserNamesSet, ServiceError> {
    set_user_names(&Caller::shell(), &world.ports, wanted).await
}

async fn started(world: &World) -> Result<Service, ServiceError> {
    Service::start(world.ports.clone(), Settings::default()).await
}

/// Everything but the trail, as it is kept.
async fn kept(world: &World) -> Vec<String> {
    let users = world.store.users_after(None, u32::MAX).await.expect("a read");
    let mut all: Vec<String> = users
        .iter()
        .map(|user| format!("{:?} {:?} {:?}", user.owner, user.id, user.revision))
        .collect();
    for lot in world.store.lots(None, u32::MAX).await.expect("a read") {
        all.push(format!("{lot:?}"));
    }
    all.push(format!("{:?}", world.store.user_names().await.expect("a read")));
    all
}

#[tokio::test]
async fn a3b_a_setting_that_users_do_not_stand_for_stops_the_start() {
    let world = World::new().await;
    let all = world.all().await;
    // Before the first user the setting is taken, and remembered.
    world.service.close().await;
    let service = Service::start(world.ports.clone(), folding())
        .await
        .expect("nobody is there yet");
    assert_eq!(service.user_names(), UserNames::CaseInsensitive);
    service.close().await;
    let service = started(&world).await.expect("without a setting it goes on");
    assert_eq!(service.user_names(), UserNames::CaseInsensitive);
    assert_eq!(
        decided(&service, &all, &service.user_names().owner("acme", "Joe")).await,
        (Decision::Allow, Ground::UnknownUser)
    );
    service.close().await;
    let exact = Settings {
        user_names: Some(UserNames::Exact),
        ..Settings::default()
    };
    let before = kept(&world).await;
    let Err(ServiceError::Untrusted(why)) = Service::start(world.ports.clone(), exact).await else {
        panic!("it starts");
    };
    assert!(why.contains("countersign user-names set exact"), "{why}");
    assert_eq!(kept(&world).await, before);
    // What is meant for somebody counts, before they are ever asked about.
    let world = World::new().await;
    let all = world.all().await;
    let beta = NewLot {
        open_to: Some(OpenTo::Users(vec![Owner::new("acme", "Joe")])),
        note: None,
    };
    world.service.create_lot(&all, "beta", &beta).await.expect("a batch");
    world.service.close().await;
    let started = Service::start(world.ports.clone(), folding()).await;
    assert!(matches!(started, Err(ServiceError::Untrusted(_))));
}

/// A store that is asked about a name that no door folded answers nothing, least of all "nobody".
#[tokio::test]
async fn a3b_a_road_that_forgets_to_fold_comes_to_nothing() {
    let world = World::with(folding()).await;
    let all = world.all().await;
    let (_, phone) = world.bind(&all, &Owner::new("acme", "joe")).await;
    let forgotten = Owner::new("acme", "Joe");
    let told = world.service.create_challenge(&all, &login(&forgotten)).await;
    assert!(matches!(told, Err(ServiceError::StorageUnavailable(_))), "{told:?}");
    let told = world.verify(&all, &forgotten, &phone.shows(world.now())).await;
    assert!(matches!(told, Err(ServiceError::StorageUnavailable(_))), "{told:?}");
    let told = world.service.methods(&all, &forgotten).await;
    assert!(matches!(told, Err(ServiceError::StorageUnavailable(_))), "{told:?}");
}

/// Users of every kind, under names that fold, and what names them.
struct Town {
    world: World,
    all: Caller,
    joe: Owner,
    phone: support::phone::Phone,
    paper: Vec<String>,
}

impl Town {
    async fn built() -> Self {
        let world = World::new().await;
        let all = world.all().await;
        let joe = Owner::new("acme", "Joe Straße");
        let (_, phone, paper) = world.bind_with_paper(&all, &joe).await;
        world.prove(&all, &Owner::new("acme", "SMS"), "sms").await;
        world.bind(&all, &Owner::new("acme", "ann")).await;
        world.bind(&all, &Owner::new("ACME", "ANN")).await;
        // Somebody was asked about under two spellings, and has nothing under either.
        for name in ["ANN", "aNN", "Nobody", "NOBODY"] {
            assert_eq!(
                decided(&world.service, &all, &Owner::new("acme", name)).await,
                (Decision::Allow, Ground::UnknownUser)
            );
        }
        world.stock(&all, "lot", &["T-1"]).await;
        let assign = TokenTransition::Assign(Owner::new("acme", "Waiting"));
        world
            .service
            .move_token(&all, "T-1", &assign)
            .await
            .expect("it is set aside");
        let beta = NewLot {
            open_to: Some(OpenTo::Users(vec![joe.clone()])),
            note: None,
        };
        world.service.create_lot(&all, "beta", &beta).await.expect("a batch");
        let wanted = NewAdministrators {
            root: "Root".into(),
            administrators: vec!["Ann".into(), "ann".into()],
            factor: None,
        };
        let named = world.service.set_administrators(&all, "acme", 0, &wanted).await;
        named.expect("they are named");
        world.service.close().await;
        Self {
            world,
            all,
            joe,
            phone,
            paper: paper.iter().map(|code| code.as_str().to_owned()).collect(),
        }
    }

    /// Whoever was renamed is who they were.
    async fn is_whole(&self) {
        let Self { world, all, .. } = self;
        let service = started(world).await.expect("it starts");
        let names = service.user_names();
        assert_eq!(names, UserNames::CaseInsensitive);
        let joe = names.owner("acme", "JOE STRASSE");
        assert_eq!(
            decided(&service, all, &joe).await,
            (Decision::Challenge, Ground::Protected)
        );
        let ask = async |question| service.verify(all, vec![question]).await.pop().expect("an answer");
        let code = self.phone.shows(world.now());
        let told = ask(support::question(&joe, &code)).await.expect("it is judged");
        assert!(
            matches!(told, Answer::Accepted(_)),
            "its secret is sealed for the new name: {told:?}"
        );
        let told = ask(paper_question(&joe, &self.paper[0])).await.expect("it is judged");
        assert!(matches!(told, Answer::Accepted(_)), "a recovery code is good: {told:?}");
        let told = ask(paper_question(&joe, &self.paper[0])).await.expect("it is judged");
        assert_eq!(told, Answer::Refused, "once");
        let UserView { devices, .. } = service.user(all, &joe).await.expect("they are shown");
        assert_eq!(devices.len(), 1);
        let sms = service
            .methods(all, &names.owner("acme", "SMS"))
            .await
            .expect("they are shown");
        assert_eq!(sms[0].identity, identity(&Owner::new("acme", "SMS"), "sms"));
        assert!(service.lot(all, "beta").await.expect("a batch").open_to.includes(&joe));
        let admins = service.administrators(all, "acme").await.expect("they are named");
        assert_eq!(
            (&*admins.root, &admins.administrators[..]),
            ("root", &["ann".to_owned()][..])
        );
        let waiting = service
            .tokens_of_user(all, &names.owner("acme", "waiting"))
            .await
            .expect("a list");
        assert_eq!(waiting.len(), 1);
        for (account, name) in [("acme", "ANN"), ("ACME", "Ann")] {
            let owner = names.owner(account, name);
            assert_eq!(
                decided(&service, all, &owner).await,
                (Decision::Challenge, Ground::Protected)
            );
        }
        let history = service.history_of_user(all, &joe, None, 100).await.expect("a history");
        assert!(history.len() >= 3, "what happened to Joe happened to joe: {history:?}");
        let spelled = world.store.users_after(None, u32::MAX).await.expect("a read");
        assert!(
            spelled.iter().all(|user| names.is_spelling(&user.owner.user)),
            "{spelled:?}"
        );
        service.close().await;
    }
}

#[tokio::test]
async fn a3b_users_who_are_renamed_are_who_they_were() {
    let town = Town::built().await;
    let before = kept(&town.world).await;
    let started = Service::start(town.world.ports.clone(), folding()).await;
    assert!(
        matches!(started, Err(ServiceError::Untrusted(_))),
        "a change takes the command"
    );
    assert_eq!(kept(&town.world).await, before);
    let Ok(UserNamesSet::Done(done)) = set(&town.world, UserNames::CaseInsensitive).await else {
        panic!("nobody collides");
    };
    assert!(done.renamed >= 4 && done.forgotten == 4, "{done:?}");
    town.is_whole().await;
    let events = town.world.told("user.rename").await;
    assert_eq!(events.len() as u64, done.renamed, "A3: each is in the trail");
    assert_eq!(town.world.last("user_names.set").await["outcome"], "done");
    // Once more is nothing, and back is nobody's other name.
    let again = set(&town.world, UserNames::CaseInsensitive).await;
    assert_eq!(again, Ok(UserNamesSet::Done(service::RenamedUsers::default())));
    let back = set(&town.world, UserNames::Exact).await;
    assert_eq!(back, Ok(UserNamesSet::Done(service::RenamedUsers::default())));
    let service = self::started(&town.world).await.expect("it starts");
    assert_eq!(service.user_names(), UserNames::Exact);
    assert_eq!(decided(&service, &town.all, &town.joe).await.1, Ground::UnknownUser);
    let folded = Owner::new("acme", "joe strasse");
    assert_eq!(decided(&service, &town.all, &folded).await.1, Ground::Protected);
}

#[tokio::test]
async fn a3b_users_who_would_have_one_name_are_found_and_nothing_is_changed() {
    let world = World::new().await;
    let all = world.all().await;
    for name in ["joe", "Joe", "ΣΑΣ", "σας", "Straße"] {
        world.bind(&all, &Owner::new("acme", name)).await;
    }
    world.prove(&all, &Owner::new("acme", "STRASSE"), "sms").await;
    world.bind(&all, &Owner::new("globex", "JOE")).await;
    world.service.close().await;
    let before = (kept(&world).await, world.rows().await.len());
    let Ok(UserNamesSet::Collides(count, mut named)) = set(&world, UserNames::CaseInsensitive).await else {
        panic!("they collide");
    };
    named.sort();
    let told: Vec<&str> = named.iter().map(|collision| &*collision.name).collect();
    assert_eq!((count, &told[..]), (3, &["joe", "strasse", "σασ"][..]), "{named:?}");
    assert_eq!(
        (kept(&world).await, world.rows().await.len()),
        before,
        "nothing was changed"
    );
    let service = started(&world).await.expect("it starts as before");
    assert_eq!(service.user_names(), UserNames::Exact);
}

/// Killed after each of its writes: no service starts on what is half done, and the next run makes it whole.
#[tokio::test]
async fn a3b_a_renaming_that_is_killed_goes_on() {
    for survived in 0.. {
        let town = Town::built().await;
        let killed = StoreError::Unavailable("killed".into());
        town.world.engine.becomes(Fault::WritingAfter(survived, killed));
        let told = set(&town.world, UserNames::CaseInsensitive).await;
        town.world.engine.becomes(Fault::None);
        if told.is_ok() {
            assert!(survived > 10, "there was something to be killed in");
            return;
        }
        match survived {
            0 => started(&town.world).await.expect("nothing was changed").close().await,
            _ => {
                let started = started(&town.world).await;
                assert!(
                    matches!(started, Err(ServiceError::Untrusted(_))),
                    "after {survived} writes"
                );
                let back = set(&town.world, UserNames::Exact).await;
                assert!(matches!(back, Err(ServiceError::Untrusted(_))), "nor back");
            }
        }
        let again = set(&town.world, UserNames::CaseInsensitive).await;
        assert!(matches!(again, Ok(UserNamesSet::Done(_))), "{again:?}");
        town.is_whole().await;
    }
}

#[tokio::test]
async fn a4_only_the_operator_sets_how_names_are_compared() {
    let world = World::new().await;
    let caller = world.caller(&Role::ALL, None).await;
    let told = set_user_names(&caller, &world.ports, UserNames::CaseInsensitive).await;
    assert!(matches!(told, Err(ServiceError::Forbidden(_))), "{told:?}");
}
