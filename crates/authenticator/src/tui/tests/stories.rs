//! Histories of the interface, from keys to the file.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use proptest::prelude::*;
use vault::Name;

use super::harness::{ENTRIES, Harness, PASSPHRASE, settings};
use crate::tui::model::{Dialog, Settings, State};

#[test]
fn searching_finds_as_one_types_and_enter_copies_until_thirty_seconds_later() {
    let mut harness = Harness::open(settings(), ENTRIES);
    harness.types("/git");
    assert!(harness.screen(80, 24).contains("1 of 6"), "{}", harness.screen(80, 24));
    harness.press(KeyCode::Enter);
    let copied = harness.clipboard.clone().unwrap();
    let shown = format!("{} {}", &copied[..3], &copied[3..]);
    assert!(harness.screen(80, 24).contains(&shown));
    harness.wait(29);
    assert!(harness.clipboard.is_some());
    harness.wait(1);
    assert!(harness.clipboard.is_none());
    assert!(harness.screen(80, 24).contains("The clipboard is empty."));
}

#[test]
fn a_second_copy_has_its_own_thirty_seconds() {
    let mut harness = Harness::open(settings(), ENTRIES);
    harness.press(KeyCode::Enter).wait(20).press(KeyCode::Enter).wait(20);
    assert!(harness.clipboard.is_some());
    harness.wait(10);
    assert!(harness.clipboard.is_none());
}

#[test]
fn a_counter_is_saved_before_its_code_is_seen() {
    let mut harness = Harness::open(settings(), ENTRIES);
    harness.types("/door").press(KeyCode::Tab);
    harness.disk_is_full = true;
    harness.types(" ");
    let refused = harness.screen(80, 24);
    assert!(
        refused.contains("Not saved.") && refused.contains("no storage space") && !refused.contains("755 224"),
        "{refused}"
    );
    harness.press(KeyCode::Enter);
    assert!(harness.clipboard.is_none(), "nothing is copied either");
    harness.disk_is_full = false;
    // RFC 4226 appendix D.
    harness.types(" ");
    assert!(harness.screen(80, 24).contains("755 224"));
    harness.types("n");
    assert!(harness.screen(80, 24).contains("287 082"));
    harness.press(KeyCode::Enter);
    assert_eq!(
        harness.clipboard.as_deref(),
        Some("287082"),
        "the code that is seen, not another one"
    );
    harness.types(" ");
    assert!(!harness.screen(80, 24).contains("287 082"), "hidden again");
    harness.press(KeyCode::Enter);
    assert_eq!(harness.clipboard.as_deref(), Some("359152"));
    assert_eq!(harness.saves, 3);
}

#[test]
fn a_removal_is_confirmed_and_undone_in_its_place() {
    let mut harness = Harness::open(settings(), ENTRIES);
    let all = harness.ids();
    harness.types("d").types("n");
    assert_eq!(harness.ids(), all);
    harness.types("dy").types("dy");
    assert_eq!(harness.ids().len(), 4);
    harness.disk_is_full = true;
    harness.types("u");
    assert!(harness.screen(80, 24).contains("Not saved"));
    harness.disk_is_full = false;
    harness.types("uu");
    assert_eq!(harness.ids(), all, "also what the first try could not put back");
    harness.types("u");
    assert!(harness.screen(80, 24).contains("nothing to undo"));
}

#[test]
fn a_passphrase_is_hidden_whatever_it_looks_like() {
    let mut harness = Harness::locked(settings(), ENTRIES);
    harness.types("/home");
    assert!(!harness.screen(80, 24).contains("/home•") && !harness.screen(80, 24).contains(": /home"));
    harness.control('r');
    assert!(!harness.screen(80, 24).contains(": /home"));
}

#[test]
fn locking_forgets_and_unlocking_takes_the_passphrase() {
    let mut harness = Harness::open(settings(), ENTRIES);
    harness.types("L");
    assert!(!harness.is_open());
    assert!(!harness.screen(80, 24).contains("GitHub"));
    harness.types("wrong").press(KeyCode::Enter);
    assert!(harness.screen(80, 24).contains("That is not it."));
    assert!(!harness.screen(80, 24).contains("wrong"));
    harness.types(PASSPHRASE).press(KeyCode::Enter);
    assert!(harness.is_open());
}

