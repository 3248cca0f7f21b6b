//! What the screens look like: files below `tests/screens`. `COUNTERSIGN_BLESS=1` writes down how they look now.
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "a test asks its own environment"))]

use std::{env, fs, io, path::Path};

use crossterm::event::KeyCode;
use enroll::{UriError, base32::Base32Error};
use ratatui::style::Color;
use vault::{
    AddError, CounterError, FileError, Name, Note, SaveError, SlotError, UnlockError,
    import::{ApplyError, Format, ImportError, MissingParts, Reason},
};

use super::harness::{ENTRIES, Harness, PASSPHRASE, settings};
use crate::{
    Doing, Refusal, VaultFileError,
    otpauth::uri_of,
    picture::{Picture, PictureError},
    tui::{model::Settings, trouble::Trouble, update::Message, words::Language},
};

fn check(name: &str, screens: &[String]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/screens")
        .join(name)
        .with_extension("txt");
    let now = screens.join("~~~~\n");
    if env::var_os("COUNTERSIGN_BLESS").is_some() {
        return fs::write(&path, now).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(now == expected, "{} is otherwise now:\n{now}", path.display());
}

/// With what people add in time: a favourite, groups, a note.
fn lived_in(settings: Settings) -> Harness {
    let mut harness = Harness::open(settings, ENTRIES);
    let (github, bank) = (harness.id_of("GitHub"), harness.id_of("Bank"));
    harness.meanwhile(true, |entries| {
        let entry = entries.get_mut(github).unwrap();
        entry.favourite = true;
        entry.groups = vec![Name::new("work").unwrap(), Name::new("代码").unwrap()];
        entry.note = Note::new("recovery codes are in the safe\nsecond shelf").unwrap();
        entries.get_mut(bank).unwrap().groups = vec![Name::new("money").unwrap()];
    });
    harness.types("g").wait(1);
    harness
}

fn chinese() -> Settings {
    Settings {
        language: Language::Zh,
        ..settings()
    }
}

/// Every dialog of the interface, at one size.
fn tour(settings: Settings, width: u16, height: u16) -> Vec<String> {
    let mut shots = Vec::new();
    let mut fresh = Harness::without_vault(settings.clone());
    shots.push(fresh.screen(width, height));
    fresh.types("a").press(KeyCode::Enter);
    shots.push(fresh.screen(width, height));
    let mut locked = Harness::locked(settings.clone(), ENTRIES);
    locked.types("wrong").press(KeyCode::Enter).types("•");
    shots.push(locked.screen(width, height));
    shots.push(Harness::open(settings.clone(), "").screen(width, height));
    let mut harness = lived_in(settings);
    harness.resize(width, height);
    let mut shoot = |harness: &Harness| shots.push(harness.screen(width, height));
    shoot(&harness);
    harness.types("j");
    shoot(&harness);
    harness.types("j ");
    shoot(&harness);
    harness.types("/st");
    shoot(&harness);
    harness.types("zzz");
    shoot(&harness);
    harness.press(KeyCode::Esc).press(KeyCode::Tab).press(KeyCode::Tab);
    shoot(&harness);
    harness.press(KeyCode::Esc).types("g").press(KeyCode::Enter);
    shoot(&harness);
    harness.types("a").types("not base32 !").press(KeyCode::Enter);
    shoot(&harness);
    harness
        .control('u')
        .types("JBSWY3DPEHPK3PXP")
        .press(KeyCode::Enter)
        .press(KeyCode::Enter);
    shoot(&harness);
    harness.press(KeyCode::Esc).types("e").press(KeyCode::Tab);
    shoot(&harness);
    harness.press(KeyCode::Esc).types("d");
    shoot(&harness);
    harness.types("nv");
    shoot(&harness);
    harness.types("y");
    shoot(&harness);
    harness.press(KeyCode::Esc).types("?");
    shoot(&harness);
    harness
        .press(KeyCode::Esc)
        .wait(60)
        .types("vywrong")
        .press(KeyCode::Enter);
    shoot(&harness);
    shots
}

#[test]
fn wide() {
    check("wide", &tour(settings(), 100, 30));
}

#[test]
fn usual() {
    check("usual", &tour(settings(), 80, 24));
}

#[test]
fn narrow() {
    check("narrow", &tour(settings(), 40, 12));
}

#[test]
fn smallest() {
    check("smallest", &tour(settings(), 20, 6));
}

#[test]
fn in_chinese() {
    check("chinese", &tour(chinese(), 80, 24));
    check("chinese-smallest", &tour(chinese(), 20, 6));
}

#[test]
fn what_goes_wrong_in_chinese() {
    let mut shots = Vec::new();
    let mut shoot = |harness: &Harness| shots.push(harness.screen(60, 14));
    let mut locked = Harness::locked(chinese(), ENTRIES);
    locked.tell(Message::NotOpened(Trouble::VaultFile(VaultFileError::Busy {
        path: "/home/alice/authenticator.vault".into(),
        holder: Some(4_711),
    })));
    shoot(&locked);
    let mut harness = Harness::open(chinese(), ENTRIES);
    harness.types("aJBSW 0189").press(KeyCode::Enter);
    shoot(&harness);
    harness.control('u').types("~/proton.json").press(KeyCode::Enter);
    let encrypted = br#"{"version":1,"salt":"AAAA","content":"AAAA"}"#.to_vec();
    harness.tell(Message::FileRead(Ok(encrypted.into())));
    shoot(&harness);
    harness.tell(Message::FileRead(Err(Trouble::NoCode)));
    shoot(&harness);
    harness
        .control('u')
        .paste("otpauth://totp/x?secret=JBSWY3DPEHPK3PXP&digits=12")
        .press(KeyCode::Enter);
    shoot(&harness);
    harness
        .control('u')
        .paste("otpauth://totp/Mail:ALICE?secret=ORSXG5BAONSWG4TF")
        .press(KeyCode::Enter);
    shoot(&harness);
    harness.press(KeyCode::Esc).types("ggf");
    harness.disk_is_full = true;
    harness.types("f");
    shoot(&harness);
    check("chinese-troubles", &shots);
}

/// Every sentence that a person may commonly meet, both languages side by side.
#[test]
fn troubles_in_both_languages() {
    let path = || "/home/alice/authenticator.vault".into();
    let io = |kind: io::ErrorKind| io::Error::from(kind);
    let troubles = [
        Trouble::NothingKnown,
        Trouble::Key(Base32Error::Empty),
        Trouble::Key(Base32Error::Character { position: 3 }),
        Trouble::Key(Base32Error::Length { characters: 6 }),
        Trouble::NoSuchFile,
        Trouble::NotAFile,
        Trouble::File(io(io::ErrorKind::PermissionDenied)),
        Trouble::Picture(PictureError::Unknown),
        Trouble::Picture(PictureError::Damaged),
        Trouble::NoCode,
        Trouble::OtherCode,
        Trouble::Import(ImportError::TooLarge),
        Trouble::Import(ImportError::Unknown),
        Trouble::Import(ImportError::Archive),
        Trouble::Import(ImportError::Locked(Format::Aegis)),
        Trouble::Import(ImportError::Encoding("UTF-16 without a byte order mark")),
        Trouble::Import(ImportError::Database),
        Trouble::Import(ImportError::KeePass),
        Trouble::Import(ImportError::CutOff),
        Trouble::Import(ImportError::Damaged { line: 3, column: 7 }),
        Trouble::Import(ImportError::Malformed(Format::TwoFas, "its services are not UTF-8")),
        Trouble::Unusable(Vec::new()),
        Trouble::Unusable(vec![Reason::Uri(UriError::MissingSecret)]),
        Trouble::Unusable(vec![Reason::Uri(UriError::DuplicateParameter("secret"))]),
        Trouble::Unusable(vec![Reason::Uri(UriError::Digits)]),
        Trouble::Unusable(vec![Reason::Digits(4), Reason::Shape]),
        Trouble::Apply(ApplyError::MissingParts(vec![MissingParts {
            parts: vec![2, 3],
            of: 4,
        }])),
        Trouble::Add(AddError::Full),
        Trouble::Counter(CounterError::UsedUp),
        Trouble::Unlock(UnlockError::Wrong),
        Trouble::Unlock(UnlockError::NoSuchSlot),
        Trouble::Unlock(UnlockError::Altered),
        Trouble::Create(SlotError::OutOfMemory),
        Trouble::Save(SaveError::TooLarge),
        Trouble::VaultFile(VaultFileError::Missing(path())),
        Trouble::VaultFile(VaultFileError::Exists(path())),
        Trouble::VaultFile(VaultFileError::Busy {
            path: path(),
            holder: Some(4_711),
        }),
        Trouble::VaultFile(VaultFileError::Unusable {
            path: path(),
            error: FileError::Damaged,
        }),
        Trouble::VaultFile(VaultFileError::Io {
            path: path(),
            doing: Doing::Write,
            error: io(io::ErrorKind::StorageFull),
        }),
        Trouble::VaultFile(VaultFileError::Io {
            path: path(),
            doing: Doing::Lock,
            error: io(io::ErrorKind::ReadOnlyFilesystem),
        }),
        Trouble::CommandLine(Refusal::new("key cannot be read")),
        Trouble::Agent(Refusal::new("an agent, process 4711, does not answer").help("end it with `kill -9 4711`")),
    ];
    let said = |language: Language, trouble| (language.words().trouble)(trouble);
    let both = troubles.each_ref().map(|trouble| {
        let (english, chinese) = (said(Language::En, trouble), said(Language::Zh, trouble));
        assert!(english.ends_with('.') && !english.ends_with(".."), "{english}");
        assert!(chinese.ends_with('。') && !chinese.ends_with("。。"), "{chinese}");
        format!("{english}\n{chinese}\n")
    });
    check("troubles", &both);
}

#[test]
fn too_small_says_so_in_whatever_room_there_is() {
    let harness = Harness::locked(settings(), ENTRIES);
    assert_eq!(harness.screen(19, 6).lines().next(), Some("20×6 needed"));
    assert_eq!(harness.screen(12, 3).lines().next(), Some("20×6 needed"));
    for (width, height) in [(1, 1), (3, 2), (19, 40), (200, 5)] {
        harness.drawn(width, height);
    }
}

/// The selection is told by a bar and by reversed cells, what is urgent by bold letters and numbers.
#[test]
fn without_colours_no_cell_has_one_and_nothing_is_lost() {
    let plain = Settings {
        has_colours: false,
        ..settings()
    };
    let (coloured, plain) = (tour(settings(), 100, 30), tour(plain, 100, 30));
    // The QR code alone is written otherwise.
    let same = coloured.iter().zip(&plain).filter(|(one, other)| one == other).count();
    assert_eq!(same, coloured.len() - 1);
    let mut harness = lived_in(Settings {
        has_colours: false,
        ..settings()
    });
    for key in ["j", "/g", "vy"] {
        harness.types(key);
        let buffer = harness.drawn(80, 40);
        assert!(
            buffer
                .content()
                .iter()
                .all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset),
            "after {key}"
        );
        if key == "/g" {
            harness.press(KeyCode::Tab);
        }
    }
}

