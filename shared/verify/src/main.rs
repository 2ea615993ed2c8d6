//! `countersign-verify`: verification alone, for whoever audits.
//!
//! Exit codes: 0 it holds, 1 it cannot be read, 2 wrong usage, from 10 on one for each class of fault.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

/// Verifies an export of Countersign's audit log, offline.
#[derive(Debug, clap::Parser)]
#[command(name = "countersign-verify", version)]
struct Program {
    #[command(flatten)]
    verify: countersign_verify::Verify,
}

fn main() -> ExitCode {
    match countersign_verify::run(&Program::parse().verify) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "countersign-verify: {error}");
            ExitCode::FAILURE
        }
    }
}