#[test]
fn who_locks_it_locks_the_agent_too_and_time_locks_this_screen_alone() {
    let mut harness = Harness::open(settings(), ENTRIES);
    harness.wait(300);
    let screen = harness.screen(80, 24);
    assert!(
        harness.has_agent && screen.contains("This screen is locked.") && !screen.contains("The vault is locked."),
        "{screen}"
    );
    harness.types(PASSPHRASE).press(KeyCode::Enter);
    harness.agent_is_silent = true;
    harness.types("L");
    let screen = harness.screen(80, 24);
    assert!(
        !screen.contains("The vault is locked.") && screen.contains("An agent does not answer. End it."),
        "{screen}"
    );
    harness.types(PASSPHRASE).press(KeyCode::Enter);
    harness.agent_is_silent = false;
    harness.types("L");
    assert!(!harness.has_agent && harness.screen(80, 24).contains("The vault is locked."));
}

#[test]
fn nobody_at_the_keys_locks_it_whatever_is_open_and_a_key_delays_it() {
    let mut harness = Harness::open(settings(), ENTRIES);
    harness.wait(299).types("a").wait(299);
    assert!(harness.is_open());
    harness.wait(1);
    assert!(!harness.is_open());
    assert!(harness.screen(80, 24).contains("Locked after 5 min without a key."));
    let never = Settings {
        lock_after_min: 0,
        ..settings()
    };
    let mut harness = Harness::open(never, ENTRIES);
    harness.wait(90_000);
    assert!(harness.is_open());
}

#[test]
fn a_laptop_that_slept_locks_at_once_although_its_clock_was_set_back() {
    let mut harness = Harness::open(settings(), ENTRIES);
    harness.model.now.up_ms += 3_600_000;
    harness.model.now.unix_ms -= 86_400_000;
    harness.wait(1);
    assert!(!harness.is_open());
}

#[test]
fn hidden_codes_are_seen_one_at_a_time() {
    let hiding = Settings {
        hides_codes: true,
        ..settings()
    };
    let mut harness = Harness::open(hiding, ENTRIES);
    let digits = |harness: &Harness| {
        let screen = harness.screen(80, 13);
        let list: Vec<&str> = screen.lines().skip(1).take(6).collect();
        list.iter().filter(|line| !line.contains("•••")).count()
    };
    assert_eq!(digits(&harness), 0);
    harness.types("gj ");
    assert_eq!(digits(&harness), 1);
    harness.types("j");
    assert_eq!(digits(&harness), 0, "moving on hides it");
    harness.types("h");
    assert_eq!(digits(&harness), 5, "all but the one by use");
}

#[test]
fn a_secret_is_shown_after_a_warning_to_whom_has_just_typed_the_passphrase() {
    let mut harness = Harness::open(settings(), ENTRIES);
    harness.types("/git").press(KeyCode::Tab).types("v");
    let warning = harness.screen(80, 40);
    assert!(warning.contains("for ever") && !warning.contains("GEZD"), "{warning}");
    harness.types("n").types("vy");
    assert!(harness.screen(80, 40).contains("GEZD GNBV"));
    harness.press(KeyCode::Esc);
    assert!(!harness.screen(80, 40).contains("GEZD"));
    harness.wait(60).types("vy");
    assert!(!harness.screen(80, 40).contains("GEZD"));
    harness.types("wrong").press(KeyCode::Enter);
    let refused = harness.screen(80, 40);
    assert!(
        refused.contains("That is not it.") && !refused.contains("GEZD"),
        "{refused}"
    );
    harness.types(PASSPHRASE).press(KeyCode::Enter);
    assert!(harness.screen(80, 40).contains("GEZD GNBV"));
    harness.press(KeyCode::Esc).wait(59).types("vy");
    assert!(harness.screen(80, 40).contains("GEZD GNBV"));
    harness.press(KeyCode::Esc);
    // The agent let somebody in, whoever that is.
    if let State::Open(open) = &mut harness.model.state {
        open.proven_up_ms = None;
    }
    harness.types("vy").press(KeyCode::Enter);
    assert!(!harness.screen(80, 40).contains("GEZD"));
    harness.press(KeyCode::Esc);
    assert!(harness.screen(80, 40).contains("1 of 6"), "back to the list");
}

