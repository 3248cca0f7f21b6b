//! Entries: doubles, order, search, undo, counters, and that they come back from a file as they went.

mod support;

use enroll::EntryDigits;
use otp::{Algorithm, Secret, Step};
use proptest::{collection::vec, option, prelude::*};
use support::{counting, credential, draft};
use vault::{
    CounterError, Credential, Draft, Entries, Kind, LockedVault, Name, NewSlot, Note, OpenVault, Order, Unlock,
};

fn with<const N: usize>(drafts: [Draft; N]) -> OpenVault {
    let mut vault = OpenVault::create(NewSlot::KeyFile(&[1; 32]), "", &mut counting()).unwrap();
    for draft in drafts {
        vault.entries_mut().add(draft).unwrap();
    }
    vault
}

fn titles(entries: &[&vault::Entry]) -> Vec<String> {
    entries.iter().map(|entry| entry.title()).collect()
}

#[test]
fn a_double_makes_the_same_codes() {
    let vault = with([draft("Example", "alice", b"secret")]);
    let same = |kind, secret: &[u8], algorithm, digits| {
        vault
            .entries()
            .same_as(&credential(kind, secret, algorithm, digits))
            .is_some()
    };
    let minute = Kind::Totp {
        period_s: 60.try_into().unwrap(),
    };
    assert!(same(Kind::TOTP_30_S, b"secret", Algorithm::Sha1, 6));
    assert!(!same(Kind::TOTP_30_S, b"secret2", Algorithm::Sha1, 6));
    assert!(!same(Kind::TOTP_30_S, b"secret", Algorithm::Sha256, 6));
    assert!(!same(Kind::TOTP_30_S, b"secret", Algorithm::Sha1, 8));
    assert!(!same(minute, b"secret", Algorithm::Sha1, 6));
    assert!(!same(Kind::Steam, b"secret", Algorithm::Sha1, 5));
    let one = credential(Kind::Hotp { counter: 1 }, b"secret", Algorithm::Sha1, 6);
    assert!(one.is_same(&credential(Kind::Hotp { counter: 7 }, b"secret", Algorithm::Sha1, 6)));
}

#[test]
fn search_finds_by_pieces_and_the_nearest_first() {
    let mut cloud = draft("Cloud", "root", b"1");
    cloud.note = Note::new("the git mirror").unwrap();
    let mut work = draft("GitHub", "alice@work.example", b"2");
    work.groups = vec![Name::new("Arbeit").unwrap()];
    let vault = with([
        cloud,
        draft("Digital", "git", b"3"),
        work,
        draft("My GitLab", "alice", b"4"),
    ]);
    let search = |query| titles(&vault.entries().search(query, Order::Name));
    assert_eq!(
        search("git"),
        [
            "Digital (git)",
            "GitHub (alice@work.example)",
            "My GitLab (alice)",
            "Cloud (root)"
        ]
    );
    assert_eq!(search("GIT work"), ["GitHub (alice@work.example)"]);
    assert_eq!(search("lic  lab"), ["My GitLab (alice)"]);
    assert_eq!(search("arbeit"), ["GitHub (alice@work.example)"]);
    assert!(search("git nothing").is_empty());
    assert_eq!(search("  ").len(), 4);
}

#[test]
fn favourites_come_first_in_every_order() {
    let mut last = draft("zebra", "", b"1");
    last.favourite = true;
    let mut vault = with([draft("Beta", "", b"2"), draft("alpha", "", b"3"), last]);
    let ids: Vec<_> = vault.entries().iter().map(|entry| entry.id()).collect();
    vault.entries_mut().note_use(ids[0], 100);
    vault.entries_mut().note_use(ids[0], 200);
    vault.entries_mut().note_use(ids[1], 300);
    let ordered = |order| titles(&vault.entries().ordered(order));
    assert_eq!(ordered(Order::Name), ["zebra", "alpha", "Beta"]);
    assert_eq!(ordered(Order::Use), ["zebra", "Beta", "alpha"]);
    assert_eq!(ordered(Order::Added), ["zebra", "Beta", "alpha"]);
    assert_eq!(vault.entries().get(ids[0]).unwrap().last_used_s(), Some(200));
}

#[test]
fn what_is_removed_can_be_put_back_where_it_was() {
    let mut vault = with([draft("a", "", b"1"), draft("b", "", b"2"), draft("c", "", b"3")]);
    let id = vault.entries().iter().nth(1).unwrap().id();
    let removed = vault.entries_mut().remove(id).unwrap();
    assert!(vault.entries().get(id).is_none());
    assert!(vault.entries_mut().remove(id).is_none());
    let new = vault.entries_mut().add(draft("d", "", b"4")).unwrap();
    assert!(new > id, "an id is never used again");
    vault.entries_mut().restore(removed);
    assert_eq!(
        titles(&vault.entries().iter().collect::<Vec<_>>()),
        ["a", "b", "c", "d"]
    );
}

