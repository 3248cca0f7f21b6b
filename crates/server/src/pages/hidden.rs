//! What cannot be seen in a text is written out: a name that turns its surroundings around, or hides a part of itself, would
//! have people approve of something else than they read.

use service::typed;

/// A page in which no text between the elements has characters that cannot be seen. What stands in a form's fields stays as it
/// is, for it is sent back: a name is the same to the byte.
pub(super) fn written_out(page: String) -> String {
    if page.is_ascii() || !page.contains(is_hidden) {
        return page;
    }
    let mut out = String::with_capacity(page.len() + 64);
    let mut left = &*page;
    while !left.is_empty() {
        let text = left.find('<').unwrap_or(left.len());
        for character in left[..text].chars() {
            match is_hidden(character) {
                true => out.extend(character.escape_unicode()),
                false => out.push(character),
            }
        }
        left = &left[text..];
        // All that is filled in is escaped: an element ends with the first `>`, and a field of several lines with its own end.
        let end = match left.starts_with("<textarea") {
            true => left.find("</textarea>"),
            false => left.find('>').map(|at| at + 1),
        };
        let element = end.unwrap_or(left.len());
        out.push_str(&left[..element]);
        left = &left[element..];
    }
    out
}

/// All that is invisible but for the joiners and the variation selectors, which scripts and emoji are spelt with.
fn is_hidden(character: char) -> bool {
    typed::is_invisible(character) && !typed::is_shaping(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_written_out_between_elements_alone() {
        let out = |page: &str| written_out(page.to_owned());
        assert_eq!(
            out("<p>al\u{202e}ice 张三 e\u{301}</p>"),
            "<p>al\\u{202e}ice 张三 e\u{301}</p>"
        );
        assert_eq!(
            out("<input value=\"\u{202e}\">\u{200b}"),
            "<input value=\"\u{202e}\">\\u{200b}"
        );
        assert_eq!(
            out("<textarea name=\"x\">a\u{2066}</textarea>\u{2069}"),
            "<textarea name=\"x\">a\u{2066}</textarea>\\u{2069}"
        );
        for kept in ["<p>نام\u{200c}ها 👩\u{200d}💻 ❤\u{fe0f}</p>", "<p", "\u{202e}<"] {
            let hidden = out(kept).replace("\\u{202e}", "\u{202e}");
            assert_eq!(hidden, kept);
        }
    }
}
