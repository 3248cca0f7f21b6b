//! Evidence of an unbind request: its kinds, what of it is found right by a program, and how long that lets it cool down.

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use store::{Evidence, Owner, UnbindRequest};
use verify::UnixMs;
use zeroize::Zeroizing;

use crate::{Core, Input, ServiceError, protection::grant::subject};

/// Kinds of evidence, as support names what it was shown. The documents lie elsewhere.
pub const EVIDENCE_KINDS: [&str; 13] = [
    "real_name",
    "id_number",
    "face",
    "photos",
    "phone",
    "login_account",
    "company_name",
    "company_number",
    "licence",
    "legal_representative",
    "authorization_letter",
    "applicant",
    TOKEN_RETURNED,
];

/// A token that was handed back: its statement is the code that it shows.
pub(crate) const TOKEN_RETURNED: &str = "token_returned";

/// Pieces of evidence of one request.
const EVIDENCE_MAX: usize = 20;
/// How long what a program found right shortens a cool-down.
const FRESH_MS: i64 = UnixMs::HOUR;
/// The greatest age of a provider's statement.
const STATEMENT_MS: i64 = UnixMs::DAY;
/// The cool-down of what nobody but support has looked at is this at least.
const UNCHECKED_MIN_MS: i64 = UnixMs::HOUR;

/// A piece of evidence as it is brought.
pub struct NewEvidence {
    /// One of [`EVIDENCE_KINDS`].
    pub kind: String,
    /// The caller's own name of it.
    pub reference: String,
    /// What a program can check: a provider's signed statement, or the code of the token that was handed back.
    pub statement: Option<Zeroizing<String>>,
}

/// A provider whose signed statements are taken for evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceProvider {
    /// Its name: the `iss` of its statements.
    pub name: String,
    /// Ed25519.
    pub public_key: [u8; 32],
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: String,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    kind: String,
    reference: String,
    iat: i64,
    exp: i64,
}

/// The statement's `typ`.
const TYPE: &str = "countersign-evidence+jwt";

/// The evidence as it is kept: each piece of a kind that is one, each statement of a provider right. Codes are judged by
/// whoever has the user's row.
pub(crate) fn checked(
    core: &Core,
    owner: &Owner,
    brought: &[NewEvidence],
    now: UnixMs,
) -> Result<Vec<Evidence>, ServiceError> {
    if brought.is_empty() || brought.len() > EVIDENCE_MAX {
        return invalid(Input::Evidence, format!("it is 1 to {EVIDENCE_MAX} pieces"));
    }
    brought.iter().map(|one| piece(core, owner, one, now)).collect()
}

fn piece(core: &Core, owner: &Owner, brought: &NewEvidence, now: UnixMs) -> Result<Evidence, ServiceError> {
    let NewEvidence {
        kind,
        reference,
        statement,
    } = brought;
    if !EVIDENCE_KINDS.contains(&&**kind) {
        return invalid(
            Input::Evidence,
            format!("{kind} is none of its kinds: {}", EVIDENCE_KINDS.join(", ")),
        );
    }
    let checked_by = match statement {
        None if kind == TOKEN_RETURNED => {
            return invalid(
                Input::Evidence,
                format!("{TOKEN_RETURNED} takes the code that the token shows, as its statement"),
            );
        }
        None => None,
        Some(_) if kind == TOKEN_RETURNED => Some("countersign".to_owned()),
        Some(statement) => Some(provider_of(core, owner, brought, statement, now)?),
    };
    Ok(Evidence {
        kind: kind.clone(),
        reference: reference.clone(),
        // A code is burned; a statement counts for one request.
        statement: statement
            .as_ref()
            .filter(|_| kind != TOKEN_RETURNED)
            .map(|statement| HEXLOWER.encode(&Sha256::digest(statement.as_bytes()))),
        checked_by,
    })
}

/// The provider who signed that this piece of evidence, of this user, was found right lately.
fn provider_of(
    core: &Core,
    owner: &Owner,
    brought: &NewEvidence,
    statement: &str,
    now: UnixMs,
) -> Result<String, ServiceError> {
    let refused = |why: &str| {
        invalid(
            Input::Evidence,
            format!("the statement of {} is not taken: {why}", brought.kind),
        )
    };
    let decoded = |part: &str| BASE64URL_NOPAD.decode(part.as_bytes()).ok();
    let parts = statement.rsplit_once('.').and_then(|(signed, signature)| {
        let (header, claims) = signed.split_once('.')?;
        let header: Header = serde_json::from_slice(&decoded(header)?).ok()?;
        let claims: Claims = serde_json::from_slice(&decoded(claims)?).ok()?;
        (header.alg == "EdDSA" && header.typ == TYPE).then_some((signed, decoded(signature)?, claims))
    });
    let Some((signed, signature, claims)) = parts else {
        return refused("it is a JSON Web Token with alg EdDSA and typ countersign-evidence+jwt");
    };
    let providers = &core.settings.support.evidence_providers;
    let Some(provider) = providers.iter().find(|provider| provider.name == claims.iss) else {
        return refused("its issuer is none of the operator's evidence providers");
    };
    if !core
        .signer
        .verify_with(&provider.public_key, signed.as_bytes(), &signature)
    {
        return refused("its signature is not its issuer's");
    }
    if claims.sub != subject(owner) || claims.kind != brought.kind || claims.reference != brought.reference {
        return refused("it is of another user, kind or reference: sub is account/user, each percent-encoded");
    }
    let seconds = now.get().div_euclid(UnixMs::SECOND);
    let is_new = claims.iat <= seconds + 60 && seconds.saturating_sub(claims.iat) < STATEMENT_MS / UnixMs::SECOND;
    if !is_new || seconds >= claims.exp {
        return refused("it has expired, is older than a day, or is of the future");
    }
    Ok(claims.iss)
}

/// How long a request with this evidence cools down: as the piece that lets it be shortest says. Only what a program found
/// right lets it be none, and only where it is approved within the hour.
pub(crate) fn cool_down_ms(core: &Core, request: &UnbindRequest, now: UnixMs) -> i64 {
    let support = &core.settings.support;
    let of = |piece: &Evidence| {
        let set = support.cool_down_ms(&piece.kind);
        match &piece.checked_by {
            Some(_) => set,
            None if set < UNCHECKED_MIN_MS => UnixMs::DAY,
            None => set,
        }
    };
    let shortest = request.evidence.iter().map(of).min().unwrap_or(UnixMs::DAY);
    // What was right when it was opened is so for an hour.
    match now.since(request.requested_at) < FRESH_MS {
        true => shortest,
        false => shortest.max(UnixMs::DAY),
    }
}

/// Refuses a statement that was brought for a request before, whatever became of that.
pub(crate) async fn are_new(core: &Core, evidence: &[Evidence]) -> Result<(), ServiceError> {
    for statement in evidence.iter().filter_map(|piece| piece.statement.as_deref()) {
        if core.store.unbind_request_of_statement(statement).await?.is_some() {
            return invalid(
                Input::Evidence,
                "a statement counts for one request: have a new one signed".into(),
            );
        }
    }
    Ok(())
}

fn invalid<T>(input: Input, why: String) -> Result<T, ServiceError> {
    Err(ServiceError::Invalid { input, why })
}
