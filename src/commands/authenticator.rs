//! `countersign authenticator …`: the crate's commands, on this machine.

pub(super) use authenticator::Authenticator;

use super::Done;
use crate::{Failure, real};

pub(super) fn run(authenticator: Authenticator) -> Done {
    let machine = real::machine().map_err(Failure::new)?;
    authenticator.run(&machine).map_err(|refusal| {
        let failure = match refusal.is_usage {
            true => Failure::usage(refusal.what),
            false => Failure::new(refusal.what),
        };
        match refusal.remedy {
            Some(remedy) => failure.help(remedy),
            None => failure,
        }
    })
}
