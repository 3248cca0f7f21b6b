//! `countersign token find`: whose token is this?

use std::process::ExitCode;

use api::{EnrollmentCodes, FindByCodeRequest, FoundTokens};
use clap::Args;

use super::inventory::{actor, line};
use crate::{
    client::Client,
    commands::{
        Done,
        output::Output,
        user::{CodeSource, Codes},
    },
};

#[derive(Args)]
pub(in crate::commands) struct Find {
    /// Looks among bound and lost tokens, by two consecutive codes, which are burned
    #[arg(long)]
    bound: bool,
    #[command(flatten)]
    codes: Codes,
}

impl Find {
    pub(super) fn run(self, client: &Client, output: &Output) -> Done {
        let mut source = CodeSource::open(&self.codes, output)?;
        let code = source.next("Code that the token shows")?;
        let codes: EnrollmentCodes = if self.bound {
            [code, source.next("The code after it")?].into()
        } else {
            code.into()
        };
        let actor = actor();
        let found = client.post::<FoundTokens>("/v1/tokens/find-by-code", &FindByCodeRequest { codes, actor })?;
        output.print(&found, || words(&found))?;
        Ok(if found.items.is_empty() {
            ExitCode::from(1)
        } else {
            ExitCode::SUCCESS
        })
    }
}

fn words(found: &FoundTokens) -> String {
    if found.items.is_empty() {
        return "no token shows this".into();
    }
    let lines: Vec<_> = found.items.iter().map(line).collect();
    lines.join("\n")
}
