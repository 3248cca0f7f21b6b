//! Judging of a temporary passcode in a batch: it opens the login whose challenge it answers, and nothing else (U3).

use otp::Code;
use store::{PasscodeState, Write};
use subtle::ConstantTimeEq;

use crate::{
    Acceptance,
    protection::decision::PASSCODE,
    support::passcode::{WRONG_MAX, mac},
    verification::{
        batch::Round,
        request::{Answer, Answered, Request},
        user_batch::{CLOSING, UserBatch},
    },
};

/// The trail's name for what is not the passcode.
const WRONG: &str = "wrong_passcode";

/// A user's passcode while a batch is judged.
pub(super) struct JudgedPasscode {
    read_version: u64,
    passcode: store::Passcode,
}

impl JudgedPasscode {
    pub(super) fn of(passcode: store::Passcode) -> Self {
        Self {
            read_version: passcode.version,
            passcode,
        }
    }

    /// Its write, where it was judged.
    pub(super) fn write(&self) -> Option<Write> {
        let is_changed = self.passcode.version != self.read_version;
        is_changed.then(|| Write::put(Some(self.read_version), &self.passcode))
    }
}

impl UserBatch<'_> {
    pub(super) fn judge_passcode(
        &mut self,
        round: &mut Round<'_>,
        request: &Request,
        typed: Option<&Code>,
    ) -> Answered {
        let Round { core, now, .. } = *round;
        if self.is_closed_to(request) {
            let entry = request.event("refused").because(CLOSING);
            return self.refuse_freely(round, request, &entry, CLOSING);
        }
        let refused = request.event("refused").because(WRONG);
        let living = self.passcode.as_ref().map(|judged| &judged.passcode);
        let living = living.filter(|passcode| passcode.is_living(now)).cloned();
        let issued = living.and_then(|passcode| match passcode.state {
            PasscodeState::Issued {
                passcode: known, wrong, ..
            } => Some((passcode.clone(), known, wrong)),
            _ => None,
        });
        let Some((passcode, known, wrong)) = issued else {
            return self.refuse_freely(round, request, &refused, WRONG);
        };
        let mut text = [0; 8];
        let typed = typed.map_or("", |typed| typed.text(&mut text));
        let of_typed = mac(core, known.key_id, &passcode, typed)?;
        if bool::from(of_typed.ct_eq(&known.mac)) {
            let accepted = Acceptance {
                device: None,
                decision_id: round.new_id()?,
                wrong_since_last_success: wrong,
                repeated: false,
            };
            self.passcode_becomes(passcode, PasscodeState::Used);
            self.answered(request, accepted.decision_id, PASSCODE, now);
            let entry = request
                .event("accepted")
                .because(PASSCODE)
                .decision(accepted.decision_id);
            self.tell(round, &entry)?;
            return Ok(Answer::Accepted(accepted));
        }
        let [a, b, c, d, ..] = of_typed;
        let Some(next) = passcode
            .state
            .clone()
            .wrong(u32::from_be_bytes([a, b, c, d]), WRONG_MAX)
        else {
            // The same again is one guess with the last.
            return self.refuse_freely(round, request, &refused, "repeated");
        };
        self.passcode_becomes(passcode, next);
        self.tell(round, &refused)?;
        Ok(Answer::Refused)
    }

    fn passcode_becomes(&mut self, passcode: store::Passcode, state: PasscodeState) {
        if let Some(judged) = &mut self.passcode {
            judged.passcode = passcode.become_state(state);
        }
    }
}
