//! Binding an authenticator app in a browser: the console's redirect, the QR code on the screen, the first code, the recovery
//! codes, and back at the console, who believes the API alone.

use std::time::Duration;

use serde_json::json;

use crate::{
    browser::{Browser, Key, Options},
    console::Console,
    judges::Phone,
    world::{SECOND_MS, User, World, accepted_on_paper},
};

/// What is another one each time.
const VARYING: &[&str] = &[".qr", "#key", "#codes", "time"];

/// A browser that came by the console's link, and stands before its first page.
fn sent(world: &World, options: Options) -> (User<'_>, Console, Browser) {
    let user = world.user("acme", "alice");
    let console = Console::of(world);
    let browser = Browser::with(options);
    browser.open(&console.link(&user, "bind"));
    (user, console, browser)
}

/// Holds the phone's camera against the screen.
fn scan(browser: &Browser) -> Phone {
    browser.wait_for(".qr");
    let uri = browser.decode_qr();
    assert!(
        uri.contains("alice") && uri.contains("acme"),
        "B5: entries can be told apart: {uri}"
    );
    Phone::of_uri(&uri)
}

/// Types a code as apps show it, in two groups.
fn type_code(browser: &Browser, code: &str) {
    browser.type_into("#code", &format!("{} {}", &code[..3], &code[3..]));
    browser.click("button.primary");
}

/// The whole way, with every state looked at.
fn bound_by(options: Options, name: &str, title: &str, slow: &str) {
    let world = World::new();
    let (user, console, browser) = sent(&world, options);
    browser.walk(&format!("{name}-link"), &["main p"]);
    browser.click("main button");
    let phone = scan(&browser);
    assert_eq!(browser.text("h1"), title);
    assert_can_be_scanned(&browser);
    browser.walk(name, VARYING);
    browser.click("summary");
    assert_eq!(
        browser.text("#key").replace(' ', ""),
        phone.secret,
        "B2: the key as text"
    );
    browser.walk(&format!("{name}-key"), VARYING);

    let late = phone.code_at(world.now_ms() - 90 * SECOND_MS);
    type_code(&browser, &late);
    browser.wait_for("[role=alert]");
    let said = browser.text("[role=alert]");
    assert!(
        said.contains(slow) && said.contains("90"),
        "B7: what the user can mend is said: {said}"
    );
    browser.walk(&format!("{name}-wrong"), VARYING);
    assert_eq!(scan(&browser).secret, phone.secret, "B4: a wrong code ends nothing");

    type_code(&browser, &phone.code_at(world.now_ms()));
    browser.wait_for("#codes");
    browser.walk(&format!("{name}-done"), VARYING);
    let codes = browser.texts("#codes li");
    assert_eq!(codes.len(), 10, "B6");
    if browser.runs_scripts() {
        browser.click("[data-copy=codes]");
        assert_eq!(
            browser.clipboard().lines().collect::<Vec<_>>(),
            codes,
            "[Copy] has what was shown"
        );
    }
    browser.click("a[download]");
    let (_, file) = browser.downloaded();
    let file = String::from_utf8(file).expect("text");
    assert_eq!(file.lines().collect::<Vec<_>>(), codes, "the file has what was shown");

    browser.click("#kept");
    browser.click("main button.primary");
    assert_back(&console, &browser, "done");
    assert_protected(&user);
    assert_eq!(user.verify_recovery(&codes[7]), accepted_on_paper(), "B6");
    browser.open(&format!("http://{}/pages/bind", world.address()));
    assert!(!browser.shows("#code"), "the visit is over: {}", browser.page_text());
}

/// On a small screen too there are 200 px of it, the white margin not counted.
#[track_caller]
fn assert_can_be_scanned(browser: &Browser) {
    browser.viewport(320, 900, 1);
    let modules = "const svg = document.querySelector('.qr svg');
        const px = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
        return svg.querySelector('[fill=\"#000\"]').getBBox().width * px";
    let px = browser.script(modules, vec![]).as_f64().expect("a width");
    browser.viewport(1280, 900, 1);
    assert!(px >= 200.0, "{px} px");
}

/// The console learns nothing but what it may: an outcome to show, and its own state.
#[track_caller]
fn assert_back(console: &Console, browser: &Browser, outcome: &str) {
    let back = console.came_back(browser);
    assert_eq!(back.said("outcome").as_deref(), Some(outcome));
    assert_eq!(back.said("state").as_deref(), Some(Console::STATE));
    assert_eq!(back.url.query_pairs().count(), 2, "{}", back.url);
    assert_eq!(back.header("referer"), None, "no address of ours goes elsewhere");
}