#[test]
fn a_pasted_uri_is_added_from_wherever_it_is_pasted() {
    let mut harness = Harness::open(settings(), "");
    harness.paste("otpauth://totp/Example:bob?secret=JBSWY3DPEHPK3PXP\n");
    assert!(
        !harness.screen(80, 24).contains("JBSWY"),
        "a secret that is typed is not shown"
    );
    harness.control('r');
    assert!(harness.screen(80, 24).contains("JBSWY"), "until that is asked for");
    harness.press(KeyCode::Enter);
    let screen = harness.screen(80, 24);
    assert!(
        screen.contains("Added Example (bob).") && harness.ids().len() == 1,
        "{screen}"
    );
    harness
        .paste("otpauth://totp/EXAMPLE:bob?secret=JBSWY3DPEHPK3PXP\n")
        .press(KeyCode::Enter);
    assert!(
        harness.screen(80, 24).contains("It is here already: Example (bob)."),
        "{}",
        harness.screen(80, 24)
    );
    assert_eq!(harness.ids().len(), 1);
    harness
        .paste("otpauth://totp/Other:bob?secret=JBSWY3DPEHPK3PXP\n")
        .press(KeyCode::Enter);
    assert_eq!(harness.ids().len(), 2, "another name is another entry");
    let screen = harness.screen(120, 24);
    assert!(
        screen.contains("Example (bob) has the same secret, and so the same codes"),
        "{screen}"
    );
}

#[test]
fn what_is_odd_about_an_entry_is_said_when_it_is_added() {
    let mut harness = Harness::open(settings(), ENTRIES);
    // RFC 4226's secret, with a letter too many.
    let odd = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQM";
    harness.types("a").paste(odd).press(KeyCode::Enter).types("Oddly");
    harness.press(KeyCode::Enter);
    let screen = harness.screen(120, 24);
    assert!(
        screen
            .contains("Added Oddly. 2 things to know, the first: Its secret has a last letter that belongs to no byte"),
        "{screen}"
    );
    let uris = format!("otpauth://totp/A:a?secret={odd}&digits=8\notpauth://totp/B:b?secret=MFRGGZDFMZTWQ2LK\n");
    harness.paste(&uris).press(KeyCode::Enter);
    let screen = harness.screen(120, 24);
    assert!(
        screen.contains("Added 2 entries. 2 things to know, the first of A (a): Its secret has a last letter that belongs to no byte"),
        "{screen}"
    );
    harness
        .paste("otpauth://totp/C:c?secret=MFRGGZDF")
        .press(KeyCode::Enter);
    let screen = harness.screen(120, 24);
    assert!(screen.contains("Added C (c). Its secret has only 5 bytes"), "{screen}");
}

#[test]
fn of_many_what_is_here_already_and_what_is_unusable_is_counted() {
    let mut harness = Harness::open(settings(), "");
    let two = "otpauth://totp/A:a?secret=JBSWY3DPEHPK3PXP\notpauth://totp/B:b?secret=KRSXG5CTMVRXEZLU\n";
    harness.types("a").paste(two).press(KeyCode::Enter);
    assert!(harness.screen(80, 24).contains("Added 2 entries."));
    harness.types("a").paste(two).press(KeyCode::Enter);
    assert!(harness.screen(80, 24).contains("All 2 are here already."));
    harness.control('u');
    harness.paste(&format!(
        "{two}otpauth://totp/C:c?secret=ORSXG5BAONSWG4TF\notpauth://totp/D:d?digits=6\n"
    ));
    harness.press(KeyCode::Enter);
    let screen = harness.screen(120, 24);
    assert!(
        screen.contains("Added C (c). 2 were here already. One cannot be used. The URI has no secret parameter"),
        "{screen}"
    );
    assert_eq!(harness.ids().len(), 3);
}

