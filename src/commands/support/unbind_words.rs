//! Unbind requests in words, and what is typed of them.

use api::{CodeText, EvidenceKind, Text, UnbindOutcome, UnbindOutcomeKind, UnbindRequestView};
use serde::de::{IntoDeserializer as _, value};

use crate::{Failure, commands::word};

/// A request in words.
pub(super) fn words(request: &UnbindRequestView) -> String {
    let mut words = format!(
        "unbind request {} for {}/{}, {}",
        request.id,
        request.account,
        request.user,
        word(&request.state),
    );
    if !request.opened_by.is_empty() {
        words += &format!(": {}; opened by {}", request.reason, request.opened_by);
    }
    if let Some(person) = &request.approved_by {
        words += &format!(", approved by {person}");
    }
    if let Some(at) = &request.in_force_at {
        words += &format!(", in force at {at}");
    }
    if let Some(method) = &request.switch_to {
        words += &format!("\n  switches to {method}");
    }
    if let Some(application) = &request.application {
        words += &format!("\n  the user at {}: {}", application.applied_at, application.reason);
        for piece in &application.evidence {
            words += &format!("\n    refers to {} {}", piece.kind, piece.reference);
        }
    }
    for piece in &request.evidence {
        words += &format!("\n  {} {}", piece.kind, piece.reference);
        if let Some(by) = &piece.checked_by {
            words += &format!(", checked by {by}");
        }
    }
    words
}

/// `KIND=REFERENCE`.
pub(super) fn evidence(text: &str) -> Result<(EvidenceKind, Text<128>), String> {
    let (kind, reference) = text.split_once('=').ok_or("it is KIND=REFERENCE")?;
    let kind: Result<EvidenceKind, value::Error> = serde::Deserialize::deserialize(kind.into_deserializer());
    let kind = kind.map_err(|error| error.to_string())?;
    Ok((
        kind,
        reference.parse().map_err(|error| format!("the reference {error}"))?,
    ))
}

/// `METHOD=IDENTITY`.
pub(super) fn switch(text: &str) -> Result<UnbindOutcome, String> {
    let (method, identity) = text.split_once('=').ok_or("it is METHOD=IDENTITY")?;
    Ok(UnbindOutcome {
        kind: UnbindOutcomeKind::SwitchTo,
        method: Some(method.parse().map_err(|error| format!("the method {error}"))?),
        identity: Some(identity.parse().map_err(|error| format!("the identity {error}"))?),
    })
}

/// What was typed, as a text of the wire.
pub(super) fn statement<const MAX: usize>(typed: CodeText) -> Result<Text<MAX>, Failure> {
    typed
        .into_inner()
        .parse()
        .map_err(|error| Failure::usage(format!("it {error}")))
}
