//! `countersign user unbind`: the end of a device.

use std::process::ExitCode;

use api::{Approver, FactorMethod, Name, UnbindRequest};
use clap::Args;
use serde_json::json;

use super::{CodeSource, OneDevice, actor};
use crate::{
    Failure,
    client::{Acknowledged, Client},
    commands::{Done, output::Output},
};

#[derive(Args)]
pub(super) struct Unbind {
    #[command(flatten)]
    pub(super) of: OneDevice,
    /// The code is a recovery code
    #[arg(long)]
    recovery_code: bool,
    /// The code is this administrator's of the account, or its root's
    #[arg(long, value_name = "USER")]
    approver: Option<Name>,
    /// Does not ask whether it is meant
    #[arg(long)]
    yes: bool,
}

impl Unbind {
    pub(super) fn run(self, client: &Client, output: &Output) -> Done {
        let path = self.of.path(client, "/unbind")?;
        let mut codes = CodeSource::open(&self.of.codes, output)?;
        self.is_meant(output)?;
        let asked = match &self.approver {
            Some(_) => "Code of the administrator, to go on",
            None => "Code of the device, to go on",
        };
        let code = codes.next(asked)?;
        let method = if self.recovery_code {
            FactorMethod::RecoveryCode
        } else {
            FactorMethod::Totp
        };
        let request = match self.approver {
            Some(user) => UnbindRequest {
                code: None,
                method: FactorMethod::Totp,
                approver: Some(Approver {
                    account: self.of.who.account,
                    user,
                    code,
                    method,
                }),
                actor: actor(),
            },
            None => UnbindRequest {
                code: Some(code),
                method,
                approver: None,
                actor: actor(),
            },
        };
        client.post::<Acknowledged>(&path, &request)?;
        output.print(&json!({"unbound": true}), || "unbound".into())?;
        Ok(ExitCode::SUCCESS)
    }

    /// A person is warned, and goes on with a code; a script said so, or named the file of a code.
    fn is_meant(&self, output: &Output) -> Result<(), Failure> {
        if !self.yes && output.may_ask {
            eprintln!(
                "This ends the device for good, and with the last one its user's login and operation protection."
            );
        } else if !self.yes && self.of.codes.code_file.is_none() {
            return Err(Failure::usage("unbinding ends the device for good").help("say --yes if it is meant"));
        }
        Ok(())
    }
}
