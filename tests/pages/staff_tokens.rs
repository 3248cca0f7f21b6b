//! The inventory in a browser: a seed file is judged and then taken in, its lot opened, one of its tokens bound, found by
//! number, user and code, and moved on in its life (D1, B3, U4, A3, A5).

use std::{
    fs,
    path::{Path, PathBuf},
};

use data_encoding::{BASE32_NOPAD, HEXLOWER};
use serde_json::{Value, json};
use service::Role;
use tempfile::TempDir;

use crate::{
    browser::{Browser, Options},
    desk::Desk,
    judges::{Phone, STEP_MS},
    world::{User, World},
};

const LOT: &str = "2026-11";
const XSS: &str = include_str!("xss.txt");

/// Seed files, as a vendor sends them: `serial,seed`.
struct Vendor {
    dir: TempDir,
}

impl Vendor {
    fn new() -> Self {
        let dir = TempDir::new().expect("a directory");
        Self { dir }
    }

    /// The secret of a token, by its number.
    fn secret(serial_number: &str) -> [u8; 20] {
        let mut secret = [0x5b_u8; 20];
        for (place, byte) in serial_number.bytes().enumerate() {
            secret[place % 20] = secret[place % 20].wrapping_mul(31).wrapping_add(byte);
        }
        secret
    }

    fn phone(serial_number: &str) -> Phone {
        Phone {
            secret: BASE32_NOPAD.encode(&Self::secret(serial_number)),
        }
    }

    /// A file of these tokens.
    fn file(&self, name: &str, serial_numbers: &[&str]) -> PathBuf {
        let row = |serial_number: &&str| format!("{serial_number},{}\n", HEXLOWER.encode(&Self::secret(serial_number)));
        let rows: String = serial_numbers.iter().map(row).collect();
        self.text(name, &format!("serial,seed\n{rows}"))
    }

    fn text(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        fs::write(&path, text).expect("a file");
        path
    }
}

/// The inventory's desk.
struct Inventory<'w> {
    desk: Desk<'w>,
    vendor: Vendor,
}

impl<'w> Inventory<'w> {
    fn of(world: &'w World, options: Options, name: &'static str) -> Self {
        let desk = Desk::new(world, options, name);
        desk.enter("ida", world.key(Role::Inventory));
        let vendor = Vendor::new();
        Self { desk, vendor }
    }

    fn browser(&self) -> &Browser {
        &self.desk.browser
    }

    /// Chooses a file, and sends the form.
    #[track_caller]
    fn send(&self, form: &str, file: &Path) {
        let browser = self.browser();
        let path = file.to_str().expect("a path");
        browser.choose_file(&format!("{form} input[type=file]"), path);
        self.leave(|| browser.click(&format!("{form} button")));
    }

    /// Does what leads to another page, and waits until this one is gone.
    #[track_caller]
    fn leave(&self, act: impl FnOnce()) {
        let browser = self.browser();
        browser.script("document.documentElement.dataset.left = 1", vec![]);
        act();
        browser.wait_until_gone("html[data-left]");
    }

    #[track_caller]
    fn click(&self, selector: &str) {
        self.leave(|| self.browser().click(selector));
    }

    /// Has a file judged.
    #[track_caller]
    fn judge(&self, file: &Path) {
        self.desk.open("/staff/tokens/import");
        self.browser().type_into("#lot", LOT);
        self.send("#judge", file);
    }

    fn stock(&self) -> Vec<Value> {
        let found = self.desk.world.get(Role::Inventory, "/v1/tokens").expect(200);
        found["items"].as_array().cloned().unwrap_or_default()
    }

    fn events(&self, action: &str) -> usize {
        let events = self.desk.world.events();
        events.iter().filter(|event| event["action"] == action).count()
    }

    #[track_caller]
    fn alert(&self) -> String {
        self.browser().text("[role=alert]")
    }