#[test]
fn lines_that_are_pasted_are_lines_whatever_the_terminal_ends_them_with() {
    for end in ["\n", "\r", "\r\n"] {
        let mut harness = Harness::open(settings(), "");
        let two = ["A:a?secret=JBSWY3DPEHPK3PXP", "B:b?secret=KRSXG5CTMVRXEZLU&issuer=B"]
            .map(|rest| format!("otpauth://totp/{rest}{end}"));
        harness.paste(&two.concat()).press(KeyCode::Enter);
        let screen = harness.screen(80, 24);
        assert!(screen.contains("Added 2 entries."), "{end:?}: {screen}");
    }
}

#[test]
fn uris_that_are_pasted_on_one_line_are_taken_apart() {
    for between in ["", " ", ", "] {
        let mut harness = Harness::open(settings(), "");
        let two = format!(
            "otpauth://totp/A:a?secret=JBSWY3DPEHPK3PXP{between}OTPAUTH://totp/B:b?secret=KRSXG5CTMVRXEZLU&issuer=B"
        );
        harness.paste(&two).press(KeyCode::Enter);
        let screen = harness.screen(80, 24);
        assert!(
            screen.contains("Added 2 entries.") && !screen.contains("KRSX"),
            "{between:?}: {screen}"
        );
    }
}

#[test]
fn a_double_moves_a_counter_on_and_never_back() {
    let mut harness = Harness::open(settings(), ENTRIES);
    let uri = "otpauth://hotp/Door:42?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Door&counter=";
    harness.paste(&format!("{uri}2")).press(KeyCode::Enter);
    let screen = harness.screen(80, 24);
    assert!(
        screen.contains("One was here already. A higher counter is taken."),
        "{screen}"
    );
    harness.paste(&format!("{uri}1")).press(KeyCode::Enter);
    let screen = harness.screen(80, 24);
    assert!(screen.contains("It is here already: Door (42)."), "{screen}");
    // RFC 4226 appendix D; the entry that is meant is the chosen one.
    harness.press(KeyCode::Esc).types("n");
    assert!(harness.screen(80, 24).contains("359 152"), "{}", harness.screen(80, 24));
}

#[test]
fn a_key_is_added_by_hand_and_what_was_typed_outlives_a_full_disk() {
    let mut harness = Harness::open(settings(), "");
    harness
        .types("agezd gnbv gy3t qojq gezd gnbv gy3t qojq")
        .press(KeyCode::Enter);
    harness.press(KeyCode::Enter);
    assert!(harness.screen(80, 24).contains("Say the service or the account"));
    harness
        .types("Example")
        .press(KeyCode::Tab)
        .types("bob")
        .press(KeyCode::Tab)
        .types("work，home");
    harness.press(KeyCode::Down).press(KeyCode::Down).press(KeyCode::Right);
    assert!(harness.screen(80, 24).contains("by use (HOTP)"));
    harness.disk_is_full = true;
    harness.press(KeyCode::Enter);
    let screen = harness.screen(80, 24);
    assert!(
        screen.contains("no storage space") && screen.contains("Example"),
        "{screen}"
    );
    harness.disk_is_full = false;
    harness.press(KeyCode::Enter).types(" ");
    let screen = harness.screen(80, 24);
    assert!(screen.contains("755 224") && screen.contains("work, home"), "{screen}");
}

