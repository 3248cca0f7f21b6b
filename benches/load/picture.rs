//! Latencies against rates, as a picture (SVG).

use std::fmt::{Arguments, Write as _};

use crate::rates::{Found, Rate};

const WIDTH: f64 = 820.0;
const HEIGHT: f64 = 460.0;
const LEFT: f64 = 72.0;
const RIGHT: f64 = WIDTH - 24.0;
const TOP: f64 = 84.0;
const BOTTOM: f64 = HEIGHT - 58.0;
/// Dark on light, and the other way round where the reader has it so.
const STYLE: &str = "\
.ground { fill: #fff } text { fill: #1c1e21 } .grid { stroke: #d8dbdf } .axis { stroke: #1c1e21 }
.service { color: #1b62b5 } .echo { color: #b4530a }
polyline { fill: none; stroke: currentColor; stroke-width: 2 } .p99 { stroke-dasharray: 7 4 } circle { fill: currentColor }
@media (prefers-color-scheme: dark) {
.ground { fill: #16181c } text { fill: #e4e6ea } .grid { stroke: #363a42 } .axis { stroke: #e4e6ea }
.service { color: #7db7ff } .echo { color: #ffab66 }
}
";

/// One line of the picture.
struct Curve<'a> {
    name: &'static str,
    class: &'static str,
    percentile: &'static str,
    rates: &'a [Rate],
    ms: fn(&Rate) -> f64,
}

/// Rates from 0, latencies by their magnitude.
struct Axes {
    per_s_max: f64,
    /// Decimal logarithms of milliseconds.
    ms: (f64, f64),
}

impl Axes {
    fn of(curves: &[Curve<'_>]) -> Self {
        let rates = || curves.iter().flat_map(|curve| curve.rates);
        let all_ms = || rates().flat_map(|rate| [rate.p50_ms, rate.p99_ms]);
        let per_s_max = rates().map(|rate| rate.requests_per_s).fold(1.0, f64::max);
        let (least, most) = (all_ms().fold(1.0, f64::min), all_ms().fold(1.0, f64::max));
        let least = least.max(0.001).log10().floor();
        Self {
            per_s_max: per_s_max * 1.03,
            ms: (least, most.log10().ceil().max(least + 1.0)),
        }
    }

    fn x(&self, per_s: f64) -> f64 {
        LEFT + (RIGHT - LEFT) * per_s / self.per_s_max
    }

    fn y(&self, ms: f64) -> f64 {
        let (least, most) = self.ms;
        BOTTOM - (BOTTOM - TOP) * (ms.max(0.001).log10() - least) / (most - least)
    }
}

/// p50 and p99 of verifications and of the echo, of its own size.
pub(crate) fn svg(found: &Found) -> String {
    let curve = |name, class, percentile, rates, ms| Curve {
        name,
        class,
        percentile,
        rates,
        ms,
    };
    let p50: fn(&Rate) -> f64 = |rate| rate.p50_ms;
    let p99: fn(&Rate) -> f64 = |rate| rate.p99_ms;
    let curves = [
        curve("verification, p50", "service", "p50", &*found.rates, p50),
        curve("verification, p99", "service", "p99", &*found.rates, p99),
        curve("echo, p50", "echo", "p50", &*found.echo_rates, p50),
        curve("echo, p99", "echo", "p99", &*found.echo_rates, p99),
    ];
    let axes = Axes::of(&curves);
    const TITLE: &str = "Latency from when a request was due, by the rate of requests";
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{HEIGHT}\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"13\" role=\"img\" aria-label=\"{TITLE}\">\n<style>{STYLE}</style>\n\
         <rect class=\"ground\" width=\"100%\" height=\"100%\"/>\n\
         <text x=\"16\" y=\"26\" font-size=\"15\" font-weight=\"bold\">{TITLE}</text>\n"
    );
    latency_axis(&mut svg, &axes);
    rate_axis(&mut svg, &axes);
    for (place, curve) in (0_u8..).zip(&curves) {
        legend(&mut svg, curve, LEFT + 182.0 * f64::from(place));
        line(&mut svg, curve, &axes);
    }
    svg.push_str("</svg>\n");
    svg
}

fn latency_axis(svg: &mut String, axes: &Axes) {
    let (least, most) = axes.ms;
    let mut decade = least;
    while decade <= most {
        for step in [1.0, 2.0, 5.0] {
            let ms = step * 10_f64.powf(decade);
            if ms.log10() > most + 1e-9 {
                break;
            }
            let (y, digits) = (axes.y(ms), (-decade).max(0.0) as usize);
            let (text_x, text_y) = (LEFT - 8.0, y + 4.0);
            put(
                svg,
                format_args!(
                    "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
                     <text x=\"{text_x}\" y=\"{text_y:.1}\" text-anchor=\"end\">{ms:.digits$}</text>\n"
                ),
            );
        }
        decade += 1.0;
    }
    let middle = (TOP + BOTTOM) / 2.0;
    put(
        svg,
        format_args!(
            "<text transform=\"translate(18 {middle}) rotate(-90)\" text-anchor=\"middle\">milliseconds</text>\n"
        ),
    );
}

fn rate_axis(svg: &mut String, axes: &Axes) {
    let step = tick(axes.per_s_max / 8.0);
    let (mut per_s, text_y) = (0.0, BOTTOM + 20.0);
    while per_s <= axes.per_s_max {
        let x = axes.x(per_s);
        put(
            svg,
            format_args!(
                "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" y2=\"{BOTTOM}\"/>\
                 <text x=\"{x:.1}\" y=\"{text_y}\" text-anchor=\"middle\">{per_s:.0}</text>\n"
            ),
        );
        per_s += step;
    }
    let (middle, below) = ((LEFT + RIGHT) / 2.0, BOTTOM + 44.0);
    put(
        svg,
        format_args!(
            "<line class=\"axis\" x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{BOTTOM}\" y2=\"{BOTTOM}\"/>\
             <line class=\"axis\" x1=\"{LEFT}\" x2=\"{LEFT}\" y1=\"{TOP}\" y2=\"{BOTTOM}\"/>\n\
             <text x=\"{middle}\" y=\"{below}\" text-anchor=\"middle\">requests per second</text>\n"
        ),
    );
}

/// The next of 1, 2, 5 times a power of ten.
fn tick(at_least: f64) -> f64 {
    let power = 10_f64.powf(at_least.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * power);
    steps.into_iter().find(|step| *step >= at_least).unwrap_or(10.0 * power)
}

fn legend(svg: &mut String, curve: &Curve<'_>, x: f64) {
    let Curve {
        name,
        class,
        percentile,
        ..
    } = curve;
    let (end, text) = (x + 34.0, x + 42.0);
    put(
        svg,
        format_args!(
            "<polyline class=\"{class} {percentile}\" points=\"{x},53 {end},53\"/><text x=\"{text}\" y=\"57\">{name}</text>\n"
        ),
    );
}

fn line(svg: &mut String, curve: &Curve<'_>, axes: &Axes) {
    let Curve {
        name,
        class,
        percentile,
        rates,
        ms,
    } = curve;
    let (mut points, mut circles) = (String::new(), String::new());
    for rate in *rates {
        let (x, y) = (axes.x(rate.requests_per_s), axes.y(ms(rate)));
        put(&mut points, format_args!("{x:.1},{y:.1} "));
        put(
            &mut circles,
            format_args!(
                "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\"><title>{name}, at {:.0} % of capacity, \
                 {:.0} per second: {:.3} ms</title></circle>\n",
                rate.share * 100.0,
                rate.requests_per_s,
                ms(rate),
            ),
        );
    }
    put(
        svg,
        format_args!(
            "<polyline class=\"{class} {percentile}\" points=\"{}\"/>\n{circles}",
            points.trim_end()
        ),
    );
}

/// A text has room for whatever is written.
fn put(svg: &mut String, what: Arguments<'_>) {
    let _infallible = svg.write_fmt(what);
}
