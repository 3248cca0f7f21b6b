//! The message of Google Authenticator's transfer, one a QR code. Its definition was never published; the field numbers are
//! those that its apps exchange.

use prost::Message;
use zeroize::Zeroize;

/// One part of an export to several QR codes.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Part {
    #[prost(message, repeated, tag = "1")]
    pub(crate) entries: Vec<Parameters>,
    #[prost(int32, tag = "2")]
    pub(crate) version: i32,
    #[prost(int32, tag = "3")]
    pub(crate) batch_size: i32,
    #[prost(int32, tag = "4")]
    pub(crate) batch_index: i32,
    #[prost(int32, tag = "5")]
    pub(crate) batch_id: i32,
}

/// One entry.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Parameters {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) secret: Vec<u8>,
    #[prost(string, tag = "2")]
    pub(crate) name: String,
    #[prost(string, tag = "3")]
    pub(crate) issuer: String,
    #[prost(int32, tag = "4")]
    pub(crate) algorithm: i32,
    #[prost(int32, tag = "5")]
    pub(crate) digits: i32,
    #[prost(int32, tag = "6")]
    pub(crate) kind: i32,
    #[prost(int64, tag = "7")]
    pub(crate) counter: i64,
}

pub(crate) const SHA1: i32 = 1;
pub(crate) const SHA256: i32 = 2;
pub(crate) const SHA512: i32 = 3;
pub(crate) const MD5: i32 = 4;

pub(crate) const SIX_DIGITS: i32 = 1;
pub(crate) const EIGHT_DIGITS: i32 = 2;

pub(crate) const HOTP: i32 = 1;
pub(crate) const TOTP: i32 = 2;

impl Drop for Parameters {
    fn drop(&mut self) {
        self.secret.zeroize();
    }
}