#[test]
fn a_key_is_taken_as_keyboards_of_every_script_and_web_pages_write_it() {
    for pasted in [
        "\u{200e}GEZD\u{200b}GNBV\u{2011}GY\u{6f3}TQOJQ gezd\u{ad}gnbv gy3t qojq\u{feff}",
        "\u{2068}GEZDGNBVGY\u{969}TQOJQ\u{2013}GEZDGNBVGY3TQOJQ==\u{2069}",
        "ＧＥＺＤＧＮＢＶＧＹ３ＴＱＯＪＱ　ＧＥＺＤＧＮＢＶＧＹ３ＴＱＯＪＱ",
        "\u{feff}otpauth://totp/Example:bob?secret=GEZD%E2%80%8BGNBVGY3TQOJQGEZDGNBVGY\u{6f3}TQOJQ\u{200b}",
    ] {
        let mut harness = Harness::open(settings(), "");
        harness.types("a").control('u').paste(pasted).press(KeyCode::Enter);
        if !pasted.contains("otpauth") {
            harness
                .types("Example")
                .press(KeyCode::Tab)
                .types("bob")
                .press(KeyCode::Enter);
        }
        let entry = harness
            .opened()
            .vault
            .entries()
            .iter()
            .next()
            .map(|entry| entry.credential().secret().expose_secret().to_vec());
        assert_eq!(entry.as_deref(), Some(&b"12345678901234567890"[..]), "{pasted}");
    }
}

#[test]
fn what_is_neither_uri_nor_key_nor_path_is_said_to_be_so() {
    let mut harness = Harness::open(settings(), "");
    for (typed, said) in [
        ("hello!", "This is no otpauth URI"),
        ("hello 1", "Character 7 of the secret is not base32"),
        ("J", "cannot have 1 character"),
        // Not taken for a path: there is a secret in it, which an error would show.
        ("tpauth://totp/x?secret=JBSWY3DPEHPK3PXP", "This is no otpauth URI"),
    ] {
        harness.types("a").control('u').paste(typed).press(KeyCode::Enter);
        assert!(
            harness.screen(80, 24).contains(said),
            "{typed}: {}",
            harness.screen(80, 24)
        );
        harness.press(KeyCode::Esc);
    }
    harness.types("a");
    for path in ["~/qr.png", "file:///tmp/qr.png", "qr.png", "'/tmp/a b'"] {
        harness.control('u').types(path).press(KeyCode::Enter);
        assert_eq!(harness.asked_files.last().map(String::as_str), Some(path));
        let is_seen = harness.screen(80, 24).contains(path);
        assert_eq!(is_seen, path != "qr.png", "what may be a key is hidden: {path}");
    }
    harness
        .control('u')
        .paste("otpauth://totp/Example?digits=6")
        .press(KeyCode::Enter);
    assert!(harness.screen(80, 24).contains("secret"), "{}", harness.screen(80, 24));
    assert!(harness.ids().is_empty());
}

#[test]
fn an_edit_writes_what_was_edited_and_overwrites_nothing_that_it_has_not_seen() {
    let mut harness = Harness::open(settings(), ENTRIES);
    let id = harness.id_of("GitHub");
    harness.types("/git").press(KeyCode::Tab).types("e");
    harness.press(KeyCode::Tab).control('u').types("carol");
    harness.meanwhile(false, |entries| {
        entries.get_mut(id).unwrap().issuer = Name::new("GitHub 2").unwrap()
    });
    harness.press(KeyCode::Enter);
    let title = |harness: &Harness| harness.opened().vault.entries().get(id).unwrap().title();
    assert_eq!(title(&harness), "GitHub 2 (carol)", "both edits");
    harness.types("e").press(KeyCode::Tab).control('u').types("dave");
    harness.meanwhile(true, |entries| {
        entries.get_mut(id).unwrap().account = Name::new("erin").unwrap()
    });
    harness.press(KeyCode::Enter);
    assert!(
        harness
            .screen(80, 24)
            .contains("Another process changed the same words")
    );
    assert_eq!(title(&harness), "GitHub 2 (erin)");
    harness.meanwhile(false, |entries| drop(entries.remove(id)));
    harness.press(KeyCode::Enter);
    assert!(harness.screen(80, 24).contains("Another process removed this entry"));
}

#[test]
fn what_was_renamed_out_of_the_search_is_still_seen() {
    let mut harness = Harness::open(settings(), ENTRIES);
    let id = harness.id_of("GitHub");
    harness.types("/git").press(KeyCode::Tab).types("e");
    harness
        .control('u')
        .types("Hub")
        .press(KeyCode::Tab)
        .control('u')
        .types("x")
        .press(KeyCode::Enter);
    assert_eq!((harness.opened().selected, harness.opened().shown.len()), (Some(id), 6));
}

