//! The memo in a user's row: their last accepted requests, to know a repeat by.

use serde::{Deserialize, Serialize};
use store::{Id, User};
use verify::UnixMs;

use crate::{Acceptance, ChallengePurpose, protection::memory::GrantMemory, verification::request_id::RequestTag};

/// The last accepted request of each device, and of the recovery codes, that carried a `request_id`, so that an exact
/// repeat is told so. Nothing is kept of a refused one: it is judged anew. And what is known of the user's grants.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Memo {
    accepted: Vec<Accepted>,
    pub(crate) grants: GrantMemory,
    /// The user is to go, and cannot log in meanwhile (P9): here, where every check finds it at no cost.
    #[serde(skip)]
    pub(crate) is_closing: bool,
    /// What support did for them.
    #[serde(skip)]
    pub(crate) support: SupportMemo,
}

/// What a user's row knows of support's unbind requests, where every check finds it at no cost.
#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SupportMemo {
    /// The request, approved or applied for by the user, which a right code of a device ends (U2b).
    unbinding: Option<[u8; 16]>,
    /// Nothing that is always checked is done before (U2b).
    frozen_until_ms: i64,
}

impl SupportMemo {
    /// That request.
    pub(crate) fn unbinding(&self) -> Option<Id> {
        self.unbinding.map(Id::from_bytes)
    }

    /// From now on a right code of a device ends this request.
    pub(crate) fn withdrawn_by_a_code(&mut self, request: Id) {
        self.unbinding = Some(request.into_bytes());
    }

    /// That request ends, whatever ends it. Gives it, where there was one.
    pub(crate) fn end_unbinding(&mut self) -> Option<Id> {
        self.unbinding.take().map(Id::from_bytes)
    }

    /// What is always checked waits until then.
    pub(crate) fn freeze(&mut self, until: UnixMs) {
        self.frozen_until_ms = until.get();
    }

    /// Until when what is always checked waits, if it does.
    pub(crate) fn frozen_until(&self, now: UnixMs) -> Option<UnixMs> {
        (now.get() < self.frozen_until_ms).then(|| UnixMs::new(self.frozen_until_ms))
    }
}

/// An accepted request.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Accepted {
    /// Whose code it was; `None`: a recovery code.
    device: Option<[u8; 16]>,
    /// Keyed hashes, see [`RequestTag`].
    tag: RequestTag,
    decided_at_ms: i64,
    decision_id: [u8; 16],
    /// The count that was told with it.
    wrong_since_last_success: u32,
}

/// The row with its memo changed.
pub(crate) fn with_memo(user: User, change: impl FnOnce(&mut Memo)) -> User {
    let mut memo = Memo::read(&user.memo);
    change(&mut memo);
    User {
        memo: memo.write(),
        ..user
    }
}

/// A list of accepted requests, and nothing else.
const REQUESTS: u8 = 1;
/// All of the memo.
const ALL: u8 = 2;
/// What support did, before a memo of any of these.
const SUPPORT: u8 = 3;
/// Before the memo of a user who is to go.
const CLOSING: u8 = b'c';

