//! The stand-in provider as a program: listens on loopback, says on which port, serves until stopped.

use std::io::Write as _;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use clap::Parser;
use countersign_tests::standin;
use tokio::net::TcpListener;

/// An LLM provider to test against. Answers by echoing the last user message, streamed or whole.
///
/// A tenant's provider URL is http://127.0.0.1:PORT/<channel>/v1; channels keep tests apart. Without /v1, with
/// /openai/v1 and with /openai/deployments/<name> it works as well.
///
/// POST   <url>/chat/completions           OpenAI
/// POST   <url>/responses                  OpenAI
/// POST   <url>/embeddings                 OpenAI
/// POST   <url>/messages                   Anthropic
/// POST   <url>/messages/count_tokens      Anthropic
/// GET    <url>/models                     either, by the header anthropic-version
///
/// A user text of "call <text>", or a tool_choice that demands it, calls a declared tool; a tool's result is echoed.
/// Credentials are demanded: Bearer, or either of x-api-key and Bearer with anthropic-version, or
/// api-key below /openai. A model whose
/// name holds "unknown" does not exist. Histories are checked as the vendors check them.
///
/// PUT    /_control/<channel>              what to answer, as JSON; all fields optional:
///                                         status, body, delay_ms, usage, usage_raw, content,
///                                         drop, truncate, headers, tool_calls, reasoning,
///                                         finish, error_inside, lenient, chunk_chars,
///                                         event_delay_ms, write_bytes, stepped, raw_events,
///                                         framing: plain | crlf | cr | tight | noisy | multiline,
///                                         sse_after, sse: malformed | bad_utf8 | long_event |
///                                         unseparated | stall | truncate | no_end |
///                                         error_event | flat_error_event | failed |
///                                         split_utf8
/// DELETE /_control/<channel>              back to the echo
/// POST   /_step/<channel>                 lets stepped streams send that many events more
/// GET    /_streams/<channel>              {sent, open, stalled}: events sent, streams now
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
        countersign_tests::port::write(path, port)?;
    }
    writeln!(std::io::stdout(), "stand-in provider on http://127.0.0.1:{port}")?;
    standin::serve(listener).await
}