#[test]
fn groups_are_gone_through_and_favourites_come_first() {
    let mut harness = Harness::open(settings(), ENTRIES);
    let group = Name::new("work").unwrap();
    let (mail, steam) = (harness.id_of("Mail"), harness.id_of("Steam"));
    harness.meanwhile(true, |entries| {
        for id in [mail, steam] {
            entries.get_mut(id).unwrap().groups.push(group.clone());
        }
    });
    harness.press(KeyCode::Tab);
    assert_eq!(harness.opened().shown, [mail, steam]);
    harness.types("Gf");
    assert_eq!(harness.opened().shown, [steam, mail]);
    assert_eq!(
        harness.opened().selected,
        Some(steam),
        "the selection stays with its entry"
    );
    harness.press(KeyCode::Tab);
    assert_eq!(harness.opened().shown.len(), 6);
    harness.press(KeyCode::BackTab).press(KeyCode::Esc);
    assert_eq!(harness.opened().shown.len(), 6);
}

#[test]
fn copying_does_not_move_the_list_under_the_cursor() {
    let mut harness = Harness::open(settings(), ENTRIES);
    harness.types("ooo");
    let before = harness.opened().shown.clone();
    harness.types("G").press(KeyCode::Enter);
    assert_eq!(harness.opened().shown, before);
    let last = before.last().copied();
    harness.types("oooo");
    assert!(harness.opened().vault.entries().get(last.unwrap()).unwrap().uses() > 0);
}

#[test]
fn a_new_vault_takes_its_passphrase_twice() {
    let mut harness = Harness::without_vault(settings());
    harness.press(KeyCode::Enter);
    assert!(harness.screen(80, 24).contains("The passphrase is empty"));
    harness
        .types("one")
        .press(KeyCode::Enter)
        .types("two")
        .press(KeyCode::Enter);
    assert!(harness.screen(80, 24).contains("The two are not the same") && harness.disk.is_none());
    harness
        .types(PASSPHRASE)
        .press(KeyCode::Enter)
        .types(PASSPHRASE)
        .press(KeyCode::Enter);
    assert!(harness.is_open() && harness.disk.is_some());
}

#[test]
fn control_keys_work_everywhere() {
    let mut harness = Harness::locked(settings(), ENTRIES);
    harness.control('z');
    assert!(harness.has_suspended);
    harness.control('c');
    assert!(harness.has_quit);
    let mut harness = Harness::open(settings(), ENTRIES);
    harness.types("aq");
    assert!(!harness.has_quit, "a letter that is typed is a letter");
    harness.control('c');
    assert!(harness.has_quit);
}

#[test]
fn the_help_scrolls_to_its_end_and_back_at_once() {
    let mut harness = Harness::open(settings(), ENTRIES);
    harness.resize(40, 12).types("?");
    let first = harness.screen(40, 12);
    assert!(!first.contains('…'), "nothing is cut: {first}");
    for _ in 0..60 {
        harness.press(KeyCode::Down);
    }
    let last = harness.screen(40, 12);
    assert!(last.contains("draw anew"), "{last}");
    harness.press(KeyCode::Up);
    assert_ne!(harness.screen(40, 12), last);
    harness.press(KeyCode::Home);
    assert_eq!(harness.screen(40, 12), first);
}

#[test]
fn what_is_pasted_into_a_line_is_one_line() {
    let mut harness = Harness::open(settings(), ENTRIES);
    harness
        .types("e")
        .control('u')
        .paste("Exa\tmple\r\nLtd\n")
        .press(KeyCode::Enter);
    assert!(harness.screen(80, 24).contains("Saved."), "{}", harness.screen(80, 24));
    assert!(harness.screen(80, 24).contains("Exa mple Ltd"));
}

#[test]
fn keys_of_other_keyboards_do_the_same() {
    let mut harness = Harness::open(settings(), ENTRIES);
    harness.types("／gix").control('h').types("t");
    assert!(harness.screen(80, 24).contains("/git"));
    harness.press(KeyCode::Esc).types("？");
    assert!(harness.screen(80, 24).contains("search as you type"));
}

