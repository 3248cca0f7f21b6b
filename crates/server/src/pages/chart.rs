//! Small charts, drawn as SVG without a style of its own: bars side by side, points over time, and the bar of one share.
//!
//! A chart says what it shows in a few words; whoever needs the numbers finds them in a table beside it.

use askama::{Template, filters::HtmlSafe};

/// Width and height of the drawing; the page scales it.
const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 120.0;
const RADIUS: f64 = 4.0;

/// A chart.
#[derive(Template)]
#[template(path = "chart.html")]
pub(crate) struct Chart {
    /// What it shows; nothing of one that stands beside its number.
    label: String,
    width: f64,
    height: f64,
    /// Where nothing is.
    zero: Option<f64>,
    marks: Vec<Mark>,
}

/// What it draws is its own, and its texts are escaped.
impl HtmlSafe for Chart {}

/// A bar or a point.
struct Mark {
    /// Of the stylesheet.
    class: &'static str,
    title: String,
    shape: Shape,
}

enum Shape {
    Bar { x: f64, y: f64, width: f64, height: f64 },
    Point { x: f64, y: f64 },
}

/// A bar: what it is of, and its parts from below, each with its class.
pub(crate) struct Bar {
    pub(crate) title: String,
    pub(crate) parts: Vec<(&'static str, u64)>,
}

/// A point: what it is of, where it lies between the left (0) and the right (1), and how far from nothing.
pub(crate) struct Point {
    pub(crate) title: String,
    pub(crate) at: f64,
    pub(crate) value: i64,
}

impl Chart {
    /// Bars side by side, the highest as high as the chart.
    pub(crate) fn bars(label: String, bars: &[Bar]) -> Self {
        let sum = |bar: &Bar| bar.parts.iter().map(|(_, count)| count).sum::<u64>();
        let scale = HEIGHT / bars.iter().map(sum).max().unwrap_or(0).max(1) as f64;
        let pitch = WIDTH / bars.len().max(1) as f64;
        let mut marks = Vec::new();
        for (place, bar) in bars.iter().enumerate() {
            let mut below = HEIGHT;
            for (class, count) in bar.parts.iter().filter(|(_, count)| *count > 0) {
                // What there is can be seen, be it one in a million.
                let height = (*count as f64 * scale).max(1.0);
                below -= height;
                marks.push(Mark {
                    class,
                    title: bar.title.clone(),
                    shape: Shape::Bar {
                        x: place as f64 * pitch + pitch * 0.1,
                        y: below.max(0.0),
                        width: pitch * 0.8,
                        height,
                    },
                });
            }
        }
        Self::of(label, (WIDTH, HEIGHT), Some(HEIGHT), marks)
    }

    /// Points above and below a line, which means nothing; the farthest touches the edge.
    pub(crate) fn points(label: String, points: &[Point]) -> Self {
        let most = points.iter().map(|point| point.value.unsigned_abs()).max();
        let (middle, inner) = (HEIGHT / 2.0, HEIGHT / 2.0 - RADIUS);
        let scale = inner / most.unwrap_or(0).max(1) as f64;
        let marks = points.iter().map(|point| Mark {
            class: "point",
            title: point.title.clone(),
            shape: Shape::Point {
                x: RADIUS + point.at.clamp(0.0, 1.0) * (WIDTH - 2.0 * RADIUS),
                y: middle - point.value as f64 * scale,
            },
        });
        Self::of(label, (WIDTH, HEIGHT), Some(middle), marks.collect())
    }

    /// One bar of its share of the most, lying.
    pub(crate) fn share(class: &'static str, count: u64, most: u64) -> Self {
        let (width, height) = (WIDTH / 4.0, HEIGHT / 10.0);
        let bar = Mark {
            class,
            title: String::new(),
            shape: Shape::Bar {
                x: 0.0,
                y: 0.0,
                width: width * count as f64 / most.max(1) as f64,
                height,
            },
        };
        Self::of(String::new(), (width, height), None, vec![bar])
    }

    fn of(label: String, (width, height): (f64, f64), zero: Option<f64>, marks: Vec<Mark>) -> Self {
        Self {
            label,
            width,
            height,
            zero,
            marks,
        }
    }
}

/// A coordinate, to a tenth.
fn tenth(number: &f64) -> String {
    format!("{number:.1}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(chart: &Chart) -> String {
        chart.render().expect("it can be drawn")
    }

    #[test]
    fn the_highest_bar_is_as_high_as_the_chart_and_parts_stand_on_each_other() {
        let bar = |parts: &[(&'static str, u64)]| Bar {
            title: "09:00".into(),
            parts: parts.to_vec(),
        };
        let svg = drawn(&Chart::bars(
            "two".into(),
            &[bar(&[("good", 3), ("bad", 1)]), bar(&[("good", 2), ("bad", 0)])],
        ));
        assert!(
            svg.contains(r#"x="30.0" y="30.0" width="240.0" height="90.0""#),
            "{svg}"
        );
        assert!(svg.contains(r#"x="30.0" y="0.0" width="240.0" height="30.0""#), "{svg}");
        assert!(
            svg.contains(r#"x="330.0" y="60.0" width="240.0" height="60.0""#),
            "{svg}"
        );
        assert_eq!(svg.matches("<rect").count(), 3, "of nothing there is nothing: {svg}");
    }

    #[test]
    fn points_lie_on_their_side_of_the_line_and_within() {
        let point = |at, value| Point {
            title: String::new(),
            at,
            value,
        };
        let svg = drawn(&Chart::points("drift".into(), &[point(0.0, -2), point(2.0, 1)]));
        assert!(svg.contains(r#"cx="4.0" cy="116.0""#), "{svg}");
        assert!(svg.contains(r#"cx="596.0" cy="32.0""#), "{svg}");
    }

    #[test]
    fn names_in_a_chart_are_text_and_nothing_of_nothing_is_drawn() {
        let bar = Bar {
            title: "<script>alert(1)</script>".into(),
            parts: vec![("good", 1)],
        };
        let svg = drawn(&Chart::bars("\"><script>".into(), &[bar]));
        assert!(!svg.contains("<script"), "{svg}");
        assert!(!drawn(&Chart::bars("none".into(), &[])).contains("NaN"));
        assert!(!drawn(&Chart::points("none".into(), &[])).contains("NaN"));
        assert!(!drawn(&Chart::share("bad", 0, 0)).contains("NaN"));
    }
}
