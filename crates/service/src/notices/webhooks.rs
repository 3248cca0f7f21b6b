//! Webhooks: made, listed, rotated, ended.

use serde_json::json;
use store::{Change, Id, Noun as _, Role, TrailReader, Webhook, Write};
use url::Url;
use verify::UnixMs;
use zeroize::Zeroizing;

use crate::{
    Caller, Core, Input, Service, ServiceError,
    access::{api_keys::account_name, idempotency::already_created},
    attempt::Attempt,
    notices::{kind::NoticeKind, secrets::new_secret},
};

/// Webhooks of one service.
pub const WEBHOOKS_MAX: usize = 100;
/// Those that a key which is limited to accounts may have with others of its accounts.
const LIMITED_MAX: usize = 10;
/// Accounts of one webhook.
const ACCOUNTS_MAX: usize = 100;
const URL_MAX_BYTES: usize = 2_048;
/// How long an old secret may go on beside a new one.
const OVERLAP_MAX_HOURS: u16 = 7 * 24;

/// A webhook that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewWebhook {
    /// Where notices are posted.
    pub url: String,
    /// Which.
    pub events: Vec<NoticeKind>,
    /// Of which accounts' users; `None` for all that the caller reaches.
    pub accounts: Option<Vec<String>>,
}

impl Service {
    /// Makes a webhook, and gives its secret, which is shown once. What happens from now on is told.
    pub async fn create_webhook(
        &self,
        caller: &Caller,
        wanted: &NewWebhook,
    ) -> Result<(Webhook, Zeroizing<String>), ServiceError> {
        caller.may(&[Role::Admin])?;
        let core = &*self.core;
        let url = checked_url(core, &wanted.url)?;
        if wanted.events.is_empty() {
            return Err(invalid(
                Input::WebhookEvents,
                "name one type of notices, or more".into(),
            ));
        }
        let accounts = reached(caller, wanted.accounts.as_deref())?;
        let mut attempts = core.attempts(caller.origin());
        loop {
            let attempt = attempts.next()?;
            let new = New {
                url: &url,
                kinds: &wanted.events,
                accounts: accounts.clone(),
            };
            if let Some(done) = try_create(&attempt, caller, new).await? {
                return Ok(done);
            }
        }
    }

    /// The webhooks that the caller reaches, oldest first.
    pub async fn webhooks(&self, caller: &Caller) -> Result<Vec<Webhook>, ServiceError> {
        caller.may(&[Role::Admin])?;
        let mut all = self.core.all_webhooks().await?;
        all.retain(|webhook| is_reached(caller, webhook));
        Ok(all)
    }

    /// Ends a webhook: nothing more is sent, and what waits is forgotten.
    pub async fn delete_webhook(&self, caller: &Caller, id: Id) -> Result<(), ServiceError> {
        caller.may(&[Role::Admin])?;
        let core = &*self.core;
        let mut attempts = core.attempts(caller.origin());
        loop {
            let attempt = attempts.next()?;
            let webhook = core.webhook_of(caller, id).await?;
            let reader = core.store.webhook_reader(id).await?;
            let entry = attempt.entry("webhook.delete", "done").detail(json!({"webhook": id}));
            let delete = |key, expected| Write::Delete { key, expected };
            let change = Change::of(core.event(&entry, attempt.now)?)
                .with([delete(webhook.key(), webhook.version)])
                .with(reader.map(|reader| delete(reader.key(), reader.version)));
            if let Some(done) = attempt.commit(change, ()).await? {
                return Ok(done);
            }
        }
    }

    /// Gives a webhook a new secret, which is shown once. For so many hours deliveries are signed with the old one, too.
    pub async fn rotate_webhook(
        &self,
        caller: &Caller,
        id: Id,
        overlap_hours: u16,
    ) -> Result<Zeroizing<String>, ServiceError> {
        caller.may(&[Role::Admin])?;
        if overlap_hours > OVERLAP_MAX_HOURS {
            let why = format!("it is at most {OVERLAP_MAX_HOURS} hours");
            return Err(invalid(Input::OverlapHours, why));
        }
        let core = &*self.core;
        let mut attempts = core.attempts(caller.origin());
        loop {
            let attempt = attempts.next()?;
            let webhook = core.webhook_of(caller, id).await?;
            let number = webhook.secrets.first().map_or(1, |newest| newest.number + 1);
            let (shown, secret) = new_secret(core, id, number)?;
            let until = attempt.now.plus(i64::from(overlap_hours) * UnixMs::HOUR);
            // Two at most sign: a third would let a stolen one live on by rotating.
            let before = webhook.secrets.first().filter(|_| overlap_hours > 0).cloned();
            let before = before.map(|secret| store::WebhookSecret {
                until: Some(until),
                ..secret
            });
            let expected = webhook.version;
            let next = Webhook {
                version: expected + 1,
                secrets: [secret].into_iter().chain(before).collect(),
                ..webhook
            };
            let detail = json!({"webhook": id, "overlap_hours": overlap_hours});
            let entry = attempt.entry("webhook.rotate", "done").detail(detail);
            let change = Change::of(core.event(&entry, attempt.now)?).with([Write::put(Some(expected), &next)]);
            if let Some(shown) = attempt.commit(change, shown).await? {
                return Ok(shown);
            }
        }
    }
}

