//! A console and a login service, as far as a test needs them.

use std::time::Duration;

use serde_json::{Value, json};

use super::{now_ms, phone::Phone};

/// A caller of the service.
#[derive(Clone)]
pub(crate) struct Api {
    agent: ureq::Agent,
    url: String,
    key: String,
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

/// No answer: whether it was done is not known.
#[derive(Debug)]
pub(crate) struct Unanswered(#[allow(dead_code, reason = "for people, by Debug")] pub(crate) String);

pub(crate) type Asked = Result<Reply, Unanswered>;

impl Api {
    pub(crate) fn new(url: &str, key: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .timeout_global(Some(Duration::from_secs(60)))
            .build();
        Self {
            agent: config.into(),
            url: url.to_owned(),
            key: key.to_owned(),
        }
    }

    /// The address of the service, for whoever sends bytes.
    pub(crate) fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// The API key.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// The same caller at a service that was started again.
    pub(crate) fn at(&self, url: &str) -> Self {
        Self::new(url, &self.key)
    }

    pub(crate) fn get(&self, path: &str) -> Asked {
        let request = self.agent.get(format!("{}{path}", self.url));
        read(request.header("Authorization", format!("Bearer {}", self.key)).call())
    }

    /// The same service, asked with another key.
    pub(crate) fn with_key(&self, key: &str) -> Self {
        Self::new(&self.url, key)
    }

    pub(crate) fn delete(&self, path: &str) -> Asked {
        let request = self.agent.delete(format!("{}{path}", self.url));
        read(request.header("Authorization", format!("Bearer {}", self.key)).call())
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Asked {
        let request = self.agent.post(format!("{}{path}", self.url));
        read(
            request
                .header("Authorization", format!("Bearer {}", self.key))
                .send_json(body),
        )
    }

    pub(crate) fn put(&self, path: &str, body: &Value) -> Asked {
        let request = self.agent.put(format!("{}{path}", self.url));
        read(
            request
                .header("Authorization", format!("Bearer {}", self.key))
                .send_json(body),
        )
    }

    pub(crate) fn patch(&self, path: &str, body: &Value) -> Asked {
        let request = self.agent.patch(format!("{}{path}", self.url));
        read(
            request
                .header("Authorization", format!("Bearer {}", self.key))
                .send_json(body),
        )
    }

    pub(crate) fn verify(&self, user: &str, code: &str) -> Asked {
        self.post("/v1/verify", &question(user, code, None))
    }

    pub(crate) fn user(&self, user: &str) -> Asked {
        self.get(&path(user, ""))
    }

    /// Starts a binding: its id, and the phone that scanned it.
    pub(crate) fn start_binding(&self, user: &str) -> Result<(String, Phone), Unanswered> {
        self.start_binding_at(user, i64::try_from(now_ms()).expect("a time"))
    }

    /// What starts a binding by a proof of identity of this moment.
    pub(crate) fn start_request(&self, user: &str, at_ms: i64) -> Value {
        let at = api::Timestamp::from_unix_ms(at_ms).to_string();
        json!({
            "kind": "virtual",
            "identity_proof": {"method": "password", "at": at, "by": "console"},
            "actor": actor(user),
        })
    }

    /// The same at a service whose clock is another one.
    pub(crate) fn start_binding_at(&self, user: &str, at_ms: i64) -> Result<(String, Phone), Unanswered> {
        let body = self.start_request(user, at_ms);
        let offer = self.post(&path(user, "/enrollments"), &body)?.with_status(201);
        let id = offer.body["id"].as_str().expect("an id").to_owned();
        Ok((id, Phone::scan(offer.body["otpauth_uri"].as_str().expect("a URI"))))
    }

    pub(crate) fn confirm(&self, user: &str, enrollment: &str, code: &str) -> Asked {
        let body = json!({"codes": [code], "scope": ["login_protection"], "actor": actor(user)});
        self.post(&path(user, &format!("/enrollments/{enrollment}/confirm")), &body)
    }

    /// Binds a user by the code of this step: the device, and the phone.
    pub(crate) fn bind(&self, user: &str, step: u64) -> (String, Phone) {
        let (enrollment, phone) = self.start_binding(user).expect("an answer");
        let bound = self
            .confirm(user, &enrollment, &phone.code(step))
            .expect("an answer")
            .with_status(200);
        (bound.body["device"]["id"].as_str().expect("an id").to_owned(), phone)
    }

    pub(crate) fn unbind(&self, user: &str, device: &str, code: &str) -> Asked {
        let body = json!({"code": code, "actor": actor(user)});
        self.post(&path(user, &format!("/devices/{device}/unbind")), &body)
    }
}

/// Is this code right?
pub(crate) fn question(user: &str, code: &str, request_id: Option<&str>) -> Value {
    let mut body = json!({"account": "acme", "user": user, "code": code, "first_factor": true});
    if let Some(id) = request_id {
        body["request_id"] = id.into();
    }
    body
}

pub(crate) fn path(user: &str, call: &str) -> String {
    format!("/v1/accounts/acme/users/{user}{call}")
}

pub(crate) fn actor(user: &str) -> Value {
    json!({"id": user, "kind": "user"})
}

/// The user's identity was proved just now.
pub(crate) fn identity_proof() -> Value {
    let at = api::Timestamp::from_unix_ms(i64::try_from(now_ms()).expect("a time")).to_string();
    json!({"method": "password", "at": at, "by": "console"})
}

fn read(sent: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Asked {
    let unanswered = |error: ureq::Error| Unanswered(error.to_string());
    let mut response = sent.map_err(unanswered)?;
    let text = response.body_mut().read_to_string().map_err(unanswered)?;
    Ok(Reply {
        status: response.status().as_u16(),
        body: serde_json::from_str(&text).unwrap_or(Value::Null),
    })
}

impl Reply {
    #[track_caller]
    pub(crate) fn with_status(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }

    /// `accepted`, `refused` or `locked`.
    #[track_caller]
    pub(crate) fn outcome(&self) -> &str {
        assert_eq!(self.status, 200, "{}", self.body);
        let outcome = self.body["outcome"].as_str().expect("an outcome");
        assert_eq!(self.body["accepted"], outcome == "accepted", "{}", self.body);
        outcome
    }
}
