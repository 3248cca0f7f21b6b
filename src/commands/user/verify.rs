//! `countersign user verify`: is this code right?

use std::process::ExitCode;

use api::{Timestamp, VerifyMethod, VerifyOutcome, VerifyRequest, VerifyResponse};
use clap::Args;

use super::{CodeSource, Codes, Who};
use crate::{
    client::Client,
    commands::{Done, output::Output, word},
    real,
};

#[derive(Args)]
pub(super) struct Verify {
    #[command(flatten)]
    who: Who,
    /// The code is a recovery code
    #[arg(long)]
    recovery_code: bool,
    #[command(flatten)]
    pub(super) codes: Codes,
}

impl Verify {
    pub(super) fn run(self, client: &Client, output: &Output) -> Done {
        let code = CodeSource::open(&self.codes, output)?.next("Code")?;
        let method = if self.recovery_code {
            VerifyMethod::RecoveryCode
        } else {
            VerifyMethod::Totp
        };
        let body = VerifyRequest {
            account: self.who.account,
            user: self.who.user,
            code,
            first_factor: true,
            method,
            request_id: None,
            client: None,
        };
        let answer = client.post::<VerifyResponse>("/v1/verify", &body)?;
        output.print(&answer, || words(&answer, method))?;
        if answer.is_accepted() {
            return Ok(ExitCode::SUCCESS);
        }
        if !output.json && answer.outcome() == VerifyOutcome::Refused {
            // A caller is not told; who runs the service may ask.
            eprintln!("`countersign user why ACCOUNT USER` says why, with a key of the role support");
        }
        Ok(ExitCode::from(1))
    }
}

fn words(answer: &VerifyResponse, method: VerifyMethod) -> String {
    let outcome = match answer.outcome() {
        VerifyOutcome::Locked => locked(answer.retry_after_s(), method),
        outcome => word(&outcome),
    };
    let wrong = match answer.wrong_since_last_success() {
        Some(0) | None => String::new(),
        Some(wrong) => format!("; {wrong} wrong code(s) since the last right one: were they the user's own?"),
    };
    outcome + &wrong
}

/// Until when no code is judged, and what is done about it.
fn locked(retry_after_s: Option<u64>, method: VerifyMethod) -> String {
    let (wait, way_in) = match (retry_after_s, method) {
        (Some(wait), VerifyMethod::RecoveryCode) => (wait, "a code of a device is judged meanwhile"),
        (Some(wait), _) => (
            wait,
            "a recovery code is judged meanwhile (--recovery-code), and support can unlock the device",
        ),
        (None, _) => {
            return "locked until somebody acts: the check was suspended after too many wrong codes, or the token was \
                    reported lost\n\
                    support unlocks what was suspended; a recovery code (--recovery-code) is judged meanwhile, and replaces \
                    a lost token"
                .into();
        }
    };
    let until = real::now().unix_ms() + i64::try_from(wait.saturating_mul(1_000)).unwrap_or(i64::MAX / 2);
    format!(
        "locked, for {wait} s, until {}: too many wrong codes came before, and none is judged now, not a right one either\n\
         {way_in}",
        Timestamp::from_unix_ms(until)
    )
}
