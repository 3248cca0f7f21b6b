//! `countersign user bind`: an authenticator app becomes a device.

use std::{
    io::{self, IsTerminal as _},
    process::ExitCode,
};

use api::{
    ConfirmRequest, ConfirmResponse, Enrollment, EnrollmentRequest, FactorMethod, IdentityProof, IdentityWord, Name,
    ProblemCode, Replaces, Scope, Text,
};
use clap::{Args, ValueEnum};
use enroll::{Qr, TerminalStyle};
use uuid::Uuid;

use super::{CodeSource, Codes, Who, actor};
use crate::{
    Failure,
    client::{Answer, CallFailure, Client},
    commands::{Done, output::Output},
    real,
};

#[derive(Args)]
pub(super) struct Bind {
    #[command(flatten)]
    who: Who,
    /// The name that the app shows above the code
    #[arg(long)]
    issuer: Option<Name>,
    /// The account's name in the app [default: the user]
    #[arg(long)]
    label: Option<Name>,
    /// Where its codes are asked for
    #[arg(long, value_delimiter = ',', default_value = "login_protection,operation_protection")]
    scope: Vec<Place>,
    /// Issues recovery codes too
    #[arg(long)]
    recovery_codes: bool,
    /// The device that ends when this one is bound; asks for a code of it
    #[arg(long, value_name = "DEVICE")]
    replaces: Option<Uuid>,
    #[command(flatten)]
    pub(super) codes: Codes,
}

// Without a doc each, so that `--help` lists them in one line.
#[derive(Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Place {
    LoginProtection,
    OperationProtection,
    None,
}

impl Place {
    fn scope(self) -> Option<Scope> {
        match self {
            Self::LoginProtection => Some(Scope::LoginProtection),
            Self::OperationProtection => Some(Scope::OperationProtection),
            Self::None => None,
        }
    }
}

const QUESTION: &str = "Code that the app shows";

impl Bind {
    pub(super) fn run(self, client: &Client, output: &Output) -> Done {
        let mut codes = CodeSource::open(&self.codes, output)?;
        let replaces = self.replaced(&mut codes)?;
        codes.has_more(QUESTION)?;
        let wanted = EnrollmentRequest::Virtual {
            issuer: self.issuer.clone(),
            label: self.label.clone(),
            identity_proof: IdentityProof::Word(IdentityWord {
                method: Text::from_static("command_line"),
                at: real::now(),
                by: Name::from_static("countersign user bind"),
            }),
            replaces,
            factor: None,
            actor: actor(),
        };
        let path = self.who.name().path("/enrollments");
        let enrollment: Answer<Enrollment> = client.post(&path, &wanted).map_err(replacing)?;
        draw(&enrollment)?;
        let confirm = format!("{path}/{}/confirm", enrollment.id);
        self.confirm(&confirm, &mut codes, client, output)
    }

    /// The device that ends, with a code of it.
    fn replaced(&self, codes: &mut CodeSource<'_>) -> Result<Option<Replaces>, Failure> {
        let replaces = self.replaces.map(|device_id| {
            let code = codes.next("Code of the device that ends")?;
            let method = FactorMethod::Totp;
            Ok(Replaces {
                device_id,
                code,
                method,
            })
        });
        replaces.transpose()
    }

    fn confirm(&self, path: &str, codes: &mut CodeSource<'_>, client: &Client, output: &Output) -> Done {
        loop {
            let body = ConfirmRequest {
                codes: codes.next(QUESTION)?.into(),
                scope: self.scope.iter().copied().filter_map(Place::scope).collect(),
                recovery_codes: self.recovery_codes,
                actor: actor(),
            };
            match client.post(path, &body) {
                Ok(bound) => return print_bound(&bound, output),
                // A person may try again; a script hears of it.
                Err(failure) if output.may_ask && failure.leaves_a_try() => eprintln!("{failure}"),
                Err(failure) => return Err(failure.into()),
            }
        }
    }
}

/// Who has a device already is told how the command takes it.
fn replacing(failure: CallFailure) -> Failure {
    let names_one = failure.is(ProblemCode::DeviceLimit) || failure.is(ProblemCode::FactorRequired);
    let told = Failure::from(failure.in_words(&[("replace it by the new one", "replace it with --replaces DEVICE")]));
    if names_one {
        told.help(
            "`countersign user devices ACCOUNT USER` lists them; with --replaces DEVICE a code of it is asked for",
        )
    } else {
        told
    }
}

/// The key's two, and the question for a code.
const ROWS_BELOW_THE_CODE: usize = 3;

/// The QR code and the text key, on stderr: stdout is for what a script wants.
fn draw(enrollment: &Enrollment) -> Result<(), Failure> {
    let (Some(uri), Some(secret_text)) = (&enrollment.otpauth_uri, &enrollment.secret_text) else {
        return Err(Failure::new("the service offers no otpauth URI"));
    };
    let style = if real::no_color() || !io::stderr().is_terminal() {
        TerminalStyle::PlainOnDark
    } else {
        TerminalStyle::Ansi
    };
    let (columns, rows) = terminal_size::terminal_size_of(io::stderr())
        .map_or((usize::MAX, usize::MAX), |(width, height)| {
            (width.0.into(), height.0.into())
        });
    let seen = usize::saturating_sub(rows, ROWS_BELOW_THE_CODE);
    let qr = Qr::encode_for_terminal(uri, columns, seen).map_err(Failure::new)?;
    // Rows that were scrolled away can be scrolled back.
    if qr.width() <= columns {
        eprint!("{}", *qr.to_terminal(style));
    }
    if !qr.fits(columns, seen) {
        eprintln!(
            "The QR code takes {} x {} characters, and the terminal has {columns} x {rows}.",
            qr.width(),
            qr.rows() + ROWS_BELOW_THE_CODE
        );
    }
    eprintln!("Scan it with an authenticator app, or type the key: {}", **secret_text);
    Ok(())
}

fn print_bound(bound: &Answer<ConfirmResponse>, output: &Output) -> Done {
    output.print(bound, || {
        let mut words = format!("bound: device {}", bound.device.id);
        if let Some(codes) = &bound.recovery_codes {
            words += "\nRecovery codes, each usable once, shown only now:";
            for code in codes {
                words += &format!("\n  {}", **code);
            }
        }
        words
    })?;
    Ok(ExitCode::SUCCESS)
}
