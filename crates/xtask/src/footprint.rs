//! The footprint of a firmware: flash, memory, instructions.

use std::{convert::Infallible, fs, path::Path, thread, time::Duration};

use link::{Comparing, Link, Patience, Wanted};
use object::{Object as _, ObjectSection as _, ObjectSegment as _, ObjectSymbol as _, read::elf::ElfFile32};
use serde_json::{Value, json};

use crate::{
    emulator::{Board, Emulator, Line, Pace},
    firmware::EMULATED,
    machine,
};

/// The paint of cortex-m-rt on the unused stack.
const PAINT: [u8; 4] = [0xcc; 4];
/// RFC 6238 appendix B: this second's code.
const UNIX_S: u64 = 1_111_111_109;
const CODE: &str = "07081804";
/// Codes are counted over so many, in instructions of 2^10 ns each.
const CODES: u64 = 200;
const INSTRUCTION_SHIFT: u8 = 10;

/// The sizes of an ELF file's sections, in bytes.
struct Sections {
    text: u64,
    rodata: u64,
    /// All that is programmed into the flash.
    flash: u64,
    data: u64,
    bss: u64,
}

/// The range of the stack.
struct Stack {
    end: u32,
    start: u32,
}

pub(crate) fn measure() -> Result<Value, String> {
    let directory = machine::root().join("target/firmware/size");
    fs::create_dir_all(&directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    let token = EMULATED.program("token");
    let sections = sections(&token)?;
    let stack = stack_high_water(&token, &directory, provision)?;
    let without_session = EMULATED.build_without_session()?;
    let sections_without_session = self::sections(&without_session)?;
    let stack_without_session = stack_high_water(&without_session, &directory, |_| Ok(()))?;
    Ok(json!({
        "board": EMULATED.name,
        "text": sections.text,
        "rodata": sections.rodata,
        "flash": sections.flash,
        "data": sections.data,
        "bss": sections.bss,
        "stack": stack,
        "ram": sections.data + sections.bss + stack,
        "instructions_per_code": instructions_per_code(&directory)?,
        "text_without_session": sections_without_session.text,
        "flash_without_session": sections_without_session.flash,
        "ram_without_session": sections_without_session.data + sections_without_session.bss + stack_without_session,
    }))
}

fn sections(elf: &Path) -> Result<Sections, String> {
    let file = fs::read(elf).map_err(|error| format!("{}: {error}", elf.display()))?;
    let elf = parse(&file)?;
    let size = |name: &str| elf.section_by_name(name).map_or(0, |section| section.size());
    Ok(Sections {
        text: size(".text"),
        rodata: size(".rodata"),
        flash: elf.segments().map(|segment| segment.file_range().1).sum(),
        data: size(".data"),
        bss: size(".bss") + size(".uninit"),
    })
}

/// The most that the stack ever was, after `use_it`.
fn stack_high_water(
    elf: &Path,
    directory: &Path,
    use_it: impl FnOnce(&mut Emulator) -> Result<(), String>,
) -> Result<u64, String> {
    let stack = stack(elf)?;
    let mut emulator = board(elf, directory, Pace::Real)?.start().map_err(text)?;
    use_it(&mut emulator)?;
    press(&mut emulator).map_err(text)?;
    press(&mut emulator).map_err(text)?;
    let memory = emulator
        .memory(stack.end, (stack.start - stack.end) as usize)
        .map_err(text)?;
    let unused = memory.chunks(PAINT.len()).take_while(|word| **word == PAINT).count() * PAINT.len();
    if unused == 0 {
        return Err("the stack was used up, or never painted".into());
    }
    Ok((memory.len() - unused) as u64)
}

/// A desk's visit: the token is made one of somebody's, and shows its codes from then on.
fn provision(emulator: &mut Emulator) -> Result<(), String> {
    let port = link::open(&emulator.port().display().to_string()).map_err(text)?;
    let mut link = Link::new(port, Patience::default());
    link.hello().map_err(text)?;
    let mut confirm = |_digits| {
        let _ = press(emulator); // else the session times out
    };
    let mut session = link.open(&[1; 32], Comparing::Yes(&mut confirm)).map_err(text)?;
    let wanted = Wanted {
        serial_number: "CS-000001",
        label: "measured",
        parameters: Wanted::PARAMETERS,
        unix_s: UNIX_S,
    };
    let made = session.provision(&wanted, &[2; 32]).map_err(text)?;
    let mut kept_keys = None;
    let kept = made
        .keep(|secret, management_key| {
            kept_keys = Some((secret.to_vec(), *management_key));
            Ok::<(), Infallible>(())
        })
        .map_err(text)?;
    session.commit(kept).map_err(text)?;
    let (secret, management_key) = kept_keys.unwrap_or_default();
    session.prove(&secret, &[3; 32]).map_err(text)?;
    session.set_time(UNIX_S + 60, &management_key).map_err(text)?;
    session.status().map_err(text)?;
    Ok(())
}

fn press(emulator: &mut Emulator) -> std::io::Result<()> {
    emulator.press()?;
    thread::sleep(Duration::from_millis(300));
    emulator.release()?;
    thread::sleep(Duration::from_millis(300));
    Ok(())
}

fn stack(elf: &Path) -> Result<Stack, String> {
    let file = fs::read(elf).map_err(|error| format!("{}: {error}", elf.display()))?;
    let elf = parse(&file)?;
    let address = |name: &str| {
        let symbol = elf.symbols().find(|symbol| symbol.name() == Ok(name));
        let symbol = symbol.ok_or_else(|| format!("the firmware has no symbol {name}"))?;
        u32::try_from(symbol.address()).map_err(text)
    };
    Ok(Stack {
        end: address("_stack_end")?.next_multiple_of(4),
        start: address("_stack_start")?,
    })
}

/// From the secret to the digits, counted by the emulator's clock.
fn instructions_per_code(directory: &Path) -> Result<u64, String> {
    let board = board(
        &EMULATED.program("self-test"),
        directory,
        Pace::Counted(INSTRUCTION_SHIFT),
    )?;
    let emulator = board.start().map_err(text)?;
    let mut line = Line::to_self_test(emulator.port()).map_err(text)?;
    line.send(format!("code {UNIX_S} {CODES}\n").as_bytes()).map_err(text)?;
    let answer = line.text(Duration::from_secs(60)).map_err(text)?;
    let answer = answer.strip_prefix("code ").unwrap_or(&answer);
    let (code, took_ms) = answer.split_once(' ').unwrap_or((answer, ""));
    if code != CODE {
        return Err(format!("the board computes {code}, RFC 6238 has {CODE}"));
    }
    let took_ms: u64 = took_ms.parse().map_err(|_| format!("a strange answer: {answer}"))?;
    Ok(((took_ms * 1_000_000) >> INSTRUCTION_SHIFT) / CODES)
}

fn board(elf: &Path, directory: &Path, pace: Pace) -> Result<Board, String> {
    let board = Board {
        pace,
        ..Board::new(elf, directory, UNIX_S)
    };
    match fs::remove_file(&board.eeprom) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(text(error)),
        _ => Ok(board),
    }
}

fn parse(file: &[u8]) -> Result<ElfFile32<'_>, String> {
    ElfFile32::parse(file).map_err(text)
}

fn text(error: impl ToString) -> String {
    error.to_string()
}