impl Core {
    pub(crate) async fn all_webhooks(&self) -> Result<Vec<Webhook>, ServiceError> {
        // A few more may be there than are made, of callers who were let in at once.
        Ok(self.store.webhooks(2 * WEBHOOKS_MAX as u32).await?)
    }

    /// The webhook of this id, for a caller who reaches it: whoever does not is told that there is none.
    pub(crate) async fn webhook_of(&self, caller: &Caller, id: Id) -> Result<Webhook, ServiceError> {
        let found = self.store.webhook(id).await?;
        let found = found.filter(|webhook| is_reached(caller, webhook));
        found.ok_or(ServiceError::NotFound("webhook"))
    }
}

/// What is to be made, checked.
struct New<'a> {
    url: &'a str,
    kinds: &'a [NoticeKind],
    accounts: Option<Vec<String>>,
}

async fn try_create(
    attempt: &Attempt<'_>,
    caller: &Caller,
    new: New<'_>,
) -> Result<Option<(Webhook, Zeroizing<String>)>, ServiceError> {
    let core = attempt.core;
    let once = core.once(attempt.origin, None, attempt.now).await?;
    if let Some(created) = once.repeated() {
        return Err(already_created(created));
    }
    has_room(&core.all_webhooks().await?, caller)?;
    let id = core.new_id(attempt.now)?;
    let (shown, secret) = new_secret(core, id, 1)?;
    let mut kinds = new.kinds.to_vec();
    kinds.sort_unstable();
    kinds.dedup();
    let webhook = Webhook {
        id,
        version: 1,
        url: new.url.to_owned(),
        events: kinds.into_iter().map(|kind| kind.name().to_owned()).collect(),
        accounts: new.accounts,
        is_outside: caller.is_limited(),
        secrets: vec![secret],
        created_at: attempt.now,
    };
    let newest = core.store.rows_before(None, 1).await?.pop();
    let reader = TrailReader::next(None, &Webhook::reader(id), newest.map(|row| row.cursor));
    let host = Url::parse(new.url)
        .ok()
        .and_then(|url| url.host_str().map(str::to_owned));
    // The path of an address is often a secret of the receiver's.
    let detail = json!({"webhook": id, "host": host, "events": webhook.events, "accounts": webhook.accounts});
    let entry = attempt.entry("webhook.create", "done").detail(detail);
    let writes = [Write::put(None, &webhook), Write::put(None, &reader)];
    let change = Change::of(core.event(&entry, attempt.now)?)
        .with(writes)
        .with(once.created(id));
    attempt.commit(change, (webhook, shown)).await
}

/// The accounts of a new webhook: none that the caller does not reach.
fn reached(caller: &Caller, wanted: Option<&[String]>) -> Result<Option<Vec<String>>, ServiceError> {
    let Some(wanted) = wanted else {
        return Ok(caller.accounts().map(<[String]>::to_vec));
    };
    let mut accounts: Vec<String> = wanted.iter().map(account_name).collect();
    accounts.sort_unstable();
    accounts.dedup();
    if accounts.is_empty() || accounts.len() > ACCOUNTS_MAX {
        let why = format!("name 1 to {ACCOUNTS_MAX} accounts, or leave it out for all that the key reaches");
        return Err(invalid(Input::WebhookAccounts, why));
    }
    for account in &accounts {
        caller.may_in(&[Role::Admin], account)?;
    }
    Ok(Some(accounts))
}

/// Whether the caller reaches every account of a webhook.
fn is_reached(caller: &Caller, webhook: &Webhook) -> bool {
    let Some(own) = caller.accounts() else { return true };
    let told = webhook.accounts.as_ref();
    told.is_some_and(|told| told.iter().all(|account| own.contains(account)))
}

fn has_room(all: &[Webhook], caller: &Caller) -> Result<(), ServiceError> {
    let own = all.iter().filter(|webhook| is_reached(caller, webhook)).count();
    let limited = caller.accounts().is_some() && own >= LIMITED_MAX;
    if !limited && all.len() < WEBHOOKS_MAX {
        return Ok(());
    }
    let why = "no more webhooks are kept: delete one, or let one tell more types".to_owned();
    Err(invalid(Input::WebhookUrl, why))
}

/// An address as it will be asked, so that no two readers of it understand two hosts.
fn checked_url(core: &Core, text: &str) -> Result<String, ServiceError> {
    let wrong = |why: &str| invalid(Input::WebhookUrl, why.to_owned());
    if text.len() > URL_MAX_BYTES {
        return Err(wrong("it is longer than 2,048 bytes"));
    }
    let url = Url::parse(text).map_err(|_| wrong("it is no URL: write https://HOST/PATH"))?;
    match url.scheme() {
        "https" => {}
        "http" if core.settings.webhooks_in_the_clear => {}
        _ => return Err(wrong("it is not https, which alone is sent to")),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong(
            "it has a user or a password in it: deliveries are signed instead",
        ));
    }
    if url.fragment().is_some() || url.host_str().is_none_or(str::is_empty) {
        return Err(wrong("it has no host, or a fragment: write https://HOST/PATH"));
    }
    Ok(url.into())
}

fn invalid(input: Input, why: String) -> ServiceError {
    ServiceError::Invalid { input, why }
}
