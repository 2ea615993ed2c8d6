//! The stand-in provider as a program: listens on loopback, says on which port, serves until stopped.

use std::io::Write as _;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use clap::Parser;
use countersign_tests::standin;
use tokio::net::TcpListener;

/// An LLM provider to test against. Answers OpenAI chat completions by echoing the last user message.
///
/// A tenant's provider URL is http://127.0.0.1:PORT/<channel>/v1; channels keep tests apart.
///
/// POST   /<channel>/v1/chat/completions   the answer
/// PUT    /_control/<channel>              what to answer, as JSON; all fields optional:
///                                         status, body, delay_ms, usage, content, drop,
///                                         truncate, headers
/// DELETE /_control/<channel>              back to the echo
/// GET    /_requests/<channel>             received: [{method, path, headers, body}]
/// DELETE /_requests/<channel>             forgets it
/// GET    /healthz                         200 when it serves
#[derive(Debug, Parser)]
#[command(name = "standin", verbatim_doc_comment)]
struct Args {
    /// Port on 127.0.0.1; 0 lets the system choose
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// File to write the port to, once it listens
    #[arg(long)]
    port_file: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let args = Args::parse();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, args.port)).await?;
    let port = listener.local_addr()?.port();
    if let Some(path) = &args.port_file {
        write_port(path, port)?;
    }
    writeln!(std::io::stdout(), "stand-in provider on http://127.0.0.1:{port}")?;
    standin::serve(listener).await
}

/// Written beside and renamed, so that a waiting reader sees either nothing or the whole number.
fn write_port(path: &Path, port: u16) -> std::io::Result<()> {
    let partial = path.with_extension("partial");
    std::fs::write(&partial, format!("{port}\n"))?;
    std::fs::rename(partial, path)
}
