//! Refusals and times in words for people.

use service::{FaultClass, Hint, Input, ServiceError, UnixMs};

use crate::pages::words::{Lang, is_said};

/// What a use case refused with, as a person is told it who has an app.
pub(crate) fn refused(lang: Lang, error: &ServiceError) -> String {
    told(lang, error, hinted)
}

/// The same for one who holds a hardware token, of which they can mend nothing.
pub(crate) fn refused_of_token(lang: Lang, error: &ServiceError) -> String {
    told(lang, error, |lang, _| lang.say("error.hint_token", &[]))
}

fn told(lang: Lang, error: &ServiceError, hinted: fn(Lang, Hint) -> String) -> String {
    match error.class() {
        FaultClass::Internal => tracing::error!(%error, "an internal error"),
        FaultClass::Unavailable => tracing::warn!(%error, "nothing is decided"),
        _ => {}
    }
    let key = format!("error.{}", error.name());
    let details = error.details();
    let said = match error {
        ServiceError::Locked { until: Some(_), .. } => lang.say(
            "error.locked_for",
            &[("minutes", &minutes(details.retry_after_s.unwrap_or(60)))],
        ),
        ServiceError::Locked { until: None, .. } => lang.say("error.locked", &[]),
        ServiceError::Invalid { input, .. } => lang.say(of_input(*input), &[]),
        _ if is_said(&key) => lang.say(&key, &[]),
        _ => lang.say(of_class(error.class()), &[]),
    };
    let hint = details.hint.map(|hint| hinted(lang, hint));
    let left = details.attempts_left.map(|left| attempts(lang, left));
    let more = hint.into_iter().chain(left);
    more.fold(said, |said, more| lang.joined(&said, &more))
}

fn attempts(lang: Lang, left: u32) -> String {
    match left {
        0 => lang.say("error.no_attempts_left", &[]),
        _ => lang.say("error.attempts_left", &[("count", &left.to_string())]),
    }
}

fn minutes(seconds: u64) -> String {
    seconds.div_ceil(60).to_string()
}

/// What a person can mend of a form.
fn of_input(input: Input) -> &'static str {
    match input {
        Input::IdentityProofAt => "error.identity_proof_old",
        Input::Codes => "error.codes",
        _ => "error.invalid_request",
    }
}

fn of_class(class: FaultClass) -> &'static str {
    match class {
        FaultClass::Request => "error.invalid_request",
        FaultClass::Unauthenticated | FaultClass::Forbidden => "error.forbidden",
        FaultClass::NotFound => "error.not_found",
        FaultClass::Conflict | FaultClass::Changed | FaultClass::Gone => "error.conflict",
        FaultClass::Refused => "error.code_refused",
        FaultClass::TooMany => "error.rate_limited",
        FaultClass::Unavailable => "error.storage_unavailable",
        FaultClass::Internal => "error.internal",
    }
}

/// What a user can mend.
fn hinted(lang: Lang, hint: Hint) -> String {
    match hint {
        Hint::ClockOff { seconds } => {
            let key = match seconds < 0 {
                true => "error.hint_clock_slow",
                false => "error.hint_clock_fast",
            };
            lang.say(key, &[("seconds", &seconds.unsigned_abs().to_string())])
        }
        Hint::OtherAlgorithm(_) => lang.say("error.hint_other_algorithm", &[]),
        Hint::OtherPeriod(period) => lang.say("error.hint_other_period", &[("seconds", &period.get_s().to_string())]),
        Hint::OtherEntry => lang.say("error.hint_other_entry", &[]),
    }
}

/// The HTTP status of a refusal.
pub(crate) fn status(error: &ServiceError) -> u16 {
    match error.class() {
        FaultClass::Request | FaultClass::Refused => 400,
        FaultClass::Unauthenticated | FaultClass::Forbidden => 403,
        FaultClass::NotFound => 404,
        FaultClass::Conflict | FaultClass::Changed => 409,
        FaultClass::Gone => 410,
        FaultClass::TooMany => 429,
        FaultClass::Unavailable => 503,
        FaultClass::Internal => 500,
    }
}

/// `2026-11-30 04:05 UTC`.
pub(crate) fn time(at: UnixMs) -> String {
    let text = crate::http::time(at).to_string();
    match (text.get(..10), text.get(11..16)) {
        (Some(day), Some(minute)) => format!("{day} {minute} UTC"),
        _ => text,
    }
}
