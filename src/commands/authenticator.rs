//! `countersign authenticator …`: the crate's commands, on this machine.

use ::authenticator::{Bind, Binding, Refusal, Unconfirmed};
use serde_json::{Value, json};
use zeroize::Zeroizing;

pub(super) use ::authenticator::Authenticator;

use super::{Done, user};
use crate::{
    Failure,
    client::{Client, User, encoded},
    real,
};

pub(super) fn run(authenticator: Authenticator) -> Done {
    let machine = real::machine(connect).map_err(Failure::new)?;
    Ok(authenticator.run(&machine)?)
}

/// A service over HTTP, and whose device is bound there.
struct Http {
    client: Client,
    account: String,
    user: String,
    replaces: Option<String>,
    enrollment: Option<String>,
}

fn connect(bind: &Bind) -> Result<Box<dyn Binding>, Refusal> {
    Ok(Box::new(Http {
        client: user::client(&bind.server, bind.api_key_file.clone(), bind.data_dir.clone())?,
        account: bind.account.clone(),
        user: bind.user.clone(),
        replaces: bind.replaces.clone(),
        enrollment: None,
    }))
}

impl Http {
    fn path(&self, call: &str) -> String {
        let user = User {
            account: &self.account,
            user: &self.user,
        };
        let enrollment = self.enrollment.iter().map(|id| format!("/{id}"));
        user.path(&format!("/enrollments{}{call}", enrollment.collect::<String>()))
    }
}

const ACTOR: &str = "countersign authenticator";
const ACTOR_KIND: &str = "user";

fn actor() -> Value {
    json!({"id": ACTOR, "kind": ACTOR_KIND})
}

impl Binding for Http {
    fn begin(&mut self, code_of_replaced: Option<&str>) -> Result<Zeroizing<String>, Refusal> {
        let by = "countersign authenticator bind";
        let mut wanted = json!({
            "kind": "virtual",
            "identity_proof": {"method": "command_line", "at": real::now_rfc3339(), "by": by},
            "actor": actor(),
        });
        if let (Some(device), Some(code)) = (&self.replaces, code_of_replaced) {
            wanted["replaces"] = json!({"device_id": device, "code": code});
        }
        let mut offer = self.client.post(&self.path(""), &wanted).map_err(Failure::from)?;
        self.enrollment = offer["id"].as_str().map(Into::into);
        match offer["otpauth_uri"].take() {
            Value::String(uri) => Ok(Zeroizing::new(uri)),
            _ => Err(Failure::new("the service offers no otpauth URI").into()),
        }
    }

    fn confirm(&mut self, code: &str) -> Result<Value, Unconfirmed> {
        let scope = ["login_protection", "operation_protection"];
        let body = json!({"codes": [code], "scope": scope, "recovery_codes": true, "actor": actor()});
        self.client.post(&self.path("/confirm"), &body).map_err(|failure| {
            let is_no = failure.is_no();
            let refusal = Failure::from(failure).into();
            if is_no {
                Unconfirmed::Refused(refusal)
            } else {
                Unconfirmed::Unclear(refusal)
            }
        })
    }

    fn abandon(&mut self) {
        // It expires by itself too.
        let query = format!("?actor_id={}&actor_kind={ACTOR_KIND}", encoded(ACTOR));
        let _unheard = self.client.delete(&self.path(&query));
    }
}
