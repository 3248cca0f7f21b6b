//! The trail as those who audit it ask for it: filtered, in either order, a page at a time.

use serde::Deserialize;
use serde_json::Value;
use store::{Id, Owner, Role, UserNames, audit::EventId, history::Subject};
use verify::UnixMs;

use crate::{
    Caller, Input, Service, ServiceError,
    trail::history::{history, subjects},
    trail::read::Record,
    trail::scan::Scan,
};

/// The records that are asked for: those to which all of it applies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// About this account.
    pub account: Option<String>,
    /// About this user of the account.
    pub user: Option<String>,
    /// About this device.
    pub device: Option<Id>,
    /// About the token of this serial number.
    pub serial_number: Option<String>,
    /// Of this action.
    pub action: Option<String>,
    /// By the person of this name, as the caller named them.
    pub actor: Option<String>,
    /// Of this cause, as it is shown at the time of asking; `locked` has no other.
    pub cause: Option<String>,
    /// Decided then or later.
    pub since: Option<UnixMs>,
    /// Decided then or before.
    pub until: Option<UnixMs>,
}

/// The order of the records: that of their commits, from either end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AuditOrder {
    /// From the first.
    #[default]
    OldestFirst,
    /// From the last.
    NewestFirst,
}

/// A part of the records that were asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditPage {
    /// As many as were found in a bounded part of the trail; perhaps none, though more follow.
    pub records: Vec<Record>,
    /// Beyond which record the next page begins; `None` at the end.
    pub next: Option<EventId>,
}

/// Events that one page looks at, at most.
const LOOKED_AT: usize = 4_096;
/// How much earlier or later than its neighbours a record may have been decided, in a trail that several wrote and whose
/// clock was set.
const SLACK_MS: i64 = UnixMs::HOUR;

impl Service {
    /// Up to `limit` records beyond this one, as people may see them now. A key that is limited to some accounts sees what
    /// is about those.
    pub async fn audit(
        &self,
        caller: &Caller,
        filter: &AuditFilter,
        order: AuditOrder,
        from: Option<EventId>,
        limit: u32,
    ) -> Result<AuditPage, ServiceError> {
        caller.may(&[Role::Audit])?;
        let wanted = Wanted::of(self.core.user_names, caller, filter)?;
        let store = &*self.core.store;
        let Some(subject) = self.subject_of(&wanted).await? else {
            return Ok(AuditPage::default());
        };
        let mut scan = Scan::new(store, subject, order, from).await?;
        let (since, until) = (
            filter.since.map(|since| since.plus(-SLACK_MS)),
            filter.until.map(|until| until.plus(SLACK_MS)),
        );
        scan.within(since, until).await?;
        let mut page = AuditPage::default();
        let (mut looked_at, most) = (0, wanted.most());
        while let Some(events) = scan.next().await? {
            for record in self.records(events).await? {
                let is_past = match order {
                    AuditOrder::OldestFirst => until.is_some_and(|until| record.at > until),
                    AuditOrder::NewestFirst => since.is_some_and(|since| record.at < since),
                };
                if is_past {
                    return Ok(page);
                }
                let id = record.id;
                looked_at += 1;
                if wanted.takes(&record) {
                    page.records.push(record);
                }
                if page.records.len() >= limit as usize || looked_at >= most {
                    page.next = Some(id);
                    return Ok(page);
                }
            }
        }
        Ok(page)
    }

    /// By what the index finds it: `Some(None)` for the whole trail, `None` where there is nothing to find.
    async fn subject_of(&self, wanted: &Wanted<'_>) -> Result<Option<Option<Subject>>, ServiceError> {
        let AuditFilter {
            device, serial_number, ..
        } = wanted.filter;
        if let Some(device) = device {
            let device = Subject::Device(*device);
            // A long history of somebody else's would be told from none by the pages that it takes.
            let newest = history(&*self.core.store, device.clone(), None, 1).await?;
            let newest = self.records(newest).await?;
            let is_theirs = newest.iter().all(|record| wanted.is_reached(record));
            return Ok(is_theirs.then_some(Some(device)));
        }
        if let Some(serial_number) = serial_number {
            return Ok(Some(Some(Subject::Token(serial_number.clone()))));
        }
        match &wanted.owner {
            Some(owner) => Ok(self.core.subject(owner).await?.map(Some)),
            None => Ok(Some(None)),
        }
    }
}

