use token::{FACTORY_SEED_LEN_BYTES, PAGE_LEN_BYTES, PortError, Storage};

use crate::{ClockSetting, Kept, blank_image, file::within};

/// The damage to a page after the power went while it was written, beyond the bytes that were written before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// What it held: the write is cut short.
    None,
    /// Zeroes.
    Zeroes,
    /// Ones, as erased memory has.
    Ones,
    /// Noise, made of this.
    Noise(u64),
}

/// A storage in memory whose power goes when it is told to.
///
/// It counts the bytes it writes. After [`cut_after`](Self::cut_after) so many more, the write that is under way is torn
/// as the contract of [`Storage`] allows at the worst, and nothing works until [`restore`](Self::restore).
#[derive(Clone)]
pub struct TornStorage {
    bytes: Vec<u8>,
    clock: Option<ClockSetting>,
    written: u64,
    cut: Option<(u64, Damage)>,
    has_power: bool,
}

impl TornStorage {
    /// A storage as it leaves the factory.
    pub fn blank(factory_seed: &[u8; FACTORY_SEED_LEN_BYTES]) -> Self {
        Self {
            bytes: blank_image(factory_seed),
            clock: None,
            written: 0,
            cut: None,
            has_power: true,
        }
    }

    /// The power goes once so many more bytes are written: with 0 before the first byte of the next write.
    pub fn cut_after(&mut self, bytes: u64, damage: Damage) {
        self.cut = Some((self.written + bytes, damage));
    }

    /// The number of bytes written so far, for a test that cuts at each of them.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// True if the power is still there.
    pub fn has_power(&self) -> bool {
        self.has_power
    }

    /// The power comes back, for good unless it is cut again.
    pub fn restore(&mut self) {
        self.has_power = true;
        self.cut = None;
    }

    /// All its bytes, as a thief with a probe would read them.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl Storage for TornStorage {
    fn read(&mut self, address: u16, into: &mut [u8]) -> Result<(), PortError> {
        let place = within(address, into.len())?;
        if !self.has_power {
            return Err(PortError);
        }
        into.copy_from_slice(&self.bytes[place]);
        Ok(())
    }

    fn write(&mut self, address: u16, bytes: &[u8]) -> Result<(), PortError> {
        let place = within(address, bytes.len())?;
        if !self.has_power {
            return Err(PortError);
        }
        let torn = self.cut.and_then(|(at, damage)| {
            let left = usize::try_from(at.saturating_sub(self.written)).ok()?;
            (left < bytes.len()).then_some((left, damage))
        });
        let Some((whole, damage)) = torn else {
            self.bytes[place].copy_from_slice(bytes);
            self.written += bytes.len() as u64;
            return Ok(());
        };
        let reached = place.start + whole;
        self.bytes[place.start..reached].copy_from_slice(&bytes[..whole]);
        // The page that is being written, all of it; those behind it are not begun.
        let page = usize::from(PAGE_LEN_BYTES);
        let spoiled = reached / page * page..(reached / page + 1) * page;
        match damage {
            Damage::None => {}
            Damage::Zeroes => self.bytes[spoiled].fill(0),
            Damage::Ones => self.bytes[spoiled].fill(0xFF),
            Damage::Noise(seed) => self.bytes[spoiled]
                .iter_mut()
                .zip(noise(seed))
                .for_each(|(b, n)| *b = n),
        }
        self.has_power = false;
        Err(PortError)
    }
}

/// xorshift64*: noise that is the same each time.
fn noise(seed: u64) -> impl Iterator<Item = u8> {
    let mut state = seed | 1;
    std::iter::repeat_with(move || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        (state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 56) as u8
    })
}

impl Kept for TornStorage {
    fn clock_setting(&mut self) -> Result<Option<ClockSetting>, PortError> {
        Ok(self.clock)
    }

    fn keep_clock_setting(&mut self, setting: ClockSetting) -> Result<(), PortError> {
        if !self.has_power {
            return Err(PortError);
        }
        self.clock = Some(setting);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(storage: &mut TornStorage, address: u16, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        storage.read(address, &mut bytes).unwrap();
        bytes
    }

    #[test]
    fn a_cut_tears_the_write_under_way_and_nothing_before_or_behind_its_page() {
        let mut storage = TornStorage::blank(&[7; 32]);
        storage.write(96, &[1; 32]).unwrap();
        storage.write(160, &[9; 32]).unwrap();
        storage.cut_after(40, Damage::Zeroes);
        // 32 bytes of the first page, 8 of the second, nothing of the third.
        assert_eq!(storage.write(96, &[2; 70]), Err(PortError));
        assert!(!storage.has_power());
        assert_eq!(storage.read(0, &mut [0; 1]), Err(PortError));
        storage.restore();
        assert_eq!(read(&mut storage, 96, 32), [2; 32]);
        assert_eq!(read(&mut storage, 128, 32), [0; 32]);
        assert_eq!(read(&mut storage, 160, 32), [9; 32]);
        assert_eq!(read(&mut storage, 0, 32), [7; 32]);
    }

    #[test]
    fn without_damage_a_write_is_cut_short() {
        let mut storage = TornStorage::blank(&[7; 32]);
        storage.cut_after(3, Damage::None);
        assert_eq!(storage.write(64, &[5; 8]), Err(PortError));
        storage.restore();
        assert_eq!(read(&mut storage, 64, 8), [5, 5, 5, 255, 255, 255, 255, 255]);
        storage.write(64, &[6; 8]).unwrap();
        assert_eq!(storage.written(), 8);
    }
}
