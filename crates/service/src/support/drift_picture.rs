//! The drift report as a picture: a row of bars for each lot, a bar for each number of steps.

use std::fmt::Write as _;

use crate::LotDrift;

/// The words of a picture of the drift report, in the language of whoever looks at it.
pub struct DriftPicture<'a> {
    /// What all of it shows.
    pub title: String,
    /// The name of apps, which have no lot.
    pub apps: String,
    /// Of a lot: its devices, and those that are about to leave the window.
    pub row: Box<dyn Fn(u64, u64) -> String + 'a>,
    /// Of a bar: the devices, and their steps.
    pub bar: Box<dyn Fn(u64, i32) -> String + 'a>,
}

const LEFT_PX: i32 = 190;
const STEP_PX: i32 = 22;
const ROW_PX: i32 = 74;
const BAR_MAX_PX: i64 = 44;
const TOP_PX: i32 = 34;

/// SVG of its own size, dark on light where no stylesheet says otherwise; names of others stand in it as text alone.
pub fn drift_svg(lots: &[LotDrift], words: &DriftPicture<'_>) -> String {
    let farthest = lots.iter().flat_map(|clocks| clocks.drifts.keys());
    let farthest = farthest
        .map(|steps| steps.saturating_abs().min(STEPS_MAX))
        .max()
        .unwrap_or(0)
        .max(3);
    let width = LEFT_PX + (2 * farthest + 1) * STEP_PX + 20;
    let rows = i32::try_from(lots.len()).unwrap_or(i32::MAX / ROW_PX - 2);
    let height = TOP_PX + rows.saturating_mul(ROW_PX) + 12;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"sans-serif\" font-size=\"12\" role=\"img\" aria-label=\"{title}\">\n\
         <rect class=\"ground\" width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"10\" y=\"20\" font-weight=\"bold\">{title}</text>\n",
        title = escaped(&words.title),
    );
    for (place, clocks) in (0..rows).zip(lots) {
        let base = TOP_PX + (place + 1) * ROW_PX - 18;
        row(&mut svg, clocks, words, farthest, base);
    }
    svg.push_str("</svg>\n");
    svg
}

/// No more are drawn: farther ones stand with the last.
const STEPS_MAX: i32 = 40;

fn row(svg: &mut String, clocks: &LotDrift, words: &DriftPicture<'_>, farthest: i32, base: i32) {
    let name = clocks.lot.as_deref().unwrap_or(&words.apps);
    let most = clocks.drifts.values().copied().max().unwrap_or(1).max(1);
    let (above, below) = (base - 26, base - 10);
    put(
        svg,
        format_args!("<text x=\"10\" y=\"{above}\">{}</text>\n", escaped(name)),
    );
    put(
        svg,
        format_args!(
            "<text class=\"soft\" x=\"10\" y=\"{below}\" fill=\"#555\">{}</text>\n",
            escaped(&(words.row)(clocks.devices, clocks.about_to_leave))
        ),
    );
    for (steps, devices) in &clocks.drifts {
        let x = LEFT_PX + ((*steps).clamp(-farthest, farthest) + farthest) * STEP_PX;
        let tall = i64::try_from(u128::from(*devices) * 44 / u128::from(most))
            .unwrap_or(BAR_MAX_PX)
            .max(1);
        let colour = if *steps == 0 { "#2f6f4f" } else { "#3b6ea5" };
        let (y, centre, label) = (i64::from(base) - tall, x + STEP_PX / 2, base + 13);
        put(
            svg,
            format_args!(
                "<rect class=\"bar\" x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{tall}\" fill=\"{colour}\"><title>{}\
                 </title></rect>\n<text x=\"{centre}\" y=\"{label}\" text-anchor=\"middle\" \
                 font-size=\"10\">{steps:+}</text>\n",
                STEP_PX - 4,
                escaped(&(words.bar)(*devices, *steps)),
            ),
        );
    }
}

/// A text has room for whatever is written.
fn put(svg: &mut String, what: std::fmt::Arguments<'_>) {
    let _infallible = svg.write_fmt(what);
}

/// A name as XML's text; what XML has no character for is left out.
fn escaped(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for character in name.chars().filter(|character| !character.is_control()) {
        match character {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '"' => text.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => {}
            _ => text.push(character),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_others_are_text_and_a_bar_is_as_tall_as_its_share() {
        let clocks = LotDrift {
            lot: Some("<script>&\u{1}\"".into()),
            devices: 6,
            about_to_leave: 1,
            drifts: [(0, 4), (-9, 2)].into(),
        };
        let words = DriftPicture {
            title: "\"Clocks\"".into(),
            apps: "apps".into(),
            row: Box::new(|devices, leaving| format!("{devices} devices, {leaving} about to leave")),
            bar: Box::new(|devices, steps| format!("{devices} at {steps:+}")),
        };
        let svg = drift_svg(&[clocks], &words);
        let document = roxmltree::Document::parse(&svg).expect("XML");
        let texts: Vec<_> = document.descendants().filter_map(|node| node.text()).collect();
        assert!(texts.contains(&"<script>&\""), "{texts:?}");
        assert!(texts.contains(&"6 devices, 1 about to leave"), "{texts:?}");
        let bars: Vec<_> = document
            .descendants()
            .filter(|node| node.has_tag_name("rect") && node.has_children())
            .map(|node| node.attribute("height").unwrap_or_default())
            .collect();
        assert_eq!(bars, ["22", "44"], "by steps, the fewest first");
    }
}
