//! The main journey: from the picture on the screen to the tombstone.

use std::{fs, path::Path};

use serde_json::{Value, json};
use service::Role;

use crate::{
    judges::{Phone, STEP_MS},
    world::{MINUTE_MS, World, accepted, accepted_on_paper, files, refused, text},
};

/// Everything a life showed to those it is for, and that nobody else may find anywhere.
pub(crate) struct Seen {
    pub(crate) phone: Phone,
    pub(crate) uri: String,
    pub(crate) codes: Vec<String>,
    pub(crate) recovery_codes: Vec<String>,
}

impl Seen {
    /// The secret in every form that a careless program writes it in.
    pub(crate) fn forms_of_secret(&self) -> Vec<Vec<u8>> {
        let base32 = &self.phone.secret;
        let raw = unbase32(base32);
        assert_eq!(raw.len(), 20, "B2: a 20-byte secret");
        let hex: String = raw.iter().map(|byte| format!("{byte:02x}")).collect();
        let groups: Vec<&str> = (0..base32.len()).step_by(4).map(|at| &base32[at..at + 4]).collect();
        let list = format!("{raw:?}");
        vec![
            base32.to_lowercase().into_bytes(),
            groups.join(" ").into_bytes(),
            hex.to_uppercase().into_bytes(),
            hex.into_bytes(),
            base32.clone().into_bytes(),
            // As `{:?}` prints bytes.
            list.trim_matches(['[', ']']).as_bytes().to_vec(),
            raw,
        ]
    }
}

pub(crate) fn unbase32(text: &str) -> Vec<u8> {
    const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut bits = String::new();
    for letter in text.chars() {
        let value = LETTERS.find(letter).expect("RFC 4648 base32, upper case");
        bits += &format!("{value:05b}");
    }
    let whole = bits.as_bytes().chunks_exact(8);
    whole
        .map(|byte| u8::from_str_radix(&String::from_utf8_lossy(byte), 2).expect("eight bits"))
        .collect()
}

