//! Histories of the interface, from keys to the file.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use proptest::prelude::*;
use vault::Name;

use super::stage::{ENTRIES, PASSPHRASE, Stage, settings};
use crate::tui::model::{Dialog, Settings, State};

#[test]
fn searching_finds_as_one_types_and_enter_copies_until_thirty_seconds_later() {
    let mut stage = Stage::open(settings(), ENTRIES);
    stage.types("/git");
    assert!(stage.screen(80, 24).contains("1 of 6"), "{}", stage.screen(80, 24));
    stage.press(KeyCode::Enter);
    let copied = stage.clipboard.clone().unwrap();
    let shown = format!("{} {}", &copied[..3], &copied[3..]);
    assert!(stage.screen(80, 24).contains(&shown));
    stage.wait(29);
    assert!(stage.clipboard.is_some());
    stage.wait(1);
    assert!(stage.clipboard.is_none());
    assert!(stage.screen(80, 24).contains("The clipboard is empty."));
}

#[test]
fn a_second_copy_has_its_own_thirty_seconds() {
    let mut stage = Stage::open(settings(), ENTRIES);
    stage.press(KeyCode::Enter).wait(20).press(KeyCode::Enter).wait(20);
    assert!(stage.clipboard.is_some());
    stage.wait(10);
    assert!(stage.clipboard.is_none());
}

#[test]
fn a_counter_is_saved_before_its_code_is_seen() {
    let mut stage = Stage::open(settings(), ENTRIES);
    stage.types("/door").press(KeyCode::Tab);
    stage.disk_is_full = true;
    stage.types(" ");
    let refused = stage.screen(80, 24);
    assert!(
        refused.contains("Not saved.") && refused.contains("no storage space") && !refused.contains("755 224"),
        "{refused}"
    );
    stage.press(KeyCode::Enter);
    assert!(stage.clipboard.is_none(), "nothing is copied either");
    stage.disk_is_full = false;
    // RFC 4226 appendix D.
    stage.types(" ");
    assert!(stage.screen(80, 24).contains("755 224"));
    stage.types("n");
    assert!(stage.screen(80, 24).contains("287 082"));
    stage.press(KeyCode::Enter);
    assert_eq!(
        stage.clipboard.as_deref(),
        Some("287082"),
        "the code that is seen, not another one"
    );
    stage.types(" ");
    assert!(!stage.screen(80, 24).contains("287 082"), "hidden again");
    stage.press(KeyCode::Enter);
    assert_eq!(stage.clipboard.as_deref(), Some("359152"));
    assert_eq!(stage.saves, 3);
}

#[test]
fn a_removal_is_confirmed_and_undone_in_its_place() {
    let mut stage = Stage::open(settings(), ENTRIES);
    let all = stage.ids();
    stage.types("d").types("n");
    assert_eq!(stage.ids(), all);
    stage.types("dy").types("dy");
    assert_eq!(stage.ids().len(), 4);
    stage.disk_is_full = true;
    stage.types("u");
    assert!(stage.screen(80, 24).contains("Not saved"));
    stage.disk_is_full = false;
    stage.types("uu");
    assert_eq!(stage.ids(), all, "also what the first try could not put back");
    stage.types("u");
    assert!(stage.screen(80, 24).contains("nothing to undo"));
}

#[test]
fn a_passphrase_is_hidden_whatever_it_looks_like() {
    let mut stage = Stage::locked(settings(), ENTRIES);
    stage.types("/home");
    assert!(!stage.screen(80, 24).contains("/home•") && !stage.screen(80, 24).contains(": /home"));
    stage.control('r');
    assert!(!stage.screen(80, 24).contains(": /home"));
}

#[test]
fn locking_forgets_and_unlocking_takes_the_passphrase() {
    let mut stage = Stage::open(settings(), ENTRIES);
    stage.types("L");
    assert!(!stage.is_open());
    assert!(!stage.screen(80, 24).contains("GitHub"));
    stage.types("wrong").press(KeyCode::Enter);
    assert!(stage.screen(80, 24).contains("That is not it."));
    assert!(!stage.screen(80, 24).contains("wrong"));
    stage.types(PASSPHRASE).press(KeyCode::Enter);
    assert!(stage.is_open());
}