    /// A file is judged, another one refused in its place, and then it comes in.
    fn import(&self, serial_numbers: &[&str]) {
        let (desk, browser) = (&self.desk, self.browser());
        let file = self.vendor.file("tokens.csv", serial_numbers);
        let other = self.vendor.file("other.csv", &["CS-999999"]);
        desk.open("/staff/tokens/import");
        desk.walk("import");
        self.judge(&file);
        browser.wait_for("#again");
        assert!(browser.text("#outcome").contains('3'), "{}", browser.text("#outcome"));
        assert_eq!(self.stock(), [] as [Value; 0], "it is only judged");
        desk.walk("import-judged");
        self.send("#again", &other);
        browser.wait_for("#judge");
        assert_ne!(self.alert(), "");
        assert_eq!(self.stock(), [] as [Value; 0], "what was shown comes in, or nothing");
        desk.walk("import-other");
        self.judge(&file);
        self.send("#again", &file);
        browser.wait_for("#receipt");
        assert!(!browser.shows("#again"), "it is done");
        assert_eq!(self.stock().len(), serial_numbers.len());
        assert_eq!(self.events("token.import"), 1, "A3");
        desk.walk("import-done");
    }

    /// Files that do not come in say why, line by line.
    fn refused_files(&self) {
        let (desk, browser) = (&self.desk, self.browser());
        let good = HEXLOWER.encode(&[7; 20]);
        let mixed = format!("serial,seed\nCS-000002,{good}\nCS-100001,00112233\nCS-100002,{good}\n");
        self.judge(&self.vendor.text("mixed.csv", &mixed));
        browser.wait_for("#refusals");
        assert!(!browser.shows("#again"), "all or nothing");
        let rows = browser.texts("#refusals tbody tr");
        let short = |row: &&String| row.contains('3') && row.contains("32");
        assert!(
            rows.iter().any(|row| short(&row)),
            "the line, and its 32 bits: {rows:?}"
        );
        assert_eq!(browser.texts("#duplicates li"), ["CS-000002"]);
        desk.walk("import-refused");
        self.judge(&self.vendor.text("letter.txt", "Dear customer,\nthe seeds follow.\n"));
        assert_ne!(self.alert(), "");
        desk.walk("import-unread");
        assert_eq!(self.stock().len(), 3);
    }

    /// The lot is opened to everybody.
    fn open_lot(&self) {
        let (desk, browser) = (&self.desk, self.browser());
        desk.open("/staff/lots");
        desk.walk("lots");
        self.click("#lots a");
        browser.click("#open-users");
        browser.type_into("#names", "alice");
        self.click("main form button");
        assert_ne!(self.alert(), "");
        assert!(browser.value("#names").contains("alice"), "it can be mended");
        desk.walk("lot-refused");
        browser.click("#open-everybody");
        self.click("main form button");
        browser.wait_for("[role=status]");
        let lot = format!("/v1/batches/{LOT}");
        let lot = desk.world.get(Role::Inventory, &lot).expect(200);
        assert_eq!(lot["open_to"]["kind"], "everybody", "D1: {lot}");
        desk.walk("lot");
    }

    /// Found by number, by user, by lot and state.
    fn search(&self) {
        let (desk, browser) = (&self.desk, self.browser());
        desk.open("/staff/tokens");
        assert_eq!(browser.texts("#found tbody tr").len(), 3);
        desk.walk("tokens");
        browser.type_into("#serial_number", "CS-404");
        self.click(".finders form:nth-of-type(1) button");
        assert_ne!(self.alert(), "");
        browser.type_into("#account", "acme");
        browser.type_into("#user", "alice");
        self.click(".finders form:nth-of-type(2) button");
        assert_eq!(browser.texts("#found tbody a"), ["CS-000001"]);
        browser.type_into("#lot", LOT);
        browser.click("#state option[value=imported]");
        self.click(".finders form:nth-of-type(3) button");
        assert_eq!(browser.texts("#found tbody a"), ["CS-000002", "CS-000003"]);
        browser.type_into("#serial_number", "CS-000001");
        self.click(".finders form:nth-of-type(1) button");
        assert!(browser.text("#owner").contains("alice"));
        desk.walk("token-bound");
    }