#[test]
fn every_screen_fits_whatever_is_in_it() {
    let settings = Settings {
        place: "/".repeat(300),
        ..chinese()
    };
    let mut harness = Harness::open(settings, ENTRIES);
    let id = harness.id_of("GitHub");
    harness.meanwhile(true, |entries| {
        let entry = entries.get_mut(id).unwrap();
        entry.issuer = Name::new(&"阿".repeat(170)).unwrap();
        entry.account = Name::new(&"e\u{301}👩‍👩‍👧".repeat(20)).unwrap();
        entry.groups = vec![Name::new(&"组".repeat(170)).unwrap()];
    });
    for keys in ["", "G", "f", "d", "n", "vy", "q", "e", "?"] {
        harness.types(keys);
        for (width, height) in [
            (20, 6),
            (21, 7),
            (39, 13),
            (40, 14),
            (41, 15),
            (59, 14),
            (60, 20),
            (200, 60),
        ] {
            harness.drawn(width, height);
        }
    }
    harness.types("L").types(PASSPHRASE);
    harness.drawn(20, 6);
}

#[test]
fn the_qr_code_that_is_seen_says_the_entry() {
    // With the title above it; with the key beside it; where the header has to give its row.
    for (columns, rows) in [(60, 30), (80, 26), (80, 24)] {
        qr_code_at(columns, rows);
    }
}

fn qr_code_at(columns: u16, rows: u16) {
    let mut harness = lived_in(settings());
    harness.types("vy");
    assert!(harness.screen(columns, rows).contains("GEZD GNBV"));
    let uri = uri_of(harness.opened().selected_entry().unwrap());
    let lightness = |colour| if colour == Color::Indexed(231) { 255 } else { 0 };
    let buffer = harness.drawn(columns, rows);
    let mut picture = image::GrayImage::new(u32::from(columns) * 4, u32::from(rows) * 8);
    for (x, y, pixel) in picture.enumerate_pixels_mut() {
        let cell = &buffer[((x / 4) as u16, (y / 8) as u16)];
        let is_ink = cell.symbol() == "▄" && y % 8 >= 4;
        pixel.0 = [lightness(if is_ink { cell.fg } else { cell.bg })];
    }
    let mut file = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut file, image::ImageFormat::Png).unwrap();
    let codes = Picture::parse(file.get_ref()).unwrap().codes();
    assert_eq!(codes.len(), 1);
    assert_eq!(codes[0].expose_text(), uri.as_str());
}
