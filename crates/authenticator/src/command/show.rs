use std::io::IsTerminal as _;

use clap::Args;
use enroll::{Qr, TerminalStyle, text_key};
use vault::Entry;
use zeroize::Zeroizing;

use super::{DONE, Done, print, print_json};
use crate::{
    Refusal,
    found::{described, kind_name, one},
    otpauth::uri_of,
    vault_session::{By, VaultSession},
};

#[derive(Args)]
pub(super) struct Show {
    /// The entry: its name, pieces of it, or its number such as '#7'
    #[arg(required = true)]
    name: Vec<String>,
    /// Its otpauth URI, which has the secret
    #[arg(long, group = "loud")]
    uri: bool,
    /// Its secret in base32
    #[arg(long, group = "loud")]
    secret: bool,
    /// Its QR code, which has the secret
    #[arg(long, group = "loud")]
    qr: bool,
    /// Without asking whether it should be
    #[arg(long)]
    yes: bool,
}

impl Show {
    pub(super) fn run(self, session: &VaultSession<'_>) -> Done {
        let is_loud = self.uri || self.secret || self.qr;
        let vault = session.open(if is_loud { By::Person } else { By::Anyone })?;
        let entry = one(vault.entries(), &self.name)?;
        if !is_loud {
            if session.json {
                print_json(&described(entry))?;
            } else {
                print(&words(entry))?;
            }
            return DONE;
        }
        if self.qr && session.json {
            return Err(Refusal::usage("a QR code is a picture").help("leave --json out, or say --uri"));
        }
        eprintln!("whoever sees it can make the codes of {} for ever", entry.title());
        if !self.yes && !session.prompt.confirm("Show it?", "say --yes")? {
            return Err(Refusal::new("nothing was shown"));
        }
        if self.qr {
            print_qr(&uri_of(entry), session.machine.no_color)?;
            return DONE;
        }
        let (name, text) = match self.secret {
            true => ("secret", text_key(entry.credential().secret())),
            false => ("uri", uri_of(entry)),
        };
        // By hand into a buffer that is wiped: neither has a character that JSON escapes.
        let text = match session.json {
            true => Zeroizing::new(format!("{{\"{name}\":\"{}\"}}", *text)),
            false => text,
        };
        print(&text)?;
        print("\n")?;
        DONE
    }
}

fn words(entry: &Entry) -> String {
    let credential = entry.credential();
    let groups: Vec<&str> = entry.groups.iter().map(vault::Name::as_str).collect();
    let kind = kind_name(credential.kind()).to_uppercase();
    let mut codes = format!(
        "{kind}, {} characters, {}",
        credential.digits(),
        credential.algorithm().name()
    );
    match credential.kind() {
        vault::Kind::Hotp { counter } => codes += &format!(", next counter {counter}"),
        kind => {
            codes += &kind
                .period_s()
                .map_or_else(String::new, |period_s| format!(", {period_s} s each"))
        }
    }
    let mut text = format!(
        "number     #{}\nissuer     {}\naccount    {}\ncodes      {codes}\n",
        entry.id().get(),
        entry.issuer.as_str(),
        entry.account.as_str()
    );
    if !groups.is_empty() {
        text += &format!("groups     {}\n", groups.join(", "));
    }
    if entry.favourite {
        text += "favourite  yes\n";
    }
    if !entry.note.is_empty() {
        text += &format!("note       {}\n", entry.note.as_str().replace('\n', "\n           "));
    }
    text
}

const LARGER: &str = "make the terminal larger, or its letters smaller";

/// Prints a QR code for a terminal in colours, and without them where they are unwanted or nobody looks.
pub(super) fn print_qr(text: &str, no_color: bool) -> Result<(), Refusal> {
    let is_terminal = std::io::stdout().is_terminal();
    let size = is_terminal
        .then(|| rustix::termios::tcgetwinsize(std::io::stdout()).ok())
        .flatten()
        .map(|size| (usize::from(size.ws_col), usize::from(size.ws_row)))
        .filter(|&(columns, rows)| columns > 0 && rows > 0);
    let (columns, rows) = size.unwrap_or((usize::MAX, usize::MAX));
    // The last row is for what comes after it.
    let seen = rows - 1;
    let qr = Qr::encode_for_terminal(text, columns, seen).map_err(Refusal::new)?;
    let too_small = || {
        let (width, height) = (qr.width(), qr.rows() + 1);
        format!("the QR code takes {width} x {height} characters, and the terminal has {columns} x {rows}")
    };
    if qr.width() > columns {
        return Err(Refusal::new(too_small()).help(LARGER));
    }
    print(&qr.to_terminal(match no_color || !is_terminal {
        true => TerminalStyle::PlainOnDark,
        false => TerminalStyle::Ansi,
    }))?;
    if !qr.fits(columns, seen) {
        // Said, not refused: what was scrolled away can be scrolled back.
        eprintln!("{}: {LARGER}", too_small());
    }
    Ok(())
}
