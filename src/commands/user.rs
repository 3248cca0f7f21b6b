use std::{
    fs,
    io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Subcommand, builder::NonEmptyStringValueParser};
use enroll::{Qr, TerminalStyle};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{Done, print_json};
use crate::{
    Failure,
    client::{CallFailure, Client, User as UserName, make_key},
    home::{ADMIN_KEY, DATABASE, Home, not_for_others, read_named},
    real,
};

/// `countersign user …`, over HTTP.
#[derive(Args)]
pub(super) struct User {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    server: Server,
}

/// Which service, and with which key.
#[derive(Args)]
pub(super) struct Server {
    /// The service
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "COUNTERSIGN_SERVER",
        default_value = "http://127.0.0.1:8700"
    )]
    server: String,
    /// The file of an API key [default: admin.key in the data directory]
    #[arg(long, global = true, value_name = "FILE", env = "COUNTERSIGN_API_KEY_FILE")]
    api_key_file: Option<PathBuf>,
    /// The service's data directory, for its admin.key
    #[arg(long, global = true, value_name = "DIR", env = "COUNTERSIGN_DATA_DIR")]
    data_dir: Option<PathBuf>,
    /// Prints data as JSON
    #[arg(long, global = true)]
    json: bool,
    /// Never asks: codes come from stdin or a file, or the command fails
    #[arg(long, global = true)]
    no_input: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Binds an authenticator app: draws its QR code, asks for its code
    Bind(Bind),
    /// Lists a user's devices and what protects them
    Devices(Who),
    /// Says whether a code is right; exit code 1 if it is not
    Verify(Verify),
    /// Measures a device's clock by two consecutive codes
    Resync(OneDevice),
    /// Ends a device by a code of it
    Unbind(Unbind),
}

#[derive(Args)]
struct Who {
    /// The account
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    account: String,
    /// The user under it
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    user: String,
}

#[derive(Args)]
pub(super) struct Codes {
    /// Reads the code(s) from a file, one a line; - for stdin
    #[arg(long, value_name = "FILE")]
    code_file: Option<PathBuf>,
    /// Where people type them first.
    #[arg(hide = true)]
    on_the_command_line: Vec<String>,
}

impl Codes {
    /// Others can read a command line, and a shell keeps it.
    fn are_elsewhere(&self) -> Result<(), Failure> {
        if self.on_the_command_line.is_empty() {
            return Ok(());
        }
        Err(
            Failure::usage("codes are not given on the command line, where others can read them")
                .help("leave it out and it is asked for; or pipe it into stdin, or name a file with --code-file FILE"),
        )
    }
}

/// What `--scope` knows; the last is the choice of neither.
const LOGIN: &str = "login_protection";
const OPERATION: &str = "operation_protection";
const NOWHERE: &str = "none";

#[derive(Args)]
struct Bind {
    #[command(flatten)]
    who: Who,
    /// The name that the app shows above the code
    #[arg(long)]
    issuer: Option<String>,
    /// The account's name in the app [default: the user]
    #[arg(long)]
    label: Option<String>,
    /// Where its codes are asked for
    #[arg(
        long,
        value_delimiter = ',',
        value_parser = [LOGIN, OPERATION, NOWHERE],
        default_value = "login_protection,operation_protection"
    )]
    scope: Vec<String>,
    /// Issues recovery codes too
    #[arg(long)]
    recovery_codes: bool,
    /// The device that ends when this one is bound; asks for a code of it
    #[arg(long, value_name = "DEVICE")]
    replaces: Option<String>,
    #[command(flatten)]
    codes: Codes,
}

#[derive(Args)]
struct Verify {
    #[command(flatten)]
    who: Who,
    /// The code is a recovery code
    #[arg(long)]
    recovery_code: bool,
    #[command(flatten)]
    codes: Codes,
}

#[derive(Args)]
struct OneDevice {
    #[command(flatten)]
    who: Who,
    /// The device [default: the only one]
    #[arg(long)]
    device: Option<String>,
    #[command(flatten)]
    codes: Codes,
}

#[derive(Args)]
struct Unbind {
    #[command(flatten)]
    of: OneDevice,
    /// The code is a recovery code
    #[arg(long)]
    recovery_code: bool,
    /// Does not ask whether it is meant
    #[arg(long)]
    yes: bool,
}

