//! The desk of the operator's staff: who they are, their browser, and what they do on many pages.

use service::{Approver, Caller, Factor, Method, NewKey, Owner, Role, Settings};

use crate::{
    browser::{Browser, Options},
    judges::STEP_MS,
    world::{Bound, HOUR_MS, User, World},
};

/// What is another one each time.
const VARYING: &[&str] = &["time", "#token", "#passcode", "code"];

/// Somebody of support, with a device of their own and a key that is bound to them.
pub(crate) struct Staff {
    pub(crate) bound: Bound,
    pub(crate) name: &'static str,
    pub(crate) key: String,
}

/// A world whose staff have an account of their own.
pub(crate) fn world() -> World {
    let mut settings = Settings::default();
    settings.support.staff_account = Some("staff".into());
    settings.support.applications = true;
    World::with(settings, server::Limits::default())
}

/// Two of them, whose keys are old enough to approve.
pub(crate) fn staff(world: &World) -> [Staff; 2] {
    let mut all: Vec<Staff> = Vec::new();
    for name in ["anna", "bao"] {
        let bound = world.user("staff", name).bind();
        world.pass(STEP_MS);
        let wanted = NewKey {
            roles: vec![Role::Support],
            owner: format!("team {name}"),
            person: Some(Owner::new("staff", name)),
            accounts: None,
            audiences: Vec::new(),
            return_urls: Vec::new(),
        };
        let approver = all.last().map(|first| Approver {
            owner: Owner::new("staff", first.name),
            factor: Factor::Code {
                code: first.bound.phone.code_at(world.now_ms()).into(),
                method: Method::Totp,
            },
        });
        let made = world.wait(world.service().create_key(&Caller::shell(), &wanted, approver.as_ref()));
        let key = made.expect("a key").1.as_str().to_owned();
        all.push(Staff { bound, name, key });
        world.pass(24 * HOUR_MS);
    }
    world.pass(24 * HOUR_MS);
    all.try_into().unwrap_or_else(|_| panic!("two"))
}

/// The desk, as one browser of it is used.
pub(crate) struct Desk<'w> {
    pub(crate) world: &'w World,
    pub(crate) browser: Browser,
    name: &'static str,
}

impl<'w> Desk<'w> {
    pub(crate) fn new(world: &'w World, options: Options, name: &'static str) -> Self {
        let browser = Browser::with(options);
        Self { world, browser, name }
    }

    pub(crate) fn open(&self, path: &str) {
        self.browser.open(&format!("http://{}{path}", self.world.address()));
    }

    #[track_caller]
    pub(crate) fn walk(&self, state: &str) {
        self.browser.walk(&format!("{}-{state}", self.name), VARYING);
    }

    pub(crate) fn sign_in(&self, staff: &Staff) {
        self.enter(staff.name, &staff.key);
    }

    /// Signs in under this name, with this key.
    pub(crate) fn enter(&self, name: &str, key: &str) {
        self.open("/staff");
        self.browser.type_into("#actor", name);
        self.browser.type_into("#api_key", key);
        self.browser.click("main button");
        self.browser.wait_for(".menu");
    }

    pub(crate) fn sign_out(&self) {
        self.browser.click(".menu button");
        self.browser.wait_for("#api_key");
    }

    /// Finds a user by the two fields.
    pub(crate) fn find(&self, user: &User<'_>) {
        self.open("/staff/users");
        self.browser.type_into("#account", &user.account);
        self.browser.type_into("#user", &user.user);
        self.browser.click("main form button");
        self.browser.wait_for("#history");
    }

    /// Types the approver's code, and approves.
    pub(crate) fn approve(&self, staff: &Staff) {
        self.world.pass(STEP_MS);
        let code = staff.bound.phone.code_at(self.world.now_ms());
        assert_eq!(self.browser.value("#approver_account"), "staff", "the staff's account");
        self.browser.type_into("#code", &code);
        self.browser.click("form[action$=approve] button");
    }
}
