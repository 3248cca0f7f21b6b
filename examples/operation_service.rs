//! An operation service: before a sensitive operation it asks Countersign, and takes nothing but a grant for just that
//! operation, verified here, offline.
//!
//! ```text
//! cargo run --release --example operation_service -- http://127.0.0.1:8700 KEY_FILE PORT   (its role is verify)
//!
//! POST /operations/{stop,change-phone} {session, resource, grant?} -> {done}, or {challenge, methods}
//! POST /answer {challenge, method, code}                           -> {grant}
//! ```

use std::{collections::BTreeMap, env, error::Error, fs, process, sync::Mutex, time::Duration, time::Instant};

use axum::{Json, Router, extract::Path, http::StatusCode, routing::post};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, get_current_timestamp, jwk::JwkSet};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::block_in_place};

/// Name, key in the catalogue, and whether it is always checked: its grants are good for one time each.
const OPERATIONS: [(&str, &str, bool); 2] = [
    ("stop", "cloud-virtual-machine/shutting-down-instances", false),
    ("change-phone", "accounts/modifying-user-mobile-number", true),
];
/// Whose the sessions are, as the login service would say.
const SESSIONS: [(&str, &str, &str); 3] = [("s1", "acme", "alice"), ("s2", "acme", "alice"), ("s3", "acme", "bob")];
const LEEWAY_S: u64 = 60;

/// Every error, and so every doubt, is a no.
type Told<T> = Result<T, Box<dyn Error>>;

struct Service {
    server: String,
    api_key: String,
    agent: ureq::Agent,
}

impl Service {
    fn operate(&self, name: &str, asked: &Value) -> Told<(StatusCode, Value)> {
        let known = OPERATIONS.iter().find(|(known, ..)| *known == name);
        let (_, op, is_once) = *known.ok_or("operation unknown")?;
        let known = SESSIONS.iter().find(|(known, ..)| asked["session"] == *known);
        let (sid, account, user) = *known.ok_or("session unknown")?;
        let (res, mut grant) = (asked["resource"].as_str().ok_or("resource")?, asked["grant"].clone());
        if grant.is_null() {
            let wanted = json!({"account": account, "user": user, "purpose": "operation", "session_id": sid,
                "operation": op, "resource": res});
            let told = self.ask("challenges", &wanted)?;
            if told["decision"] == "challenge" {
                let needed = json!({"challenge": told["id"], "methods": told["methods"]});
                return Ok((StatusCode::UNAUTHORIZED, needed));
            }
            grant = told["grant"].clone();
        }
        let claims = self.verify(grant.as_str().ok_or("denied")?)?;
        let needed = ["operation", account, user, sid, op, res];
        for (claim, needed) in ["purpose", "account", "user", "sid", "op", "res"].iter().zip(needed) {
            (claims[claim] == needed).then_some(()).ok_or(*claim)?;
        }
        if is_once {
            take(&claims)?;
        }
        Ok((StatusCode::OK, json!({"done": name})))
    }

    /// The claims of a grant that was signed for this service and has not expired.
    fn verify(&self, grant: &str) -> Told<Value> {
        let header = decode_header(grant)?;
        header.typ.filter(|typ| typ == "countersign-grant+jwt").ok_or("typ")?;
        let mut validation = Validation::new(Algorithm::EdDSA); // and nothing else, whatever the header says
        validation.set_required_spec_claims(&["exp", "aud", "iss"]);
        validation.set_audience(&["countersign"]);
        validation.set_issuer(&["countersign"]);
        validation.leeway = LEEWAY_S;
        Ok(decode(grant, &self.key(&header.kid.ok_or("kid")?)?, &validation)?.claims)
    }

