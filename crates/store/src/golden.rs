//! Golden files: what stands in a database, by hand. One file of each noun and format, held against it by a test in the
//! noun's own file. A changed field shows in review.
//!
//! A file that is missing is written, and the test fails once; what older programs wrote stays readable, so a file is
//! never changed: a body that reads otherwise is a new format, and a file beside the old one.

use std::{fs, path::PathBuf};

use serde_json::{Value, json};
use verify::UnixMs;

use crate::{Document, Id, Noun, Owner, Sealed};

pub(crate) const NOW: UnixMs = UnixMs::new(1_795_219_200_000);

pub(crate) fn id(number: u128) -> Id {
    Id::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0000 | number)
}

pub(crate) fn owner() -> Owner {
    Owner::new("acme", "álice")
}

pub(crate) fn sealed(byte: u8) -> Sealed {
    Sealed {
        key_id: 1,
        bytes: vec![byte; 48],
    }
}

/// Holds a record against the file of its noun, both ways.
pub(crate) fn golden<N: Noun + PartialEq>(case: &str, noun: &N) {
    let document = Document::of(noun);
    let lookups: Vec<Value> = document
        .lookups
        .iter()
        .map(|lookup| json!({"name": lookup.name, "value": lookup.value, "unique": lookup.unique}))
        .collect();
    let body: Value = serde_json::from_str(&document.body).expect("a JSON object");
    let mut shown = json!({
        "noun": N::NAME,
        "key": {"account": &*document.key.account, "user": &*document.key.user, "id": &*document.key.id},
        "version": document.version,
        "expires_at_ms": document.expires_at.map(UnixMs::get),
        "lookups": lookups,
        "secrets": document.secrets.len(),
        "body": body,
    });
    if let Some(summary) = &document.summary {
        shown["summary"] = summary.as_str().into();
    }
    let shown = format!("{shown:#}\n");
    let name = format!("{}-{}-{case}.json", N::NAME, N::FORMAT);
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/documents")
        .join(name);
    let Ok(kept) = fs::read_to_string(&path) else {
        fs::write(&path, &shown).expect("it can be written");
        panic!("{} was missing and is written: read it, and commit it", path.display());
    };
    assert_eq!(shown, kept, "{}", path.display());
    // The body of the file, as an older program wrote it, still is this record.
    let kept: Value = serde_json::from_str(&kept).expect("JSON");
    let document = Document {
        body: kept["body"].to_string(),
        ..document
    };
    assert!(document.read::<N>().expect("it is read") == *noun, "{}", path.display());
}