    /// Found by what its display shows.
    fn by_code(&self) {
        let (desk, browser, world) = (&self.desk, self.browser(), self.desk.world);
        let ask = |first: &str, second: &str| {
            desk.open("/staff/tokens/by-code");
            browser.type_into("#first", first);
            browser.type_into("#second", second);
            self.click("main form button");
        };
        ask(&Vendor::phone("CS-000002").code_at(world.now_ms()), "");
        assert_eq!(
            browser.texts("#found tbody a"),
            ["CS-000002"],
            "A5: nobody has bound it"
        );
        desk.walk("by-code");
        world.pass(2 * STEP_MS);
        let bound = Vendor::phone("CS-000001").codes_from(world.now_ms() - STEP_MS, 2);
        ask(&bound[0], "");
        browser.wait_for("#none");
        ask(&bound[0], &bound[1]);
        assert_eq!(browser.texts("#found tbody a"), ["CS-000001"], "A5: two of a bound one");
        ask(&bound[0], &bound[1]);
        assert!(!browser.shows("#found"), "A5: they were burned");
        ask("12", "");
        assert_ne!(self.alert(), "");
        for _ in 0..10 {
            ask("123456", "");
        }
        assert!(self.alert().contains("59"), "A5: ten an hour: {}", self.alert());
        desk.walk("by-code-refused");
    }

    /// Set aside, and retired.
    fn move_on(&self) {
        let (desk, browser) = (&self.desk, self.browser());
        let state = || desk.world.get(Role::Inventory, "/v1/tokens/CS-000003").expect(200)["state"].clone();
        desk.open("/staff/tokens/one?serial_number=CS-000003");
        browser.type_into("#account", "acme");
        browser.type_into("#user", "bob");
        self.click("#assign");
        browser.wait_for("[role=status]");
        assert_eq!(state(), "assigned");
        desk.walk("token-assigned");
        self.click("#unassign");
        assert_eq!(state(), "imported");
        browser.script("document.getElementById('sure-retire').required = false", vec![]);
        self.click("#retire");
        assert_ne!(self.alert(), "");
        assert_eq!(state(), "imported", "nobody said that they are sure");
        desk.walk("token-unsure");
        browser.click("#sure-retire");
        self.click("#retire");
        browser.wait_for("[role=status]");
        assert_eq!(state(), "retired");
        assert!(!browser.shows("main form"), "a retired token has no further life");
        assert_eq!(self.events("token.retire"), 1, "A3");
    }
}

/// A user binds a token, whose clock is right.
fn bind(user: &User<'_>, serial_number: &str) {
    let wanted = json!({"kind": "hardware", "serial_number": serial_number});
    let started = user.start(&wanted).expect(201);
    let codes = Vendor::phone(serial_number).codes_from(user.world.now_ms(), 2);
    user.world.pass(STEP_MS);
    let id = started["id"].as_str().expect("an id");
    user.confirm(id, &[&codes[0], &codes[1]]).expect(200);
    user.world.pass(STEP_MS);
}

/// From the vendor's file to a token that is bound, found and at its end.
fn life(options: Options, name: &'static str) {
    let world = World::new();
    let inventory = Inventory::of(&world, options, name);
    let (desk, browser) = (&inventory.desk, inventory.browser());
    inventory.import(&["CS-000001", "CS-000002", "CS-000003"]);
    inventory.refused_files();
    inventory.open_lot();
    bind(&world.user("acme", "alice"), "CS-000001");
    inventory.search();
    inventory.by_code();
    desk.open(&format!("/staff/lots/clocks?lot={LOT}"));
    assert_eq!(browser.texts("#drifts tbody tr").len(), 1, "one is bound");
    desk.walk("clocks");
    desk.open(&format!("/staff/tokens/labels?lot={LOT}"));
    assert_eq!(
        browser.texts(".labels .number"),
        ["CS-000001", "CS-000002", "CS-000003"]
    );
    desk.walk("labels");
    inventory.move_on();
    browser.assert_no_faults();
}

#[test]
fn d1_a_lot_comes_in_is_opened_and_its_tokens_are_found() {
    life(Options::default(), "tokens");
}

#[test]
fn d1_a_lot_comes_in_is_opened_and_its_tokens_are_found_in_chinese() {
    life(Options::chinese(), "tokens");
}

#[test]
fn a3_a_seed_file_is_judged_and_comes_in_without_scripts() {
    let world = World::new();
    let inventory = Inventory::of(&world, Options::default().without_scripts(), "tokens-still");
    inventory.import(&["CS-000001", "CS-000002", "CS-000003"]);
    inventory.refused_files();
}