    /// The key of this id, of a set that is at most five minutes old. A new id is asked for once a minute: anybody can make
    /// one up.
    fn key(&self, id: &str) -> Told<DecodingKey> {
        static KEYS: Mutex<(Option<JwkSet>, Option<Instant>, Option<Instant>)> = Mutex::new((None, None, None));
        let (set, read_at, tried_at) = &mut *KEYS.lock()?;
        let is_older = |at: Option<Instant>, s| at.is_none_or(|at| at.elapsed().as_secs() >= s);
        let is_known = set.as_ref().is_some_and(|set| set.find(id).is_some());
        if (!is_known || is_older(*read_at, 300)) && is_older(*tried_at, 60) {
            *tried_at = Some(Instant::now());
            let sent = self.agent.get(format!("{}/.well-known/jwks.json", self.server)).call();
            if let Ok(read) = sent.and_then(|mut told| told.body_mut().read_json()) {
                (*set, *read_at) = (Some(read), Some(Instant::now()));
            }
        }
        let set = set.as_ref().filter(|_| !is_older(*read_at, 300)).ok_or("no keys")?;
        Ok(DecodingKey::from_jwk(set.find(id).ok_or("kid")?)?)
    }

    fn answer(&self, body: &Value) -> Told<(StatusCode, Value)> {
        let id = utf8_percent_encode(body["challenge"].as_str().ok_or("challenge")?, NON_ALPHANUMERIC);
        let code = json!({"method": body["method"], "code": body["code"]});
        let told = self.ask(&format!("challenges/{id}/answer"), &code)?;
        Ok(match told["decision"].as_str() {
            Some("allow") => (StatusCode::OK, json!({"grant": told["grant"]})),
            _ => (StatusCode::UNAUTHORIZED, json!({"again": true})),
        })
    }

    fn ask(&self, path: &str, body: &Value) -> Told<Value> {
        let request = self.agent.post(format!("{}/v1/{path}", self.server));
        let request = request.header("Authorization", format!("Bearer {}", self.api_key));
        Ok(request.send_json(body)?.body_mut().read_json()?)
    }
}

/// Takes each grant once: its id is kept until it has expired.
fn take(claims: &Value) -> Told<()> {
    static TAKEN: Mutex<BTreeMap<String, u64>> = Mutex::new(BTreeMap::new());
    let (id, expires) = (claims["jti"].as_str().ok_or("jti")?, &claims["exp"]);
    let mut taken = TAKEN.lock()?;
    taken.retain(|_, expires| *expires + LEEWAY_S >= get_current_timestamp());
    let before = taken.insert(id.into(), expires.as_u64().ok_or("exp")?);
    Ok(before.is_none().then_some(()).ok_or("used")?)
}

fn reply(told: Told<(StatusCode, Value)>) -> (StatusCode, Json<Value>) {
    let (status, body) = told.unwrap_or_else(|why| (StatusCode::FORBIDDEN, json!({"refused": why.to_string()})));
    (status, Json(body))
}

#[tokio::main]
async fn main() -> Told<()> {
    let arguments = <[String; 4]>::try_from(env::args().collect::<Vec<_>>());
    let Ok([_, server, key_file, port]) = arguments else {
        eprintln!("usage: cargo run --release --example operation_service -- http://127.0.0.1:8700 KEY_FILE PORT");
        process::exit(2);
    };
    let api_key = fs::read_to_string(key_file)?.trim().to_owned();
    let config = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(10)));
    let agent = config.build().into();
    let service: &Service = Box::leak(Box::new(Service { server, api_key, agent })); // for as long as the process lives
    let operate = async |Path(name): Path<String>, Json(asked): Json<Value>| {
        block_in_place(|| reply(service.operate(&name, &asked)))
    };
    let answer = async |Json(body): Json<Value>| block_in_place(|| reply(service.answer(&body)));
    let app = Router::new().route("/operations/{name}", post(operate));
    let listener = TcpListener::bind(("127.0.0.1", port.parse()?)).await?;
    Ok(axum::serve(listener, app.route("/answer", post(answer))).await?)
}
