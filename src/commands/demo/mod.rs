//! `countersign demo`: the whole story step by step, on data that is gone afterwards.

mod pages;
mod phone;
mod service;
mod telling;
mod token;

use std::{fs::Permissions, os::unix::fs::PermissionsExt as _, process::ExitCode};

use api::{
    Actor, ActorKind, CodeText, ConfirmRequest, ConfirmResponse, Enrollment, EnrollmentCodes, EnrollmentRequest,
    IdentityProof, IdentityWord, Name, Scope, Text, VerifyMethod, VerifyRequest, VerifyResponse,
};
use clap::Args;
use enroll::{Qr, TerminalStyle};
use tempfile::TempDir;
use uuid::Uuid;
use verify::Policy;
use zeroize::Zeroizing;

use self::{
    phone::Phone,
    service::Running,
    telling::{has_colours, say, say_flush, step},
    token::{SERIAL_NUMBER, Token},
};
use super::{Done, print_picture, serve::program, word};
use crate::{
    Failure,
    client::{Client, User},
    real,
};

/// `countersign demo`
#[derive(Args)]
pub(super) struct Demo {
    /// Serves a toy cloud with the hosted pages instead, for a browser of this machine, until it is told to end
    #[arg(long)]
    pages: bool,
}

const ALICE: User<'_> = User {
    account: "acme",
    user: "alice",
};
const BOB: User<'_> = User {
    account: "acme",
    user: "bob",
};

