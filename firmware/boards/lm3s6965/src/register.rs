/// A register of the chip.
#[derive(Clone, Copy)]
pub(crate) struct Register(usize);

impl Register {
    /// The register at this address, which is one that the datasheet names.
    pub(crate) const fn at(address: usize) -> Self {
        let peripheral = address >= 0x4000_0000 && address < 0x4010_0000;
        let core = address >= 0xe000_e000 && address < 0xe000_f000;
        assert!(
            (peripheral || core) && address.is_multiple_of(4),
            "no register is there"
        );
        Self(address)
    }

    pub(crate) fn read(self) -> u32 {
        // SAFETY: `at` lets only aligned words through where the memory map has registers and never memory of Rust's.
        // What no register answers is a bus fault, which ends in a reset.
        unsafe { (self.0 as *const u32).read_volatile() }
    }

    pub(crate) fn write(self, value: u32) {
        // SAFETY: as for `read`. No register in use here makes the chip write memory by itself.
        unsafe { (self.0 as *mut u32).write_volatile(value) }
    }

    pub(crate) fn set_bits(self, bits: u32) {
        self.write(self.read() | bits);
    }
}
