//! The secrets of webhooks: made, sealed, rotated.

use data_encoding::BASE64;
use otp::Secret;
use store::{Id, Webhook, WebhookSecret};
use verify::UnixMs;
use zeroize::Zeroizing;

use crate::{Core, PortError, ServiceError, ports::Sealer};

const BYTES: usize = 32;
/// As Standard Webhooks writes secrets.
const PREFIX: &str = "whsec_";

/// A new secret of this number: for its bearer, and for us.
pub(crate) fn new_secret(
    core: &Core,
    webhook: Id,
    number: u32,
) -> Result<(Zeroizing<String>, WebhookSecret), ServiceError> {
    let secret = Secret::try_fill_with(BYTES, |bytes| core.entropy.fill(bytes));
    let secret = secret.map_err(|error| ServiceError::Internal(error.to_string()))??;
    // Room for all of it at once, so that no copy is left behind by growing.
    let mut text = Zeroizing::new(String::with_capacity(PREFIX.len() + BASE64.encode_len(BYTES)));
    text.push_str(PREFIX);
    BASE64.encode_append(secret.expose_secret(), &mut text);
    let sealed = core.sealer.seal(&bound_to(webhook, number), &secret)?;
    let kept = WebhookSecret {
        number,
        sealed,
        until: None,
    };
    Ok((text, kept))
}

/// The secrets that sign at this time, the newest first.
pub(crate) fn signing(sealer: &dyn Sealer, webhook: &Webhook, now: UnixMs) -> Result<Vec<Secret>, PortError> {
    let living = webhook
        .secrets
        .iter()
        .filter(|secret| secret.until.is_none_or(|until| now < until));
    living
        .map(|secret| sealer.open(&bound_to(webhook.id, secret.number), &secret.sealed))
        .collect()
}

fn bound_to(webhook: Id, number: u32) -> Vec<u8> {
    [b"webhook\0", &webhook.as_bytes()[..], &number.to_be_bytes()].concat()
}
