//! What is checked, and how: the hosted prompt asks, this cloud fetches the answer and keeps to its grant.

use std::sync::PoisonError;

use data_encoding::BASE64URL_NOPAD;
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

use super::{
    Cloud, Reply, Sent, Told, Visit,
    countersign::{ACCOUNT, client, text},
    is_same,
};

/// In the catalogue of sensitive operations.
const OPERATION: &str = "cloud-object-storage/deleting-a-bucket";

/// A check that the hosted prompt makes.
#[derive(Clone)]
pub(super) struct Asked {
    /// Given to the prompt, and compared when the browser comes back.
    state: String,
    /// Whoever has the answer's code and not this has nothing (RFC 7636).
    verifier: String,
    purpose: Purpose,
}

#[derive(Clone)]
pub(super) enum Purpose {
    Login,
    Delete(String),
}

impl Cloud {
    pub(super) fn delete(&self, sent: &Sent) -> Told<Reply> {
        let (visit, session) = self.logged_in(sent)?;
        let bucket = sent.field("bucket").to_owned();
        let wanted = json!({
            "account": ACCOUNT, "user": visit.user, "purpose": "operation", "session_id": session,
            "operation": OPERATION, "resource": bucket, "client": client(&sent.agent),
        });
        self.begin(sent, &visit, Purpose::Delete(bucket), &wanted)
    }

    /// Asks whether this must be checked, and goes on or sends the browser to the prompt.
    pub(super) fn begin(&self, sent: &Sent, visit: &Visit, purpose: Purpose, wanted: &Value) -> Told<Reply> {
        let told = self.countersign.post("challenges", wanted)?;
        match told["decision"].as_str() {
            Some("allow") => self.go_on(sent, visit, &purpose, &text(&told["grant"])?),
            Some("challenge") => {
                let (state, verifier) = (self.secret()?, self.secret()?);
                let back = format!("{}/answered", self.own);
                let hash = BASE64URL_NOPAD.encode(digest(&SHA256, verifier.as_bytes()).as_ref());
                let url = self
                    .countersign
                    .prompt_link(&text(&told["id"])?, &back, &state, &hash)?;
                self.change(sent, |visit| {
                    visit.asked = Some(Asked {
                        state,
                        verifier,
                        purpose,
                    })
                });
                Ok(Reply::Go(url))
            }
            _ => Err(told["contact"].as_str().unwrap_or("denied").into()),
        }
    }

    /// Back from the prompt. Its code is worth something here alone, where the verifier is, and once.
    pub(super) fn answered(&self, sent: &Sent) -> Told<Reply> {
        let visit = self.visit(sent)?;
        let asked = visit
            .asked
            .clone()
            .filter(|asked| is_same(&asked.state, sent.field("state")));
        let asked = asked.ok_or("you did not leave for the check from here")?;
        self.change(sent, |visit| visit.asked = None);
        let code = sent.form.get("code").ok_or("the check was not finished")?;
        let told = self.countersign.exchange(code, &asked.verifier)?;
        (told["decision"] == "allow").then_some(()).ok_or("denied")?;
        let next = self.go_on(sent, &visit, &asked.purpose, &text(&told["grant"])?)?;
        Ok(match told["trusted_device"].as_str() {
            Some(token) => Reply::Trust(token.to_owned(), Box::new(next)),
            None => next,
        })
    }

    /// A grant opens what it was given for, and nothing else.
    fn go_on(&self, sent: &Sent, visit: &Visit, purpose: &Purpose, grant: &str) -> Told<Reply> {
        match purpose {
            Purpose::Login => {
                let session = self.countersign.begin_session(&visit.user, grant, &sent.agent)?;
                self.change(sent, |visit| visit.session = Some(session));
            }
            Purpose::Delete(bucket) => {
                let (_, session) = self.logged_in(sent)?;
                let asked = json!({"grant": grant, "session_id": session, "operation": OPERATION, "resource": bucket});
                let told = self.countersign.post("grants/introspect", &asked)?;
                let is_for_this = told["active"] == true && told["purpose"] == "operation";
                let is_theirs = told["account"] == ACCOUNT && told["user"] == *visit.user;
                (is_for_this && is_theirs)
                    .then_some(())
                    .ok_or("this grant is for something else")?;
                let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
                users.get_mut(&visit.user).ok_or("nobody")?.buckets.remove(bucket);
                self.change(sent, |visit| visit.said = "Deleted.");
            }
        }
        Ok(Reply::Go("/".into()))
    }
}
