//! The drift report as a picture: a row of bars for each batch, a bar for each number of steps.

use std::fmt::Write as _;

use super::drift::{APPS, Batches, Clocks};

const LEFT_PX: i32 = 190;
const STEP_PX: i32 = 22;
const ROW_PX: i32 = 74;
const BAR_MAX_PX: i64 = 44;
const TOP_PX: i32 = 34;

/// SVG of its own size, dark on light; names of others stand in it as text alone.
pub(super) fn drawn(batches: &Batches) -> String {
    let farthest = batches.values().flat_map(|clocks| clocks.drifts.keys());
    let farthest = farthest
        .map(|steps| steps.saturating_abs().min(STEPS_MAX))
        .max()
        .unwrap_or(0)
        .max(3);
    let width = LEFT_PX + (2 * farthest + 1) * STEP_PX + 20;
    let rows = i32::try_from(batches.len()).unwrap_or(i32::MAX / ROW_PX - 2);
    let height = TOP_PX + rows.saturating_mul(ROW_PX) + 12;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"10\" y=\"20\" font-weight=\"bold\">Clocks gone since they were measured, in time steps</text>\n"
    );
    for (place, (batch, clocks)) in (0..rows).zip(batches) {
        let base = TOP_PX + (place + 1) * ROW_PX - 18;
        row(&mut svg, batch.as_deref().unwrap_or(APPS), clocks, farthest, base);
    }
    svg.push_str("</svg>\n");
    svg
}

/// No more are drawn: farther ones stand with the last.
const STEPS_MAX: i32 = 40;

fn row(svg: &mut String, name: &str, clocks: &Clocks, farthest: i32, base: i32) {
    let most = clocks.drifts.values().copied().max().unwrap_or(1).max(1);
    let (above, below) = (base - 26, base - 10);
    put(
        svg,
        format_args!("<text x=\"10\" y=\"{above}\">{}</text>\n", escaped(name)),
    );
    put(
        svg,
        format_args!(
            "<text x=\"10\" y=\"{below}\" fill=\"#555\">{} devices, {} about to leave</text>\n",
            clocks.devices, clocks.about_to_leave
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
                "<rect x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{tall}\" fill=\"{colour}\"><title>{devices} devices at \
                 {steps:+} steps</title></rect>\n<text x=\"{centre}\" y=\"{label}\" text-anchor=\"middle\" \
                 font-size=\"10\">{steps:+}</text>\n",
                STEP_PX - 4
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
        let clocks = Clocks {
            devices: 6,
            about_to_leave: 1,
            drifts: [(0, 4), (-9, 2)].into(),
        };
        let svg = drawn(&[(Some("<script>&\u{1}\"".into()), clocks)].into());
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
