use core::mem;

use crc::{CRC_32_ISO_HDLC, Crc, NoTable};
use embedded_storage::nor_flash::NorFlash;
use token::{PAGE_LEN_BYTES, PortError, STORAGE_LEN_BYTES};

/// The storage that an application asks for, over flash that forgets only by large pages.
///
/// The flash is two banks. The one in use is a journal: each change of a 32-byte page is one more entry, and the last
/// good one counts. When it is full, the other bank is erased, gets the last entry of each page and then, last of all,
/// its title; so a power cut leaves the old state or the new one, of one page.
///
/// What a page held before is a secret too: an entry that no longer counts is overwritten with zeroes, a bank that is no
/// longer in use is erased, and what a power cut kept from that is done at the next start. The flash must take such a
/// second write to a word.
pub struct Journal<F> {
    flash: F,
    /// Where the bank in use begins.
    bank: u32,
    sequence: u32,
    /// Where the next entry goes.
    end: u32,
    /// Where each page's last entry is; 0, where a title is, for none.
    entries: [u32; PAGES],
}

const PAGE_LEN: usize = PAGE_LEN_BYTES as usize;
const PAGES: usize = STORAGE_LEN_BYTES as usize / PAGE_LEN;
type Page = [u8; PAGE_LEN];

/// A page, its number twice, the second time inverted, a CRC of all that.
const ENTRY_LEN: usize = PAGE_LEN + 8;
/// A word that only journals begin with, the sequence number, a CRC of both, and nothing.
const TITLE_LEN: usize = 16;
const MAGIC: [u8; 4] = *b"CSJ1";
const CRC: Crc<u32, NoTable> = Crc::<u32, NoTable>::new(&CRC_32_ISO_HDLC);

impl<F: NorFlash> Journal<F> {
    /// Finds the bank that is newest and whole, or begins anew in empty flash.
    pub fn open(flash: F) -> Result<Self, PortError> {
        const {
            assert!(
                F::READ_SIZE <= 4 && F::WRITE_SIZE <= 4,
                "entries are multiples of four bytes"
            );
        }
        let mut journal = Self {
            flash,
            bank: 0,
            sequence: 0,
            end: 0,
            entries: [0; PAGES],
        };
        let [first, second] = [0, journal.bank_len()].map(|bank| journal.title(bank).map(|title| (bank, title)));
        let newest = match (first?, second?) {
            ((bank, Some(one)), (_, Some(other))) if one.wrapping_sub(other) < u32::MAX / 2 => Some((bank, one)),
            (_, (bank, Some(sequence))) | ((bank, Some(sequence)), _) => Some((bank, sequence)),
            _ => None,
        };
        match newest {
            Some((bank, sequence)) => (journal.bank, journal.sequence) = (bank, sequence),
            None => {
                journal.erase(0)?;
                journal.bank = journal.bank_len(); // so that it turns over to the first
                journal.erase(journal.bank)?;
                journal.turn_over(None)?;
            }
        }
        journal.erase_other_bank()?;
        journal.scan()?;
        Ok(journal)
    }

    /// Reads from this address on; what was never written is 0xff.
    pub fn read(&mut self, address: u16, into: &mut [u8]) -> Result<(), PortError> {
        check_end(address, into.len())?;
        let mut address = usize::from(address);
        let mut into = into;
        while !into.is_empty() {
            let page = self.page(address / PAGE_LEN)?;
            let bytes = page.get(address % PAGE_LEN..).unwrap_or_default();
            let (now, later) = into.split_at_mut(bytes.len().min(into.len()));
            now.iter_mut().zip(bytes).for_each(|(into, byte)| *into = *byte);
            address += now.len();
            into = later;
        }
        Ok(())
    }

    /// Returns when it is kept.
    pub fn write(&mut self, address: u16, mut bytes: &[u8]) -> Result<(), PortError> {
        check_end(address, bytes.len())?;
        let mut address = usize::from(address);
        while !bytes.is_empty() {
            let mut page = self.page(address / PAGE_LEN)?;
            let before = page;
            let room = page.get_mut(address % PAGE_LEN..).unwrap_or_default();
            let (now, later) = bytes.split_at(room.len().min(bytes.len()));
            room.iter_mut().zip(now).for_each(|(place, byte)| *place = *byte);
            if page != before {
                self.append(address / PAGE_LEN, &page)?;
            }
            address += now.len();
            bytes = later;
        }
        Ok(())
    }

    fn page(&mut self, index: usize) -> Result<Page, PortError> {
        match self.entries.get(index) {
            Some(0) => Ok([0xff; PAGE_LEN]),
            Some(at) => {
                let mut page = [0; PAGE_LEN];
                self.flash.read(*at, &mut page).map_err(|_| PortError)?;
                Ok(page)
            }
            None => Err(PortError),
        }
    }

