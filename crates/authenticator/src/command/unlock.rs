use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::{DONE, Done, print, print_json};
use crate::{
    Refusal,
    agent::Agent,
    vault_session::{By, VaultSession},
};

/// A day: nobody remembers longer that a vault is open.
const MOST_S: u64 = 24 * 60 * 60;

#[derive(Args)]
pub(super) struct Unlock {
    /// How long, such as 90s, 10m or 8h, at most 24h
    #[arg(long = "for", value_name = "TIME", default_value = "10m", value_parser = duration)]
    lasts: Duration,
    /// Says whether it is unlocked and for how long still, and changes nothing
    #[arg(long, conflicts_with = "lasts")]
    status: bool,
}

#[derive(Args)]
pub(super) struct Lock {
    /// Every vault that is unlocked, wherever its file is
    #[arg(long)]
    all: bool,
}

impl Unlock {
    pub(super) fn run(self, session: &VaultSession<'_>) -> Done {
        if self.status {
            return status(session);
        }
        let vault = session.open(By::Person)?;
        let agent = session.agent(vault.id());
        agent.start(session.machine, vault.data_key(), self.lasts)?;
        eprintln!(
            "unlocked for {} s, or until `countersign authenticator lock`",
            self.lasts.as_secs()
        );
        DONE
    }
}

fn status(session: &VaultSession<'_>) -> Done {
    let left = session.agent(session.file.read()?.id()).seconds_left()?;
    if session.json {
        print_json(&json!({"unlocked": left.is_some(), "seconds_left": left}))?;
    } else {
        print(&left.map_or("locked\n".to_owned(), |left| format!("unlocked, {left} s left\n")))?;
    }
    DONE
}

impl Lock {
    pub(super) fn run(self, session: &VaultSession<'_>) -> Done {
        let was_unlocked = if self.all {
            Agent::lock_all(session.machine)?
        } else {
            let locked = session.file.read().map_err(|error| {
                Refusal::new(error).help("`lock --all` locks every vault, also one whose file was moved away")
            })?;
            session.agent(locked.id()).lock()?
        };
        match (was_unlocked, self.all) {
            (true, _) => eprintln!("locked"),
            (false, false) => eprintln!("it was locked already"),
            (false, true) => eprintln!("nothing was unlocked"),
        }
        DONE
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let (number, seconds_each) = match text.char_indices().last() {
        Some((at, 's')) => (&text[..at], 1),
        Some((at, 'm')) => (&text[..at], 60),
        Some((at, 'h')) => (&text[..at], 60 * 60),
        _ => return Err("a number with s, m or h behind it, such as 10m".into()),
    };
    let seconds = number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(seconds_each));
    match seconds {
        Some(seconds @ 1..=MOST_S) => Ok(Duration::from_secs(seconds)),
        Some(_) => Err("1s to 24h".into()),
        None => Err("a number with s, m or h behind it, such as 10m".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_unit_and_an_end() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("24h"), Ok(Duration::from_secs(86_400)));
        for refused in [
            "",
            "s",
            "10",
            "0m",
            "-1m",
            "25h",
            "1.5h",
            "10 分",
            "18446744073709551615h",
        ] {
            assert!(duration(refused).is_err(), "{refused}");
        }
    }
}