#[test]
fn who_locks_it_locks_the_agent_too_and_time_locks_this_screen_alone() {
    let mut stage = Stage::open(settings(), ENTRIES);
    stage.wait(300);
    let screen = stage.screen(80, 24);
    assert!(
        stage.has_agent && screen.contains("This screen is locked.") && !screen.contains("The vault is locked."),
        "{screen}"
    );
    stage.types(PASSPHRASE).press(KeyCode::Enter);
    stage.agent_is_silent = true;
    stage.types("L");
    let screen = stage.screen(80, 24);
    assert!(
        !screen.contains("The vault is locked.") && screen.contains("An agent does not answer. End it."),
        "{screen}"
    );
    stage.types(PASSPHRASE).press(KeyCode::Enter);
    stage.agent_is_silent = false;
    stage.types("L");
    assert!(!stage.has_agent && stage.screen(80, 24).contains("The vault is locked."));
}

#[test]
fn nobody_at_the_keys_locks_it_whatever_is_open_and_a_key_delays_it() {
    let mut stage = Stage::open(settings(), ENTRIES);
    stage.wait(299).types("a").wait(299);
    assert!(stage.is_open());
    stage.wait(1);
    assert!(!stage.is_open());
    assert!(stage.screen(80, 24).contains("Locked after 5 min without a key."));
    let never = Settings {
        lock_after_min: 0,
        ..settings()
    };
    let mut stage = Stage::open(never, ENTRIES);
    stage.wait(90_000);
    assert!(stage.is_open());
}

#[test]
fn a_laptop_that_slept_locks_at_once_although_its_clock_was_set_back() {
    let mut stage = Stage::open(settings(), ENTRIES);
    stage.model.now.up_ms += 3_600_000;
    stage.model.now.unix_ms -= 86_400_000;
    stage.wait(1);
    assert!(!stage.is_open());
}

#[test]
fn hidden_codes_are_seen_one_at_a_time() {
    let hiding = Settings {
        hides_codes: true,
        ..settings()
    };
    let mut stage = Stage::open(hiding, ENTRIES);
    let digits = |stage: &Stage| {
        let screen = stage.screen(80, 13);
        let list: Vec<&str> = screen.lines().skip(1).take(6).collect();
        list.iter().filter(|line| !line.contains("•••")).count()
    };
    assert_eq!(digits(&stage), 0);
    stage.types("gj ");
    assert_eq!(digits(&stage), 1);
    stage.types("j");
    assert_eq!(digits(&stage), 0, "moving on hides it");
    stage.types("h");
    assert_eq!(digits(&stage), 5, "all but the one by use");
}

#[test]
fn a_secret_is_shown_after_a_warning_to_whom_has_just_typed_the_passphrase() {
    let mut stage = Stage::open(settings(), ENTRIES);
    stage.types("/git").press(KeyCode::Tab).types("v");
    let warning = stage.screen(80, 40);
    assert!(warning.contains("for ever") && !warning.contains("GEZD"), "{warning}");
    stage.types("n").types("vy");
    assert!(stage.screen(80, 40).contains("GEZD GNBV"));
    stage.press(KeyCode::Esc);
    assert!(!stage.screen(80, 40).contains("GEZD"));
    stage.wait(60).types("vy");
    assert!(!stage.screen(80, 40).contains("GEZD"));
    stage.types("wrong").press(KeyCode::Enter);
    let refused = stage.screen(80, 40);
    assert!(
        refused.contains("That is not it.") && !refused.contains("GEZD"),
        "{refused}"
    );
    stage.types(PASSPHRASE).press(KeyCode::Enter);
    assert!(stage.screen(80, 40).contains("GEZD GNBV"));
    stage.press(KeyCode::Esc).wait(59).types("vy");
    assert!(stage.screen(80, 40).contains("GEZD GNBV"));
    stage.press(KeyCode::Esc);
    // The agent let somebody in, whoever that is.
    if let State::Open(open) = &mut stage.model.state {
        open.proven_up_ms = None;
    }
    stage.types("vy").press(KeyCode::Enter);
    assert!(!stage.screen(80, 40).contains("GEZD"));
    stage.press(KeyCode::Esc);
    assert!(stage.screen(80, 40).contains("1 of 6"), "back to the list");
}

#[test]
fn a_pasted_uri_is_added_from_wherever_it_is_pasted() {
    let mut stage = Stage::open(settings(), "");
    stage.paste("otpauth://totp/Example:bob?secret=JBSWY3DPEHPK3PXP\n");
    assert!(
        !stage.screen(80, 24).contains("JBSWY"),
        "a secret that is typed is not shown"
    );
    stage.control('r');
    assert!(stage.screen(80, 24).contains("JBSWY"), "until that is asked for");
    stage.press(KeyCode::Enter);
    let screen = stage.screen(80, 24);
    assert!(
        screen.contains("Added Example (bob).") && stage.ids().len() == 1,
        "{screen}"
    );
    stage
        .paste("otpauth://totp/Other:bob?secret=JBSWY3DPEHPK3PXP\n")
        .press(KeyCode::Enter);
    assert!(
        stage.screen(80, 24).contains("It is here already: Example (bob)."),
        "{}",
        stage.screen(80, 24)
    );
    assert_eq!(stage.ids().len(), 1);
}

