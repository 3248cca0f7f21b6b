//! `KeyContainer`, out.

use std::io;

use data_encoding::BASE64;
use enroll::SecretBuffer;
use otp::Algorithm;
use pbkdf2::pbkdf2_hmac;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::cipher::{AES_BLOCK_LEN, Cipher};
use super::encryption_key::{MAX_PBKDF2_ITERATIONS, MIN_PBKDF2_ITERATIONS};
use super::mac::hmac_sha256;
use super::names::{
    DS, HMAC_SHA256, HOTP, MANAGEMENT_KEY, MANAGEMENT_KEY_NAMESPACE, PBKDF2, PKCS5, PSKC, TOTP, XENC, XENC11,
};
use crate::seed::is_presentable;
use crate::zeros::zeros;
use crate::{Moving, Seed, WriteError, date};

const SALT_LEN: usize = 16;
/// The length of the MAC's key, that of its hash (RFC 2104 section 3).
const MAC_KEY_LEN: usize = 32;
/// The longest of AES, for keys that are derived.
const DERIVED_KEY_LEN: usize = 32;
/// More than a token takes, so that a plain file is seldom moved.
const TOKEN_LEN: usize = 2048;

/// The protection of a container that is written.
pub enum Protect<'a> {
    /// By a key that its reader has already, of 16, 24 or 32 bytes.
    Key {
        /// The key, which is the caller's to wipe.
        key: &'a [u8],
        /// What reader and writer call it: `EncryptionKey/KeyName`.
        name: Option<&'a str>,
    },
    /// By a password, through PBKDF2 with HMAC-SHA-256.
    Password {
        /// The password, which is the caller's to wipe.
        password: &'a [u8],
        /// How many iterations; see [`DEFAULT_PBKDF2_ITERATIONS`](super::DEFAULT_PBKDF2_ITERATIONS).
        iterations: u32,
    },
}

/// Writes a container whose secrets and management keys are encrypted by AES in CBC mode and authenticated by
/// HMAC-SHA-256 under a key of its own (RFC 6030 section 6). Everything else in it is readable.
///
/// `entropy` has to fill every slice that it is handed from a cryptographic source: the salt, the MAC's key, and one
/// initialisation vector for each value.
///
/// # Errors
/// [`WriteError`] for a token that cannot be written without loss, an unfit key or password, or where `entropy` fails.
pub fn write_encrypted<'a, E>(
    seeds: impl IntoIterator<Item = &'a Seed>,
    protect: &Protect<'_>,
    mut entropy: impl FnMut(&mut [u8]) -> Result<(), E>,
) -> Result<Vec<u8>, WriteError<E>> {
    let mut random = |bytes: &mut [u8]| entropy(bytes).map_err(WriteError::Entropy);
    let mut salt = [0; SALT_LEN];
    let key = match protect {
        Protect::Key { key, name } => {
            if name.is_some_and(|name| !is_presentable(name)) {
                return Err(unfit(
                    name.unwrap_or_default(),
                    "the key's name has control characters or is too long",
                ));
            }
            Zeroizing::new(key.to_vec())
        }
        Protect::Password { password: [], .. } => return Err(WriteError::EmptyPassword),
        Protect::Password { password, iterations } => {
            if !(MIN_PBKDF2_ITERATIONS..=MAX_PBKDF2_ITERATIONS).contains(iterations) {
                return Err(WriteError::Iterations);
            }
            random(&mut salt)?;
            let mut key = zeros(DERIVED_KEY_LEN);
            pbkdf2_hmac::<Sha256>(password, &salt, *iterations, &mut key);
            key
        }
    };
    let cipher = Cipher::for_key(&key).ok_or(WriteError::KeyLength)?;
    let mut mac_key = zeros(MAC_KEY_LEN);
    random(&mut mac_key)?;

    let mut encrypt = |value: &[u8]| {
        let mut iv = [0; AES_BLOCK_LEN];
        random(&mut iv)?;
        cipher.encrypt(&key, &iv, value).ok_or(WriteError::KeyLength)
    };
    let encrypted_mac_key = encrypt(&mac_key)?;
    let mut file = File::begin()?;
    file.attributes = vec![("xmlns:ds", DS), ("xmlns:xenc", XENC)];
    if let Protect::Password { .. } = protect {
        file.attributes
            .extend([("xmlns:xenc11", XENC11), ("xmlns:pkcs5", PKCS5)]);
    }
    file.container(
        seeds,
        |file| {
            file.encryption_key(protect, &salt)?;
            file.nested("MACMethod", &[("Algorithm", HMAC_SHA256)], |file| {
                file.nested("MACKey", &[], |file| file.encrypted(cipher, &encrypted_mac_key))
            })
        },
        |file, value| {
            let encrypted = encrypt(value)?;
            file.nested("EncryptedValue", &[], |file| file.encrypted(cipher, &encrypted))?;
            file.text("ValueMAC", &BASE64.encode(&hmac_sha256(&mac_key, &encrypted)))
        },
    )?;
    Ok(std::mem::take(&mut *file.end()))
}

