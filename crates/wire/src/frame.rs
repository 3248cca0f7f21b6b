//! Frames: payload and CRC-32, stuffed so that no byte of it is zero (COBS), between zeroes.

use crc::{CRC_32_ISO_HDLC, Crc, NoTable};

/// The longest payload of a frame.
pub const PAYLOAD_MAX_LEN_BYTES: usize = 224;
/// The longest frame with the zeroes around it.
pub const FRAME_MAX_LEN_BYTES: usize = STUFFED_MAX_LEN_BYTES + 2;

const CHECK_LEN_BYTES: usize = 4;
// Stuffing adds one byte up to 254.
const STUFFED_MAX_LEN_BYTES: usize = PAYLOAD_MAX_LEN_BYTES + CHECK_LEN_BYTES + 1;
const _: () = assert!(PAYLOAD_MAX_LEN_BYTES + CHECK_LEN_BYTES <= 254);

// Without a table: a frame is short, and a table is 1 KiB of a token's flash.
const CRC: Crc<u32, NoTable> = Crc::<u32, NoTable>::new(&CRC_32_ISO_HDLC);

/// Bytes ready for the line.
#[derive(Clone)]
pub struct Frame {
    bytes: [u8; FRAME_MAX_LEN_BYTES],
    len: usize,
}

/// The error of bytes that are no frame. The line is noisy, or the other end speaks something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// More bytes than a frame has before the next zero.
    TooLong,
    /// The stuffing or the check does not fit.
    Broken,
}

/// The payload of a frame.
#[derive(Debug)]
pub struct Payload<'a> {
    /// To be decrypted and read in place.
    pub bytes: &'a mut [u8],
    /// Tells one frame from the next.
    pub check: u32,
}

impl Frame {
    /// A frame with nothing to send.
    pub const EMPTY: Self = Self {
        bytes: [0; FRAME_MAX_LEN_BYTES],
        len: 0,
    };

    /// The frame of this payload; `None` when it is too long.
    pub fn of(payload: &[u8]) -> Option<Self> {
        let mut plain = [0; PAYLOAD_MAX_LEN_BYTES + CHECK_LEN_BYTES];
        let len = payload.len();
        plain.get_mut(..len)?.copy_from_slice(payload);
        let checked = plain.get_mut(..len + CHECK_LEN_BYTES)?;
        checked[len..].copy_from_slice(&CRC.checksum(payload).to_le_bytes());
        let mut frame = Self::EMPTY;
        // The zero before it ends whatever noise the line has had.
        let stuffed = cobs::try_encode(checked, &mut frame.bytes[1..=STUFFED_MAX_LEN_BYTES]).ok()?;
        frame.len = stuffed + 2;
        Some(frame)
    }

    /// Its bytes for the line.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

/// Collects received bytes into frames.
pub struct Receiver {
    bytes: [u8; STUFFED_MAX_LEN_BYTES],
    len: usize,
}

impl Receiver {
    /// Begins to listen.
    pub const fn new() -> Self {
        Self {
            bytes: [0; STUFFED_MAX_LEN_BYTES],
            len: 0,
        }
    }

    /// Takes the next byte; says something at the end of a frame, or of what should have been one.
    pub fn push(&mut self, byte: u8) -> Option<Result<Payload<'_>, FrameError>> {
        if byte != 0 {
            if let Some(place) = self.bytes.get_mut(self.len) {
                *place = byte;
            }
            // One beyond the end stands for all that do not fit.
            self.len = (self.len + 1).min(STUFFED_MAX_LEN_BYTES + 1);
            return None;
        }
        match core::mem::take(&mut self.len) {
            0 => None,
            len => Some(match self.bytes.get_mut(..len) {
                Some(stuffed) => payload(stuffed),
                None => Err(FrameError::TooLong),
            }),
        }
    }
}

impl Default for Receiver {
    fn default() -> Self {
        Self::new()
    }
}

fn payload(stuffed: &mut [u8]) -> Result<Payload<'_>, FrameError> {
    let len = cobs::decode_in_place(stuffed).map_err(|_| FrameError::Broken)?;
    let checked = stuffed.get_mut(..len).ok_or(FrameError::Broken)?;
    let (bytes, check) = checked
        .split_last_chunk_mut::<CHECK_LEN_BYTES>()
        .ok_or(FrameError::Broken)?;
    let check = u32::from_le_bytes(*check);
    if CRC.checksum(bytes) == check {
        Ok(Payload { bytes, check })
    } else {
        Err(FrameError::Broken)
    }
}