/// A filter, and the accounts that its caller reaches.
struct Wanted<'a> {
    filter: &'a AuditFilter,
    owner: Option<Owner>,
    account: Option<Box<str>>,
    reached: Option<&'a [String]>,
}

/// An event, as far as filters need it.
#[derive(Deserialize)]
struct Said {
    action: String,
    outcome: String,
    account: Option<String>,
    user: Option<String>,
    actor: Option<SaidActor>,
    cause: Option<String>,
    #[serde(default)]
    detail: Value,
}

#[derive(Deserialize)]
struct SaidActor {
    id: String,
}

impl Said {
    /// The account that it is about: its user's, or the one it names.
    fn account(&self) -> Option<&str> {
        let named = self.detail.get("account").and_then(Value::as_str);
        self.account.as_deref().or(named)
    }

    /// Of this action, by this actor, of this cause, where the filter names them.
    fn is_of(&self, filter: &AuditFilter) -> bool {
        let is =
            |wanted: &Option<String>, own: Option<&str>| wanted.as_deref().is_none_or(|wanted| own == Some(wanted));
        let actor = self.actor.as_ref().map(|actor| &*actor.id);
        let locked = (self.outcome == "locked").then_some("locked");
        is(&filter.action, Some(&self.action))
            && is(&filter.actor, actor)
            && is(&filter.cause, self.cause.as_deref().or(locked))
    }
}

impl<'a> Wanted<'a> {
    fn of(names: UserNames, caller: &'a Caller, filter: &'a AuditFilter) -> Result<Self, ServiceError> {
        let account = filter
            .account
            .as_ref()
            .map(|account| Owner::new(&**account, "").account);
        if let Some(account) = &account {
            caller.may_in(&[Role::Audit], account)?;
        }
        let owner = match (&account, &filter.user) {
            (Some(account), Some(user)) => Some(names.owner(&**account, &**user)),
            (None, Some(_)) => {
                return Err(ServiceError::Invalid {
                    input: Input::User,
                    why: "users are asked for with their account".into(),
                });
            }
            _ => None,
        };
        Ok(Self {
            filter,
            owner,
            account: account.map(|account| account.as_ref().into()),
            reached: caller.accounts(),
        })
    }

    /// Events that a page looks at. A token's are few; a limited key would tell from its pages that others have some.
    fn most(&self) -> usize {
        match (self.reached, &self.filter.serial_number) {
            (Some(_), Some(_)) => usize::MAX,
            _ => LOOKED_AT,
        }
    }

    fn is_reached(&self, record: &Record) -> bool {
        let Some(reached) = self.reached else { return true };
        let said = record
            .event
            .as_deref()
            .and_then(|event| serde_json::from_str::<Said>(event).ok());
        let account = said.as_ref().and_then(Said::account);
        account.is_some_and(|account| reached.iter().any(|own| own == account))
    }

    fn takes(&self, record: &Record) -> bool {
        let filter = self.filter;
        let is_within =
            filter.since.is_none_or(|since| record.at >= since) && filter.until.is_none_or(|until| record.at <= until);
        is_within && self.is_reached(record) && self.is_about(record)
    }

    fn is_about(&self, record: &Record) -> bool {
        let AuditFilter {
            device,
            serial_number,
            action,
            actor,
            cause,
            ..
        } = self.filter;
        let asks = [serial_number, action, actor, cause]
            .iter()
            .any(|wanted| wanted.is_some());
        if self.account.is_none() && device.is_none() && !asks {
            return true;
        }
        let Some(event) = record.event.as_deref() else {
            return false;
        };
        let Ok(said) = serde_json::from_str::<Said>(event) else {
            return false;
        };
        let subjects = subjects(event);
        let has = |subject: Subject| subjects.contains(&subject);
        said.is_of(self.filter)
            && self
                .account
                .as_deref()
                .is_none_or(|account| said.account() == Some(account))
            && self
                .owner
                .as_ref()
                .is_none_or(|owner| said.user.as_deref() == Some(&*owner.user))
            && device.is_none_or(|device| has(Subject::Device(device)))
            && serial_number
                .as_ref()
                .is_none_or(|number| has(Subject::Token(number.clone())))
    }
}
