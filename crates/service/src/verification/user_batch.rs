//! A user's factors and events while a batch is judged.

use store::{Change, Id, Owner, RecoveryCodes, User, Write, audit};
use verify::{Credential, UnixMs};

use crate::{
    Core, ServiceError,
    sealing::credential_of,
    trail::event::NewEvent,
    trail::names::NamesKey,
    trail::refusal_counter::Whose,
    verification::{
        answered_login::LoginRecords,
        batch::Round,
        by_passcode::JudgedPasscode,
        memo::Memo,
        request::{Answer, Answered, Request, Typed},
    },
};

/// A user's factors while a batch is judged: they evolve from question to question, and are written once. What few questions
/// need stands apart, for each of these is moved some times.
pub(super) struct UserBatch<'a> {
    pub(super) owner: &'a Owner,
    /// `None` for somebody who has no row; taken when it is written.
    pub(super) user: Option<User>,
    /// The key of the user's names, for a question that comes with more of them.
    pub(super) names_key: Option<Box<NamesKey>>,
    pub(super) first_device: Option<Id>,
    /// Keyed, in the order of the user's devices. One that does not open fails all codes of devices; recovery codes
    /// are another way in.
    pub(super) credentials: Result<Vec<Credential>, ServiceError>,
    /// Judged in place of a device where there is none, so that nobody can tell by the time it takes.
    pub(super) dummy_device: Option<Box<Credential>>,
    pub(super) memo: Memo,
    /// The row is not as it was read any more.
    pub(super) changed: bool,
    /// Read only where somebody typed a recovery code.
    pub(super) recovery_set: Option<Box<RecoverySet>>,
    /// Read only where somebody typed a passcode.
    pub(super) passcode: Option<Box<JudgedPasscode>>,
    /// Read only where a login is answered that leaves something behind.
    pub(super) login_records: Option<Box<LoginRecords>>,
    pub(super) events: Vec<audit::Event>,
    /// Questions that met a lock, by a code and by a recovery code.
    pub(super) locked: [u64; 2],
    /// Requests that were accepted before.
    pub(super) repeated: u64,
    /// Refusals that changed nothing and have no event: with whose they are counted, and why.
    pub(super) counted: Vec<(Whose, &'static str)>,
}

/// The cause of a refusal while the user is to go.
pub(super) const CLOSING: &str = "closing";

/// A user's recovery codes.
pub(super) struct RecoverySet {
    read_version: Option<u64>,
    pub(super) set: Option<RecoveryCodes>,
}

impl RecoverySet {
    pub(super) fn of(set: Option<RecoveryCodes>) -> Self {
        Self {
            read_version: set.as_ref().map(|set| set.version),
            set,
        }
    }
}

impl<'a> UserBatch<'a> {
    pub(super) fn new(core: &Core, owner: &'a Owner, user: Option<User>) -> Result<Self, ServiceError> {
        let devices = user.as_ref().map_or(&[][..], |user| &user.devices);
        let credentials = devices
            .iter()
            .map(|bound| Ok(credential_of(&bound.device, &*core.sealer)?))
            .collect();
        let dummy_device = devices
            .is_empty()
            .then(|| core.dummy_device.credential(core).map(Box::new))
            .transpose()?;
        Ok(Self {
            owner,
            memo: user.as_ref().map_or(Memo::default(), |user| Memo::read(&user.memo)),
            first_device: user
                .as_ref()
                .and_then(|user| user.devices.first().map(|bound| bound.device.id)),
            user,
            names_key: None,
            credentials,
            dummy_device,
            changed: false,
            recovery_set: None,
            passcode: None,
            login_records: None,
            events: Vec::new(),
            locked: [0; 2],
            repeated: 0,
            counted: Vec::new(),
        })
    }

    /// Decides one question against the states as they stand.
    pub(super) fn judge(&mut self, round: &mut Round<'_>, request: &Request) -> Answered {
        self.may_answer(request, round.now)?;
        let answered = match &request.typed {
            Typed::Code(code) => self.judge_code(round, request, code.as_ref()),
            Typed::RecoveryCode(typed) => self.judge_recovery_code(round, request, typed),
            // It opens this login, and leaves nothing behind that would open another.
            Typed::Passcode(typed) => return self.judge_passcode(round, request, typed.as_ref()),
        };
        if let Ok(Answer::Accepted(accepted)) = &answered {
            self.login_answered(round, request, accepted)?;
        }
        answered
    }

