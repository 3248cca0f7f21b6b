use std::process::ExitCode;

use serde_json::{Value, json};
use vault::{
    OpenVault,
    import::{self, ApplyError, Export, Oddity, Protection, Receipt},
};
use zeroize::Zeroizing;

use super::{DONE, Done, owners_words::OwnersWords, print_json};
use crate::{
    Refusal,
    found::{MOST_NAMED, counted, described, numbered},
    vault_session::{By, VaultSession},
};

/// Exports that were read, and go into the vault together or not at all.
pub(super) struct Incoming {
    pub(super) exports: Vec<Export>,
    pub(super) without_missing_parts: bool,
}

impl Incoming {
    pub(super) fn new(exports: Vec<Export>) -> Self {
        Self {
            exports,
            without_missing_parts: false,
        }
    }

    /// Without a question: who names one entry means it. Its owner may say more of it.
    pub(super) fn take_at_once(mut self, session: &VaultSession<'_>, words: &OwnersWords) -> Done {
        let count: usize = self.exports.iter().map(|export| export.came().len()).sum();
        if words.name_one() && count > 1 {
            return Err(
                Refusal::usage(format!("--issuer and --account name one entry, and these are {count}"))
                    .help("leave them out, and change the names with `countersign authenticator edit`"),
            );
        }
        for came in self.exports.iter_mut().flat_map(Export::came_mut) {
            words.say_of(&mut came.draft)?;
            came.odd
                .retain(|odd| *odd != Oddity::NoName || came.draft.title().is_empty());
        }
        if count == 0 && !session.file.exists() {
            let refused = self.exports.iter().flat_map(|export| export.refused());
            let why: Vec<String> = refused.map(ToString::to_string).collect();
            return Err(Refusal::new(format!("nothing can be added: {}", why.join("; "))));
        }
        let (vault, mut receipts) = self.looked_at(session)?;
        receipts.iter().for_each(say_unusual);
        all_parts(&receipts)?;
        let doubles = receipts.iter_mut().flat_map(|receipt| &mut receipt.doubles);
        let mut moving: Vec<_> = doubles.filter(|double| double.counter.is_some()).collect();
        // Who adds what is there already did not mean that.
        if !moving.is_empty()
            && !session
                .prompt
                .confirm("Take the higher counter?", "`import --yes` takes it")?
        {
            moving.iter_mut().for_each(|double| double.counter = None);
        }
        take(session, vault, receipts)
    }

    /// The vault that is there, and what would come into it; or into a new one, which nobody is asked for yet.
    pub(super) fn looked_at(self, session: &VaultSession<'_>) -> Result<(Option<OpenVault>, Vec<Receipt>), Refusal> {
        if session.file.exists() {
            let vault = session.open(By::Anyone)?;
            let receipts = self.receipts(&vault);
            return Ok((Some(vault), receipts));
        }
        let none = Zeroizing::new([0; vault::MIN_KEY_FILE_LEN_BYTES]);
        let empty = OpenVault::create(vault::NewSlot::KeyFile(&*none), "", &mut session.entropy())?;
        Ok((None, self.receipts(&empty)))
    }

    fn receipts(self, vault: &OpenVault) -> Vec<Receipt> {
        let receipts = vault.entries().dry_run_all(self.exports).into_iter();
        receipts
            .map(|receipt| match self.without_missing_parts {
                true => receipt.without_missing_parts(),
                false => receipt,
            })
            .collect()
    }
}

/// Before anything is asked or made for what would not be taken.
pub(super) fn all_parts(receipts: &[Receipt]) -> Result<(), Refusal> {
    let missing: Vec<_> = receipts.iter().flat_map(|receipt| receipt.missing.clone()).collect();
    match missing.is_empty() {
        true => Ok(()),
        false => Err(Refusal::new(ApplyError::MissingParts(missing))
            .help("if they are lost, `countersign authenticator import --without-missing-parts` takes the others")),
    }
}

