//! SafeNet's XML (before that Aladdin's, since then Gemalto's and Thales's), of the eToken PASS and its relatives.

use roxmltree::Node;

use super::dialogue::Dialogue;
use super::draft::{Draft, Kind};
use crate::options::Context;
use crate::xml::Xml;
use crate::{Format, Problem, ReadError, Reason, Receipt, Refusal};

pub(crate) fn is_token_list(root: Node<'_, '_>) -> bool {
    root.tag_name().name() == "Tokens"
}

pub(crate) fn read(xml: &Xml<'_>, context: &Context) -> Result<Receipt, ReadError> {
    xml.refuse_mixed_text(|_| false)?;
    let mut drafts = Vec::new();
    let mut refused = Vec::new();
    for token in children(xml.root(), "Token") {
        let serial_number = token
            .attribute("serial")
            .map(str::trim)
            .filter(|serial| !serial.is_empty());
        let mut refuse = |reason| {
            refused.push(Refusal {
                place: xml.place(token),
                serial_number: serial_number.map(crate::xml::shown),
                reason,
            });
        };
        let applications: Vec<Node<'_, '_>> = children(token, "Applications")
            .flat_map(|applications| children(applications, "Application"))
            .collect();
        let Some(serial) = serial_number else {
            refuse(Reason::NoSerialNumber);
            continue;
        };
        let with_seed = applications
            .iter()
            .find_map(|&application| Some((application, children(application, "Seed").next()?)));
        let Some((application, seed)) = with_seed else {
            refuse(Reason::NoSecret);
            continue;
        };
        let counter = match children(application, "MovingFactor").next() {
            None => 0,
            Some(factor) => text(factor)
                .parse()
                .map_err(|_| xml.malformed(factor, Problem::NotANumber))?,
        };
        let mut draft = Draft::new(serial, text(seed));
        draft.model = children(token, "ProductName").next().map(text);
        draft.counter = counter;
        drafts.push((xml.place(seed), draft));
    }
    Dialogue::new(Format::SafeNet)
        .of_kind(Kind::Counter)
        .finish(drafts, refused, context)
}

fn text<'a>(node: Node<'a, '_>) -> &'a str {
    node.text().unwrap_or_default().trim()
}

/// Children of this name in any case, for its writers do not agree on `Seed`.
fn children<'a, 'input>(node: Node<'a, 'input>, name: &'static str) -> impl Iterator<Item = Node<'a, 'input>> {
    node.children()
        .filter(move |child| child.is_element() && child.tag_name().name().eq_ignore_ascii_case(name))
}
