//! What support was shown, as a form of theirs says it: up to three pieces; more are brought over the API.

use serde::Deserialize;
use service::{EVIDENCE_KINDS, NewEvidence};
use zeroize::Zeroizing;

use crate::pages::frame::Frame;

/// The fields of a form.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct EvidenceForm {
    kind_1: String,
    reference_1: String,
    statement_1: Zeroizing<String>,
    kind_2: String,
    reference_2: String,
    statement_2: Zeroizing<String>,
    kind_3: String,
    reference_3: String,
    statement_3: Zeroizing<String>,
}

/// A piece, as its row of the form shows it. The statement is a secret, and typed anew.
pub(crate) struct EvidenceRow<'a> {
    pub(crate) number: usize,
    pub(crate) kind: &'a str,
    pub(crate) reference: &'a str,
}

impl EvidenceForm {
    fn pieces(&self) -> [(&str, &str, &Zeroizing<String>); 3] {
        [
            (&self.kind_1, &self.reference_1, &self.statement_1),
            (&self.kind_2, &self.reference_2, &self.statement_2),
            (&self.kind_3, &self.reference_3, &self.statement_3),
        ]
    }

    /// The rows of the form.
    pub(crate) fn rows(&self) -> Vec<EvidenceRow<'_>> {
        let numbered = self.pieces().into_iter().zip(1..);
        numbered
            .map(|((kind, reference, _), number)| EvidenceRow {
                number,
                kind,
                reference,
            })
            .collect()
    }

    /// The pieces that were filled in.
    pub(crate) fn brought(&self) -> Vec<NewEvidence> {
        let filled = self.pieces().into_iter().filter(|(kind, ..)| !kind.is_empty());
        filled
            .map(|(kind, reference, statement)| NewEvidence {
                kind: kind.to_owned(),
                reference: reference.trim().to_owned(),
                statement: (!statement.trim().is_empty()).then(|| Zeroizing::new(statement.trim().to_owned())),
            })
            .collect()
    }
}

/// The kinds to choose from: name, words.
pub(crate) fn kinds(frame: &Frame) -> Vec<(&'static str, String)> {
    EVIDENCE_KINDS
        .iter()
        .map(|kind| (*kind, kind_named(frame, kind)))
        .collect()
}

/// A kind in words.
pub(crate) fn kind_named(frame: &Frame, kind: &str) -> String {
    frame.t(&format!("staff_unbind.evidence_is_{kind}"))
}