/// Writes a container with every secret in the clear. Whoever sees the file has the tokens; it is for programs that can
/// read nothing else, over a way that is protected otherwise.
///
/// # Errors
/// [`WriteError`] for a token that cannot be written without loss.
pub fn write_pskc_in_the_clear<'a>(
    seeds: impl IntoIterator<Item = &'a Seed>,
) -> Result<Zeroizing<Vec<u8>>, WriteError<std::convert::Infallible>> {
    let mut file = File::begin()?;
    file.container(
        seeds,
        |_| Ok(()),
        |file, value| {
            let mut text = zeros(BASE64.encode_len(value.len()));
            BASE64.encode_mut(value, &mut text);
            file.text("PlainValue", str::from_utf8(&text).unwrap_or_default())
        },
    )?;
    Ok(file.end())
}

fn unfit<E>(serial_number: &str, why: &'static str) -> WriteError<E> {
    WriteError::Unfit {
        serial_number: crate::xml::shown(serial_number),
        why,
    }
}

/// The property of a token that the format cannot carry without loss.
fn obstacle(seed: &Seed) -> Option<&'static str> {
    let names = [&seed.manufacturer, &seed.model, &seed.key_id, &seed.issuer, &seed.label];
    if !is_presentable(&seed.serial_number) || names.into_iter().flatten().any(|name| !is_presentable(name)) {
        return Some("a name is empty, longer than 1024 bytes, or has control characters or blanks around it");
    }
    if seed.key_id.as_ref() == Some(&seed.serial_number) {
        return Some("its key id repeats its serial number");
    }
    if matches!(seed.moving, Moving::Counter { counter } if i64::try_from(counter).is_err()) {
        return Some("its counter is above 2^63 - 1, the most that RFC 6030 has room for");
    }
    let moments = [seed.starts_at_s, seed.expires_at_s];
    if moments
        .into_iter()
        .flatten()
        .any(|moment| date::format(moment).is_none())
    {
        return Some("a date is outside the years 1 to 9999");
    }
    None
}

/// A file as it is written. Writing into memory cannot fail, so the only errors are those of tokens.
struct File<E> {
    writer: Writer<SecretBuffer>,
    /// Of the container, beside its own.
    attributes: Vec<(&'static str, &'static str)>,
    error: std::marker::PhantomData<E>,
}

type Written<E> = Result<(), WriteError<E>>;

impl<E> File<E> {
    fn begin() -> Result<Self, WriteError<E>> {
        let mut file = Self {
            writer: Writer::new_with_indent(SecretBuffer::with_capacity(TOKEN_LEN), b' ', 2),
            attributes: Vec::new(),
            error: std::marker::PhantomData,
        };
        file.event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        Ok(file)
    }

    fn end(self) -> Zeroizing<Vec<u8>> {
        let mut wiped = self.writer.into_inner();
        wiped.push(b"\n");
        wiped.into_bytes()
    }

