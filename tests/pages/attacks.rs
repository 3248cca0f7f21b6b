//! What only a browser shows: a page of ours in somebody's frame, forms and fetches of another site with the victim's cookies,
//! and names that are markup.

use std::net::SocketAddr;

use axum::{
    Router,
    response::{Html, Redirect},
    routing::get,
};
use serde_json::json;
use tokio::{net::TcpListener, runtime::Runtime};

use crate::{
    browser::Browser,
    login_service::{LoginService, Sent},
    world::{Bound, User, World},
};

const XSS: &str = include_str!("xss.txt");

/// Somebody's site, which has this one page.
struct Site {
    address: SocketAddr,
    _runtime: Runtime,
}

impl Site {
    fn with(page: String) -> Self {
        let page = format!("<!doctype html><html lang=en><title>x</title><link rel=icon href='data:,'>{page}");
        Self::of(|_| Router::new().fallback(move || std::future::ready(Html(page.clone()))))
    }

    /// A login service whose page to come back to sends the user on to a console under another name.
    fn that_sends_on() -> Self {
        let arrived = Html("<!doctype html><html lang=en><title>x</title><link rel=icon href='data:,'><p id=arrived>x");
        Self::of(|address| {
            let console = format!("http://localhost:{}/console", address.port());
            let send_on = move || std::future::ready(Redirect::to(&console));
            Router::new()
                .route("/back", get(send_on))
                .fallback(move || std::future::ready(arrived))
        })
    }

    fn of(rooms: impl FnOnce(SocketAddr) -> Router) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let address = listener.local_addr().expect("an address");
        let rooms = rooms(address);
        runtime.spawn(async { axum::serve(listener, rooms).await });
        Self {
            address,
            _runtime: runtime,
        }
    }

    /// Under the name that our pages have, where the browser sends their cookies, and under another.
    fn names(&self) -> [String; 2] {
        ["127.0.0.1", "localhost"].map(|name| format!("http://{name}:{}/", self.address.port()))
    }
}

struct Victim<'w> {
    world: &'w World,
    service: LoginService<'w>,
    user: User<'w>,
    bound: Bound,
    browser: Browser,
}

impl<'w> Victim<'w> {
    fn of(world: &'w World) -> Self {
        let user = world.user("acme", "alice");
        Self {
            world,
            service: LoginService::of(world, "https://login.example/back"),
            bound: user.bind(),
            user,
            browser: Browser::start(),
        }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.world.address())
    }

    /// They have opened the prompt, and typed a wrong code: their browser has its cookie.
    fn at_the_prompt(&self) -> Sent {
        let sent = self.service.send(&self.service.login(&self.user), "their browser");
        self.browser.open(&self.url(&sent.path));
        let wrong = self.bound.phone.wrong_code_at(self.world.now_ms());
        self.browser.type_into("#code", &wrong);
        self.browser.click("main button.primary");
        self.browser.wait_for("#tips");
        sent
    }

    /// The visit goes on as if nothing had happened.
    #[track_caller]
    fn assert_untouched(&self, sent: &Sent) {
        self.browser.open(&self.url("/pages/prompt"));
        self.browser.wait_for("#code");
        assert_eq!(self.service.state(&sent.challenge)["state"], "open");
    }
}

#[test]
fn a_frame_of_another_site_stays_empty() {
    let world = World::new();
    let victim = Victim::of(&world);
    let sent = victim.at_the_prompt();
    for path in ["/pages/prompt", &sent.path] {
        let site = Site::with(format!("<iframe title=x src='{}'></iframe>", victim.url(path)));
        for name in site.names() {
            victim.browser.open(&name);
            victim.browser.wait_for("iframe");
            let stopped = || !victim.browser.take_violations().is_empty();
            victim.browser.until("the frame is refused", stopped);
            let tree = victim.browser.cdp("Page.getFrameTree", json!({}));
            let shown = &tree["frameTree"]["childFrames"][0]["frame"]["url"];
            let ours = victim.url("/");
            assert!(!shown.as_str().is_some_and(|url| url.starts_with(&ours)), "{tree}");
        }
    }
    victim.assert_untouched(&sent);
}

#[test]
fn another_sites_form_and_fetch_do_nothing_with_the_victims_cookies() {
    let world = World::new();
    let victim = Victim::of(&world);
    let sent = victim.at_the_prompt();
    let action = victim.url("/pages/prompt");
    let form = format!(
        "<form method=post action='{action}'><input type=hidden name=act value=leave><button>x</button></form>"
    );
    let site = Site::with(form);
    for name in site.names() {
        victim.browser.open(&name);
        victim.browser.click("button");
        victim.browser.wait_for("main");
        assert!(!victim.browser.shows("#code"), "{name}: {}", victim.browser.page_text());
        victim.assert_untouched(&sent);
        victim.browser.open(&name);
        let fetch = "return fetch(arguments[0], {method: 'POST', mode: 'no-cors', credentials: 'include',
            body: new URLSearchParams({act: 'leave'})}).then(() => 'sent', () => 'stopped')";
        victim.browser.script(fetch, vec![json!(action)]);
        let read = "return fetch(arguments[0], {credentials: 'include'}).then((all) => all.text(), () => 'stopped')";
        assert_eq!(
            victim.browser.script(read, vec![json!(action)]),
            "stopped",
            "nor is it read"
        );
        // That it was not read is in the console, as an error of the other site's.
        victim.browser.take_console();
        victim.assert_untouched(&sent);
    }
}

#[test]
fn names_that_are_markup_are_shown_as_they_are() {
    let world = World::new();
    let victim = Victim::of(&world);
    let worst = [
        "<img src=x",
        "<svg/onload",
        "<script>",
        "autofocus onfocus",
        "<iframe srcdoc",
        "<style>@import",
        "<base",
    ];
    let payloads = worst.map(|part| XSS.lines().find(|line| line.contains(part)).expect("it is in the list"));
    for payload in payloads {
        let operation = json!({
            "purpose": "operation", "session_id": "s", "resource": payload,
            "operation": "cloud-virtual-machine/shutting-down-instances",
        });
        let sent = victim
            .service
            .send(&victim.service.ask(&victim.user, &operation), "their browser");
        victim.browser.open(&victim.url(&sent.path));
        assert_eq!(victim.browser.text("#resource"), payload, "it is text");
        let injected =
            "return document.querySelectorAll(`main script, main img, main svg, main iframe, main style, base,
            #resource *`).length";
        assert_eq!(victim.browser.script(injected, vec![]), 0, "{payload}");
        victim.browser.assert_no_faults();
    }
}

/// Browsers hold every redirect after a form to what its page allows: the last click of a visit must not do nothing.
#[test]
fn whoever_is_gone_back_to_may_send_the_user_on() {
    let world = World::new();
    let site = Site::that_sends_on();
    let [near, other] = site.names();
    let service = LoginService::of(&world, &format!("{near}back"));
    let user = world.user("acme", "alice");
    let bound = user.bind();
    let sent = service.send(&service.login(&user), "their browser");
    let browser = Browser::start();
    browser.open(&format!("http://{}{}", world.address(), sent.path));
    browser.type_into("#code", &bound.phone.code_at(world.now_ms()));
    browser.click("main button.primary");
    browser.wait_for_url(&format!("{other}console"));
    browser.wait_for("#arrived");
}
