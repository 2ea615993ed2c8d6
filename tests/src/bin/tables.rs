//! The tables in memory as a program: listens on loopback, says on which port, serves until stopped.

use std::io::Write as _;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use clap::Parser;
use countersign_tests::tables;
use tokio::net::TcpListener;

/// Tables and a queue in memory before an emulator of AWS, for `make bench`.
#[derive(Debug, Parser)]
#[command(name = "tables")]
struct Args {
    /// Where the emulator listens, such as 127.0.0.1:4566
    #[arg(long)]
    upstream: String,
    /// File to write the port to, once it listens
    #[arg(long)]
    port_file: PathBuf,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let args = Args::parse();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let port = listener.local_addr()?.port();
    countersign_tests::port::write(&args.port_file, port)?;
    writeln!(std::io::stdout(), "tables on http://127.0.0.1:{port}")?;
    tables::serve(listener, args.upstream).await
}