impl Command {
    fn codes(&self) -> Option<&Codes> {
        match self {
            Self::Bind(bind) => Some(&bind.codes),
            Self::Devices(_) => None,
            Self::Verify(verify) => Some(&verify.codes),
            Self::Resync(of) => Some(&of.codes),
            Self::Unbind(unbind) => Some(&unbind.of.codes),
        }
    }
}

impl User {
    pub(super) fn run(self) -> Done {
        self.command.codes().map_or(Ok(()), Codes::are_elsewhere)?;
        let client = self.server.client()?;
        let said = self.server.said();
        match self.command {
            Command::Bind(bind) => bind.run(&client, &said),
            Command::Devices(who) => devices(&client, &said, &who),
            Command::Verify(verify) => verify.run(&client, &said),
            Command::Resync(resync) => resync.resync(&client, &said),
            Command::Unbind(unbind) => unbind.run(&client, &said),
        }
    }
}

impl Server {
    /// Whether nobody is there who could do something.
    pub(super) fn no_input(&self) -> bool {
        self.no_input
    }

    /// How results are to be said.
    pub(super) fn said(&self) -> Said {
        Said {
            json: self.json,
            may_ask: !self.no_input && io::stdin().is_terminal(),
        }
    }

    pub(super) fn client(&self) -> Result<Client, Failure> {
        client(&self.server, self.api_key_file.clone(), self.data_dir.clone())
    }
}

/// The client of a service, with the key of this file, or else of the service's data directory.
pub(super) fn client(
    server: &str,
    api_key_file: Option<PathBuf>,
    data_dir: Option<PathBuf>,
) -> Result<Client, Failure> {
    let mut is_made = false;
    let path = match api_key_file {
        Some(path) => path,
        None => {
            let dir = Home { data_dir }.dir()?;
            let path = dir.join(ADMIN_KEY);
            not_for_others(&path)?;
            // Only the very first start makes it.
            is_made = !dir.join(DATABASE).exists();
            path
        }
    };
    if path.to_str().is_some_and(|path| path.starts_with("cs_")) {
        return Err(
            Failure::usage("this is an API key, where the name of a file with one is asked for")
                .help("write the key into a file that only you can read, and name that with --api-key-file"),
        );
    }
    let key_made = || make_key("verify,enroll");
    authenticator::kept_private(&path)?;
    let key = read_named(&path).map_err(|error| {
        let first = if is_made {
            "start `countersign serve` once, which makes it, or "
        } else {
            ""
        };
        Failure::new(format!("there is no API key at {}: {error}", path.display()))
            .help(format!("{first}{} and name it with --api-key-file FILE", key_made()))
    })?;
    let key = str::from_utf8(&key).unwrap_or_default().trim();
    if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(
            Failure::new(format!("{} holds no API key, which is one word", path.display()))
                .help(format!("{} and name it with --api-key-file FILE", key_made())),
        );
    }
    Client::new(server, key)
}

impl Who {
    fn name(&self) -> UserName<'_> {
        UserName {
            account: &self.account,
            user: &self.user,
        }
    }
}

/// How results are said, and whether questions may be asked.
pub(super) struct Said {
    pub(super) json: bool,
    may_ask: bool,
}

impl Said {
    /// Whether stdin has something for us: a pipe, or a person who may be asked.
    pub(super) fn may_read_stdin(&self) -> bool {
        self.may_ask || !io::stdin().is_terminal()
    }

    /// Data on stdout: the object, or its words.
    pub(super) fn say(&self, object: &Value, words: impl FnOnce() -> String) -> Result<(), Failure> {
        if self.json {
            return print_json(object);
        }
        tell!("{}", words())
    }
}

/// Codes, from wherever they come, in order; never from the command line, where others could read them.
pub(super) struct CodeSource<'a> {
    lines: Option<std::vec::IntoIter<Zeroizing<String>>>,
    /// Whether stdin may be read, where there is no file.
    may_read: bool,
    said: &'a Said,
}

impl<'a> CodeSource<'a> {
    pub(super) fn open(codes: &Codes, said: &'a Said) -> Result<Self, Failure> {
        codes.are_elsewhere()?;
        let text = match &codes.code_file {
            // Line by line, when each is needed: a script may know its code only once it has read the key.
            Some(path) if path == Path::new("-") => None,
            Some(path) => Some(
                fs::read_to_string(path)
                    .map(Zeroizing::new)
                    .map_err(|error| Failure::usage(format!("{} cannot be read: {error}", path.display())))?,
            ),
            None => None,
        };
        let lines = text.map(|text| {
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            lines
                .map(|line| Zeroizing::new(line.to_owned()))
                .collect::<Vec<_>>()
                .into_iter()
        });
        Ok(Self {
            lines,
            may_read: said.may_read_stdin(),
            said,
        })
    }

