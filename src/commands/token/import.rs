//! `countersign token import`: a seed file, into the inventory.

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use api::{HintAlgorithm, ImportQuery, ImportReceipt, ImportRequest, Name, SecretText, SeedEncoding};
use clap::{Args, ValueEnum};
use zeroize::Zeroizing;

use super::{inventory::actor, seed_key::SeedKey};
use crate::{
    Failure,
    client::{Answer, CallFailure, Client, with_query},
    commands::{Done, output::Output},
};

#[derive(Args)]
pub(in crate::commands) struct Import {
    /// The seed file: PSKC, or a vendor's table; - for stdin. At most 10,000 tokens
    file: PathBuf,
    /// The batch they come in; made, and open to nobody, where there is none
    #[arg(long)]
    batch: Name,
    /// Only judges: nothing comes in
    #[arg(long)]
    dry_run: bool,
    /// A file with the password of an encrypted file
    #[arg(long, value_name = "FILE", conflicts_with = "key_file")]
    password_file: Option<PathBuf>,
    /// A file with the key of an encrypted file: 16, 24 or 32 bytes, or as many in hexadecimal
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// How a table's secrets are written, where that is not plain from them all
    #[arg(long)]
    encoding: Option<Encoding>,
    /// The tokens' hash, where the file leaves it open; a token of which the file says otherwise is refused
    #[arg(long)]
    hash: Option<Hash>,
    /// How many digits the tokens show, where the file leaves it open: 6 to 8
    #[arg(long, value_parser = clap::value_parser!(u8).range(6..=8))]
    digits: Option<u8>,
    /// How long the tokens show a code, where the file leaves it open: 1 to 3600 seconds
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=3600))]
    period: Option<u32>,
    /// Takes secrets of 80 to 127 bits, too, where no better token can be had; shorter ones never come in
    #[arg(long)]
    allow_short_secrets: bool,
    /// Takes the tokens that can be used without those that cannot, or are there already; else it is all or none
    #[arg(long)]
    skip_unusable: bool,
}

// Without a doc each, so that `--help` lists them in one line.
#[derive(Clone, Copy, ValueEnum)]
enum Encoding {
    Hex,
    Base32,
}

#[derive(Clone, Copy, ValueEnum)]
enum Hash {
    Sha1,
    Sha256,
    Sha512,
}

impl Import {
    pub(super) fn run(self, client: &Client, output: &Output) -> Done {
        let stdin = Path::new("-");
        if !output.may_read_stdin() && (self.file == stdin || self.password_file.as_deref() == Some(stdin)) {
            return Err(Failure::usage("nothing is piped into stdin, and nobody may be asked")
                .help("name a file, or pipe one into stdin"));
        }
        let (dry_run, skips) = (self.dry_run, self.skip_unusable);
        let file = self.file.display().to_string();
        let receipt = send(client, dry_run, &self.body()?);
        let receipt = receipt.map_err(|failure| failure.in_words(&flags(&format!("{file}: "))))?;
        output.print(&receipt, || words(&receipt, skips))?;
        Ok(if is_clean(&receipt) || (skips && receipt.usable > 0) {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(1)
        })
    }

    fn body(self) -> Result<ImportRequest, Failure> {
        let file = bytes_of(&self.file)?;
        let key = self.key_file.as_deref().map(SeedKey::read).transpose()?;
        Ok(ImportRequest {
            batch: self.batch,
            file_base64: file.into(),
            password: self.password_file.as_deref().map(password_of).transpose()?,
            key_base64: key.map(|key| key.to_base64()),
            encoding: self.encoding.map(|encoding| match encoding {
                Encoding::Hex => SeedEncoding::Hex,
                Encoding::Base32 => SeedEncoding::Base32,
            }),
            hash: self.hash.map(|hash| match hash {
                Hash::Sha1 => HintAlgorithm::Sha1,
                Hash::Sha256 => HintAlgorithm::Sha256,
                Hash::Sha512 => HintAlgorithm::Sha512,
            }),
            digits: self.digits,
            period_s: self.period,
            allow_short_secrets: self.allow_short_secrets,
            skip_unusable: self.skip_unusable,
            actor: actor(),
        })
    }
}