    fn append(&mut self, index: usize, page: &Page) -> Result<(), PortError> {
        if self.end + ENTRY_LEN as u32 > self.bank + self.bank_len() {
            return self.turn_over(Some((index, page)));
        }
        let at = self.end;
        self.end += ENTRY_LEN as u32; // half an entry is not written over
        self.flash.write(at, &entry(index, page)).map_err(|_| PortError)?;
        let before = mem::replace(self.entries.get_mut(index).ok_or(PortError)?, at);
        if before == 0 { Ok(()) } else { self.blot(before) }
    }

    /// Leaves nothing of an entry.
    fn blot(&mut self, at: u32) -> Result<(), PortError> {
        self.flash.write(at, &[0; ENTRY_LEN]).map_err(|_| PortError)
    }

    fn erase(&mut self, bank: u32) -> Result<(), PortError> {
        self.flash.erase(bank, bank + self.bank_len()).map_err(|_| PortError)
    }

    fn erase_other_bank(&mut self) -> Result<(), PortError> {
        let bank = self.other_bank();
        let mut at = bank;
        while at < bank + self.bank_len() {
            let mut found = [0; 64];
            self.flash.read(at, &mut found).map_err(|_| PortError)?;
            if found != [0xff; 64] {
                return self.erase(bank);
            }
            at += 64;
        }
        Ok(())
    }

    fn other_bank(&self) -> u32 {
        if self.bank == 0 { self.bank_len() } else { 0 }
    }

    /// Goes on in the other bank, which is empty, with this page changed.
    fn turn_over(&mut self, change: Option<(usize, &Page)>) -> Result<(), PortError> {
        let bank = self.other_bank();
        let sequence = self.sequence.wrapping_add(1);
        let mut entries = [0; PAGES];
        let mut end = bank + TITLE_LEN as u32;
        for (index, place) in entries.iter_mut().enumerate() {
            let page = match change {
                Some((changed, page)) if changed == index => *page,
                _ if self.entries.get(index) == Some(&0) => continue,
                _ => self.page(index)?,
            };
            self.flash.write(end, &entry(index, &page)).map_err(|_| PortError)?;
            *place = end;
            end += ENTRY_LEN as u32;
        }
        self.flash.write(bank, &title(sequence)).map_err(|_| PortError)?;
        (self.bank, self.sequence, self.end, self.entries) = (bank, sequence, end, entries);
        self.erase(self.other_bank())
    }

    /// Knows where each page's last entry is.
    fn scan(&mut self) -> Result<(), PortError> {
        self.entries = [0; PAGES];
        self.end = self.bank + TITLE_LEN as u32;
        while self.end + ENTRY_LEN as u32 <= self.bank + self.bank_len() {
            let mut found = [0; ENTRY_LEN];
            self.flash.read(self.end, &mut found).map_err(|_| PortError)?;
            if found == [0xff; ENTRY_LEN] {
                break;
            }
            let old = match entry_index(&found).and_then(|index| self.entries.get_mut(index)) {
                Some(place) => mem::replace(place, self.end),
                None if found == [0; ENTRY_LEN] => 0,
                None => self.end, // torn
            };
            if old != 0 {
                self.blot(old)?;
            }
            self.end += ENTRY_LEN as u32;
        }
        Ok(())
    }

    /// The sequence number of a bank that is whole.
    fn title(&mut self, bank: u32) -> Result<Option<u32>, PortError> {
        let mut found = [0; TITLE_LEN];
        self.flash.read(bank, &mut found).map_err(|_| PortError)?;
        let [_, _, _, _, a, b, c, d, ..] = found;
        let sequence = u32::from_le_bytes([a, b, c, d]);
        Ok((found == title(sequence)).then_some(sequence))
    }

    fn bank_len(&self) -> u32 {
        (self.flash.capacity() / 2) as u32
    }
}

fn title(sequence: u32) -> [u8; TITLE_LEN] {
    let mut title = [0xff; TITLE_LEN];
    if let ([magic, number, crc, ..], _) = title.as_chunks_mut::<4>() {
        *magic = MAGIC;
        *number = sequence.to_le_bytes();
        *crc = CRC.checksum(number).to_le_bytes();
    }
    title
}

fn entry(index: usize, page: &Page) -> [u8; ENTRY_LEN] {
    let mut entry = [0; ENTRY_LEN];
    let index = index as u16;
    let (content, rest) = entry.split_at_mut(PAGE_LEN);
    content.copy_from_slice(page);
    let (number, crc) = rest.split_at_mut(4);
    let (number, inverted) = number.split_at_mut(2);
    number.copy_from_slice(&index.to_le_bytes());
    inverted.copy_from_slice(&(!index).to_le_bytes());
    let mut digest = CRC.digest();
    digest.update(content);
    digest.update(number);
    crc.copy_from_slice(&digest.finalize().to_le_bytes());
    entry
}

/// The page of an entry, if it is whole.
fn entry_index(found: &[u8; ENTRY_LEN]) -> Option<usize> {
    let (page, rest) = found.split_first_chunk::<PAGE_LEN>()?;
    let index = usize::from(u16::from_le_bytes(*rest.first_chunk()?));
    (entry(index, page) == *found).then_some(index)
}