    pub(super) fn next(&mut self, question: &str) -> Result<Zeroizing<String>, Failure> {
        let missing = || {
            Failure::usage(format!("no code was given where it was asked for: {question}"))
                .help("pipe it into stdin, or name a file with --code-file FILE")
        };
        if let Some(lines) = &mut self.lines {
            return lines.next().ok_or_else(missing);
        }
        if !self.may_read {
            return Err(missing());
        }
        loop {
            if self.said.may_ask {
                eprint!("{question}: ");
                io::stderr().flush().map_err(Failure::new)?;
            }
            let mut line = Zeroizing::new(String::with_capacity(256));
            let read = io::stdin().lock().take(256).read_line(&mut line);
            if read.map_err(Failure::new)? == 0 {
                return Err(missing());
            }
            let code = line.trim();
            if !code.is_empty() {
                return Ok(Zeroizing::new(code.to_owned()));
            }
        }
    }
}

fn actor() -> Value {
    json!({"id": "countersign user", "kind": "admin"})
}

impl Bind {
    fn run(self, client: &Client, said: &Said) -> Done {
        let mut codes = CodeSource::open(&self.codes, said)?;
        let replaces = match &self.replaces {
            Some(device) => {
                let code = codes.next("Code of the device that ends")?;
                Some(json!({"device_id": device, "code": *code}))
            }
            None => None,
        };
        let mut wanted = json!({
            "kind": "virtual",
            "identity_proof": {"method": "command_line", "at": real::now_rfc3339(), "by": "countersign user bind"},
            "actor": actor(),
        });
        for (field, value) in [
            ("issuer", self.issuer.map(Value::from)),
            ("label", self.label.map(Value::from)),
            ("replaces", replaces),
        ] {
            if let Some(value) = value {
                wanted[field] = value;
            }
        }
        let who = self.who.name();
        let offer = client.post(&who.path("/enrollments"), &wanted).map_err(replacing)?;
        let text = |field: &str| offer[field].as_str().unwrap_or_default();
        draw(text("otpauth_uri"), text("secret_text"))?;
        let scope: Vec<_> = self.scope.iter().filter(|place| *place != NOWHERE).collect();
        let confirm = who.path(&format!("/enrollments/{}/confirm", text("id")));
        loop {
            let code = codes.next("Code that the app shows")?;
            let body = json!({
                "codes": [*code],
                "scope": scope,
                "recovery_codes": self.recovery_codes,
                "actor": actor(),
            });
            match client.post(&confirm, &body) {
                Ok(bound) => return told_bound(&bound, said),
                // A person may try again; a script hears of it.
                Err(failure) if said.may_ask && failure.leaves_a_try() => eprintln!("{failure}"),
                Err(failure) => return Err(failure.into()),
            }
        }
    }
}

