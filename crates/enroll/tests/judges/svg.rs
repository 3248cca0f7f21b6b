//! Draws the SVG that we write, and only that: a `viewBox` and filled paths of `M`, `h`, `v`, `z`.
//! Anything else is a failure, so a change of the output has to come here too.

use image::{GrayImage, Luma, imageops};

/// The picture as it stands on a page of the given grey, with some of the page around it.
pub(crate) fn draw(svg: &str, page: u8) -> GrayImage {
    let width: u32 = between(svg, "viewBox=\"0 0 ", " ").parse().unwrap();
    let scale: u32 = between(svg, " width=\"", "\"").parse::<u32>().unwrap() / width;
    assert!(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" ") && svg.ends_with("</svg>"));

    let mut modules = GrayImage::from_pixel(width, width, Luma([page]));
    for path in svg.split("<path ").skip(1) {
        let grey = match between(path, "fill=\"", "\"") {
            "#fff" => 255,
            "#000" => 0,
            other => panic!("unknown colour {other}"),
        };
        for rectangle in between(path, "d=\"", "\"").split_terminator('z') {
            fill(&mut modules, rectangle, grey);
        }
    }
    let side = width * scale;
    let card = imageops::resize(&modules, side, side, imageops::FilterType::Nearest);
    let mut picture = GrayImage::from_pixel(side + 80, side + 80, Luma([page]));
    imageops::overlay(&mut picture, &card, 40, 40);
    picture
}

/// `M<x> <y>h<width>v<height>h-<width>`, within the picture.
fn fill(picture: &mut GrayImage, rectangle: &str, grey: u8) {
    let (x, rest) = rectangle
        .strip_prefix('M')
        .and_then(|rest| rest.split_once(' '))
        .unwrap();
    let (y, rest) = rest.split_once('h').unwrap();
    let (width, rest) = rest.split_once('v').unwrap();
    let (height, back) = rest.split_once("h-").unwrap();
    assert_eq!(width, back, "the rectangle closes");
    let [x, y, width, height] = [x, y, width, height].map(|number| number.parse::<u32>().unwrap());
    for y in y..y + height {
        for x in x..x + width {
            picture.put_pixel(x, y, Luma([grey]));
        }
    }
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = text
        .split_once(before)
        .unwrap_or_else(|| panic!("no {before} in the SVG"));
    rest.split_once(after).unwrap().0
}
