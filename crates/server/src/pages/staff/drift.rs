//! By how much the clocks of a user's devices were off, as far as their history tells it: of codes that were refused for
//! their time, and of resyncs. Codes that were accepted leave no such trace.

use std::collections::HashMap;

use service::UnixMs;

use super::event::StaffEvent;
use crate::pages::{
    chart::{Chart, Point},
    said,
    words::Lang,
};

/// What is known of one device.
pub(crate) struct Drifts {
    pub(crate) chart: Chart,
    /// When and how many steps, the oldest first.
    pub(crate) known: Vec<(UnixMs, i64)>,
}

/// Of these events, the newest first.
pub(crate) fn of(lang: Lang, history: &[StaffEvent]) -> HashMap<String, Drifts> {
    let mut known: HashMap<String, Vec<(UnixMs, i64)>> = HashMap::new();
    for event in history.iter().rev() {
        if let Some(drift) = &event.drift {
            let of_device = known.entry(drift.device.clone()).or_default();
            of_device.push((event.at, drift.steps));
        }
    }
    let drawn = |(device, known): (String, Vec<_>)| {
        let chart = drawn(lang, &known);
        (device, Drifts { chart, known })
    };
    known.into_iter().map(drawn).collect()
}

fn drawn(lang: Lang, known: &[(UnixMs, i64)]) -> Chart {
    let time = |known: Option<&(UnixMs, i64)>| known.map_or(0, |(at, _)| at.get());
    let first = time(known.first());
    let length = (time(known.last()) - first).max(1);
    let point = |(at, steps): &(UnixMs, i64)| Point {
        title: format!("{}: {steps:+}", said::time(*at)),
        at: (at.get() - first) as f64 / length as f64,
        value: *steps,
    };
    let points: Vec<Point> = known.iter().map(point).collect();
    Chart::points(lang.say("staff_user.drift_over_time", &[]), &points)
}