    fn container<'a>(
        &mut self,
        seeds: impl IntoIterator<Item = &'a Seed>,
        head: impl FnOnce(&mut Self) -> Written<E>,
        mut secret: impl FnMut(&mut Self, &[u8]) -> Written<E>,
    ) -> Written<E> {
        let mut seeds = seeds.into_iter().peekable();
        if seeds.peek().is_none() {
            return Err(WriteError::Nothing);
        }
        let mut attributes = vec![("Version", "1.0"), ("xmlns", PSKC)];
        attributes.append(&mut self.attributes);
        self.nested("KeyContainer", &attributes, |file| {
            head(file)?;
            for seed in seeds {
                if let Some(why) = obstacle(seed) {
                    return Err(unfit(&seed.serial_number, why));
                }
                file.nested("KeyPackage", &[], |file| {
                    file.nested("DeviceInfo", &[], |file| {
                        file.optional("Manufacturer", seed.manufacturer.as_deref())?;
                        file.text("SerialNo", &seed.serial_number)?;
                        file.optional("Model", seed.model.as_deref())
                    })?;
                    file.key(seed, &mut secret)
                })?;
            }
            Ok(())
        })
    }

    fn encryption_key(&mut self, protect: &Protect<'_>, salt: &[u8]) -> Written<E> {
        match protect {
            Protect::Key { name: None, .. } => Ok(()),
            Protect::Key { name: Some(name), .. } => {
                self.nested("EncryptionKey", &[], |file| file.text("ds:KeyName", name))
            }
            Protect::Password { iterations, .. } => self.nested("EncryptionKey", &[], |file| {
                file.nested("xenc11:DerivedKey", &[], |file| {
                    file.nested("xenc11:KeyDerivationMethod", &[("Algorithm", PBKDF2)], |file| {
                        file.nested("pkcs5:PBKDF2-params", &[], |file| {
                            // RFC 6030 figure 7 leaves these in no namespace, and readers look for them there.
                            file.nested("Salt", &[("xmlns", "")], |file| {
                                file.text("Specified", &BASE64.encode(salt))
                            })?;
                            file.bare("IterationCount", &iterations.to_string())?;
                            file.bare("KeyLength", &DERIVED_KEY_LEN.to_string())?;
                            file.empty("PRF", &[("xmlns", ""), ("Algorithm", HMAC_SHA256)])
                        })
                    })
                })
            }),
        }
    }

    fn key(&mut self, seed: &Seed, secret: &mut impl FnMut(&mut Self, &[u8]) -> Written<E>) -> Written<E> {
        let algorithm = match seed.moving {
            Moving::Time { .. } => TOTP,
            Moving::Counter { .. } => HOTP,
        };
        let id = seed.key_id.as_deref().unwrap_or(&seed.serial_number);
        self.nested("Key", &[("Id", id), ("Algorithm", algorithm)], |file| {
            file.optional("Issuer", seed.issuer.as_deref())?;
            file.nested("AlgorithmParameters", &[], |file| {
                match seed.algorithm {
                    Algorithm::Sha1 => {}
                    Algorithm::Sha256 => file.text("Suite", "HMAC-SHA256")?,
                    Algorithm::Sha512 => file.text("Suite", "HMAC-SHA512")?,
                }
                let length = seed.digits.get().to_string();
                file.empty("ResponseFormat", &[("Length", &length), ("Encoding", "DECIMAL")])
            })?;
            file.optional("FriendlyName", seed.label.as_deref())?;
            file.nested("Data", &[], |file| {
                file.nested("Secret", &[], |file| secret(file, seed.secret.expose_secret()))?;
                match seed.moving {
                    Moving::Counter { counter } => file.plain_number("Counter", counter),
                    Moving::Time { period, drift_steps } => {
                        file.plain_number("Time", 0)?;
                        file.plain_number("TimeInterval", period.get_s())?;
                        match drift_steps {
                            0 => Ok(()),
                            steps => file.plain_number("TimeDrift", steps),
                        }
                    }
                }
            })?;
            if seed.starts_at_s.is_some() || seed.expires_at_s.is_some() {
                file.nested("Policy", &[], |file| {
                    file.optional("StartDate", seed.starts_at_s.and_then(date::format).as_deref())?;
                    file.optional("ExpiryDate", seed.expires_at_s.and_then(date::format).as_deref())
                })?;
            }
            let Some(management_key) = &seed.management_key else {
                return Ok(());
            };
            file.nested("Extensions", &[], |file| {
                let name = format!("cs:{MANAGEMENT_KEY}");
                file.nested(&name, &[("xmlns:cs", MANAGEMENT_KEY_NAMESPACE)], |file| {
                    secret(file, management_key.expose_secret())
                })
            })
        })
    }

    /// `xenc:EncryptedDataType`.
    fn encrypted(&mut self, cipher: Cipher, value: &[u8]) -> Written<E> {
        self.empty("xenc:EncryptionMethod", &[("Algorithm", &cipher.uri())])?;
        self.nested("xenc:CipherData", &[], |file| {
            file.text("xenc:CipherValue", &BASE64.encode(value))
        })
    }

    fn plain_number(&mut self, name: &str, number: impl ToString) -> Written<E> {
        self.nested(name, &[], |file| file.text("PlainValue", &number.to_string()))
    }

    fn optional(&mut self, name: &str, text: Option<&str>) -> Written<E> {
        text.map_or(Ok(()), |text| self.text(name, text))
    }

    fn nested(
        &mut self,
        name: &str,
        attributes: &[(&str, &str)],
        content: impl FnOnce(&mut Self) -> Written<E>,
    ) -> Written<E> {
        let start = quick_xml::events::BytesStart::new(name).with_attributes(attributes.iter().copied());
        self.event(Event::Start(start.borrow()))?;
        content(self)?;
        self.event(Event::End(start.to_end()))
    }

    fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) -> Written<E> {
        let start = quick_xml::events::BytesStart::new(name).with_attributes(attributes.iter().copied());
        self.event(Event::Empty(start))
    }

    fn text(&mut self, name: &str, text: &str) -> Written<E> {
        self.nested(name, &[], |file| file.event(Event::Text(BytesText::new(text))))
    }

    /// An element in no namespace.
    fn bare(&mut self, name: &str, text: &str) -> Written<E> {
        self.nested(name, &[("xmlns", "")], |file| {
            file.event(Event::Text(BytesText::new(text)))
        })
    }

    fn event(&mut self, event: Event<'_>) -> Written<E> {
        // `SecretBuffer` takes everything; quick-xml has no error of its own here.
        let written: io::Result<()> = self.writer.write_event(event);
        debug_assert!(written.is_ok());
        Ok(())
    }
}