/// Who has a device already is told how the command takes it.
fn replacing(failure: CallFailure) -> Failure {
    let names_one = failure.is("device_limit") || failure.is("factor_required");
    let told = Failure::from(failure.in_words(&[("name it in replaces", "name it with --replaces DEVICE")]));
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
fn draw(uri: &str, secret_text: &str) -> Result<(), Failure> {
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
    eprintln!("Scan it with an authenticator app, or type the key: {secret_text}");
    Ok(())
}

fn told_bound(bound: &Value, said: &Said) -> Done {
    said.say(bound, || {
        let mut words = format!("bound: device {}", bound["device"]["id"].as_str().unwrap_or_default());
        if let Some(codes) = bound["recovery_codes"].as_array() {
            words += "\nRecovery codes, each usable once, shown only now:";
            for code in codes {
                words += &format!("\n  {}", code.as_str().unwrap_or_default());
            }
        }
        words
    })?;
    Ok(ExitCode::SUCCESS)
}

fn devices(client: &Client, said: &Said, who: &Who) -> Done {
    let user = client.get(&who.name().path(""))?;
    said.say(&user, || {
        let mut lines = Vec::new();
        for device in user["devices"].as_array().into_iter().flatten() {
            let text = |field: &str| device[field].as_str().unwrap_or("-");
            let until = |what: &str, field: &str| {
                let until = device[field].as_str();
                until.map(|until| format!(", {what} until {until}")).unwrap_or_default()
            };
            let suspended = device["suspended"].as_array().into_iter().flatten();
            let suspended: Vec<_> = suspended.filter_map(Value::as_str).collect();
            let suspended = if suspended.is_empty() {
                String::new()
            } else {
                format!(", suspended: {}", suspended.join(" and "))
            };
            lines.push(format!(
                "{}  {}  {}{}{}{suspended}  {}  bound {}",
                text("id"),
                text("kind"),
                text("state"),
                until("locked", "locked_until"),
                until("refused", "refused_until"),
                text("label"),
                text("bound_at")
            ));
        }
        if lines.is_empty() {
            lines.push("no device is bound".into());
        }
        let protection = |field: &str| user["protection"][field].as_str().unwrap_or("none").to_owned();
        lines.push(format!(
            "login protection: {}, operation protection: {}, recovery codes left: {}",
            protection("login_protection"),
            protection("operation_protection"),
            user["recovery_codes_left"],
        ));
        lines.join("\n")
    })?;
    Ok(ExitCode::SUCCESS)
}

impl Verify {
    fn run(self, client: &Client, said: &Said) -> Done {
        let code = CodeSource::open(&self.codes, said)?.next("Code")?;
        let body = json!({
            "account": self.who.account,
            "user": self.who.user,
            "code": *code,
            "first_factor": true,
            "method": if self.recovery_code { "recovery_code" } else { "totp" },
        });
        let answer = client.post("/v1/verify", &body)?;
        said.say(&answer, || {
            let outcome = answer["outcome"].as_str().unwrap_or_default();
            let wait = answer["retry_after_s"]
                .as_u64()
                .map(|s| format!(", for {s} s"))
                .unwrap_or_default();
            let wrong = match answer["wrong_since_last_success"].as_u64() {
                Some(0) | None => String::new(),
                Some(wrong) => format!("; {wrong} wrong code(s) since the last right one: were they the user's own?"),
            };
            format!("{outcome}{wait}{wrong}")
        })?;
        Ok(if answer["accepted"] == true {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(1)
        })
    }
}

impl OneDevice {
    /// The path of the device that is meant.
    fn path(&self, client: &Client, call: &str) -> Result<String, Failure> {
        let who = self.who.name();
        let id = match &self.device {
            Some(id) => id.clone(),
            None => {
                let user = client.get(&who.path(""))?;
                match user["devices"].as_array().map(Vec::as_slice) {
                    Some([only]) => only["id"].as_str().unwrap_or_default().to_owned(),
                    Some([]) | None => return Err(Failure::new("the user has no bound device")),
                    Some(_) => {
                        return Err(Failure::usage("the user has several devices").help("name one with --device ID"));
                    }
                }
            }
        };
        Ok(who.path(&format!("/devices/{}{call}", crate::client::encoded(&id))))
    }

    fn resync(self, client: &Client, said: &Said) -> Done {
        let path = self.path(client, "/resync")?;
        let mut codes = CodeSource::open(&self.codes, said)?;
        let first = codes.next("Code that the device shows")?;
        let second = codes.next("The next code, once it changed")?;
        let device = client.post(&path, &json!({"codes": [*first, *second], "actor": actor()}))?;
        said.say(&device, || {
            format!(
                "resynced: the device is {} steps off, and expected there",
                device["drift_steps"]
            )
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Unbind {
    fn run(self, client: &Client, said: &Said) -> Done {
        let path = self.of.path(client, "/unbind")?;
        let mut codes = CodeSource::open(&self.of.codes, said)?;
        if !self.yes && said.may_ask {
            eprintln!(
                "This ends the device for good, and with the last one its user's login and operation protection."
            );
        } else if !self.yes && self.of.codes.code_file.is_none() {
            return Err(Failure::usage("unbinding ends the device for good").help("say --yes if it is meant"));
        }
        let code = codes.next("Code of the device, to go on")?;
        let method = if self.recovery_code { "recovery_code" } else { "totp" };
        client.post(&path, &json!({"code": *code, "method": method, "actor": actor()}))?;
        said.say(&json!({"unbound": true}), || "unbound".into())?;
        Ok(ExitCode::SUCCESS)
    }
}