#[test]
fn of_many_what_is_here_already_and_what_is_unusable_is_counted() {
    let mut stage = Stage::open(settings(), "");
    let two = "otpauth://totp/A:a?secret=JBSWY3DPEHPK3PXP\notpauth://totp/B:b?secret=KRSXG5CTMVRXEZLU\n";
    stage.types("a").paste(two).press(KeyCode::Enter);
    assert!(stage.screen(80, 24).contains("Added 2 entries."));
    stage.types("a").paste(two).press(KeyCode::Enter);
    assert!(stage.screen(80, 24).contains("All 2 are here already."));
    stage.control('u');
    stage.paste(&format!(
        "{two}otpauth://totp/C:c?secret=ORSXG5BAONSWG4TF\notpauth://totp/D:d?digits=6\n"
    ));
    stage.press(KeyCode::Enter);
    let screen = stage.screen(120, 24);
    assert!(
        screen.contains("Added C (c). 2 were here already. One cannot be used. The URI has no secret parameter"),
        "{screen}"
    );
    assert_eq!(stage.ids().len(), 3);
}

#[test]
fn lines_that_are_pasted_are_lines_whatever_the_terminal_ends_them_with() {
    for end in ["\n", "\r", "\r\n"] {
        let mut stage = Stage::open(settings(), "");
        let two = ["A:a?secret=JBSWY3DPEHPK3PXP", "B:b?secret=KRSXG5CTMVRXEZLU&issuer=B"]
            .map(|rest| format!("otpauth://totp/{rest}{end}"));
        stage.paste(&two.concat()).press(KeyCode::Enter);
        let screen = stage.screen(80, 24);
        assert!(screen.contains("Added 2 entries."), "{end:?}: {screen}");
    }
}

#[test]
fn uris_that_are_pasted_on_one_line_are_taken_apart() {
    for between in ["", " ", ", "] {
        let mut stage = Stage::open(settings(), "");
        let two = format!(
            "otpauth://totp/A:a?secret=JBSWY3DPEHPK3PXP{between}OTPAUTH://totp/B:b?secret=KRSXG5CTMVRXEZLU&issuer=B"
        );
        stage.paste(&two).press(KeyCode::Enter);
        let screen = stage.screen(80, 24);
        assert!(
            screen.contains("Added 2 entries.") && !screen.contains("KRSX"),
            "{between:?}: {screen}"
        );
    }
}

#[test]
fn a_double_moves_a_counter_on_and_never_back() {
    let mut stage = Stage::open(settings(), ENTRIES);
    let uri = "otpauth://hotp/Door:42?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Door&counter=";
    stage.paste(&format!("{uri}2")).press(KeyCode::Enter);
    let screen = stage.screen(80, 24);
    assert!(
        screen.contains("One was here already. A higher counter is taken."),
        "{screen}"
    );
    stage.paste(&format!("{uri}1")).press(KeyCode::Enter);
    let screen = stage.screen(80, 24);
    assert!(screen.contains("It is here already: Door (42)."), "{screen}");
    // RFC 4226 appendix D; the entry that is meant is the chosen one.
    stage.press(KeyCode::Esc).types("n");
    assert!(stage.screen(80, 24).contains("359 152"), "{}", stage.screen(80, 24));
}

#[test]
fn a_key_is_added_by_hand_and_what_was_typed_outlives_a_full_disk() {
    let mut stage = Stage::open(settings(), "");
    stage
        .types("agezd gnbv gy3t qojq gezd gnbv gy3t qojq")
        .press(KeyCode::Enter);
    stage.press(KeyCode::Enter);
    assert!(stage.screen(80, 24).contains("Say the service or the account"));
    stage
        .types("Example")
        .press(KeyCode::Tab)
        .types("bob")
        .press(KeyCode::Tab)
        .types("work，home");
    stage.press(KeyCode::Down).press(KeyCode::Down).press(KeyCode::Right);
    assert!(stage.screen(80, 24).contains("by use (HOTP)"));
    stage.disk_is_full = true;
    stage.press(KeyCode::Enter);
    let screen = stage.screen(80, 24);
    assert!(
        screen.contains("no storage space") && screen.contains("Example"),
        "{screen}"
    );
    stage.disk_is_full = false;
    stage.press(KeyCode::Enter).types(" ");
    let screen = stage.screen(80, 24);
    assert!(screen.contains("755 224") && screen.contains("work, home"), "{screen}");
}