fn send(client: &Client, dry_run: bool, body: &ImportRequest) -> Result<Answer<ImportReceipt>, CallFailure> {
    client.post(&with_query("/v1/tokens/import", &ImportQuery { dry_run }), body)
}

/// Takes the tokens of an encrypted file into the inventory, or finds all of them there. The words say which.
pub(in crate::commands) fn take_in(
    client: &Client,
    file: &[u8],
    batch: &str,
    key: &SeedKey,
) -> Result<String, Failure> {
    let body = ImportRequest {
        batch: Name::new(batch).map_err(|error| Failure::usage(format!("the batch's name {error}")))?,
        file_base64: Zeroizing::new(file.to_vec()).into(),
        password: None,
        key_base64: Some(key.to_base64()),
        encoding: None,
        hash: None,
        digits: None,
        period_s: None,
        allow_short_secrets: false,
        skip_unusable: false,
        actor: actor(),
    };
    let receipt = send(client, false, &body)?;
    let duplicates = receipt.duplicates.len();
    if is_clean(&receipt) {
        Ok(words(&receipt, false))
    } else if receipt.refusals.is_empty() && receipt.count as usize == duplicates {
        Ok(format!("all {duplicates} token(s) are in the inventory already"))
    } else {
        Err(Failure::lines(&words(&receipt, false)))
    }
}

fn is_clean(receipt: &ImportReceipt) -> bool {
    receipt.duplicates.is_empty() && receipt.refusals.is_empty()
}

fn password_of(path: &Path) -> Result<SecretText, Failure> {
    authenticator::kept_private(path)?;
    let password = bytes_of(path)?;
    let shown = path.display();
    let password =
        str::from_utf8(&password).map_err(|_| Failure::usage(format!("{shown} holds no password in UTF-8")))?;
    let password = Zeroizing::new(password.trim_end_matches(['\r', '\n']).to_owned());
    SecretText::new(password).map_err(|error| Failure::usage(format!("the password of {shown} {error}")))
}

fn bytes_of(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let read = if path == Path::new("-") {
        let mut bytes = Zeroizing::new(Vec::new());
        io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        fs::read(path).map(Zeroizing::new)
    };
    read.map_err(|error| Failure::usage(format!("{} cannot be read: {error}", path.display())))
}

fn words(receipt: &ImportReceipt, skips: bool) -> String {
    let (format, count, usable) = (&receipt.format, receipt.count, receipt.usable);
    let mut words = if receipt.dry_run && is_clean(receipt) {
        format!("{format}: {count} token(s), nothing was imported yet")
    } else if receipt.dry_run && (skips || usable == 0) {
        format!("{format}: {usable} of {count} token(s) would be imported")
    } else if receipt.dry_run {
        format!("{format}: none of {count} token(s) would be imported, {usable} with --skip-unusable")
    } else {
        format!("{format}: {} of {count} token(s) imported", receipt.imported)
    };
    for duplicate in &receipt.duplicates {
        words += &format!("\n  {duplicate}: there already");
    }
    for refusal in &receipt.refusals {
        let name = refusal.serial_number.as_deref().unwrap_or("?");
        words += &format!("\n  {name}: {}", refusal.why);
    }
    for remark in &receipt.remarks {
        words += &format!("\n  note: {remark}");
    }
    [
        ("allow_short_secrets", "--allow-short-secrets"),
        ("skip_unusable", "--skip-unusable"),
        ("leave hash out", "leave --hash out"),
        ("leave digits out", "leave --digits out"),
        ("leave period out", "leave --period out"),
    ]
    .iter()
    .fold(words, |words, (said, typed)| words.replace(said, typed))
}

/// The service's words for what was typed; the file last, whose name may be any of them.
fn flags(file: &str) -> [(&'static str, &str); 5] {
    [
        ("the key: ", "--key-file: "),
        ("give the key", "give the key (--key-file FILE)"),
        ("give the password", "give the password (--password-file FILE)"),
        ("allow_short_secrets", "--allow-short-secrets"),
        ("the file: ", file),
    ]
}
