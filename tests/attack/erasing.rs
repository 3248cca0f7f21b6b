//! Erasing is for administrators, and is no way to make anything good again.

use crate::{service::TestService, support::step_that_lasts};

/// Nobody but an administrator erases, and a code of the erased device is no good to whoever has the name afterwards (D4).
#[test]
fn only_an_administrator_erases_and_no_code_of_before_is_good_afterwards() {
    let mut service = TestService::open();
    let step = step_that_lasts(15);
    let alice = service.bind("alice.who.goes", step - 1);
    let path = "/v1/accounts/acme/users/alice.who.goes?actor_id=mallory&actor_kind=admin&erase=true";
    let refused = service.api.delete(path).expect("an answer");
    assert_eq!(refused.status, 403, "none of these roles erases: {}", refused.body);
    let admin = service.caller("admin");
    assert_eq!(admin.delete(path).expect("an answer").status, 204);
    service.bind("alice.who.goes", step);
    let old = service
        .api
        .verify("alice.who.goes", &alice.phone.code(step))
        .expect("an answer");
    assert_eq!(old.outcome(), "refused", "D4: it was another one's");
    service.reopen();
    let old = service
        .api
        .verify("alice.who.goes", &alice.phone.code(step + 1))
        .expect("an answer");
    assert_eq!(old.outcome(), "refused");
}
