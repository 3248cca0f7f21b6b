//! `countersign token list`: the inventory, by serial number.

use api::{PageSize, TokenPage, TokenQuery, TokenState};
use clap::{Args, ValueEnum};

use super::inventory::{line, pages};
use crate::{
    client::Client,
    commands::{Done, output::Output},
};

#[derive(Args)]
pub(in crate::commands) struct List {
    /// Those in this state
    #[arg(long)]
    state: Option<State>,
    /// Those of this batch
    #[arg(long)]
    batch: Option<String>,
    /// Those that are bound and whose clock is about to leave the window
    #[arg(long, conflicts_with_all = ["state", "batch"])]
    drifting: bool,
}

// Without a doc each, so that `--help` lists them in one line.
#[derive(Clone, Copy, ValueEnum)]
enum State {
    Imported,
    Assigned,
    Bound,
    Lost,
    Returned,
    Retired,
}

impl From<State> for TokenState {
    fn from(state: State) -> Self {
        match state {
            State::Imported => Self::Imported,
            State::Assigned => Self::Assigned,
            State::Bound => Self::Bound,
            State::Lost => Self::Lost,
            State::Returned => Self::Returned,
            State::Retired => Self::Retired,
        }
    }
}

impl List {
    pub(super) fn run(self, client: &Client, output: &Output) -> Done {
        let page = |cursor| {
            let query = TokenQuery {
                state: self.state.map(TokenState::from),
                batch: self.batch.clone(),
                drifting: self.drifting,
                limit: PageSize::MAX,
                cursor,
            };
            client.list::<TokenPage>("/v1/tokens", &query)
        };
        pages(page, output, line)
    }
}