#[test]
fn what_is_neither_uri_nor_key_nor_path_is_said_to_be_so() {
    let mut stage = Stage::open(settings(), "");
    for (typed, said) in [
        ("hello!", "This is no otpauth URI"),
        ("hello 1", "Character 7 of the secret is not base32"),
        ("JBSWY3", "cannot have 6 characters"),
        // Not taken for a path: there is a secret in it, which an error would show.
        ("tpauth://totp/x?secret=JBSWY3DPEHPK3PXP", "This is no otpauth URI"),
    ] {
        stage.types("a").control('u').paste(typed).press(KeyCode::Enter);
        assert!(stage.screen(80, 24).contains(said), "{typed}: {}", stage.screen(80, 24));
        stage.press(KeyCode::Esc);
    }
    stage.types("a");
    for path in ["~/qr.png", "file:///tmp/qr.png", "qr.png", "'/tmp/a b'"] {
        stage.control('u').types(path).press(KeyCode::Enter);
        assert_eq!(stage.asked_files.last().map(String::as_str), Some(path));
        let is_seen = stage.screen(80, 24).contains(path);
        assert_eq!(is_seen, path != "qr.png", "what may be a key is hidden: {path}");
    }
    stage
        .control('u')
        .paste("otpauth://totp/Example?digits=6")
        .press(KeyCode::Enter);
    assert!(stage.screen(80, 24).contains("secret"), "{}", stage.screen(80, 24));
    assert!(stage.ids().is_empty());
}

#[test]
fn an_edit_writes_what_was_edited_and_overwrites_nothing_that_it_has_not_seen() {
    let mut stage = Stage::open(settings(), ENTRIES);
    let id = stage.id_of("GitHub");
    stage.types("/git").press(KeyCode::Tab).types("e");
    stage.press(KeyCode::Tab).control('u').types("carol");
    stage.meanwhile(false, |entries| {
        entries.get_mut(id).unwrap().issuer = Name::new("GitHub 2").unwrap()
    });
    stage.press(KeyCode::Enter);
    let title = |stage: &Stage| stage.opened().vault.entries().get(id).unwrap().title();
    assert_eq!(title(&stage), "GitHub 2 (carol)", "both edits");
    stage.types("e").press(KeyCode::Tab).control('u').types("dave");
    stage.meanwhile(true, |entries| {
        entries.get_mut(id).unwrap().account = Name::new("erin").unwrap()
    });
    stage.press(KeyCode::Enter);
    assert!(stage.screen(80, 24).contains("Another process changed the same words"));
    assert_eq!(title(&stage), "GitHub 2 (erin)");
    stage.meanwhile(false, |entries| drop(entries.remove(id)));
    stage.press(KeyCode::Enter);
    assert!(stage.screen(80, 24).contains("Another process removed this entry"));
}

#[test]
fn what_was_renamed_out_of_the_search_is_still_seen() {
    let mut stage = Stage::open(settings(), ENTRIES);
    let id = stage.id_of("GitHub");
    stage.types("/git").press(KeyCode::Tab).types("e");
    stage
        .control('u')
        .types("Hub")
        .press(KeyCode::Tab)
        .control('u')
        .types("x")
        .press(KeyCode::Enter);
    assert_eq!((stage.opened().selected, stage.opened().shown.len()), (Some(id), 6));
}

#[test]
fn groups_are_gone_through_and_favourites_come_first() {
    let mut stage = Stage::open(settings(), ENTRIES);
    let group = Name::new("work").unwrap();
    let (mail, steam) = (stage.id_of("Mail"), stage.id_of("Steam"));
    stage.meanwhile(true, |entries| {
        for id in [mail, steam] {
            entries.get_mut(id).unwrap().groups.push(group.clone());
        }
    });
    stage.press(KeyCode::Tab);
    assert_eq!(stage.opened().shown, [mail, steam]);
    stage.types("Gf");
    assert_eq!(stage.opened().shown, [steam, mail]);
    assert_eq!(
        stage.opened().selected,
        Some(steam),
        "the selection stays with its entry"
    );
    stage.press(KeyCode::Tab);
    assert_eq!(stage.opened().shown.len(), 6);
    stage.press(KeyCode::BackTab).press(KeyCode::Esc);
    assert_eq!(stage.opened().shown.len(), 6);
}

