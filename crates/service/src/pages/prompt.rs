//! The hosted prompt: a link by which a user's browser answers a challenge, and what its page shows.

use data_encoding::BASE64URL_NOPAD;
use store::{Owner, PageVisit, Role, VisitPurpose, Words};
use verify::UnixMs;

use crate::{
    Caller, CatalogueOperation, ChallengePurpose, ChallengeState, Core, Input, IssuedPageLink, Service, ServiceError,
    attempt::Attempt,
    pages::link::{LINKS_PER_USER, issue},
    protection::{
        challenge::locked_until,
        decision::{PASSCODE, RECOVERY_CODE, TOTP},
        token::PendingChallenge,
    },
};

/// A prompt that is asked for.
#[derive(Clone, Debug)]
pub struct NewPromptLink {
    /// The challenge, as it was given.
    pub challenge: String,
    /// The address to go back to: one of the API key's, to the character.
    pub return_url: String,
    /// The caller's own words, given back with the user.
    pub state: String,
    /// `base64url(SHA-256(verifier))`: RFC 7636, section 4.2, `S256`.
    pub code_challenge: String,
}

/// What the prompt page shows.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// Who is asked.
    pub owner: Owner,
    /// What for.
    pub purpose: ChallengePurpose,
    /// The operation, where one is named: its row of the catalogue.
    pub operation: Option<CatalogueOperation>,
    /// Its key, whether a catalogue has it or not.
    pub operation_key: Option<String>,
    /// The one resource of that operation.
    pub resource: Option<String>,
    /// What may answer, the strongest first.
    pub methods: Vec<PromptMethod>,
    /// Where the challenge stands.
    pub state: ChallengeState,
    /// It cannot be answered after this.
    pub expires_at: UnixMs,
    /// No code of a device is judged before.
    pub locked_until: Option<UnixMs>,
    /// The user may have this browser trusted.
    pub offers_trust: bool,
    /// When this was seen: now.
    pub seen_at: UnixMs,
}

/// A method that may answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromptMethod {
    /// `totp`, `recovery_code`, `passcode`, or an external method's name.
    pub name: String,
    /// An external method's name for people: its caller performs it, not this page.
    pub external: Option<Words>,
}

impl Service {
    /// Makes a link by which a user's browser answers a challenge on the hosted prompt.
    pub async fn create_prompt_link(
        &self,
        caller: &Caller,
        wanted: &NewPromptLink,
    ) -> Result<IssuedPageLink, ServiceError> {
        caller.may(&[Role::Verify])?;
        let core = &*self.core;
        let pending = core.pending_challenge(&wanted.challenge, caller.origin().api_key)?;
        let owner = pending.owner();
        caller.may_for(&[Role::Verify], &owner)?;
        let api_key = caller.returns_to(&wanted.return_url)?;
        let code_challenge = code_challenge(&wanted.code_challenge)?;
        let now = core.clock.now()?;
        let user = core.store.user(owner.clone()).await?;
        match pending.state(user.as_ref(), now) {
            ChallengeState::Open if pending.methods.is_empty() => Err(ServiceError::Invalid {
                input: Input::Challenge,
                why: "nothing is asked of it: only a challenge with the decision `challenge` is answered".into(),
            }),
            ChallengeState::Open => Ok(()),
            ChallengeState::Answered => Err(ServiceError::ChallengeEnded),
            ChallengeState::Expired => Err(ServiceError::ChallengeExpired),
        }?;
        core.prompt_links.take(owner.clone(), LINKS_PER_USER, now)?;
        let visit = PageVisit {
            owner,
            api_key,
            return_url: wanted.return_url.clone(),
            state: wanted.state.clone(),
            purpose: VisitPurpose::Prompt {
                challenge: wanted.challenge.clone(),
                code_challenge,
            },
        };
        let attempt = Attempt {
            core,
            origin: caller.origin(),
            now,
        };
        issue(&attempt, visit, "prompt").await
    }

    /// What the prompt of this browser's visit shows.
    pub async fn prompt(&self, caller: &Caller, visit: &PageVisit) -> Result<Prompt, ServiceError> {
        caller.may_for(&[Role::Verify], &visit.owner)?;
        caller.is_on_a_page()?;
        self.core.prompt(visit).await
    }
}

impl Core {
    /// The challenge that this visit is to answer.
    pub(super) fn challenge_of(&self, visit: &PageVisit) -> Result<PendingChallenge, ServiceError> {
        let VisitPurpose::Prompt { challenge, .. } = &visit.purpose else {
            return Err(ServiceError::NotFound("challenge"));
        };
        self.pending_challenge(challenge, Some(visit.api_key))
    }

    pub(super) async fn prompt(&self, visit: &PageVisit) -> Result<Prompt, ServiceError> {
        let pending = self.challenge_of(visit)?;
        let now = self.clock.now()?;
        let owner = pending.owner();
        let user = self.store.user(owner.clone()).await?;
        let standing = self.standing(&owner).await?;
        // A trusted browser has a budget of its own, which a lock of the device does not touch.
        let state = pending.state(user.as_ref(), now);
        let asked = user.filter(|_| pending.trusted_device.is_none());
        let locked_until = asked.and_then(|user| locked_until(&user, pending.purpose, now));
        let operation = match &pending.operation {
            Some(key) => self.catalogued_operation(key).await?,
            None => None,
        };
        Ok(Prompt {
            purpose: pending.purpose,
            operation,
            operation_key: pending.operation.clone(),
            resource: pending.resource.clone(),
            methods: pending.methods.iter().map(|name| self.prompt_method(name)).collect(),
            state,
            expires_at: pending.expires_at(),
            locked_until,
            offers_trust: pending.purpose == ChallengePurpose::Login && standing.own.allow_trusted_devices,
            seen_at: now,
            owner,
        })
    }

    fn prompt_method(&self, name: &str) -> PromptMethod {
        let external = match name {
            TOTP | RECOVERY_CODE | PASSCODE => None,
            _ => Some(match self.settings.external_method(name) {
                Some(method) => Words {
                    en: method.en.clone(),
                    zh: method.zh.clone(),
                },
                // The operator took it out of the list meanwhile.
                None => Words {
                    en: name.to_owned(),
                    zh: name.to_owned(),
                },
            }),
        };
        PromptMethod {
            name: name.to_owned(),
            external,
        }
    }
}

fn code_challenge(text: &str) -> Result<[u8; 32], ServiceError> {
    let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok();
    bytes
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| ServiceError::Invalid {
            input: Input::CodeChallenge,
            why: "it is the SHA-256 of the verifier in base64url, of 43 characters (RFC 7636, S256)".into(),
        })
}