/// What a monkey at the keyboard does.
#[derive(Clone, Debug)]
enum Act {
    Key(KeyCode, KeyModifiers),
    Paste(String),
    Wait(u64),
    /// Another process adds, edits, removes the nth entry.
    Foreign(usize, bool),
    DiskFull(bool),
}

fn acts() -> impl Strategy<Value = Act> {
    let letters = prop::sample::select("jkgGofhaeduvLnycq/? 1i中é\u{301}\u{200b}".chars().collect::<Vec<_>>());
    let codes = prop::sample::select(vec![
        KeyCode::Enter,
        KeyCode::Esc,
        KeyCode::Tab,
        KeyCode::BackTab,
        KeyCode::Up,
        KeyCode::Down,
        KeyCode::Left,
        KeyCode::Right,
        KeyCode::Home,
        KeyCode::End,
        KeyCode::PageDown,
        KeyCode::Backspace,
        KeyCode::Delete,
        KeyCode::F(1),
    ]);
    let pastes = prop::sample::select(vec![
        PASSPHRASE.to_owned(),
        "JBSWY3DPEHPK3PXP".to_owned(),
        "otpauth://totp/New:one?secret=JBSWY3DPEHPK3PXPJBSWY3DP\n".to_owned(),
        "otpauth://hotp/New:two?secret=MFRGGZDFMZTWQ2LKNNWG23TP&counter=18446744073709551614".to_owned(),
        "张三\u{202e}\n\t\u{7}".to_owned(),
        "x".repeat(20_000),
    ]);
    prop_oneof![
        8 => letters.prop_map(|c| Act::Key(KeyCode::Char(c), KeyModifiers::NONE)),
        6 => codes.prop_map(|code| Act::Key(code, KeyModifiers::NONE)),
        1 => prop::sample::select("acelqruwz".chars().collect::<Vec<_>>())
            .prop_map(|c| Act::Key(KeyCode::Char(c), KeyModifiers::CONTROL)),
        2 => pastes.prop_map(Act::Paste),
        1 => (0..40_u64).prop_map(Act::Wait),
        1 => (0..8_usize, any::<bool>()).prop_map(|(nth, noticed)| Act::Foreign(nth, noticed)),
        1 => any::<bool>().prop_map(Act::DiskFull),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(160))]

    #[test]
    fn no_keys_in_any_order_lose_an_entry_but_remove_and_yes(
        script in prop::collection::vec((acts(), 1..100_u16, 1..40_u16), 1..120),
    ) {
        let mut harness = Harness::open(settings(), ENTRIES);
        for (act, width, height) in script {
            let before = harness.ids();
            let mut may_go = None;
            match act {
                Act::Key(code, modifiers) => {
                    if let State::Open(open) = &harness.model.state
                        && let Dialog::Remove(id) = open.dialog
                        && code == KeyCode::Char('y')
                    {
                        may_go = Some(id.get());
                    }
                    harness.key(KeyEvent::new(code, modifiers));
                }
                Act::Paste(text) => {
                    harness.paste(&text);
                }
                Act::Wait(seconds) => {
                    harness.wait(seconds);
                }
                Act::Foreign(nth, noticed) => {
                    if harness.is_open() {
                        harness.meanwhile(noticed, |entries| {
                            let id = entries.iter().nth(nth).map(vault::Entry::id);
                            if let Some(entry) = id.and_then(|id| entries.get_mut(id)) {
                                entry.account = Name::new("changed").unwrap();
                            }
                        });
                    }
                }
                Act::DiskFull(is_full) => harness.disk_is_full = is_full,
            }
            let after = harness.ids();
            for id in before {
                prop_assert!(after.contains(&id) || may_go == Some(id), "entry {id} is lost");
            }
            harness.drawn(width, height);
            if !harness.is_open() {
                harness.control('u').types(PASSPHRASE).press(KeyCode::Enter);
            }
        }
    }
}