/// What the console asks the API afterwards.
#[track_caller]
fn assert_protected(user: &User<'_>) {
    let told = user.get();
    let devices = told["devices"].as_array().expect("devices");
    assert_eq!(devices.len(), 1, "{told}");
    assert_eq!(devices[0]["kind"], "virtual");
    assert_eq!(told["protection"]["login_protection"], "mfa", "B5: {told}");
    assert_eq!(told["protection"]["operation_protection"], "mfa", "B5: {told}");
}

#[test]
fn b2_an_app_is_bound_by_the_code_on_the_screen() {
    bound_by(Options::default(), "bind", "Bind an authenticator app", "slow");
}

/// The digits of Arabic-Indic (or Persian) keyboards, in two groups, with the mark that such a page has around numbers.
fn on_keyboard(zero: u32, code: &str) -> String {
    let digits = code
        .chars()
        .filter_map(|digit| char::from_u32(zero + digit.to_digit(10)?));
    let typed: String = digits.collect();
    let middle = typed.char_indices().nth(3).map_or(0, |(middle, _)| middle);
    format!("\u{200f}{}\u{200b} {}", &typed[..middle], &typed[middle..])
}

#[test]
fn b4_arabic_indic_digits_bind_an_app_and_persian_ones_pay_for_a_change() {
    let world = World::new();
    let (user, console, browser) = sent(&world, Options::default());
    browser.click("main button");
    let phone = scan(&browser);
    browser.type_into("#code", &on_keyboard(0x660, &phone.code_at(world.now_ms())));
    browser.click("button.primary");
    browser.wait_for("#codes");
    browser.click("#kept");
    browser.click("main button.primary");
    assert_back(&console, &browser, "done");
    assert_protected(&user);

    // The page sees the last of the digits, too, and sends the form by itself.
    world.pass(30 * SECOND_MS);
    browser.open(&console.link(&user, "recovery_codes"));
    browser.click("main button");
    browser.wait_for("#code");
    assert_eq!(browser.attribute("#code", "data-submit").as_deref(), Some("6"));
    browser.type_into("#code", &on_keyboard(0x6f0, &phone.code_at(world.now_ms())));
    browser.wait_for("#codes");
}

#[test]
fn b2_an_app_is_bound_in_chinese() {
    bound_by(Options::chinese(), "bind", "绑定身份验证器应用", "慢");
}

#[test]
fn b2_an_app_is_bound_without_scripts() {
    let options = Options::default().without_scripts();
    bound_by(options, "bind-still", "Bind an authenticator app", "slow");
}

#[test]
fn b2_an_app_is_bound_by_keyboard_alone() {
    let world = World::new();
    let (user, console, browser) = sent(&world, Options::default());
    browser.tab_to("main button");
    browser.press(Key::Enter);
    browser.wait_for(".qr");
    assert!(browser.text("time[data-countdown]").contains("10"), "B2: ten minutes");
    let read_out = browser.announced_within(Duration::from_millis(1_200));
    assert_eq!(read_out, [""; 0], "the countdown is not read out every second");
    browser.tab_to("summary");
    browser.press(Key::Enter);
    let key = browser.text("#key");
    let phone = Phone {
        secret: key.replace(' ', ""),
    };
    assert_eq!(
        phone.secret,
        scan(&browser).secret,
        "B2: the text key is that of the picture"
    );
    browser.tab_to("#code");
    browser.type_text(&phone.wrong_code_at(world.now_ms()));
    browser.press(Key::Enter);
    browser.wait_for("[role=alert]");
    browser.tab_to("#code");
    browser.paste(&phone.code_at(world.now_ms()));
    browser.tab_to("#operation");
    browser.press(Key::Space);
    browser.tab_to("button.primary");
    browser.press(Key::Enter);
    browser.wait_for("#codes");
    browser.tab_to("#kept");
    browser.press(Key::Space);
    browser.tab_to("main button.primary");
    browser.press(Key::Enter);
    assert_back(&console, &browser, "done");
    let told = user.get();
    assert_eq!(told["protection"]["login_protection"], "mfa", "B5: {told}");
    assert_ne!(
        told["protection"]["operation_protection"],
        json!("mfa"),
        "B5: a box that is not ticked changes nothing: {told}"
    );
}

#[test]
fn b4_five_wrong_codes_end_the_enrollment_and_one_button_begins_anew() {
    let world = World::new();
    let (user, _console, browser) = sent(&world, Options::default());
    browser.click("main button");
    let phone = scan(&browser);
    for code in phone.wrong_codes_at(world.now_ms(), 5) {
        type_code(&browser, &code);
        browser.wait_for("[role=alert]");
    }
    browser.wait_until_gone("#code");
    let said = browser.text("[role=alert]");
    assert!(said.contains("last try") && !said.contains('0'), "B4: {said}");
    browser.walk("bind-ended", VARYING);
    browser.click("main button.primary");
    let again = scan(&browser);
    assert_ne!(again.secret, phone.secret, "another enrollment has a key of its own");
    assert_eq!(user.get()["devices"], json!([]), "nothing is bound yet");
}
