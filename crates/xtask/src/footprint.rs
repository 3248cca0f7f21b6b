//! What a firmware takes of its board: flash, memory, instructions.

use std::{fs, path::Path, time::Duration};

use object::{Object as _, ObjectSection as _, ObjectSegment as _, ObjectSymbol as _, read::elf::ElfFile32};
use serde_json::{Value, json};

use crate::{
    emulator::{Board, Line, Pace},
    firmware::EMULATED,
    machine,
};

/// What cortex-m-rt paints the unused stack with.
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

/// Where the stack may be.
struct Stack {
    end: u32,
    start: u32,
}

pub(crate) fn measure() -> Result<Value, String> {
    let directory = machine::root().join("target/firmware/size");
    fs::create_dir_all(&directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    let token = EMULATED.program("token");
    let sections = sections(&token)?;
    let stack = stack_high_water(&token, &directory)?;
    let without_session = EMULATED.build_without_session()?;
    let sections_without_session = self::sections(&without_session)?;
    let stack_without_session = stack_high_water(&without_session, &directory)?;
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

/// The most that the stack ever was, after the button was used and the host said what it could.
fn stack_high_water(elf: &Path, directory: &Path) -> Result<u64, String> {
    let stack = stack(elf)?;
    let mut emulator = board(elf, directory, Pace::Real)?.start().map_err(text)?;
    let mut pages = || {
        for _ in 0..2 {
            emulator.press()?;
            std::thread::sleep(Duration::from_millis(300));
            emulator.release()?;
            std::thread::sleep(Duration::from_millis(300));
        }
        emulator.memory(stack.end, (stack.start - stack.end) as usize)
    };
    let memory = pages().map_err(text)?;
    let unused = memory.chunks(PAINT.len()).take_while(|word| **word == PAINT).count() * PAINT.len();
    if unused == 0 {
        return Err("the stack was used up, or never painted".into());
    }
    Ok((memory.len() - unused) as u64)
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
    let mut line = Line::open(emulator.port()).map_err(text)?;
    let mut ask = |command: &str, attempts: usize| {
        for _ in 0..attempts {
            line.send(format!("{command}\n").as_bytes()).map_err(text)?;
            if let Ok(answer) = line.text(Duration::from_secs(1))
                && let Some(answer) = answer.strip_prefix("code ")
            {
                return Ok(answer.to_owned());
            }
        }
        Err("the self-test does not answer".to_owned())
    };
    ask(&format!("code {UNIX_S} 1"), 20)?;
    let answer = ask(&format!("code {UNIX_S} {CODES}"), 20)?;
    let (code, took_ms) = answer.split_once(' ').unwrap_or((&answer, ""));
    if code != CODE {
        return Err(format!("the board computes {code}, RFC 6238 has {CODE}"));
    }
    let took_ms: u64 = took_ms.parse().map_err(|_| format!("a strange answer: {answer}"))?;
    Ok((took_ms * 1_000_000 >> INSTRUCTION_SHIFT) / CODES)
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
