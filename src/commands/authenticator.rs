//! `countersign authenticator …`: the crate's commands, on this machine.

use ::authenticator::{Bind, Binding, Refusal, Unconfirmed};
use api::{
    AbandonEnrollmentQuery, Actor, ActorKind, CodeText, ConfirmRequest, Enrollment, EnrollmentRequest, FactorMethod,
    IdentityProof, IdentityWord, Name, Replaces, Scope, Text,
};
use serde_json::Value;
use uuid::Uuid;
use zeroize::Zeroizing;

pub(super) use ::authenticator::Authenticator;

use super::{Done, server};
use crate::{
    Failure,
    client::{Acknowledged, Client, User},
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
    replaces: Option<Uuid>,
    enrollment: Option<Uuid>,
}

fn connect(bind: &Bind) -> Result<Box<dyn Binding>, Refusal> {
    let replaces = bind.replaces.as_deref().map(Uuid::try_parse).transpose();
    let replaces = replaces.map_err(|_no_uuid| {
        Failure::usage("--replaces names no device's id")
            .help("`countersign user devices ACCOUNT USER` lists the devices with their ids")
    })?;
    Ok(Box::new(Http {
        client: server::client(&bind.server, bind.api_key_file.clone(), bind.data_dir.clone())?,
        account: bind.account.clone(),
        user: bind.user.clone(),
        replaces,
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

fn actor() -> Actor {
    Actor::named("countersign authenticator", ActorKind::User)
}

fn code_text(code: &str) -> Result<CodeText, Failure> {
    CodeText::new(Zeroizing::new(code.to_owned())).map_err(|error| Failure::usage(format!("the code {error}")))
}

impl Binding for Http {
    fn begin(&mut self, code_of_replaced: Option<&str>) -> Result<Zeroizing<String>, Refusal> {
        let replaces = self.replaces.zip(code_of_replaced).map(|(device_id, code)| {
            let code = code_text(code)?;
            let method = FactorMethod::Totp;
            Ok::<_, Failure>(Replaces {
                device_id,
                code,
                method,
            })
        });
        let wanted = EnrollmentRequest::Virtual {
            issuer: None,
            label: None,
            identity_proof: IdentityProof::Word(IdentityWord {
                method: Text::from_static("command_line"),
                at: real::now(),
                by: Name::from_static("countersign authenticator bind"),
            }),
            replaces: replaces.transpose()?,
            factor: None,
            actor: actor(),
        };
        let offer = self.client.post::<Enrollment>(&self.path(""), &wanted);
        let offer = offer.map_err(Failure::from)?;
        self.enrollment = Some(offer.id);
        let uri = offer.otpauth_uri.clone();
        uri.ok_or_else(|| Failure::new("the service offers no otpauth URI").into())
    }

    /// As the service says it: the crate has no other words for the device.
    fn confirm(&mut self, code: &str) -> Result<Value, Unconfirmed> {
        let code = code_text(code).map_err(|failure| Unconfirmed::Refused(failure.into()))?;
        let body = ConfirmRequest {
            codes: code.into(),
            scope: vec![Scope::LoginProtection, Scope::OperationProtection],
            recovery_codes: true,
            actor: actor(),
        };
        let bound = self.client.post::<Acknowledged>(&self.path("/confirm"), &body);
        bound.map(|bound| bound.shown()).map_err(|failure| {
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
        let Actor { id, kind, ip } = actor();
        let query = AbandonEnrollmentQuery {
            actor_id: id,
            actor_kind: kind,
            actor_ip: ip,
        };
        // It expires by itself too.
        let _unheard = self.client.delete(&self.path(""), &query);
    }
}