#[test]
fn a4_support_looks_at_tokens_and_keeps_no_inventory() {
    let world = World::new();
    let inventory = Inventory::of(&world, Options::default(), "tokens");
    inventory.judge(
        &inventory
            .vendor
            .file("tokens.csv", &["CS-000001", "CS-000002", "CS-000003"]),
    );
    inventory.send(
        "#again",
        &inventory
            .vendor
            .file("tokens.csv", &["CS-000001", "CS-000002", "CS-000003"]),
    );
    let (desk, browser) = (&inventory.desk, inventory.browser());
    desk.sign_out();
    desk.enter("sam", world.key(Role::Support));
    for path in [
        "tokens/import",
        "lots",
        "lots/one?lot=2026-11",
        "tokens/labels?lot=2026-11",
    ] {
        desk.open(&format!("/staff/{path}"));
        assert!(
            !browser.shows("main form, main table, .labels"),
            "{path}: {}",
            browser.page_text()
        );
    }
    desk.open("/staff/tokens");
    assert!(!browser.shows("#lot"), "lists are the inventory's");
    desk.walk("tokens-support");
    browser.type_into("#serial_number", "CS-000002");
    inventory.click(".finders form:nth-of-type(1) button");
    assert!(
        !browser.shows("#assign") && !browser.shows("#retire"),
        "{}",
        browser.page_text()
    );
    // Forms that their page does not have are refused by the use case.
    let forged = "const form = document.querySelector('form[action$=move]');
        form.elements.to.value = 'retire'; form.elements.sure.required = false; form.submit()";
    inventory.leave(|| drop(browser.script(forged, vec![])));
    assert_ne!(inventory.alert(), "");
    browser.click("#sure-lose");
    inventory.click("#lose");
    browser.wait_for("[role=status]");
    let lost = world.get(Role::Inventory, "/v1/tokens/CS-000002").expect(200);
    assert_eq!(lost["state"], "lost");
}

/// A form with a file, as any program can send it.
struct Forged<'a> {
    cookie: &'a str,
    token: &'a str,
    /// Whose page the browser says it is from.
    site: &'a str,
    /// The file stands before the token.
    file_first: bool,
}

impl Forged<'_> {
    /// Sends it, and says what the answer was.
    fn send(&self, world: &World) -> u16 {
        let part =
            |head: &str, value: &str| format!("--x\r\nContent-Disposition: form-data; {head}\r\n\r\n{value}\r\n");
        let seed = format!("serial,seed\nCS-1,{}\n", "5b".repeat(20));
        let file = part("name=\"file\"; filename=\"x.csv\"", &seed);
        let fields = part("name=\"form_token\"", self.token) + &part("name=\"lot\"", LOT);
        let parts = if self.file_first {
            [file, fields]
        } else {
            [fields, file]
        };
        let body = format!("{}--x--\r\n", parts.concat());
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .build();
        let sent = ureq::Agent::new_with_config(config)
            .post(format!("http://{}/staff/tokens/import", world.address()))
            .header("content-type", "multipart/form-data; boundary=x")
            .header("cookie", format!("__Host-countersign-staff={}", self.cookie))
            .header("sec-fetch-site", self.site)
            .send(body.as_bytes());
        sent.expect("an answer").status().as_u16()
    }
}

#[test]
fn a_form_that_is_not_of_this_session_imports_nothing() {
    let world = World::new();
    let inventory = Inventory::of(&world, Options::default(), "tokens");
    let browser = inventory.browser();
    inventory.desk.open("/staff/tokens/import");
    let token = browser
        .attribute("input[name=form_token]", "value")
        .expect("it is there");
    let cookies = browser.cookies();
    let cookie = cookies
        .iter()
        .find(|cookie| cookie["name"] == "__Host-countersign-staff");
    let cookie = cookie.and_then(|cookie| cookie["value"].as_str()).expect("a session");
    let right = || Forged {
        cookie,
        token: &token,
        site: "same-origin",
        file_first: false,
    };
    assert_eq!(right().send(&world), 200, "it is judged");
    let almost = format!("{token}x");
    for token in ["", &almost] {
        assert_eq!(Forged { token, ..right() }.send(&world), 403, "{token:?}");
    }
    for site in ["cross-site", "same-site", "none"] {
        assert_eq!(Forged { site, ..right() }.send(&world), 403, "{site}");
    }
    let file_first = Forged {
        file_first: true,
        ..right()
    };
    assert_eq!(file_first.send(&world), 403, "nothing is read before it is right");
    let nobody = Forged {
        cookie: "none",
        ..right()
    };
    assert_eq!(nobody.send(&world), 303, "to the page to sign in on");
    assert_eq!(inventory.stock(), [] as [Value; 0]);
    assert_eq!(inventory.events("token.import"), 0);
}

