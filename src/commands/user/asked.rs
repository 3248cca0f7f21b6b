//! What support was asked for a user and is open: an unbind request, a passcode. It is found by the user's history.

use api::{AuditEvent, Passcode, PasscodeState, ProblemCode, UnbindRequestState, UnbindRequestView};
use serde_json::Value;

use crate::{
    Failure,
    client::{Answer, CallFailure, Client},
    commands::word,
};

/// The ids that the newest events name.
#[derive(Default)]
pub(super) struct Asked {
    unbind_request: Option<String>,
    passcode: Option<String>,
}

/// What is open, in lines and as it came.
pub(super) struct Open {
    pub(super) lines: Vec<String>,
    pub(super) unbind_request: Value,
    pub(super) passcode: Value,
}

impl Asked {
    /// Takes note of an event, of which the newest come first.
    pub(super) fn see(&mut self, event: &AuditEvent) {
        let named = |name: &str| {
            let detail = event.detail.as_ref()?;
            detail[name].as_str().map(str::to_owned)
        };
        let Self {
            unbind_request,
            passcode,
        } = self;
        if event.action.starts_with("unbind_request.") && unbind_request.is_none() {
            *unbind_request = named("unbind_request");
        }
        if event.action.starts_with("passcode.") && passcode.is_none() {
            *passcode = named("passcode");
        }
    }

    /// Whether no older event can add anything.
    pub(super) fn is_complete(&self) -> bool {
        self.unbind_request.is_some() && self.passcode.is_some()
    }

    /// How they stand now.
    pub(super) fn open(&self, client: &Client) -> Result<Open, Failure> {
        let mut open = Open {
            lines: Vec::new(),
            unbind_request: Value::Null,
            passcode: Value::Null,
        };
        if let Some(id) = &self.unbind_request {
            let request = kept(client.get::<UnbindRequestView>(&format!("/v1/support/unbind-requests/{id}")))?;
            if let Some(request) = request.filter(|request| is_open(request.state)) {
                open.lines.push(of_request(&request));
                open.unbind_request = request.raw().clone();
            }
        }
        if let Some(id) = &self.passcode {
            let passcode = kept(client.get::<Passcode>(&format!("/v1/support/passcodes/{id}")))?;
            if let Some(passcode) = passcode.filter(|passcode| waits(passcode.state)) {
                open.lines.push(of_passcode(&passcode));
                open.passcode = passcode.raw().clone();
            }
        }
        Ok(open)
    }
}

/// What is kept no more ended long ago.
fn kept<T>(answer: Result<Answer<T>, CallFailure>) -> Result<Option<Answer<T>>, CallFailure> {
    match answer {
        Err(failure) if failure.is(ProblemCode::NotFound) => Ok(None),
        answer => answer.map(Some),
    }
}

fn waits(state: PasscodeState) -> bool {
    !matches!(state, PasscodeState::Used | PasscodeState::Ended)
}

fn is_open(state: UnbindRequestState) -> bool {
    use UnbindRequestState::{Applied, Approved, InForce, Requested};
    matches!(state, Applied | Requested | Approved | InForce)
}

fn of_request(request: &Answer<UnbindRequestView>) -> String {
    let state = word(&request.state);
    let from = request.in_force_at.map(|at| format!(", in force from {at}"));
    format!("unbind request {}: {state}{}", request.id, from.unwrap_or_default())
}

fn of_passcode(passcode: &Answer<Passcode>) -> String {
    let state = word(&passcode.state);
    format!("passcode {}: {state}, until {}", passcode.id, passcode.expires_at)
}