#[test]
fn copying_does_not_move_the_list_under_the_cursor() {
    let mut stage = Stage::open(settings(), ENTRIES);
    stage.types("ooo");
    let before = stage.opened().shown.clone();
    stage.types("G").press(KeyCode::Enter);
    assert_eq!(stage.opened().shown, before);
    let last = before.last().copied();
    stage.types("oooo");
    assert!(stage.opened().vault.entries().get(last.unwrap()).unwrap().uses() > 0);
}

#[test]
fn a_new_vault_takes_its_passphrase_twice() {
    let mut stage = Stage::without_vault(settings());
    stage.press(KeyCode::Enter);
    assert!(stage.screen(80, 24).contains("The passphrase is empty"));
    stage
        .types("one")
        .press(KeyCode::Enter)
        .types("two")
        .press(KeyCode::Enter);
    assert!(stage.screen(80, 24).contains("The two are not the same") && stage.disk.is_none());
    stage
        .types(PASSPHRASE)
        .press(KeyCode::Enter)
        .types(PASSPHRASE)
        .press(KeyCode::Enter);
    assert!(stage.is_open() && stage.disk.is_some());
}

#[test]
fn control_keys_work_everywhere() {
    let mut stage = Stage::locked(settings(), ENTRIES);
    stage.control('z');
    assert!(stage.has_suspended);
    stage.control('c');
    assert!(stage.has_quit);
    let mut stage = Stage::open(settings(), ENTRIES);
    stage.types("aq");
    assert!(!stage.has_quit, "a letter that is typed is a letter");
    stage.control('c');
    assert!(stage.has_quit);
}

#[test]
fn the_help_scrolls_to_its_end_and_back_at_once() {
    let mut stage = Stage::open(settings(), ENTRIES);
    stage.resize(40, 12).types("?");
    let first = stage.screen(40, 12);
    assert!(!first.contains('…'), "nothing is cut: {first}");
    for _ in 0..60 {
        stage.press(KeyCode::Down);
    }
    let last = stage.screen(40, 12);
    assert!(last.contains("draw anew"), "{last}");
    stage.press(KeyCode::Up);
    assert_ne!(stage.screen(40, 12), last);
    stage.press(KeyCode::Home);
    assert_eq!(stage.screen(40, 12), first);
}

#[test]
fn what_is_pasted_into_a_line_is_one_line() {
    let mut stage = Stage::open(settings(), ENTRIES);
    stage
        .types("e")
        .control('u')
        .paste("Exa\tmple\r\nLtd\n")
        .press(KeyCode::Enter);
    assert!(stage.screen(80, 24).contains("Saved."), "{}", stage.screen(80, 24));
    assert!(stage.screen(80, 24).contains("Exa mple Ltd"));
}

#[test]
fn keys_of_other_keyboards_do_the_same() {
    let mut stage = Stage::open(settings(), ENTRIES);
    stage.types("／gix").control('h').types("t");
    assert!(stage.screen(80, 24).contains("/git"));
    stage.press(KeyCode::Esc).types("？");
    assert!(stage.screen(80, 24).contains("search as you type"));
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
        let mut stage = Stage::open(settings(), ENTRIES);
        for (act, width, height) in script {
            let before = stage.ids();
            let mut may_go = None;
            match act {
                Act::Key(code, modifiers) => {
                    if let State::Open(open) = &stage.model.state
                        && let Dialog::Remove(id) = open.dialog
                        && code == KeyCode::Char('y')
                    {
                        may_go = Some(id.get());
                    }
                    stage.key(KeyEvent::new(code, modifiers));
                }
                Act::Paste(text) => {
                    stage.paste(&text);
                }
                Act::Wait(seconds) => {
                    stage.wait(seconds);
                }
                Act::Foreign(nth, noticed) => {
                    if stage.is_open() {
                        stage.meanwhile(noticed, |entries| {
                            let id = entries.iter().nth(nth).map(vault::Entry::id);
                            if let Some(entry) = id.and_then(|id| entries.get_mut(id)) {
                                entry.account = Name::new("changed").unwrap();
                            }
                        });
                    }
                }
                Act::DiskFull(is_full) => stage.disk_is_full = is_full,
            }
            let after = stage.ids();
            for id in before {
                prop_assert!(after.contains(&id) || may_go == Some(id), "entry {id} is lost");
            }
            stage.drawn(width, height);
            if !stage.is_open() {
                stage.control('u').types(PASSPHRASE).press(KeyCode::Enter);
            }
        }
    }
}