impl Demo {
    pub(super) fn run(self) -> Done {
        let dir = tempfile::Builder::new()
            .prefix("countersign-demo-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir()
            .map_err(|error| Failure::new(format!("there is no room for temporary files: {error}")))?;
        if self.pages {
            return pages::serve(&dir);
        }
        say_flush(format_args!(
            "Everything here is real: a service, an authenticator, a token. It happens in {}, which is gone at the end.",
            dir.path().display()
        ))?;
        let running = Running::start(dir.path(), Vec::new(), 1)?;
        let told = story_of_the_app(&dir, &running).and_then(|()| story_of_the_token(&dir, &running));
        // Also where the story ends early.
        let report = running.end();
        told?;
        let report = report?;
        step(8, "The trail")?;
        say(format_args!(
            "Each of these steps left a line, chained to the one before by its hash, and signed.\n\
             `countersign audit verify` reads it with suspicion: {} lines, {} findings.",
            report.rows,
            report.findings.len()
        ))?;
        dir.close().map_err(Failure::new)?;
        let program = program();
        tell!(
            "\nThat was all, and nothing of it is left. Next:\n\
             \x20 {program} serve                     # the service, without configuration\n\
             \x20 {program} user bind acme alice      # binds your own phone\n\
             \x20 {program} authenticator --help      # or an authenticator for this desk\n\
             \x20 {program} token simulate --help     # and a token to try"
        )?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Steps 1 to 4: an app is bound and used.
fn story_of_the_app(dir: &TempDir, running: &Running) -> Result<(), Failure> {
    let client = &running.client;
    step(1, "The service")?;
    say(format_args!(
        "One process, one SQLite file: {}.\n`countersign serve` starts one; a console and a login service call it over HTTP.",
        running.url
    ))?;

    step(2, "An authenticator app is bound")?;
    let wanted = EnrollmentRequest::Virtual {
        issuer: None,
        label: None,
        identity_proof: password(),
        replaces: None,
        factor: None,
        actor: actor(),
    };
    let offer = client.post::<Enrollment>(&ALICE.path("/enrollments"), &wanted)?;
    let uri = offer.otpauth_uri.as_deref().map_or("", String::as_str);
    let mut phone = Phone::scan(uri, &dir.path().join("authenticator.vault"))?;
    say("Alice's console shows a QR code; any app reads it, yours too:")?;
    let qr = Qr::encode(uri).map_err(Failure::new)?;
    let style = if has_colours() {
        TerminalStyle::Ansi
    } else {
        TerminalStyle::PlainOnDark
    };
    print_picture(qr.to_terminal(style).trim_end_matches('\n'))?;
    say(format_args!(
        "Our own authenticator keeps the secret in a vault, sealed with Argon2id and XChaCha20-Poly1305. \
         A code of it proves that it has it: {}.",
        phone.code()?
    ))?;
    let device = confirm(client, &ALICE, offer.id, code_text(&phone.code()?)?.into())?;
    say(format_args!(
        "Bound, as device {device}. Her ten recovery codes are shown once."
    ))?;

    log_in(client, &mut phone)
}

/// Steps 3 and 4: Alice logs in, and somebody guesses.
fn log_in(client: &Client, phone: &mut Phone) -> Result<(), Failure> {
    step(3, "She logs in")?;
    say("Her password was right; now the login service asks for the code.")?;
    verify(
        client,
        &ALICE,
        &phone.code()?,
        false,
        "the code that bound it: used already",
    )?;
    phone.wait_for_next();
    let code = phone.code()?;
    verify(
        client,
        &ALICE,
        &code,
        true,
        "the next one (the demo does not wait 30 s for it)",
    )?;

    step(4, "Somebody looked over her shoulder")?;
    verify(
        client,
        &ALICE,
        &code,
        false,
        "the same code again: each is right once, whatever crashes",
    )?;
    verify(
        client,
        &ALICE,
        &phone.guess()?,
        false,
        &format!(
            "a guess; {} within an hour lock the check, and longer each time",
            Policy::default().verification.attempts
        ),
    )
}

/// Steps 5 to 7: a token is made, bound and used.
fn story_of_the_token(dir: &TempDir, running: &Running) -> Result<(), Failure> {
    let client = &running.client;
    step(5, "A token is programmed")?;
    let mut token = Token::plug_in(dir.path())?;
    say(format_args!(
        "A blank token on a serial line ({}): the firmware's own code, on this machine. \
         It makes its secret together with the desk. Nobody who listens learns it, and whoever stands in \
         between is found out: both sides show six digits, and its button says that they are the same.",
        token.port()
    ))?;
    let seeds = token.provision()?;
    say(format_args!(
        "Sealed: it never tells its secret again. {SERIAL_NUMBER} stands on its back; its seed is in an encrypted \
         file (PSKC, RFC 6030; {} bytes), for the inventory.",
        seeds.file.len()
    ))?;
    running.take_in(&seeds)?;

    step(6, "Bob binds it by the number on its back")?;
    let wanted = EnrollmentRequest::Hardware {
        serial_number: Name::from_static(SERIAL_NUMBER),
        label: None,
        identity_proof: password(),
        replaces: None,
        factor: None,
        actor: actor(),
    };
    let offer = client.post::<Enrollment>(&BOB.path("/enrollments"), &wanted)?;
    say("He presses the button:")?;
    print_picture(token.press()?.trim_end_matches('\n'))?;
    let first = token.code(&seeds);
    token.wait_for_next();
    let second = token.code(&seeds);
    say(format_args!(
        "Two codes in a row bind it, and measure its clock: {first}, {second}."
    ))?;
    let codes = [code_text(&first)?, code_text(&second)?];
    let device = confirm(client, &BOB, offer.id, codes.into())?;
    say(format_args!("Bound, as device {device}."))?;

    step(7, "He logs in")?;
    verify(client, &BOB, &second, false, "a code that bound it")?;
    token.wait_for_next();
    let code = token.code(&seeds);
    verify(client, &BOB, &code, true, "the next one")?;
    verify(client, &BOB, &code, false, "and once more")
}

/// Who asks has checked the password.
fn password() -> IdentityProof {
    IdentityProof::Word(IdentityWord {
        method: Text::from_static("password"),
        at: real::now(),
        by: Name::from_static("countersign demo"),
    })
}

fn actor() -> Actor {
    Actor::named("countersign demo", ActorKind::Admin)
}

fn code_text(code: &str) -> Result<CodeText, Failure> {
    CodeText::new(Zeroizing::new(code.to_owned())).map_err(Failure::new)
}

/// The device's id.
fn confirm(client: &Client, user: &User<'_>, enrollment: Uuid, codes: EnrollmentCodes) -> Result<Uuid, Failure> {
    let path = user.path(&format!("/enrollments/{enrollment}/confirm"));
    let body = ConfirmRequest {
        codes,
        scope: vec![Scope::LoginProtection],
        recovery_codes: true,
        actor: actor(),
    };
    Ok(client.post::<ConfirmResponse>(&path, &body)?.device.id)
}

/// Asks as a login service does, and fails if the answer is another than this story has.
fn verify(client: &Client, user: &User<'static>, code: &str, accepted: bool, what: &str) -> Result<(), Failure> {
    let body = VerifyRequest {
        account: Name::from_static(user.account),
        user: Name::from_static(user.user),
        code: code_text(code)?,
        first_factor: true,
        method: VerifyMethod::Totp,
        request_id: None,
        client: None,
    };
    let answer = client.post::<VerifyResponse>("/v1/verify", &body)?;
    let outcome = word(&answer.outcome());
    say(format_args!("{code}  {outcome:<8}  {what}"))?;
    if answer.is_accepted() == accepted {
        Ok(())
    } else {
        Err(
            Failure::new(format!("{code} was {outcome}, and should not have been: {what}"))
                .help("was this machine's clock set meanwhile? If not, please report this"),
        )
    }
}