/// A user binds, logs in and unbinds; every answer on the way is held against the rules. `look` is called with
/// what was seen so far, first when the device is bound and used, then when it is gone.
pub(crate) fn whole_life(world: &World, mut look: impl FnMut(&Seen)) {
    let alice = world.user("acme", "alice");
    let nobody = alice.get();
    assert_eq!(nobody["devices"], json!([]), "we keep no directory");
    assert_eq!(
        nobody["protection"],
        json!({"login_protection": "none", "operation_protection": "none"})
    );

    // The console asks; the user scans what it shows.
    let reply = alice.start(&json!({"issuer": "Example Cloud", "label": "alice@example.com"}));
    assert_eq!(
        reply.cache_control.as_deref(),
        Some("no-store"),
        "a secret is kept by no cache"
    );
    let shown = reply.expect(201);
    assert_eq!(shown["codes_needed"], 1, "B4: one code for an app");
    assert_eq!(shown["expires_at"], world.time(10 * MINUTE_MS), "B2: ten minutes");
    let id = text(&shown["id"]);
    let picture = world.get(Role::Enroll, &alice.path(&format!("/enrollments/{id}/qr.png")));
    assert_eq!(
        (picture.status, picture.content_type.as_deref()),
        (200, Some("image/png"))
    );
    assert_eq!(
        picture.cache_control.as_deref(),
        Some("no-store"),
        "the picture is the secret"
    );
    let (phone, uri) = Phone::scan(&picture.body);
    assert_eq!(shown["otpauth_uri"], *uri, "B2: the picture says what the URI says");
    assert!(uri.starts_with("otpauth://totp/Example%20Cloud:alice"), "{uri}");
    assert!(text(&shown["qr_svg"]).starts_with("<svg"), "B2: as SVG too");
    let typed = text(&shown["secret_text"]);
    assert!(
        typed.split(' ').all(|group| group.len() == 4),
        "B2: groups of four: {typed}"
    );
    assert_eq!(
        typed.replace(' ', ""),
        phone.secret,
        "B2: the text key is the same secret"
    );

    // Nothing is bound before a code of the phone came back.
    let first = phone.code_at(world.now_ms());
    assert_eq!(alice.verify(&first), refused(), "B2: nothing is bound yet");
    let path = alice.path(&format!("/enrollments/{id}/confirm"));
    let body = json!({"codes": [first], "scope": ["login_protection"], "recovery_codes": true, "actor": alice.actor()});
    let reply = world.post(Role::Enroll, &path, &body);
    assert_eq!(
        reply.cache_control.as_deref(),
        Some("no-store"),
        "recovery codes are shown once"
    );
    let done = reply.expect(200);
    let device = text(&done["device"]["id"]);
    let recovery_codes: Vec<String> = done["recovery_codes"]
        .as_array()
        .expect("a set")
        .iter()
        .map(text)
        .collect();
    assert_eq!(recovery_codes.len(), 10, "B6: ten recovery codes");
    world.post(Role::Enroll, &path, &body).problem(410, "enrollment_ended");

    // What it is now, for a console.
    let user = alice.get();
    let devices = user["devices"].as_array().expect("devices");
    assert_eq!(devices.len(), 1, "D3: one device");
    assert_eq!(devices[0], done["device"]);
    assert_eq!(
        done["device"],
        json!({
            "id": device, "kind": "virtual", "otp_type": "totp", "label": "alice@example.com", "state": "bound", "drift_steps": 0,
            "bound_at": world.time(0), "last_success_at": world.time(0),
        })
    );
    assert_eq!(user["recovery_codes_left"], 10);
    let protection = json!({"login_protection": "mfa", "operation_protection": "none"});
    assert_eq!(user["protection"], protection, "B5: the scope that the user chose");
    let settings = world.get(Role::Enroll, &alice.path("/protection")).expect(200);
    assert_eq!(settings["login_protection"], "mfa");
    assert_eq!(settings["operation_protection"], "none");

    // Logging in.
    assert_eq!(alice.verify(&first), refused(), "D4: the binding's code is used");
    world.pass(STEP_MS);
    let second = phone.code_at(world.now_ms());
    let spaced = format!("{} {}", &second[..3], &second[3..]);
    assert_eq!(
        alice.verify(&spaced),
        accepted(&device),
        "the next code, typed as the app shows it"
    );
    assert_eq!(alice.verify(&second), refused(), "D4: right only once");
    assert_eq!(alice.device(&device)["last_success_at"], world.time(0));
    alice
        .ask(&second, &json!({"first_factor": false}))
        .problem(400, "first_factor_required");
    let paper = alice.verify_recovery(&recovery_codes[0]);
    assert_eq!(paper, accepted_on_paper(), "B6: a recovery code opens too");
    assert_eq!(alice.verify_recovery(&recovery_codes[0]), refused(), "B6: once");
    assert_eq!(alice.get()["recovery_codes_left"], 9);
    let codes = vec![first, second];
    let mut seen = Seen {
        phone,
        uri,
        codes,
        recovery_codes,
    };
    look(&seen);

    // Unbinding takes a fresh code: a used one is none.
    let used = alice.change(&device, "unbind", &json!({"code": seen.codes[1]}));
    used.problem(422, "code_refused");
    world.pass(STEP_MS);
    let last = seen.phone.code_at(world.now_ms());
    let bye = alice.change(&device, "unbind", &json!({"code": last}));
    assert_eq!(bye.status, 204, "U1: a code ends it");
    seen.codes.push(last);

    // Nothing of it works, and its record stays.
    world.pass(STEP_MS);
    let next = seen.phone.code_at(world.now_ms());
    assert_eq!(alice.verify(&next), refused(), "U1: the device is dead");
    alice
        .change(&device, "unbind", &json!({"code": next}))
        .problem(404, "not_found");
    assert_eq!(
        alice.verify_recovery(&seen.recovery_codes[1]),
        refused(),
        "U1: recovery codes end with the last device"
    );
    let user = alice.get();
    assert_eq!(user, nobody, "U1: no device, no protection, no recovery codes");
    let tombstone = alice.device(&device);
    assert_eq!(tombstone["state"], "unbound", "U1: a tombstone stays");
    assert_eq!(tombstone["unbound_at"], world.time(-STEP_MS));
    assert_eq!(tombstone["label"], "alice@example.com");
    world
        .get(Role::Enroll, &alice.path(&format!("/enrollments/{id}/qr.png")))
        .problem(410, "enrollment_ended");
    seen.codes.push(next);
    look(&seen);
}

