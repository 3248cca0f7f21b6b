//! `countersign user why`: why the last codes were refused, what stands in the way now, and what to tell the user.

use std::process::ExitCode;

use api::{AuditEvent, AuditRecord, Cause, Device, OtpType, Road, Timestamp, User};
use clap::Args;
use serde_json::{Value, json};

use super::{Who, asked::Asked, history};
use crate::{
    Failure,
    client::Client,
    commands::{
        Done,
        audit::{cause, event},
        output::Output,
        word,
    },
};

#[derive(Args)]
pub(super) struct Why {
    #[command(flatten)]
    who: Who,
    /// How many of the last refusals
    #[arg(long, value_name = "N", default_value_t = 5)]
    last: usize,
}

/// A refusal, and what came with it.
struct Refusal {
    at: Timestamp,
    event: AuditEvent,
    masked: bool,
    /// As it came.
    raw: Value,
}

impl Refusal {
    /// What it was for: the name of the cause, or of the outcome where there is none.
    fn cause(&self) -> Option<&'static Cause> {
        Cause::named(self.event.cause.as_deref().unwrap_or(&self.event.outcome))
    }
}

impl Why {
    pub(super) fn run(self, client: &Client, output: &Output) -> Done {
        let user = client.get::<User>(&self.who.name().path(""))?;
        let (refusals, asked) = self.read(client)?;
        let open = asked.open(client)?;
        let mut stands = stands(&user);
        stands.extend(open.lines);
        let tell = tell_the_user(&refusals, &user);
        let object = json!({
            "refusals": refusals.iter().map(|refusal| &refusal.raw).collect::<Vec<_>>(),
            "user": user.raw(),
            "unbind_request": open.unbind_request,
            "passcode": open.passcode,
            "tell": tell,
        });
        output.print(&object, || words(&refusals, &stands, &tell))?;
        Ok(ExitCode::SUCCESS)
    }

    /// The last refusals, newest first, and what support was asked for.
    fn read(&self, client: &Client) -> Result<(Vec<Refusal>, Asked), Failure> {
        let (mut found, mut asked) = (Vec::new(), Asked::default());
        history::read(client, &self.who, |record, raw| {
            if let Some(event) = event(record) {
                asked.see(&event);
            }
            found.extend(refusal(record, raw));
            found.len() < self.last || !asked.is_complete()
        })?;
        found.truncate(self.last);
        Ok((found, asked))
    }
}

fn refusal(record: &AuditRecord, raw: &Value) -> Option<Refusal> {
    let event = event(record)?;
    ["refused", "locked", "deny"]
        .contains(&&*event.outcome)
        .then(|| Refusal {
            at: record.at,
            event,
            masked: record.masked,
            raw: raw.clone(),
        })
}

/// What stands in the way at the moment, a line each.
fn stands(user: &User) -> Vec<String> {
    if user.devices.is_empty() {
        return vec!["no device is bound".into()];
    }
    let mut lines = Vec::new();
    for device in &user.devices {
        let mut facts = vec![word(&device.state)];
        facts.extend(device.locked_until.map(|until| format!("locked until {until}")));
        facts.extend(
            device
                .refused_until
                .map(|until| format!("every code is refused until {until}")),
        );
        let roads: Vec<_> = device.suspended.iter().map(word).collect();
        facts.extend((!roads.is_empty()).then(|| format!("suspended: {}", roads.join(" and "))));
        facts.extend((device.otp_type == OtpType::Totp).then(|| drift(device)));
        facts.extend(device.last_success_at.map(|at| format!("last accepted at {at}")));
        lines.push(format!("device {} ({}): {}", device.id, device.label, facts.join(", ")));
    }
    lines.push(format!("recovery codes left: {}", user.recovery_codes_left));
    lines
}

fn drift(device: &Device) -> String {
    let steps = device.drift_steps;
    match steps {
        0 => "clock right".into(),
        1.. => format!("clock {steps} steps ahead"),
        ..0 => format!("clock {} steps behind", steps.unsigned_abs()),
    }
}

/// What to tell the user, each sentence once, the newest first.
fn tell_the_user(refusals: &[Refusal], user: &User) -> Vec<String> {
    let mut told: Vec<String> = Vec::new();
    let mut tell = |text: &str| {
        if !(text.is_empty() || told.iter().any(|told| told == text)) {
            told.push(text.to_owned());
        }
    };
    if user
        .devices
        .iter()
        .any(|device| device.suspended.contains(&Road::Verification))
    {
        tell(
            "Somebody seems to have the password: change it. Support lifts the suspension, or a resync with proof of \
             identity does.",
        );
    }
    if let Some(until) = user.locked_until {
        tell(&format!(
            "Nothing is judged before {until}: wait, then type the code that is shown."
        ));
    }
    if let Some(newest) = refusals.first() {
        tell(newest.cause().map_or("", |cause| cause.tell));
    }
    told
}

fn words(refusals: &[Refusal], stands: &[String], tell: &[String]) -> String {
    let mut lines = Vec::new();
    for refusal in refusals {
        let Refusal { at, event, masked, .. } = refusal;
        let why = cause(event);
        let why = if why.is_empty() {
            String::new()
        } else {
            format!(": {why}")
        };
        let times = event.count.map(|count| format!(", {count} times")).unwrap_or_default();
        lines.push(format!("{at}  {} {}{why}{times}", event.action, event.outcome));
        lines.extend(refusal.cause().map(|cause| format!("    {}", cause.en)));
        if *masked {
            let until =
                Timestamp::from_unix_ms(at.unix_ms() + 1_000 * i64::try_from(event.masked_s.unwrap_or(0)).unwrap_or(0));
            lines.push(format!("    More may be known after {until}."));
        }
    }
    if refusals.is_empty() {
        lines.push("nothing was refused that history still has".into());
    }
    lines.push(String::new());
    lines.extend(stands.iter().cloned());
    if !tell.is_empty() {
        lines.push(String::new());
        lines.extend(tell.iter().map(|text| format!("Tell the user: {text}")));
    }
    lines.join("\n")
}