    /// Nothing is judged for a challenge that was answered; nor for one more than a user's row has room for.
    fn may_answer(&self, request: &Request, now: UnixMs) -> Result<(), ServiceError> {
        match &request.challenge {
            Some(challenge) if self.memo.grants.is_answered(challenge.id) => Err(ServiceError::ChallengeEnded),
            Some(_) if self.is_closed_to(request) => Err(ServiceError::ChallengeExpired),
            Some(_) if !self.memo.grants.has_room(now) => Err(ServiceError::RateLimited),
            _ => Ok(()),
        }
    }

    /// Whether the user is to go, and this request is not answered for that (P9).
    pub(super) fn is_closed_to(&self, request: &Request) -> bool {
        let purpose = request.challenge.as_ref().map(|challenge| challenge.purpose);
        self.memo.is_closed_to(purpose)
    }

    /// Whether support is to end devices of theirs, unless a right code comes in.
    pub(super) fn is_unbinding(&self) -> bool {
        self.memo.support.unbinding().is_some()
    }

    /// Takes note that the request's challenge was answered by this decision.
    pub(super) fn answered(&mut self, request: &Request, decision: Id, method: &str, now: UnixMs) {
        if let Some(challenge) = &request.challenge {
            self.memo.grants.answered(challenge, decision, method, now);
            self.changed = true;
        }
    }

    /// A refusal that changes no state: nothing bounds how often it is asked for, so it has an event ten times an hour,
    /// and is counted beyond.
    pub(super) fn refuse_freely(
        &mut self,
        round: &mut Round<'_>,
        request: &Request,
        entry: &NewEvent<'_>,
        cause: &'static str,
    ) -> Answered {
        let Round { core, now, .. } = *round;
        match core.trail.refusals.admit(self.owner, request.origin.api_key, now) {
            None => self.tell(round, entry)?,
            Some(whose) => self.counted.push((whose, cause)),
        }
        Ok(Answer::Refused)
    }

    /// Counts what has no event of its own, once the rest is on disk.
    pub(super) fn count_refusals(self, core: &Core, kept: bool) {
        let device = self.first_device;
        let [by_code, by_recovery_code] = self.locked;
        core.trail.refusals.locked("verify", self.owner, device, by_code);
        core.trail
            .refusals
            .locked("verify.recovery_code", self.owner, None, by_recovery_code);
        core.trail
            .refusals
            .repeated("verify", self.owner, device, self.repeated);
        if kept {
            for (whose, cause) in self.counted {
                core.trail.refusals.refused("verify", cause, whose);
            }
        }
    }

    pub(super) fn tell(&mut self, round: &mut Round<'_>, entry: &NewEvent<'_>) -> Result<(), ServiceError> {
        let Round { core, now, .. } = *round;
        let stranger = match &self.user {
            Some(_) => None,
            None => {
                let row = core.trail.strangers.row(core, self.owner, now)?;
                core.trail.strangers.say(&row);
                Some(row)
            }
        };
        let row = self.user.as_ref().or(stranger.as_ref());
        let row = row.ok_or_else(|| ServiceError::Internal("nobody's event".into()))?;
        // A new row has its key with it.
        if let (true, Some(sealed)) = (entry.has_names(), &row.names_key) {
            self.names_key = NamesKey::opened(&*core.sealer, row.id, sealed).map(Box::new);
        }
        let event = entry.sealed(now, round.salt()?, row.id, self.names_key.as_deref(), &*core.sealer)?;
        self.events.push(event);
        Ok(())
    }

    /// One change of everything that this user's questions brought about: judged one upon the other, it
    /// holds as a whole or not at all.
    pub(super) fn change(&mut self) -> Option<Change> {
        let change = Change::of_all(std::mem::take(&mut self.events))?;
        let memo = self.memo.write();
        let user = self.user.take().filter(|_| self.changed);
        let row = user.map(|user| User { memo, ..user }.used());
        let recovery = self.recovery_set.as_ref().and_then(|recovery| {
            let next = recovery.set.as_ref()?;
            (Some(next.version) != recovery.read_version).then(|| Write::put(recovery.read_version, next))
        });
        let login = self.login_records.iter().flat_map(|records| records.writes());
        let passcode = self.passcode.as_deref().and_then(JudgedPasscode::write);
        Some(change.with(row.into_iter().chain(recovery).chain(passcode).chain(login)))
    }
}
