//! What is refused where there is no room, or no randomness: nothing is written then.

mod support;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::SeqCst},
};

use service::{Entropy, PortError, Ports, Service, ServiceError, Settings};
use support::{World, alice, app, by_code, confirmation, hardware, id};

#[tokio::test]
async fn a_user_for_whom_enough_is_waiting_is_told_to_come_again() {
    let world = World::with(Settings {
        waiting_per_user: 0,
        ..Settings::default()
    })
    .await;
    let caller = world.all().await;
    let before = world.rows().await.len();
    let service = &world.service;
    let wanted = world.wanted(&alice(), app(), None);
    let start = service.start_enrollment(&caller, &wanted).await;
    assert_eq!(start.err(), Some(ServiceError::RateLimited));
    let confirm = service
        .confirm_enrollment(&caller, &alice(), id(1), &confirmation(&["123456"]))
        .await;
    assert_eq!(confirm.err(), Some(ServiceError::RateLimited));
    let factor = by_code("123456");
    for told in [
        service.abandon_enrollment(&caller, &alice(), id(1)).await,
        service.unbind(&caller, &alice(), id(1), &factor).await,
        service.close_user(&caller, &alice()).await,
        service.erase_user(&caller, &alice()).await,
        service.unlock(&caller, &alice(), id(1), None).await.map(drop),
        service.renew_recovery_codes(&caller, &alice(), &factor).await.map(drop),
        world.verify(&caller, &alice(), "123456").await.map(drop),
    ] {
        assert_eq!(told, Err(ServiceError::RateLimited));
    }
    assert_eq!(world.rows().await.len(), before);
}

/// The kernel's randomness, while it lasts.
struct Failing {
    kernel: Arc<dyn Entropy>,
    is_dry: AtomicBool,
}

impl Entropy for Failing {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), PortError> {
        if self.is_dry.load(SeqCst) {
            return Err(PortError::Entropy);
        }
        self.kernel.fill(bytes)
    }
}

#[tokio::test]
async fn without_randomness_nothing_begins_and_nothing_is_accepted() {
    let world = World::new().await;
    let caller = world.all().await;
    world.stock(&caller, "one", &["CS-1"]).await;
    let (_, phone) = world.bind(&caller, &alice()).await;
    let entropy = Arc::new(Failing {
        kernel: world.ports.entropy.clone(),
        is_dry: AtomicBool::new(false),
    });
    let ports = Ports {
        entropy: entropy.clone(),
        ..world.ports.clone()
    };
    let service = Service::start(ports, Settings::default()).await.expect("it starts");
    entropy.is_dry.store(true, SeqCst);
    let before = world.rows().await.len();
    let is_internal = |told: Result<(), ServiceError>| matches!(told, Err(ServiceError::Internal(_)));
    for device in [app(), hardware("CS-1")] {
        let wanted = world.wanted(&support::bob(), device, None);
        assert!(is_internal(service.start_enrollment(&caller, &wanted).await.map(drop)));
    }
    let factor = by_code(&phone.shows(world.now()));
    let renewed = service.renew_recovery_codes(&caller, &alice(), &factor).await;
    assert!(is_internal(renewed.map(drop)));
    let mut told = service
        .verify(&caller, vec![support::question(&alice(), &phone.shows(world.now()))])
        .await;
    assert!(is_internal(told.pop().expect("an answer").map(drop)));
    assert_eq!(world.rows().await.len(), before, "nothing was written");
    entropy.is_dry.store(false, SeqCst);
    let mut told = service
        .verify(&caller, vec![support::question(&alice(), &phone.shows(world.now()))])
        .await;
    assert!(
        matches!(told.pop(), Some(Ok(service::Answer::Accepted(_)))),
        "the code was not burned meanwhile"
    );
    service.close().await;
}
