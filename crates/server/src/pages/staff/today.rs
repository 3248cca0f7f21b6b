//! Today: what was checked, refused and locked within the last day, counted from the trail.

use api::Cause;
use askama::Template;
use axum::extract::State;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use service::{Activity, ActivityPeriod, Caller, Role, UnixMs};

use super::visit::{self, StaffVisit};
use crate::{
    http::App,
    pages::{
        chart::{Bar, Chart},
        frame::{Frame, Page, refusal_of},
        said,
        visit::page,
        words::Lang,
    },
};

/// The page's address.
pub(crate) const TODAY: &str = "/staff/today";

#[derive(Template)]
#[template(path = "staff/today.html")]
struct Today<'a> {
    frame: &'a Frame,
    activity: &'a Activity,
}

/// Minutes or hours, one beside the other.
struct Series {
    name: &'static str,
    title: &'static str,
    sums: String,
    chart: Chart,
    begins: UnixMs,
    ends: UnixMs,
    /// Those in which there was something.
    rows: Vec<ActivityPeriod>,
}

/// A cause, with its share.
struct Counted {
    name: String,
    meaning: &'static str,
    count: u64,
    chart: Chart,
    /// The trail of it.
    path: String,
}

impl Today<'_> {
    fn series(&self) -> [Series; 2] {
        let Activity { minutes, hours, .. } = self.activity;
        [
            self.one_series("minutes", "staff_today.minutes", minutes),
            self.one_series("hours", "staff_today.hours", hours),
        ]
    }

    fn one_series(&self, name: &'static str, title: &'static str, periods: &[ActivityPeriod]) -> Series {
        let bars: Vec<Bar> = periods.iter().map(|period| self.bar(period)).collect();
        let is_some = |period: &&ActivityPeriod| period.accepted + period.refused + period.locked > 0;
        let end = |period: Option<&ActivityPeriod>| period.map_or(self.activity.since, |period| period.from);
        Series {
            name,
            title,
            sums: self.sums(periods),
            chart: Chart::bars(self.frame.t(title), &bars),
            begins: end(periods.first()),
            ends: end(periods.last()),
            rows: periods.iter().filter(is_some).copied().collect(),
        }
    }

    fn bar(&self, period: &ActivityPeriod) -> Bar {
        let ActivityPeriod {
            from,
            accepted,
            refused,
            locked,
        } = *period;
        Bar {
            title: self.counts("staff_today.bar", (accepted, refused, locked), &self.clock_time(&from)),
            parts: vec![("good", accepted), ("bad", refused), ("soft", locked)],
        }
    }

    fn sums(&self, periods: &[ActivityPeriod]) -> String {
        let sum = |number: fn(&ActivityPeriod) -> u64| periods.iter().map(number).sum::<u64>();
        let sums = (
            sum(|period| period.accepted),
            sum(|period| period.refused),
            sum(|period| period.locked),
        );
        self.counts("staff_today.sums", sums, "")
    }

    fn counts(&self, key: &str, (accepted, refused, locked): (u64, u64, u64), from: &str) -> String {
        let [accepted, refused, locked] = [accepted, refused, locked].map(|count| count.to_string());
        let counts = [
            ("accepted", &*accepted),
            ("refused", &refused),
            ("locked", &locked),
            ("from", from),
        ];
        self.frame.lang.say(key, &counts)
    }

    fn causes(&self) -> Vec<Counted> {
        let most = self.activity.refused.iter().map(|(_, count)| *count).max();
        let causes = self.activity.refused.iter().map(|(name, count)| Counted {
            meaning: Cause::named(name).map_or("", |cause| match self.frame.lang {
                Lang::En => cause.en,
                Lang::Zh => cause.zh,
            }),
            path: format!("/staff/trail?cause={}", utf8_percent_encode(name, NON_ALPHANUMERIC)),
            name: name.clone(),
            count: *count,
            chart: Chart::share("bad", *count, most.unwrap_or(0)),
        });
        causes.collect()
    }

    /// What is counted, where that is not the whole day until this minute.
    fn partly(&self) -> Option<(String, String)> {
        let Activity {
            since,
            until,
            is_whole,
            minutes,
            ..
        } = self.activity;
        let is_current = minutes.last().is_none_or(|minute| *until >= minute.from);
        (!is_whole || !is_current).then(|| (said::time(*since), said::time(*until)))
    }

    /// `+0.012`
    fn clock_offset(&self) -> String {
        format!("{:+.3}", self.activity.clock_offset_ms as f64 / 1_000.0)
    }

    /// `09:30`, in UTC.
    fn clock_time(&self, at: &UnixMs) -> String {
        let text = crate::http::time(*at).to_string();
        format!("{} UTC", text.get(11..16).unwrap_or_default())
    }
}

/// Whether it is shown the day of all accounts.
pub(crate) fn is_open_to(caller: &Caller) -> bool {
    caller.may_for_all(&[Role::Audit], "trail").is_ok()
}

/// `GET /staff/today`
pub(crate) async fn show(State(app): State<App>, visit: StaffVisit) -> Page {
    visit::sees(&app, &visit, &[Role::Audit])?;
    let activity = app.service.activity(visit.caller()).await;
    let activity = activity.map_err(|error| refusal_of(&app, &visit.browser, &error))?;
    let frame = visit::frame(&app, &visit, "today");
    let today = Today {
        frame: &frame,
        activity: &activity,
    };
    Ok(page(&app, &visit, &frame, &today))
}
