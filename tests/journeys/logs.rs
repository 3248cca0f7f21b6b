//! Nothing that opens a door is ever logged, not even at the most talkative level (invariants 5 and 6).

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

use crate::{
    binding::{Seen, whole_life},
    raw::Line,
    world::{World, alone},
};

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .expect("nobody panics while writing")
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Whether these digits stand in the text by themselves, and not within a longer number or name.
fn stands(text: &str, digits: &str) -> bool {
    let apart = |letter: Option<char>| letter.is_none_or(|letter| !letter.is_ascii_alphanumeric());
    text.match_indices(digits)
        .any(|(at, _)| apart(text[..at].chars().next_back()) && apart(text[at + digits.len()..].chars().next()))
}

#[test]
fn no_secret_no_code_and_no_key_is_logged_at_any_level() {
    alone("logs::no_secret_no_code_and_no_key_is_logged_at_any_level", || {
        let log = Log::default();
        // The test's own client runs in this process and may log what it likes.
        let filter = EnvFilter::new("trace,ureq=off,ureq_proto=off");
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(log.clone())
            .with_ansi(false)
            .without_time()
            .init();
        let mut world = World::new();
        let mut last: Option<Seen> = None;
        whole_life(&world, |seen| {
            last = Some(Seen {
                phone: seen.phone.clone(),
                uri: seen.uri.clone(),
                codes: seen.codes.clone(),
                recovery_codes: seen.recovery_codes.clone(),
            });
        });
        // Refusals and troubles too: they are what people log.
        let alice = world.user("acme", "alice");
        let bound = alice.bind();
        let wrong = bound.phone.wrong_code_at(world.now_ms());
        alice
            .ask(
                &wrong,
                &serde_json::json!({"request_id": "q8Zr2nTVx0uYbWkJ4mPdSg", "surprise": wrong}),
            )
            .expect(400);
        alice
            .change(&bound.device, "unbind", &serde_json::json!({"code": wrong}))
            .expect(422);
        let (_, key) = world.new_key(&[service::Role::Verify], None);
        let garbled = format!("{key}0");
        assert_eq!(world.call_as(Some(&garbled), "GET", "/v1/audit", None).status, 401);
        world.clock.set(-3_600_000);
        let right = bound.phone.code_at(world.now_ms() + 3_600_000);
        alice.ask(&right, &serde_json::json!({})).expect(503);
        world.clock.set(3_600_000);
        drop(alice);
        // Bytes that are no request, with a key and a code in them.
        let mut line = Line::to(world.address());
        line.send(format!("GET /v1/audit\r\nAuthorization: Bearer {key}\r\n\0{right}\r\n\r\n").as_bytes());
        line.drain();
        world.wait(async {
            let singing = tokio::spawn(async { tracing::trace!("a canary") });
            singing.await.expect("it sings");
        });
        world.restart();

        let seen = last.expect("a life was seen");
        let bytes = log.0.lock().expect("nobody panics while writing").clone();
        let text = String::from_utf8_lossy(&bytes);
        assert!(
            text.contains("TRACE") && text.contains("a canary"),
            "everything is listened to, on every thread: {text}"
        );
        assert!(text.contains("refinery"), "and what comes through `log`: {text}");
        assert!(text.contains("a connection ended early"), "and our own: {text}");

        let mut needles = seen.forms_of_secret();
        needles.push(seen.uri.clone().into_bytes());
        needles.push(b"otpauth:".to_vec());
        for code in seen.recovery_codes.iter().chain(&bound.recovery_codes) {
            needles.push(code.clone().into_bytes());
            needles.push(code.replace(' ', "").into_bytes());
        }
        needles.push(bound.phone.secret.clone().into_bytes());
        for key in world.key_texts().chain([&*key]) {
            needles.push(key.rsplit_once('_').expect("a key has two parts").1.into());
        }
        for needle in &needles {
            let found = bytes.windows(needle.len()).position(|window| window == needle);
            let around = found.map(|at| String::from_utf8_lossy(&bytes[at.saturating_sub(200)..at + needle.len()]));
            assert_eq!(around, None, "invariant 5: {}", String::from_utf8_lossy(needle));
        }
        for code in seen.codes.iter().chain([&wrong, &right]) {
            assert!(!stands(&text, code), "a code is a secret while it lives: {code}");
        }
    });
}
