//! An operation service: before a sensitive operation it asks Countersign, and takes nothing but a grant for just that
//! operation, verified here, offline.
//!
//! ```text
//! cargo run --example operation_service -- http://127.0.0.1:8700 KEY_FILE PORT        (the key has the role verify)
//!
//! POST /operations/{stop,change-phone} {session, resource, grant?} -> {done}, or {challenge, methods}
//! POST /answer {challenge, method, code}                           -> {grant}
//! ```

use std::{
    collections::BTreeMap,
    env, fs,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::post,
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, get_current_timestamp, jwk::JwkSet};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::task::block_in_place;

/// Name, key in the catalogue, and whether it is always checked: its grants are good for one time each.
const OPERATIONS: [(&str, &str, bool); 2] = [
    ("stop", "cloud-virtual-machine/shutting-down-instances", false),
    ("change-phone", "accounts/modifying-user-mobile-number", true),
];
/// Whose the sessions are, as the login service would say.
const SESSIONS: [(&str, &str, &str); 3] = [("s1", "acme", "alice"), ("s2", "acme", "alice"), ("s3", "acme", "bob")];
const LEEWAY_S: u64 = 60;

struct Service {
    server: String,
    api_key: String,
    agent: ureq::Agent,
    keys: Mutex<Keys>,
    /// The grants that were used up, until they would have expired.
    taken: Mutex<BTreeMap<String, u64>>,
}

#[derive(Default)]
struct Keys {
    read_at: Option<Instant>,
    tried_at: Option<Instant>,
    set: Option<JwkSet>,
}

#[derive(Deserialize)]
struct Asked {
    session: String,
    resource: String,
    grant: Option<String>,
}

#[derive(Deserialize)]
struct Claims {
    account: String,
    user: String,
    purpose: String,
    sid: Option<String>,
    op: Option<String>,
    res: Option<String>,
    jti: String,
    exp: u64,
}

type Told = (StatusCode, Json<Value>);

fn refused(why: &str) -> Told {
    (StatusCode::FORBIDDEN, Json(json!({"refused": why})))
}

impl Service {
    fn operate(&self, name: &str, asked: &Asked) -> Result<Told, Told> {
        let operation = OPERATIONS.iter().find(|(known, ..)| *known == name);
        let &(_, operation, once) = operation.ok_or_else(|| refused("operation unknown"))?;
        let session = SESSIONS.iter().find(|(known, ..)| *known == asked.session);
        let &(_, account, user) = session.ok_or_else(|| refused("session unknown"))?;
        let mut grant = asked.grant.clone();
        if grant.is_none() {
            let challenge = json!({
                "account": account, "user": user, "purpose": "operation", "session_id": asked.session,
                "operation": operation, "resource": asked.resource,
            });
            let told = self.ask("/v1/challenges", &challenge)?;
            if told["decision"] == "challenge" {
                let needed = json!({"challenge": told["id"], "methods": told["methods"]});
                return Ok((StatusCode::UNAUTHORIZED, Json(needed)));
            }
            grant = told["grant"].as_str().map(str::to_owned);
        }
        let claims = self
            .verify(&grant.ok_or_else(|| refused("denied"))?)
            .map_err(|why| refused(&why))?;
        let same = |claim: &Option<String>, value: &str| claim.as_deref() == Some(value);
        for (claim, is_right) in [
            ("purpose", claims.purpose == "operation"),
            ("account", claims.account == account && claims.user == user),
            ("session", same(&claims.sid, &asked.session)),
            ("operation", same(&claims.op, operation)),
            ("resource", same(&claims.res, &asked.resource)),
        ] {
            if !is_right {
                return Err(refused(claim));
            }
        }
        if once && !self.takes(claims.jti, claims.exp) {
            return Err(refused("used"));
        }
        Ok((StatusCode::OK, Json(json!({"done": name}))))
    }

