//! Associated data of sealed secrets: the record that each is bound to.

use otp::{Algorithm, Parameters, Secret};
use store::{Device, Enrollment, Id, Owner, Sealed, Token, UnboundToken};
use verify::{Credential, Kind};

use crate::ports::{PortError, Sealer};

/// The record that a sealed secret is bound to; it opens for no other.
pub(crate) struct Record<'a> {
    pub(crate) table: &'static str,
    pub(crate) owner: &'a Owner,
    pub(crate) id: Id,
    pub(crate) kind: Kind,
    pub(crate) parameters: Parameters,
}

impl<'a> Record<'a> {
    pub(crate) fn of_device(device: &'a Device) -> Self {
        Self {
            table: "device",
            owner: &device.owner,
            id: device.id,
            kind: device.kind,
            parameters: device.parameters,
        }
    }

    pub(crate) fn of_enrollment(enrollment: &'a Enrollment) -> Self {
        Self {
            table: "enrollment",
            owner: &enrollment.owner,
            id: enrollment.id,
            kind: enrollment.kind,
            parameters: enrollment.parameters,
        }
    }

    /// Every part with its length before it, so that no two records read the same.
    fn bytes(&self) -> Vec<u8> {
        let parts = [
            self.table.as_bytes(),
            self.owner.account.as_bytes(),
            self.owner.user.as_bytes(),
            self.id.as_bytes(),
        ];
        described(&parts, self.kind, self.parameters)
    }

    pub(crate) fn seal(&self, sealer: &dyn Sealer, secret: &Secret) -> Result<Sealed, PortError> {
        sealer.seal(&self.bytes(), secret)
    }

    pub(crate) fn open(&self, sealer: &dyn Sealer, sealed: &Sealed) -> Result<Secret, PortError> {
        sealer.open(&self.bytes(), sealed)
    }

    /// The secret, keyed and ready to judge.
    pub(crate) fn credential(&self, sealer: &dyn Sealer, sealed: &Sealed) -> Result<Credential, PortError> {
        Ok(Credential::new(self.open(sealer, sealed)?, self.parameters, self.kind))
    }
}

fn described(parts: &[&[u8]], kind: Kind, parameters: Parameters) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(128);
    for part in parts {
        bytes.extend((part.len() as u32).to_be_bytes());
        bytes.extend(*part);
    }
    bytes.push(match kind {
        Kind::Virtual => 0,
        Kind::Hardware => 1,
    });
    bytes.push(match parameters.algorithm {
        Algorithm::Sha1 => 0,
        Algorithm::Sha256 => 1,
        Algorithm::Sha512 => 2,
    });
    bytes.push(parameters.digits.get());
    bytes.extend(parameters.period.get_s().to_be_bytes());
    bytes
}

/// The token that a secret of the inventory is bound to, with the secret it has now.
pub(crate) struct TokenRecord<'a> {
    table: &'static str,
    serial_number: &'a str,
    id: Id,
    parameters: Parameters,
}

impl<'a> TokenRecord<'a> {
    /// Associated data of the secret that makes its codes.
    pub(crate) fn secret(serial_number: &'a str, id: Id, parameters: Parameters) -> Self {
        Self {
            table: "token",
            serial_number,
            id,
            parameters,
        }
    }

    /// Associated data of the management key, which sets its clock.
    pub(crate) fn management(serial_number: &'a str, id: Id, parameters: Parameters) -> Self {
        Self {
            table: "token_management",
            ..Self::secret(serial_number, id, parameters)
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let parts = [self.table.as_bytes(), self.serial_number.as_bytes(), self.id.as_bytes()];
        described(&parts, Kind::Hardware, self.parameters)
    }

    pub(crate) fn seal(&self, sealer: &dyn Sealer, secret: &Secret) -> Result<Sealed, PortError> {
        sealer.seal(&self.bytes(), secret)
    }

    fn open(&self, sealer: &dyn Sealer, sealed: &Sealed) -> Result<Secret, PortError> {
        sealer.open(&self.bytes(), sealed)
    }
}

/// The secret of a token that nobody has bound. Of any other there is none in the inventory.
pub(crate) fn secret_of_token(token: &Token, sealer: &dyn Sealer) -> Result<Secret, PortError> {
    let sealed = token.state.sealed().ok_or(PortError::DoesNotOpen)?;
    TokenRecord::secret(&token.serial_number, token.id, token.parameters).open(sealer, sealed)
}

/// The same of a token that was not read further.
pub(crate) fn secret_of_unbound(token: &UnboundToken<'_>, sealer: &dyn Sealer) -> Result<Secret, PortError> {
    TokenRecord::secret(token.serial_number, token.id, token.parameters).open(sealer, token.sealed)
}

/// The key that sets a token's clock, where there is one.
pub(crate) fn management_key_of(token: &Token, sealer: &dyn Sealer) -> Result<Option<Secret>, PortError> {
    let record = TokenRecord::management(&token.serial_number, token.id, token.parameters);
    token
        .management
        .as_ref()
        .map(|sealed| record.open(sealer, sealed))
        .transpose()
}

/// The credential of a bound device.
pub(crate) fn credential_of(device: &Device, sealer: &dyn Sealer) -> Result<Credential, PortError> {
    Record::of_device(device).credential(sealer, &device.sealed)
}
