//! Thin clients of the management API: one call or two for a command, a table for people, the API's own JSON for scripts.
//!
//! # In scope
//! Signing in and keeping the session, calls and their refusals in words, and `apply`, which compares a file with what is there.
//!
//! # Out of scope
//! - What may be done: the API decides and records it.
//! - What the API does not do: `countersign ops`, under a role of AWS.

mod agents;
mod apply;
mod budgets;
mod changes;
mod client;
mod connections;
mod desk;
mod diff;
mod directories;
mod execute;
mod fault;
mod gate;
mod keys;
mod kill;
mod login;
mod loopback;
mod manifest;
mod model;
mod networks;
mod people;
mod policies;
mod present;
mod providers;
mod query;
mod roles;
mod sessions;
mod show;
mod store;
mod teams;
mod tenants;
mod workloads;

use std::process::ExitCode;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::CommandFactory as _;

use self::desk::{Desk, Done};
use crate::args::Program;
use crate::args::api::{Api as Wanted, Nouns};
use crate::print;

type Get<'a> = &'a (dyn Fn(&str) -> Option<String> + Sync);

/// Runs one command. Every fault is said here, and nothing else is.
pub async fn run(get: Get<'_>, wanted: Wanted) -> ExitCode {
    match Box::pin(done(get, wanted)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            print::error(&fault.to_string());
            ExitCode::from(fault.exit())
        }
    }
}

async fn done(get: Get<'_>, wanted: Wanted) -> Done {
    match wanted {
        Wanted::Login(wanted) => login::run(get, wanted).await,
        Wanted::Logout(seat) => sessions::logout(get, &seat).await,
        Wanted::Whoami(seat) => Desk::seated(get, &seat)?.get("v1/session").await,
        Wanted::Of(noun) => Box::pin(of(get, noun)).await,
        Wanted::Kill(wanted) => kill::run(get, wanted).await,
        Wanted::Query(wanted) => query::run(Desk::open(get, &wanted.at)?, wanted).await,
        Wanted::Apply(wanted) => apply::run(get, wanted).await,
        Wanted::Completions { shell } => completions(shell),
    }
}

async fn of(get: Get<'_>, noun: Nouns) -> Done {
    let desk = |at| Desk::open(get, at);
    match noun {
        Nouns::Sessions(noun) => sessions::run(desk(&noun.at)?, noun.command).await,
        Nouns::Tenants(noun) => tenants::run(desk(&noun.at)?, noun.command).await,
        Nouns::Agents(noun) => agents::run(desk(&noun.at)?, noun.command).await,
        Nouns::Teams(noun) => teams::run(desk(&noun.at)?, noun.command).await,
        Nouns::Keys(noun) => keys::run(desk(&noun.at)?, noun.command).await,
        Nouns::Providers(noun) => providers::run(get, desk(&noun.at)?, noun.command).await,
        Nouns::Policies(noun) => policies::run(desk(&noun.at)?, noun.command).await,
        Nouns::Gate(noun) => gate::run(desk(&noun.at)?, noun.command).await,
        Nouns::Channels(noun) => gate::channels(desk(&noun.at)?, noun.command).await,
        Nouns::Budgets(noun) => budgets::run(desk(&noun.at)?, noun.command).await,
        Nouns::Networks(noun) => networks::run(desk(&noun.at)?, noun.command).await,
        Nouns::People(noun) => people::run(desk(&noun.at)?, noun.command).await,
        Nouns::Roles(noun) => roles::run(desk(&noun.at)?, noun.command).await,
        Nouns::Changes(noun) => changes::run(desk(&noun.at)?, noun.command).await,
        Nouns::Workloads(noun) => workloads::run(desk(&noun.at)?, noun.command).await,
        Nouns::Directories(noun) => directories::run(desk(&noun.at)?, noun.command).await,
        Nouns::Connections(noun) => connections::run(desk(&noun.at)?, noun.command).await,
    }
}

fn completions(shell: clap_complete::Shell) -> Done {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Program::command(), "countersign", &mut script);
    print::text(&String::from_utf8_lossy(&script)).map_err(|error| fault::Fault::Print(error.to_string()))
}

/// As ids, challenges and keys of ours are written (RFC 4648 section 5, without padding).
fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
