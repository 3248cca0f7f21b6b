//! Answering on the hosted prompt, and fetching the answer: OAuth's authorization code with PKCE (RFC 6749, RFC 7636), so that
//! an answer goes to the login service whose browser gave it, and to nobody who only knows the challenge.

use data_encoding::BASE64URL_NOPAD;
use serde_json::json;
use sha2::{Digest, Sha256};
use store::{Change, Id, Noun, PageHolder, PageSession, PageVisit, PromptAnswer, Role, VisitPurpose, Write};
use subtle::ConstantTimeEq;
use verify::UnixMs;
use zeroize::Zeroizing;

use crate::{
    AnsweredChallenge, Caller, ChallengeAnswer, Service, ServiceError,
    attempt::Attempt,
    pages::session::SESSION,
    protection::answer::{JudgedAnswer, RightAnswer},
};

/// The life of the one-time code that the browser takes back (RFC 6749, section 4.1.2, has ten minutes at most).
const CODE_MS: i64 = UnixMs::MINUTE;
const CODE_BYTES: usize = 32;
const ANSWER: &str = "answer of a prompt";

/// What an answer on the page came to.
pub enum AnsweredPrompt {
    /// It was right: the browser goes back with this one-time code.
    Right {
        /// `base64url` of 256 bits that are derived from the session's secret.
        code: Zeroizing<String>,
    },
    /// It was refused.
    Wrong {
        /// No code is judged before.
        locked_until: Option<UnixMs>,
    },
}

impl Service {
    /// Judges what was typed on the prompt, and keeps a right answer under this visitor's one-time code: a form that is sent twice
    /// gets the same one. A right answer ends the challenge in its own commit; the one-time code is kept in
    /// another: a crash in between loses this login, and lets nobody in.
    pub async fn answer_on_page(
        &self,
        caller: &Caller,
        id: Id,
        code: &Zeroizing<String>,
        answer: ChallengeAnswer,
    ) -> Result<AnsweredPrompt, ServiceError> {
        caller.may(&[Role::Verify])?;
        caller.is_on_a_page()?;
        caller.has_page_session(id)?;
        let core = &*self.core;
        let none = || ServiceError::NotFound(SESSION);
        // A form that is sent twice finds the answer of the first.
        let _turn = core.answering.take(&id, core.settings.waiting_per_user).await?;
        let session = core.store.page_session(id).await?.ok_or_else(none)?;
        let visit = match &session.holder {
            PageHolder::User(visit) => visit,
            PageHolder::Answered { answer, .. }
                if hash_of(code) == Some(answer.code) && core.clock.now()? < session.expires_at =>
            {
                return Ok(AnsweredPrompt::Right { code: code.clone() });
            }
            _ => return Err(ServiceError::ChallengeEnded),
        };
        let VisitPurpose::Prompt { challenge, .. } = &visit.purpose else {
            return Err(none());
        };
        match self.judged_answer(caller, challenge, answer).await? {
            JudgedAnswer::Wrong { locked_until } => Ok(AnsweredPrompt::Wrong { locked_until }),
            JudgedAnswer::Right(right) => {
                let kept = self.keep_answer(caller, session, &right, code).await?;
                kept.ok_or_else(none)?;
                Ok(AnsweredPrompt::Right { code: code.clone() })
            }
        }
    }

    /// Keeps a right answer under its one-time code; `None` where the session ended meanwhile.
    async fn keep_answer(
        &self,
        caller: &Caller,
        session: PageSession,
        right: &RightAnswer,
        code: &str,
    ) -> Result<Option<()>, ServiceError> {
        let core = &*self.core;
        let now = core.clock.now()?;
        let attempt = Attempt {
            core,
            origin: caller.origin(),
            now,
        };
        let hash = hash_of(code).ok_or(ServiceError::NotFound(ANSWER))?;
        let entry = attempt
            .entry("prompt.answer", "done")
            .of_user()
            .decision(right.decision);
        let entry = entry.detail(json!({"page_session": session.id, "challenge": right.pending.id}));
        let event = core.event_about(&right.pending.owner(), entry, now).await?;
        let read_version = session.version;
        let answer = PromptAnswer {
            code: hash,
            decision: right.decision,
            method: right.method.clone(),
            wrong_since_last_success: right.wrong_since_last_success,
            trusts_device: right.trusts_device,
        };
        let answered = session.answered(answer, now.plus(CODE_MS));
        let change = Change::of(event).with([Write::put(Some(read_version), &answered)]);
        attempt.commit(change, ()).await
    }

    /// Gives the answer of a prompt for its one-time code, once, to the API key that made the link and has its verifier. A
    /// wrong verifier ends the code too: whoever has one without the other stole it (RFC 6749, section 10.5).
    pub async fn exchange_prompt(
        &self,
        caller: &Caller,
        code: &str,
        verifier: &str,
    ) -> Result<AnsweredChallenge, ServiceError> {
        caller.may(&[Role::Verify])?;
        let core = &*self.core;
        let now = core.clock.now()?;
        let none = || ServiceError::NotFound(ANSWER);
        let hash = hash_of(code).ok_or_else(none)?;
        let session = core.store.answered_page_session(&hash).await?.ok_or_else(none)?;
        let PageHolder::Answered { visit, answer } = &session.holder else {
            return Err(none());
        };
        let is_code: bool = hash.ct_eq(&answer.code).into();
        let is_own = caller.origin().api_key == Some(visit.api_key);
        if !is_code || !is_own || now >= session.expires_at {
            return Err(none());
        }
        caller.may_for(&[Role::Verify], &visit.owner)?;
        let right = RightAnswer {
            pending: core.challenge_of(visit)?,
            decision: answer.decision,
            method: answer.method.clone(),
            wrong_since_last_success: answer.wrong_since_last_success,
            trusts_device: answer.trusts_device,
        };
        let is_verified = is_verified(visit, verifier);
        let attempt = Attempt {
            core,
            origin: caller.origin(),
            now,
        };
        let entry = attempt.entry("prompt.exchange", if is_verified { "done" } else { "refused" });
        let entry = entry.of_user().decision(answer.decision);
        let entry = entry.detail(json!({"page_session": session.id, "challenge": right.pending.id}));
        let event = core.event_about(&visit.owner, entry, now).await?;
        let ends = Write::Delete {
            expected: session.version,
            key: session.key(),
        };
        attempt
            .commit(Change::of(event).with([ends]), ())
            .await?
            .ok_or_else(none)?;
        match is_verified {
            true => core.told(&right).await,
            false => Err(none()),
        }
    }
}

fn hash_of(code: &str) -> Option<[u8; 32]> {
    let bytes = Zeroizing::new(BASE64URL_NOPAD.decode(code.as_bytes()).ok()?);
    (bytes.len() == CODE_BYTES).then(|| Sha256::digest(&*bytes).into())
}

/// Whether this is the verifier of the visit's code challenge (RFC 7636, section 4.6).
fn is_verified(visit: &PageVisit, verifier: &str) -> bool {
    let VisitPurpose::Prompt { code_challenge, .. } = &visit.purpose else {
        return false;
    };
    // Section 4.1: 43 to 128 of the unreserved characters.
    let is_verifier = (43..=128).contains(&verifier.len())
        && verifier
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte));
    let hash: [u8; 32] = Sha256::digest(verifier).into();
    bool::from(hash.ct_eq(code_challenge)) && is_verifier
}