pub(super) fn take(session: &VaultSession<'_>, vault: Option<OpenVault>, receipts: Vec<Receipt>) -> Done {
    let vault = match vault {
        Some(vault) => vault,
        None => session.open_or_create()?,
    };
    let told: Vec<Value> = receipts.iter().map(as_json).collect();
    let expected: usize = receipts.iter().map(|receipt| receipt.came.len()).sum();
    let mut all_came = receipts
        .iter()
        .all(|receipt| receipt.refused.is_empty() && receipt.doubles.is_empty());
    let in_the_clear = receipts
        .iter()
        .any(|receipt| receipt.protection == Protection::InTheClear);
    let added: Vec<(String, Value)> = session.change(vault.data_key(), |vault| {
        let mut ids = Vec::new();
        for receipt in receipts {
            ids.extend(vault.entries_mut().apply(receipt)?);
        }
        let entries = ids.iter().filter_map(|id| vault.entries().get(*id));
        Ok(entries.map(|entry| (numbered(entry), described(entry))).collect())
    })?;
    if added.len() < expected {
        all_came = false;
        eprintln!(
            "not added: {}, which somebody else added meanwhile",
            counted(expected - added.len())
        );
    }
    match added.as_slice() {
        [(first, _), .., (last, _)] if added.len() > MOST_NAMED => {
            eprintln!("added: {}, from {first} to {last}", counted(added.len()));
        }
        few => few.iter().for_each(|(title, _)| eprintln!("added: {title}")),
    }
    if in_the_clear && !added.is_empty() {
        eprintln!("what they came from has their secrets in the clear: delete it when the codes are accepted");
    }
    if session.json {
        let added: Vec<Value> = added.into_iter().map(|(_, entry)| entry).collect();
        print_json(&json!({"imported": true, "added": added, "receipts": told}))?;
    }
    Ok(if all_came { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// A dry run's end.
pub(super) fn finish(session: &VaultSession<'_>, receipts: &[Receipt]) -> Done {
    say(receipts, usize::MAX);
    if session.json {
        let told: Vec<Value> = receipts.iter().map(as_json).collect();
        print_json(&json!({"imported": false, "added": [], "receipts": told}))?;
    }
    DONE
}

/// Prints the entries that would come, `named` entries of it by name; what is odd in any case.
pub(super) fn say(receipts: &[Receipt], named: usize) {
    for receipt in receipts {
        let protection = match receipt.protection {
            Protection::InTheClear => "in the clear",
            Protection::Encrypted => "encrypted",
        };
        let source = match receipts {
            [_] => String::new(),
            _ => format!("{}: ", receipt.source),
        };
        eprintln!("{source}{}, {protection}: {} new", receipt.format, receipt.came.len());
        for came in receipt.came.iter().take(named) {
            eprintln!("  {}", title(came));
        }
        if named > 0 && receipt.came.len() > named {
            eprintln!("  and {} more, which --dry-run names", receipt.came.len() - named);
        }
        say_unusual(receipt);
    }
}

fn say_unusual(receipt: &Receipt) {
    for came in &receipt.came {
        came.odd
            .iter()
            .for_each(|odd| eprintln!("  odd: {}: {}: {odd}", came.place, title(came)));
    }
    receipt
        .doubles
        .iter()
        .for_each(|double| eprintln!("  double: {double}"));
    receipt
        .refused
        .iter()
        .for_each(|refused| eprintln!("  refused: {refused}"));
    receipt.missing.iter().for_each(|missing| eprintln!("  {missing}"));
    if receipt.without_code > 0 {
        eprintln!("  {} item(s) have no one-time code", receipt.without_code);
    }
}

/// The title that an entry will have, never empty.
fn title(came: &import::Came) -> String {
    match came.draft.title() {
        title if title.is_empty() => "(without a name)".to_owned(),
        title => title,
    }
}

fn as_json(receipt: &Receipt) -> Value {
    let texts = |all: Vec<String>| Value::from(all);
    let came = receipt.came.iter().map(|came| {
        json!({
            "place": came.place.to_string(),
            "issuer": came.draft.issuer.as_str(),
            "account": came.draft.account.as_str(),
            "odd": texts(came.odd.iter().map(ToString::to_string).collect()),
        })
    });
    json!({
        "source": receipt.source,
        "format": receipt.format.name(),
        "encrypted": receipt.protection == Protection::Encrypted,
        "new": came.collect::<Vec<_>>(),
        "doubles": texts(receipt.doubles.iter().map(ToString::to_string).collect()),
        "refused": texts(receipt.refused.iter().map(ToString::to_string).collect()),
        "missing": texts(receipt.missing.iter().map(ToString::to_string).collect()),
        "without_code": receipt.without_code,
    })
}
