//! Authy's tokens as its server gives them to the app, and as others' tools save them, since Authy itself exports none:
//! `{authenticator_tokens: [{name, encrypted_seed, salt, key_derivation_iterations, unique_iv, …}]}`, each under a key of its own
//! of the backup password (PBKDF2 with HMAC-SHA-1, AES-256-CBC, no MAC); or decrypted, `{decrypted_authenticator_tokens: […]}`.

use data_encoding::{BASE64, HEXLOWER_PERMISSIVE};
use enroll::base32;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::claim::{Claim, Reason};
use super::decrypt::{TOO_DEAR, aes_cbc, pbkdf2_sha1};
use super::error::ImportError;
use super::importer::Importer;
use super::json::{RawList, number, parse, push_all};
use super::receipt::{Export, Format, Place, Protection};

const FORMAT: Format = Format::Authy;

/// Of accounts before Authy said them.
const FIRST_ITERATIONS: i64 = 1_000;
/// For all tokens of a file: 200 of today's 100,000.
const MAX_ITERATIONS: u64 = 20_000_000;

#[derive(Deserialize)]
struct File<'a> {
    #[serde(borrow)]
    authenticator_tokens: Option<RawList<'a>>,
    #[serde(borrow)]
    decrypted_authenticator_tokens: Option<RawList<'a>>,
}

#[derive(Deserialize)]
struct Token {
    name: Option<String>,
    original_name: Option<String>,
    issuer: Option<String>,
    #[serde(default, deserialize_with = "number")]
    digits: Option<i64>,
    encrypted_seed: Option<String>,
    salt: Option<String>,
    /// Hexadecimal; zeros before Authy had it.
    unique_iv: Option<String>,
    #[serde(default, deserialize_with = "number")]
    key_derivation_iterations: Option<i64>,
    decrypted_seed: Option<Zeroizing<String>>,
}

pub(super) const IMPORTER: Importer = Importer {
    is_one: |content| {
        content.object().is_some_and(|file| {
            file.any_in("authenticator_tokens", |token| {
                token.has_all(&["encrypted_seed", "salt"])
            }) || file.any_in("decrypted_authenticator_tokens", |token| token.has("decrypted_seed"))
        })
    },
    read: |content, password| read(content.text, password),
};

fn read(text: &str, password: Option<&[u8]>) -> Result<Export, ImportError> {
    let file: File<'_> = parse(FORMAT, text)?;
    let is_none = |tokens: &RawList<'_>| tokens.0.is_empty();
    let decrypted = file.decrypted_authenticator_tokens.filter(|tokens| !is_none(tokens));
    let encrypted = file.authenticator_tokens.unwrap_or(RawList(Vec::new()));
    match decrypted {
        Some(_) if !is_none(&encrypted) => Err(ImportError::Unsupported(
            FORMAT,
            "it has a list of encrypted tokens and one of decrypted ones: make a file of each",
        )),
        Some(tokens) => {
            let mut export = Export::new(FORMAT, Protection::InTheClear);
            push_all(&mut export, tokens, |mut token: Token| {
                let seed = token.decrypted_seed.take();
                Ok(token.with(seed))
            });
            Ok(export)
        }
        None => open_all(encrypted, password),
    }
}

fn open_all(tokens: RawList<'_>, password: Option<&[u8]>) -> Result<Export, ImportError> {
    let password = password.ok_or(ImportError::Locked(FORMAT))?;
    let read = |token: &serde_json::value::RawValue| serde_json::from_str(token.get()).map_err(|_| Reason::Shape);
    let tokens: Vec<Result<Token, Reason>> = tokens.0.into_iter().map(read).collect();
    let iterations = tokens.iter().flatten().map(Token::iterations).map(u64::from);
    if iterations.sum::<u64>() > MAX_ITERATIONS {
        return Err(TOO_DEAR);
    }
    let mut export = Export::new(FORMAT, Protection::Encrypted);
    for (index, token) in tokens.into_iter().enumerate() {
        let claim = token.and_then(|token| {
            let seed = token.open(password)?;
            Ok(token.with(Some(seed)))
        });
        export.push(Place::Entry(index + 1), claim);
    }
    // Some may be under an older password; a wrong one opens none.
    let is_other = |refused: &super::Refused| refused.reason == Reason::OtherPassword;
    match export.came().is_empty() && export.refused().iter().any(is_other) {
        true => Err(ImportError::WrongPassword(FORMAT)),
        false => Ok(export),
    }
}

impl Token {
    fn iterations(&self) -> u32 {
        let iterations = self.key_derivation_iterations.unwrap_or(FIRST_ITERATIONS);
        u32::try_from(iterations).unwrap_or(u32::MAX)
    }

    /// The seed in base32. Nothing but its letters shows that the password is right.
    fn open(&self, password: &[u8]) -> Result<Zeroizing<String>, Reason> {
        let (Some(sealed), Some(salt)) = (&self.encrypted_seed, &self.salt) else {
            return Err(Reason::NoSecret);
        };
        let sealed = BASE64.decode(sealed.trim().as_bytes()).map_err(|_| Reason::Shape)?;
        let iv = match self.unique_iv.as_deref().map(str::trim) {
            None | Some("") => vec![0; 16],
            Some(iv) => HEXLOWER_PERMISSIVE.decode(iv.as_bytes()).map_err(|_| Reason::Shape)?,
        };
        let key = pbkdf2_sha1(password, salt.as_bytes(), self.iterations()).map_err(|_| Reason::Shape)?;
        let seed = aes_cbc(&key, &iv, &sealed).ok_or(Reason::OtherPassword)?;
        let seed = str::from_utf8(&seed).map_err(|_| Reason::OtherPassword)?;
        match base32::decode_as_apps(seed) {
            Ok(_) => Ok(Zeroizing::new(seed.to_owned())),
            Err(_) => Err(Reason::OtherPassword),
        }
    }

    fn with(self, seed: Option<Zeroizing<String>>) -> Claim {
        let given = |name: Option<String>| name.filter(|name| !name.trim().is_empty());
        let name = given(self.name).or(self.original_name).unwrap_or_default();
        let (issuer, account) = match (given(self.issuer), name.split_once(':')) {
            (None, Some((issuer, account))) => (Some(issuer.to_owned()), account.to_owned()),
            (issuer, _) => (issuer, name),
        };
        Claim {
            digits: self.digits,
            ..Claim::new("totp", issuer, Some(account)).with_base32(seed)
        }
    }
}
