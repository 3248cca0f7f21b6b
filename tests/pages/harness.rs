//! The browser's own tests: it sees what is on a page, does what people do, and each check finds the fault that it is for.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use image::{ImageFormat, Rgb, RgbImage};

use crate::{
    browser::{Browser, Key, Options, Shade, percent_differing},
    exhibits::{Gallery, URI},
};

fn at(path: &str) -> (Gallery, Browser) {
    let gallery = Gallery::open();
    let browser = Browser::start();
    browser.open(&gallery.url(path));
    (gallery, browser)
}

/// What a check that fails says.
fn complaint(check: impl FnOnce()) -> String {
    let failed = catch_unwind(AssertUnwindSafe(check)).expect_err("the check has nothing to complain of");
    let text = failed.downcast::<String>().expect("a message");
    *text
}

#[test]
fn a_form_is_filled_in_and_sent() {
    let (gallery, browser) = at("/");
    assert_eq!(browser.text("h1"), "Bind an MFA device");
    browser.wait_for_text("counting");
    assert_eq!(browser.attribute("#code", "inputmode").as_deref(), Some("numeric"));
    browser.type_into("#code", "492 039");
    assert_eq!(browser.value("#code"), "492 039");
    browser.click("button");
    assert_eq!(browser.text("#answer"), "The code was 492 039");
    assert_eq!(browser.wait_for_url(&gallery.url("/")), gallery.url("/"));
    assert!(!browser.shows("#code"), "that was another page");
    browser.back();
    browser.wait_for("#code");
}

#[test]
fn a_cookie_is_seen_with_all_that_was_said_of_it() {
    let (_gallery, browser) = at("/");
    let cookies = browser.cookies();
    assert_eq!(cookies.len(), 1, "{cookies:?}");
    assert_eq!(cookies[0]["name"], "__Host-exhibit");
    assert_eq!(cookies[0]["httpOnly"], true);
    assert_eq!(cookies[0]["sameSite"], "Lax");
    let other = Browser::start();
    assert_eq!(
        other.cookies(),
        [] as [serde_json::Value; 0],
        "every browser has a profile of its own"
    );
}

#[test]
fn without_scripts_the_page_is_the_one_without_scripts() {
    let gallery = Gallery::open();
    let browser = Browser::with(Options::default().without_scripts());
    browser.open(&gallery.url("/"));
    assert_eq!(browser.text("#live"), "waiting");
    assert_eq!(browser.text("#still"), "The page works without scripts");
    browser.walk("exhibit-still", &[]);
    browser.type_into("#code", "123456");
    browser.click("button");
    assert_eq!(browser.text("#answer"), "The code was 123456");
    browser.open(&gallery.url("/"));
    assert_eq!(
        browser.text("#live"),
        "waiting",
        "axe's scripts may run, the page's may not"
    );
}

#[test]
fn a_chinese_reader_is_greeted_in_chinese() {
    let gallery = Gallery::open();
    let browser = Browser::with(Options::chinese());
    browser.open(&gallery.url("/"));
    assert_eq!(browser.text("h1"), "绑定多因素认证设备");
    browser.walk("exhibit", &[]);
}

#[test]
fn the_qr_code_is_read_from_the_picture_of_the_page() {
    let (_gallery, browser) = at("/qr");
    assert_eq!(browser.decode_qr(), URI);
    browser.viewport(320, 400, 1);
    browser.shade(Shade::Dark);
    assert_eq!(
        browser.decode_qr(),
        URI,
        "on its white card in the dark, below the window's edge"
    );
    let (_gallery, browser) = at("/");
    complaint(|| drop(browser.decode_qr()));
}

#[test]
fn a_download_is_found() {
    let (_gallery, browser) = at("/");
    browser.click("a");
    let (name, content) = browser.downloaded();
    assert_eq!((&*name, &*content), ("codes.txt", &b"1111 2222"[..]));
}

#[test]
fn the_keyboard_alone_fills_in_the_form() {
    let (_gallery, browser) = at("/");
    browser.tab_to("#code");
    browser.type_text("12");
    browser.paste("3 456");
    browser.tab_to("button");
    browser.chord(&[Key::Shift, Key::Tab]);
    browser.press(Key::Enter);
    assert_eq!(browser.text("#answer"), "The code was 123 456");
}

#[test]
fn what_the_keyboard_does_not_reach_or_show_is_found() {
    let (gallery, browser) = at("/");
    let complained = complaint(|| browser.tab_to("h1"));
    assert!(complained.starts_with("Tab does not lead to h1"), "{complained}");
    assert!(
        complained.contains("Confirm") && complained.contains("Download"),
        "{complained}"
    );
    browser.open(&gallery.url("/unseen"));
    let complained = complaint(|| browser.tab_to("a"));
    assert!(
        complained.contains("it can be seen that this has the focus"),
        "{complained}"
    );
}

#[test]
fn what_does_not_fit_is_found() {
    let (gallery, browser) = at("/");
    browser.viewport(320, 600, 1);
    browser.layout();
    for (path, wrong, what) in [
        ("/sideways", "sideways scrolling", "class=\"wide\""),
        ("/cut", "text is cut off", "class=\"cut\""),
        ("/hanging", "text hangs out of its box", "class=\"narrow\""),
        ("/heap", "words stand on others", "class=\"up\""),
        ("/field", "a field is too narrow", "class=\"tiny\""),
    ] {
        browser.open(&gallery.url(path));
        let complained = complaint(|| browser.layout());
        assert!(
            complained.contains(wrong) && complained.contains(what),
            "{path}: {complained}"
        );
    }
}

