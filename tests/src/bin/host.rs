//! The function host as a program: runs one function's binary behind a URL on loopback until it is stopped.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Parser;
use countersign_tests::host::{self, Options};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// Runs a function's real binary as Lambda would, with true response streaming.
///
/// any path                                          the function's URL
/// POST /2015-03-31/functions/<any>/invocations      an event of any kind, such as SQS
/// GET  /_host                                       workers: [{pid, starts, init_ms, invocations, busy,
///                                                              failures: {function, crash, timeout, init}}]
#[derive(Debug, Parser)]
#[command(name = "host", verbatim_doc_comment)]
struct Args {
    /// The function's program
    #[arg(long)]
    binary: PathBuf,
    /// JSON file of the function's variables: {"NAME": "value"}, credentials (AWS_*) included
    #[arg(long)]
    env: Option<PathBuf>,
    /// Processes, each with one invocation at a time
    #[arg(long, default_value_t = 1)]
    workers: usize,
    /// Port on 127.0.0.1; 0 lets the system choose
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// File to write the port to, once it listens
    #[arg(long)]
    port_file: Option<PathBuf>,
    /// Longest invocation, in seconds
    #[arg(long, default_value_t = 60)]
    timeout_s: u64,
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let args = Args::parse();
    let env = args.env.as_deref().map_or(Ok(BTreeMap::new()), read_env)?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, args.port)).await?;
    let port = listener.local_addr()?.port();
    let options = Options {
        binary: args.binary,
        env,
        workers: args.workers,
        timeout: Duration::from_secs(args.timeout_s),
    };
    let mut terminated = signal(SignalKind::terminate())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    if let Some(path) = &args.port_file {
        countersign_tests::port::write(path, port)?;
    }
    writeln!(std::io::stdout(), "function on http://127.0.0.1:{port}")?;
    // Returning drops the workers, which ends their processes.
    tokio::select! {
        served = host::serve(listener, options) => served,
        _ = terminated.recv() => Ok(()),
        _ = interrupted.recv() => Ok(()),
    }
}

fn read_env(path: &Path) -> std::io::Result<BTreeMap<String, String>> {
    Ok(serde_json::from_slice(&std::fs::read(path)?)?)
}