#[test]
fn a_counter_is_taken_once() {
    let counter = |counter| credential(Kind::Hotp { counter }, b"12345678901234567890", Algorithm::Sha1, 6);
    let mut vault = with([
        Draft::new(Name::default(), Name::default(), counter(0)),
        Draft::new(Name::default(), Name::default(), counter(u64::MAX)),
        draft("by time", "", b"1"),
    ]);
    let ids: Vec<_> = vault.entries().iter().map(|entry| entry.id()).collect();
    let entries = vault.entries_mut();
    // RFC 4226 appendix D
    for (step, code) in [(0, "755224"), (1, "287082"), (2, "359152")] {
        assert_eq!(entries.take_counter(ids[0]), Ok(Step::new(step)));
        assert_eq!(
            entries.get(ids[0]).unwrap().credential().code(Step::new(step)).expose(),
            code
        );
    }
    assert_eq!(entries.take_counter(ids[1]), Err(CounterError::UsedUp));
    assert_eq!(entries.take_counter(ids[2]), Err(CounterError::NotHotp));
    entries.remove(ids[0]);
    assert_eq!(entries.take_counter(ids[0]), Err(CounterError::NoSuchEntry));
}

#[test]
fn names_disturb_no_terminal() {
    assert!(Name::new("a\u{1b}[2Jb").is_err());
    assert!(Name::new("abc\u{202e}def").is_err());
    assert!(Name::new(&"x".repeat(513)).is_err());
    assert!(Note::new("two\nlines\tand a tab").is_ok());
    assert_eq!(Name::new(" 工作 ").unwrap().as_str(), "工作");
    let tidied = |text: &str| {
        let (name, changed) = Name::tidied(text);
        (name.as_str().to_owned(), changed)
    };
    assert_eq!(tidied("a\u{1b}[2J\nb"), ("a[2J b".to_owned(), true));
    assert_eq!(tidied("\u{feff} plain "), ("plain".to_owned(), true));
    assert_eq!(tidied(" plain "), ("plain".to_owned(), false));
    for hidden in [
        '\u{200b}',
        '\u{ad}',
        '\u{200d}',
        '\u{2060}',
        '\u{3164}',
        '\u{fe0f}',
        '\u{e0041}',
        '\u{115f}',
    ] {
        assert_eq!(
            tidied(&format!("Git{hidden}Hub")),
            ("GitHub".to_owned(), true),
            "{hidden:?}"
        );
        assert!(Name::new(&format!("Git{hidden}Hub")).is_err(), "{hidden:?}");
    }
    // a woman who programs, a heart in colour, a verb in Persian, a name with a variant of its first letter
    for shaped in [
        "👩\u{200d}💻",
        "❤\u{fe0f}",
        "❤\u{fe0f}\u{200d}🔥",
        "می\u{200c}خواهم",
        "葛\u{e0100}城",
    ] {
        assert_eq!(Name::new(shaped).unwrap().as_str(), shaped);
    }
    let (long, changed) = Name::tidied(&"é".repeat(400));
    assert_eq!((long.as_str().len(), changed), (512, true));
    assert_eq!(Note::tidied("a\r\nb").0.as_str(), "a\nb");
}

fn any_kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        (1_u32..).prop_map(|s| Kind::Totp {
            period_s: s.try_into().unwrap()
        }),
        any::<u64>().prop_map(|counter| Kind::Hotp { counter }),
        Just(Kind::Steam),
    ]
}

prop_compose! {
    fn any_draft()(
        texts in ("\\PC{0,40}", "\\PC{0,40}", "(\\PC|\n){0,80}"),
        groups in vec("\\PC{0,10}", 0..3),
        favourite in any::<bool>(),
        uses in any::<u64>(),
        kind in any_kind(),
        secret in vec(any::<u8>(), 1..=128),
        algorithm in prop::sample::select(&Algorithm::ALL[..]),
        digits in 5_u8..=10,
    ) -> Hidden<Draft> {
        let name = |text: &str| Name::tidied(text).0;
        let credential = Credential::new(
            kind,
            Secret::from_slice(&secret).unwrap(),
            algorithm,
            EntryDigits::new(digits).unwrap(),
        );
        let mut draft = Draft::new(name(&texts.0), name(&texts.1), credential);
        draft.note = Note::tidied(&texts.2).0;
        draft.groups = groups.iter().map(|group| name(group)).collect();
        (draft.favourite, draft.uses) = (favourite, uses);
        Hidden(draft)
    }
}

/// Everything of them that can be compared.
fn said(entries: &Entries) -> Vec<impl PartialEq + std::fmt::Debug> {
    entries
        .iter()
        .map(|entry| {
            let credential = entry.credential();
            let names = (
                entry.issuer.clone(),
                entry.account.clone(),
                entry.note.clone(),
                entry.groups.clone(),
            );
            let numbers = (entry.id(), entry.favourite, entry.uses(), entry.last_used_s());
            let codes = (credential.kind(), credential.algorithm(), credential.digits());
            (names, numbers, codes, credential.secret().expose_secret().to_vec())
        })
        .collect()
}

/// A strategy needs `Debug`, which what holds a secret has not.
struct Hidden<T>(T);

impl<T> std::fmt::Debug for Hidden<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(hidden)")
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn entries_come_back_as_they_went(
        drafts in vec(any_draft(), 0..8),
        used_at in option::of(any::<u64>()),
    ) {
        let mut vault = with([]);
        for Hidden(draft) in drafts {
            vault.entries_mut().add(draft).unwrap();
        }
        let first = vault.entries().iter().next().map(|entry| entry.id());
        if let (Some(id), Some(unix_s)) = (first, used_at) {
            vault.entries_mut().note_use(id, unix_s);
        }
        let file = vault.save(&mut counting()).unwrap();
        let again = LockedVault::parse(&file).unwrap().unlock(Unlock::DataKey(vault.data_key()));
        let again = again.unwrap_or_else(|error| panic!("{error}"));
        prop_assert_eq!(said(again.entries()), said(vault.entries()));
    }
}