    /// The claims of a grant that was signed for this service and has not expired.
    fn verify(&self, grant: &str) -> Result<Claims, String> {
        let header = decode_header(grant).map_err(|error| error.to_string())?;
        if header.typ.as_deref() != Some("countersign-grant+jwt") {
            return Err("typ".into());
        }
        let key = self.key(&header.kid.ok_or("kid")?)?;
        let mut validation = Validation::new(Algorithm::EdDSA); // and nothing else, whatever the header says
        validation.set_required_spec_claims(&["exp", "aud", "iss"]);
        validation.set_audience(&["countersign"]);
        validation.set_issuer(&["countersign"]);
        validation.leeway = LEEWAY_S;
        let verified = decode::<Claims>(grant, &key, &validation);
        verified.map(|grant| grant.claims).map_err(|error| error.to_string())
    }

    /// The key of this id, of a set that is at most five minutes old. A new id is asked for once a minute: anybody can make
    /// one up.
    fn key(&self, id: &str) -> Result<DecodingKey, &'static str> {
        let mut keys = lock(&self.keys);
        let older = |at: Option<Instant>, minutes: u64| at.is_none_or(|at| at.elapsed().as_secs() >= 60 * minutes);
        let is_known = keys.set.as_ref().is_some_and(|set| set.find(id).is_some());
        if (!is_known || older(keys.read_at, 5)) && older(keys.tried_at, 1) {
            keys.tried_at = Some(Instant::now());
            let sent = self.agent.get(format!("{}/.well-known/jwks.json", self.server)).call();
            if let Some(set) = sent.ok().and_then(|mut told| told.body_mut().read_json().ok()) {
                (keys.read_at, keys.set) = (Some(Instant::now()), Some(set));
            }
        }
        if older(keys.read_at, 5) {
            return Err("no keys");
        }
        let found = keys.set.as_ref().and_then(|set| set.find(id)).ok_or("kid")?;
        DecodingKey::from_jwk(found).map_err(|_| "kid")
    }

    /// True the first time.
    fn takes(&self, id: String, expires: u64) -> bool {
        let mut taken = lock(&self.taken);
        taken.retain(|_, expires| *expires + LEEWAY_S >= get_current_timestamp());
        taken.insert(id, expires).is_none()
    }

    /// No answer, and every doubt, is a no.
    fn ask(&self, path: &str, body: &Value) -> Result<Value, Told> {
        let request = self.agent.post(format!("{}{path}", self.server));
        let sent = request
            .header("Authorization", format!("Bearer {}", self.api_key))
            .send_json(body);
        let told = sent.and_then(|mut told| told.body_mut().read_json());
        told.map_err(|_| refused("no answer"))
    }

    fn answer(&self, body: &Value) -> Result<Told, Told> {
        let path = format!(
            "/v1/challenges/{}/answer",
            body["challenge"].as_str().unwrap_or_default()
        );
        let told = self.ask(&path, &json!({"method": body["method"], "code": body["code"]}))?;
        Ok(match told["decision"].as_str() {
            Some("allow") => (StatusCode::OK, Json(json!({"grant": told["grant"]}))),
            _ => (StatusCode::UNAUTHORIZED, Json(json!({"again": true}))),
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [_, server, key_file, port] = env::args()
        .collect::<Vec<_>>()
        .try_into()
        .map_err(|_| "URL KEY_FILE PORT")?;
    let config = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(10)));
    let service = Arc::new(Service {
        server,
        api_key: fs::read_to_string(key_file)?.trim().to_owned(),
        agent: config.build().into(),
        keys: Mutex::default(),
        taken: Mutex::default(),
    });
    let operate = async |State(service): State<Arc<Service>>, Path(name): Path<String>, Json(asked): Json<Asked>| {
        block_in_place(|| service.operate(&name, &asked))
    };
    let answer =
        async |State(service): State<Arc<Service>>, Json(body): Json<Value>| block_in_place(|| service.answer(&body));
    let app = Router::new()
        .route("/operations/{name}", post(operate))
        .route("/answer", post(answer));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port.parse()?)).await?;
    Ok(axum::serve(listener, app.with_state(service)).await?)
}
