//! `countersign support diagnose`: why was this code refused?

use std::process::ExitCode;

use api::{DiagnoseRequest, Diagnosis, Name};
use clap::Args;

use super::actor;
use crate::{
    client::Client,
    commands::{
        Done,
        output::Output,
        user::{CodeSource, Codes},
        word,
    },
};

#[derive(Args)]
pub(super) struct Diagnose {
    /// The account
    account: Name,
    /// The user under it
    user: Name,
    #[command(flatten)]
    codes: Codes,
}

impl Diagnose {
    pub(super) fn run(self, client: &Client, output: &Output) -> Done {
        let code = CodeSource::open(&self.codes, output)?.next("Code that was refused")?;
        let request = DiagnoseRequest {
            account: self.account,
            user: self.user,
            code,
            actor: actor(),
        };
        let told = client.post::<Diagnosis>("/v1/support/diagnose", &request)?;
        output.print(&told, || words(&told))?;
        Ok(ExitCode::SUCCESS)
    }
}

fn words(told: &Diagnosis) -> String {
    let mut lines = vec![word(&told.cause), told.text.en.clone(), told.text.zh.clone()];
    if let Some(device) = told.device_id {
        lines.push(format!("device: {device}"));
    }
    lines.push(format!("may be asked {} more times within the hour", told.asks_left));
    lines.join("\n")
}