#[test]
fn what_comes_from_elsewhere_is_found() {
    let (gallery, browser) = at("/elsewhere");
    let complained = complaint(|| browser.assert_nothing_from_outside());
    assert!(complained.contains("http://localhost"), "{complained}");
    assert_eq!(browser.take_violations().len(), 1, "the policy did not let it either");
    browser.open(&gallery.url("/"));
    browser.assert_nothing_from_outside();
}

#[test]
fn what_is_too_large_is_found() {
    let (gallery, browser) = at("/");
    browser.assert_small();
    browser.open(&gallery.url("/large"));
    let complained = complaint(|| browser.assert_small());
    assert!(complained.contains("/large"), "{complained}");
}

#[test]
fn the_keyboard_alone_chooses_and_ticks() {
    let gallery = Gallery::open();
    let browser = Browser::with(Options::default().with_keys_alone());
    browser.open(&gallery.url("/choices"));
    browser.click("#blue");
    browser.click("#list option[value=third]");
    browser.click("#tick");
    browser.type_into("#field", "new");
    assert!(browser.shows("#blue:checked") && browser.shows("#tick:checked"));
    assert_eq!(
        (browser.value("#list"), browser.value("#field")),
        ("third".into(), "new".into())
    );
    browser.click("#list option[value=first]");
    assert_eq!(browser.value("#list"), "first");
}

/// Three tests have a browser each at most; were one made to wait for its second, three would wait for ever.
#[test]
fn whoever_has_a_browser_gets_another() {
    let (gallery, victim) = at("/");
    let thief = Browser::start();
    thief.open(&gallery.url("/qr"));
    let third = Browser::start();
    third.open(&gallery.url("/qr"));
    assert_eq!(victim.text("h1"), "Bind an MFA device");
}

#[test]
fn what_is_read_out_by_itself_is_heard() {
    let (gallery, browser) = at("/chatty");
    let announced = browser.announced_within(Duration::from_millis(500));
    assert!(announced.iter().any(|text| text.starts_with("Left: ")), "{announced:?}");
    browser.open(&gallery.url("/calm"));
    let before = browser.text("#count");
    assert_eq!(browser.announced_within(Duration::from_millis(500)), [""; 0]);
    assert_ne!(browser.text("#count"), before, "it counts down all the same");
}

#[test]
fn what_was_copied_can_be_pasted() {
    let (_gallery, browser) = at("/calm");
    browser.click("#copy");
    assert_eq!(browser.clipboard(), "492 039");
}

#[test]
fn what_shuts_people_out_is_found() {
    let (gallery, browser) = at("/");
    browser.axe();
    for (path, rule) in [("/pale", "color-contrast"), ("/unlabelled", "label")] {
        browser.open(&gallery.url(path));
        let complained = complaint(|| browser.axe());
        assert!(complained.contains(&format!("\"{rule}\": ")), "{path}: {complained}");
    }
}

#[test]
fn a_walk_finds_what_is_wrong_in_the_dark_alone() {
    let (_gallery, browser) = at("/dark");
    browser.axe();
    let complained = complaint(|| browser.walk("exhibit-dark", &[]));
    assert!(complained.starts_with("exhibit-dark-en-320-dark"), "{complained}");
    assert!(complained.contains("color-contrast"), "{complained}");
}

#[test]
fn what_the_policy_stopped_is_found() {
    let (gallery, browser) = at("/");
    browser.assert_no_faults();
    browser.open(&gallery.url("/foreign"));
    let complained = complaint(|| browser.assert_no_faults());
    assert!(complained.contains("Content Security Policy"), "{complained}");
    assert_eq!(browser.take_violations().len(), 1);
    browser.open(&gallery.url("/throws"));
    let complained = complaint(|| browser.assert_no_faults());
    assert!(complained.contains("nobody is not defined"), "{complained}");
    let complained = complaint(|| drop(browser));
    assert!(
        complained.contains("nobody is not defined"),
        "no test ends well where a script did not: {complained}"
    );
}

#[test]
fn pictures_differ_by_what_people_see() {
    let picture = |width: u32, painted: u32, shade: u8| {
        let mut picture = RgbImage::from_pixel(width, 100, Rgb([255; 3]));
        for at in 0..painted {
            picture.put_pixel(at % width, at / width, Rgb([shade; 3]));
        }
        let mut png = std::io::Cursor::new(Vec::new());
        picture.write_to(&mut png, ImageFormat::Png).expect("a picture");
        png.into_inner()
    };
    let white = picture(100, 0, 0);
    for (other, percent) in [
        (picture(100, 0, 0), 0.0),
        (picture(100, 300, 0), 3.0),
        (picture(100, 300, 240), 0.0),
        (picture(200, 0, 0), 50.0),
    ] {
        assert!(
            (percent_differing(&white, &other) - percent).abs() < 0.01,
            "{percent} %"
        );
    }
}