fn check_end(address: u16, len: usize) -> Result<(), PortError> {
    if usize::from(address) + len <= STORAGE_LEN_BYTES.into() {
        Ok(())
    } else {
        Err(PortError)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]
mod tests {
    use super::*;
    use embedded_storage::nor_flash::{ErrorType, NorFlashError, NorFlashErrorKind, ReadNorFlash};

    const LEN: usize = 4 * 4_096;

    /// Flash whose power goes after so many words and erasures.
    #[derive(Clone)]
    struct Flash {
        bytes: [u8; LEN],
        left: usize,
    }

    impl Flash {
        fn holds(&self, bytes: &[u8]) -> bool {
            self.bytes.windows(bytes.len()).any(|window| window == bytes)
        }
    }

    #[derive(Debug)]
    struct NoPower;

    impl NorFlashError for NoPower {
        fn kind(&self) -> NorFlashErrorKind {
            NorFlashErrorKind::Other
        }
    }

    impl ErrorType for &mut Flash {
        type Error = NoPower;
    }

    impl ReadNorFlash for &mut Flash {
        const READ_SIZE: usize = 4;

        fn read(&mut self, offset: u32, into: &mut [u8]) -> Result<(), NoPower> {
            let offset = offset as usize;
            into.copy_from_slice(&self.bytes[offset..offset + into.len()]);
            Ok(())
        }

        fn capacity(&self) -> usize {
            LEN
        }
    }

    impl NorFlash for &mut Flash {
        const WRITE_SIZE: usize = 4;
        const ERASE_SIZE: usize = 4_096;

        fn erase(&mut self, from: u32, to: u32) -> Result<(), NoPower> {
            for page in self.bytes[from as usize..to as usize].chunks_mut(4_096) {
                self.left = self.left.checked_sub(1).ok_or(NoPower)?;
                page.fill(0xff);
            }
            Ok(())
        }

        fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), NoPower> {
            assert!(offset.is_multiple_of(4) && bytes.len().is_multiple_of(4));
            for (place, word) in self.bytes[offset as usize..].chunks_mut(4).zip(bytes.chunks(4)) {
                self.left = self.left.checked_sub(1).ok_or(NoPower)?;
                assert!(
                    place == [0xff; 4] || word == [0; 4],
                    "flash is erased before it is written"
                );
                place.copy_from_slice(word);
            }
            Ok(())
        }
    }

    fn blank() -> Flash {
        Flash {
            bytes: [0xff; LEN],
            left: usize::MAX,
        }
    }

    fn content(flash: &mut Flash) -> [u8; STORAGE_LEN_BYTES as usize] {
        let mut content = [0; STORAGE_LEN_BYTES as usize];
        Journal::open(flash).unwrap().read(0, &mut content).unwrap();
        content
    }

    #[test]
    fn what_was_written_is_read_whatever_the_pages() {
        let mut flash = blank();
        let mut expected = [0xff; STORAGE_LEN_BYTES as usize];
        for round in 0..2_000_usize {
            let at = round * 37 % 2_000;
            let bytes = [round as u8; 48];
            expected[at..at + 48].copy_from_slice(&bytes);
            let mut journal = Journal::open(&mut flash).unwrap();
            journal.write(at as u16, &bytes).unwrap();
            assert!(content(&mut flash) == expected, "round {round}");
        }
        let mut journal = Journal::open(&mut flash).unwrap();
        assert_eq!(journal.write(2_047, &[0; 2]), Err(PortError));
    }

    /// Wherever the power goes, a page is as it was or as it was to be, and the others are as they were.
    #[test]
    fn a_power_cut_spoils_nothing() {
        let mut flash = blank();
        let mut journal = Journal::open(&mut flash).unwrap();
        for page in 0..64_u16 {
            journal.write(page * 32, &[page as u8; 32]).unwrap();
        }
        for round in 0..139_u8 {
            journal.write(320, &[round; 32]).unwrap();
        }
        let mut turned_over = false;
        for _ in 0..3 {
            let before = content(&mut flash);
            let mut after = before;
            after[320..352].iter_mut().for_each(|byte| *byte = byte.wrapping_add(1));
            for words in 0.. {
                let mut cut = flash.clone();
                cut.left = words;
                let written = Journal::open(&mut cut).unwrap().write(320, &after[320..352]);
                cut.left = usize::MAX;
                let found = content(&mut cut);
                assert!(
                    found == after || (found == before && written.is_err()),
                    "cut after {words}"
                );
                if found == after {
                    assert!(!cut.holds(&before[320..352]), "what was overwritten is gone");
                }
                // It goes on working.
                Journal::open(&mut cut).unwrap().write(0, &[7; 64]).unwrap();
                assert_eq!(content(&mut cut)[..64], [7; 64]);
                assert!(content(&mut cut)[64..] == found[64..]);
                turned_over |= words > 500;
                if written.is_ok() {
                    break;
                }
            }
            Journal::open(&mut flash).unwrap().write(320, &after[320..352]).unwrap();
        }
        assert!(turned_over, "one of them filled the bank");
    }
}