#[test]
fn what_a_file_leaves_open_is_chosen_and_the_rest_of_it_taken() {
    let world = World::new();
    let inventory = Inventory::of(&world, Options::default(), "tokens");
    let (desk, browser) = (&inventory.desk, inventory.browser());
    let seed = |byte| HEXLOWER.encode(&[byte; 20]);
    let table = format!("serial,seed\nCS-200001,{}\nCS-200002,00112233\n", seed(8));
    let file = inventory.vendor.text("rest.csv", &table);
    desk.open("/staff/tokens/import");
    browser.type_into("#lot", LOT);
    browser.click("summary");
    browser.click("#hash option[value=sha256]");
    browser.type_into("#period", "3601");
    browser.click("#skip");
    inventory.send("#judge", &file);
    assert_ne!(inventory.alert(), "");
    assert_eq!(browser.value("#period"), "3601", "it can be mended");
    browser.type_into("#period", "60");
    inventory.send("#judge", &file);
    browser.wait_for("#again");
    let outcome = browser.text("#outcome");
    assert!(outcome.contains('1') && outcome.contains('2'), "{outcome}");
    desk.walk("import-rest");
    browser.script("document.querySelector('#again [name=period]').value = '30'", vec![]);
    inventory.send("#again", &file);
    browser.wait_for("#judge");
    assert_ne!(inventory.alert(), "", "what was judged had another period");
    assert_eq!(inventory.stock(), [] as [Value; 0]);
    browser.type_into("#period", "60");
    inventory.send("#judge", &file);
    inventory.send("#again", &file);
    browser.wait_for("#receipt");
    assert_eq!(inventory.stock().len(), 1);
    let token = &inventory.stock()[0];
    assert_eq!(
        (&token["serial_number"], &token["algorithm"], &token["period_s"]),
        (&json!("CS-200001"), &json!("SHA256"), &json!(60))
    );
}

#[test]
fn names_of_tokens_lots_and_files_that_are_markup_are_shown_as_they_are() {
    let world = World::new();
    let inventory = Inventory::of(&world, Options::default(), "tokens");
    let (desk, browser) = (&inventory.desk, inventory.browser());
    let unharmed = |what: &str| {
        let injected =
            "return document.querySelectorAll('main script, main img, main iframe, main style, base').length";
        assert_eq!(browser.script(injected, vec![]), 0, "{what}");
        browser.assert_no_faults();
    };
    // What a table of commas and a number on a back can hold.
    let is_number = |line: &&str| {
        line.len() <= 64 && !line.contains([',', '"', ';', '\t']) && !line.starts_with('#') && line.trim() == *line
    };
    let payloads: Vec<&str> = XSS.lines().filter(is_number).collect();
    assert!(payloads.len() > 25, "{}", payloads.len());
    let lot = payloads[0];
    let file = inventory.vendor.file("<img src=x onerror=alert(1)>.csv", &payloads);
    desk.open("/staff/tokens/import");
    browser.type_into("#lot", lot);
    inventory.send("#judge", &file);
    unharmed("the file's name");
    assert!(
        browser.page_text().contains("<img src=x onerror=alert(1)>.csv"),
        "{}",
        browser.page_text()
    );
    inventory.send("#again", &file);
    unharmed("the receipt");
    let row = format!("serial,seed\n{lot},00112233\n");
    inventory.judge(&inventory.vendor.text("short.csv", &row));
    unharmed("a refusal");
    desk.open("/staff/lots");
    unharmed("the list of lots");
    inventory.click("#lots a");
    assert!(browser.text("h1").contains(lot), "it is text");
    unharmed("the lot");
    inventory.click("main a[href*=labels]");
    unharmed("labels");
    desk.open("/staff/tokens");
    let mut seen = 0;
    loop {
        seen += browser.texts("#found tbody tr").len();
        unharmed("a list");
        if !browser.shows("main > p > a.button") {
            break;
        }
        inventory.click("main > p > a.button");
    }
    assert_eq!(seen, payloads.len(), "every page of the list, and every number once");
    desk.open("/staff/tokens");
    inventory.click("#found tbody a");
    assert!(
        payloads.iter().any(|number| browser.text("h1").contains(number)),
        "{}",
        browser.text("h1")
    );
    unharmed("a token");
}
