//! Labels for the backs of tokens: the serial number, as text and as a QR code.

use std::{fs, path::Path};

use enroll::Qr;

use crate::Failure;

/// Writes `SERIAL.svg`, for a printer of labels. A label can be made again at any time, so nothing waits for the disk.
pub(super) fn write(dir: &Path, serial_number: &str) -> Result<(), Failure> {
    let path = dir.join(format!("{serial_number}.svg"));
    let made = fs::create_dir_all(dir).and_then(|()| fs::write(&path, svg(serial_number)?));
    made.map_err(|error| Failure::new(format!("{}: {error}", path.display())))
}

/// 100 units of QR code, and its text to the right of it.
fn svg(serial_number: &str) -> std::io::Result<String> {
    /// The width of a monospaced letter at a height of 24.
    const LETTER: usize = 15;
    let qr = Qr::encode(serial_number).map_err(std::io::Error::other)?.to_svg();
    let qr = qr.replacen("<svg ", r#"<svg x="0" y="0" "#, 1);
    let width = 100 + serial_number.len() * LETTER + 10;
    // Our serial numbers have no letter that XML would have escaped.
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} 100\">\
         <path fill=\"#fff\" d=\"M0 0h{width}v100h-{width}z\"/>\
         <svg width=\"100\" height=\"100\">{}</svg>\
         <text x=\"102\" y=\"58\" font-family=\"monospace\" font-size=\"24\" fill=\"#000\">{serial_number}</text></svg>\n",
        scaled(&qr)
    ))
}

/// The code in all of the 100 units, whatever size it has by itself.
fn scaled(qr: &str) -> String {
    let Some((before, rest)) = qr.split_once("width=\"") else {
        return qr.to_owned();
    };
    match rest.split_once("viewBox") {
        Some((_, rest)) => format!("{before}width=\"100\" height=\"100\" viewBox{rest}"),
        None => qr.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_has_the_number_twice() {
        let label = svg("CS-000001").unwrap();
        assert!(label.contains(">CS-000001</text>"), "{label}");
        assert!(
            label.contains("width=\"100\" height=\"100\" viewBox=\"0 0 29 29\""),
            "{label}"
        );
    }
}
