use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::{actor, line};
use crate::{
    client::Client,
    commands::{
        Done,
        user::{CodeSource, Codes, Said},
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
    pub(super) fn run(self, client: &Client, said: &Said) -> Done {
        let mut source = CodeSource::open(&self.codes, said)?;
        let mut codes = vec![source.next("Code that the token shows")?];
        if self.bound {
            codes.push(source.next("The code after it")?);
        }
        let codes: Vec<&str> = codes.iter().map(|code| code.as_str()).collect();
        let found = client.post("/v1/tokens/find-by-code", &json!({"codes": codes, "actor": actor()}))?;
        let tokens = found["items"].as_array().cloned().unwrap_or_default();
        said.say(&found, || {
            let lines: Vec<String> = tokens.iter().map(line).collect();
            if lines.is_empty() {
                "no token shows this".into()
            } else {
                lines.join("\n")
            }
        })?;
        Ok(if tokens.is_empty() {
            ExitCode::from(1)
        } else {
            ExitCode::SUCCESS
        })
    }
}