#[test]
fn a_device_is_bound_used_and_ended() {
    let mut world = World::new();
    let mut looks = 0;
    whole_life(&world, |_| looks += 1);
    assert_eq!(looks, 2);

    // A3: the trail tells the same life, with the causes that the caller was not told (D5).
    let alice = world.user("acme", "alice");
    let causes: Vec<Value> = alice
        .events("verify", "refused")
        .iter()
        .map(|event| event["cause"].clone())
        .collect();
    let told = [
        "no_device",
        "used",
        "used",
        "wrong_recovery_code",
        "no_device",
        "wrong_recovery_code",
    ];
    assert_eq!(causes, told, "D5: support can look up why");
    assert_eq!(alice.events("verify", "accepted").len(), 2);
    assert_eq!(alice.events("device.unbind", "refused").len(), 1);
    let ended = alice.events("device.unbind", "done");
    assert_eq!(ended.len(), 1);
    assert_eq!(ended[0]["actor"], alice.actor(), "A3: who, and from where");
    let proof = &alice.events("enrollment.start", "done")[0]["detail"]["identity_proof"];
    assert_eq!(
        (&proof["method"], &proof["by"]),
        (&json!("password"), &json!("login-service")),
        "B1"
    );
    world.assert_trail_holds();
}

#[test]
fn no_file_ever_holds_a_secret_and_nothing_sealed_outlives_its_device() {
    let mut world = World::new();
    let mut sealed: Vec<Vec<u8>> = Vec::new();
    let mut forms = Vec::new();
    // A binding that nobody completes leaves a secret of its own, until housekeeping comes.
    let offered = world.user("acme", "bob").enroll(&json!({}));
    whole_life(&world, |seen| {
        let copy = world.snapshot();
        if sealed.is_empty() {
            sealed = sealed_in(world.snapshot().path());
            assert_eq!(sealed.len(), 2, "one device, one binding under way");
            for bytes in &sealed {
                assert_ne!(finds(copy.path(), bytes), 0, "the search finds what is there");
            }
            forms = seen.forms_of_secret();
            // Paper is a way in as well.
            forms.extend(seen.recovery_codes.iter().map(|code| code.clone().into_bytes()));
            forms.extend(
                seen.recovery_codes
                    .iter()
                    .map(|code| code.replace(' ', "").into_bytes()),
            );
            forms.extend(
                world
                    .key_texts()
                    .map(|key| key.rsplit_once('_').expect("a key").1.into()),
            );
            forms.push(seen.uri.clone().into_bytes());
        }
        assert_none(copy.path(), &forms, "invariant 5: a secret lies nowhere in the clear");
    });
    world.pass(10 * MINUTE_MS + 1);
    let ended = world
        .wait(world.service().run_housekeeping(&service::Caller::system()))
        .expect("housekeeping");
    assert_eq!(ended, 1, "B2: what expired is ended");
    world.stop();
    let home = world.home();
    assert_none(home, &sealed, "U1: the secret is erased, not only forgotten");
    assert_none(home, &forms, "invariant 5");
    assert_eq!(sealed_in(home), [] as [Vec<u8>; 0]);
    drop(offered);
}

/// What lies in the table of sealed secrets and is not erased. Looking tidies up, so nothing is searched afterwards.
/// All sealed secrets but the keys of users' names, which stay as long as the user.
pub(crate) fn sealed_in(dir: &Path) -> Vec<Vec<u8>> {
    let database = rusqlite::Connection::open(dir.join("countersign.sqlite")).expect("the database opens");
    let mut statement = database
        .prepare("SELECT bytes FROM secret WHERE number NOT IN (SELECT names_key FROM user)")
        .expect("there is a table of secrets");
    let rows = statement.query_map([], |row| row.get::<_, Vec<u8>>(0)).expect("rows");
    rows.map(|row| row.expect("a row"))
        .filter(|bytes| bytes.iter().any(|byte| *byte != 0))
        .collect()
}

/// How many files of a directory hold these bytes.
pub(crate) fn finds(dir: &Path, bytes: &[u8]) -> usize {
    let holds = |path: &std::path::PathBuf| {
        let content = fs::read(path).expect("the file can be read");
        content.windows(bytes.len()).any(|window| window == bytes)
    };
    files(dir).iter().filter(|path| holds(path)).count()
}

#[track_caller]
pub(crate) fn assert_none(dir: &Path, needles: &[Vec<u8>], promise: &str) {
    assert!(!needles.is_empty());
    for needle in needles {
        assert_eq!(finds(dir, needle), 0, "{promise}: {}", String::from_utf8_lossy(needle));
    }
}
