//! `countersign`: the command for people who manage it, operators and auditors. A second shell around the same crates.
//!
//! Exit codes: 0 done, 1 refused or failed (the message says what to do), 2 wrong usage; `verify` has one for each class
//! of fault, from 10 on.

mod api;
mod args;
mod config;
mod dlp;
mod drill;
mod drilled;
mod export;
mod gate;
mod keys;
mod kill;
mod limits;
mod network;
mod ops;
mod print;
mod providers;
mod report;
mod rows;
mod seed;

use std::process::ExitCode;

use clap::Parser as _;

use args::{Command, Ops, Program};

/// Where all variables of an operator come from.
const CONFIGURED: &str = "Terraform's output has them all: eval \"$(terraform output -raw operator_environment)\"; \
    for a local stack: eval \"$(python3 tests/local/stack.py env --role operator)\"";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Program::parse().command).await {
        Ok(code) => code,
        Err(error) => {
            print::error(&error.to_string());
            if error.is::<aws::BadConfig>() {
                print::progress(CONFIGURED);
            }
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<ExitCode, Box<dyn std::error::Error>> {
    #[expect(clippy::disallowed_methods, reason = "the composition root is where variables enter")]
    let get = |name: &str| std::env::var(name).ok();
    match command {
        Command::Api(wanted) => return Ok(api::run(&get, wanted).await),
        Command::Verify(wanted) => return Ok(ExitCode::from(verify::run(&wanted)?)),
        Command::Export(wanted) => export::export(&get, wanted).await?,
        Command::Report(wanted) => report::run(&wanted)?,
        Command::Trust => export::trust(&get).await?,
        Command::Ops { command: Ops::Keys(wanted) } => ops::keys(&get, wanted).await?,
        Command::Ops { command: Ops::Rotate(wanted) } => ops::rotate(&get, wanted).await?,
        Command::Ops { command: Ops::Shred(wanted) } => ops::shred(&get, wanted).await?,
        Command::Ops { command: Ops::Credential(wanted) } => ops::credential(&get, wanted).await?,
        Command::Ops { command: Ops::Provider(wanted) } => providers::run(&get, wanted).await?,
        Command::Ops { command: Ops::Policy(wanted) } => dlp::run(&get, wanted).await?,
        Command::Ops { command: Ops::Gate(wanted) } => gate::run(&get, wanted).await?,
        Command::Ops { command: Ops::Drill(wanted) } => drill::run(&get, wanted).await?,
        Command::Ops { command: Ops::Drilled(wanted) } => drilled::run(&get, wanted).await?,
        Command::Ops { command: Ops::Kill(wanted) } => kill::run(&get, wanted).await?,
        Command::Ops { command: Ops::Network(wanted) } => network::run(&get, wanted).await?,
        Command::Ops { command: Ops::Limit(wanted) } => limits::run(&get, wanted).await?,
        Command::Ops { command: Ops::Usage(wanted) } => limits::usage(&get, wanted).await?,
        Command::Ops { command: Ops::Rebuild(wanted) } => export::rebuild(&get, wanted).await?,
        Command::Ops { command: Ops::Seed(wanted) } => {
            let config = config::Config::from_vars(&get)?;
            let credential =
                get("CS_PROVIDER_KEY").filter(|key| !key.is_empty()).ok_or(seed::SeedError::NoCredential)?;
            let seeded = seed::run(config, wanted, credential.into()).await?;
            print::json(&seeded)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