impl Memo {
    /// The memo of a row. One that cannot be read is none: what it would repeat is judged anew, and refused, and grants of
    /// before now are not alive.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        match bytes.split_first() {
            None => Self::default(),
            Some((&CLOSING, rest)) if rest.first() != Some(&CLOSING) => Self {
                is_closing: true,
                ..Self::read(rest)
            },
            Some((&SUPPORT, rest)) => match postcard::take_from_bytes(rest) {
                Ok((support, rest)) if !matches!(rest.first(), Some(&(CLOSING | SUPPORT))) => Self {
                    support,
                    ..Self::read(rest)
                },
                _ => Self::unreadable(),
            },
            Some((&REQUESTS, requests)) => postcard::from_bytes(requests)
                .map(|accepted| Self {
                    accepted,
                    ..Self::default()
                })
                .unwrap_or_else(|_| Self::unreadable()),
            Some((&ALL, memo)) => postcard::from_bytes(memo).unwrap_or_else(|_| Self::unreadable()),
            Some(_) => Self::unreadable(),
        }
    }

    fn unreadable() -> Self {
        Self {
            accepted: Vec::new(),
            grants: GrantMemory::unreadable(),
            is_closing: false,
            support: SupportMemo::default(),
        }
    }

    /// The bytes for the row.
    pub(crate) fn write(&self) -> Vec<u8> {
        let mut start = if self.is_closing { vec![CLOSING] } else { Vec::new() };
        if self.support != SupportMemo::default() {
            start.push(SUPPORT);
            start = postcard::to_extend(&self.support, start).unwrap_or_default();
        }
        let written = if self.grants != GrantMemory::default() {
            start.push(ALL);
            postcard::to_extend(self, start)
        } else if self.accepted.is_empty() {
            return start;
        } else {
            start.push(REQUESTS);
            postcard::to_extend(&self.accepted, start)
        };
        written.unwrap_or_default()
    }

    /// Whether the user is to go, so that nobody logs in for them (P9). A check of identity, by which it may be taken back,
    /// is answered all the same.
    pub(crate) fn is_closed_to(&self, purpose: Option<ChallengePurpose>) -> bool {
        self.is_closing && purpose != Some(ChallengePurpose::Identity)
    }

    /// Ends what was decided and granted so far: nothing of it opens anything any more, and no request is a repeat.
    pub(crate) fn sign_out(&mut self, now: UnixMs) {
        self.accepted.clear();
        self.grants.revoke_all(now);
    }

    /// The decision that is told once more, if this is the accepted request that is remembered of this device.
    pub(crate) fn repeated(
        &self,
        device: Option<Id>,
        tag: &RequestTag,
        now: UnixMs,
        remembered_ms: i64,
    ) -> Option<Acceptance> {
        let accepted = self.of(device).filter(|last| last.is_fresh(now, remembered_ms))?;
        tag.is_repeat_of(&accepted.tag).then(|| Acceptance {
            device,
            decision_id: Id::from_bytes(accepted.decision_id),
            wrong_since_last_success: accepted.wrong_since_last_success,
            repeated: true,
        })
    }

    /// Takes note of a request about this device that repeated nothing and was judged.
    ///
    /// A request of another API key leaves standing what is there; one with the same id, whose code or client is another,
    /// ends it, or it would be a way to try codes.
    pub(crate) fn judged(
        &mut self,
        device: Option<Id>,
        tag: Option<&RequestTag>,
        accepted: Option<&Acceptance>,
        now: UnixMs,
        remembered_ms: i64,
    ) {
        let Some(tag) = tag else { return };
        let last = self.of(device).copied();
        if last.is_some_and(|last| !last.tag.is_of_key_of(tag) && last.is_fresh(now, remembered_ms)) {
            return;
        }
        let next = match accepted {
            Some(accepted) => Some(Accepted {
                device: device.map(Id::into_bytes),
                tag: *tag,
                decided_at_ms: now.get(),
                decision_id: accepted.decision_id.into_bytes(),
                wrong_since_last_success: accepted.wrong_since_last_success,
            }),
            None => last.filter(|last| !last.tag.has_id_of(tag)),
        };
        self.forget(device);
        self.accepted.extend(next);
    }

    /// Forgets the request of a device that ends, or of a set of recovery codes.
    pub(crate) fn forget(&mut self, device: Option<Id>) {
        let device = device.map(Id::into_bytes);
        self.accepted.retain(|accepted| accepted.device != device);
    }

    fn of(&self, device: Option<Id>) -> Option<&Accepted> {
        let device = device.map(Id::into_bytes);
        self.accepted.iter().find(|accepted| accepted.device == device)
    }
}

impl Accepted {
    /// Whether it was decided so long ago at most; one that lies ahead, because the clock did, is not remembered.
    fn is_fresh(&self, now: UnixMs, remembered_ms: i64) -> bool {
        (0..remembered_ms).contains(&now.since(UnixMs::new(self.decided_at_ms)))
    }
}
