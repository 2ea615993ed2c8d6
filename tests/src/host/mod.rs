//! A host for one function's real binary: the Lambda Runtime API on one side, a function URL on the other. `MiniStack`
//! runs the same binaries but holds answers back until they are whole; here every chunk leaves as it comes.
//!
//! Workers are processes, each with one invocation at a time, as on Lambda. They see the given variables and Lambda's
//! own, nothing of this process's environment. All sockets are on loopback.
//! API: <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>. Events: payload format 2.0,
//! <https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html>.
//!
//! Kinder than Lambda: no limit on answers, no bandwidth cap, no throttling (calls wait for a free worker), no memory
//! limit, no frozen process between invocations.

mod event;
mod front;
mod integration;
mod pool;
mod runtime_api;
#[cfg(test)]
mod tests;
mod worker;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinSet;

use self::pool::Queue;
use self::worker::Worker;

/// How long to wait after a failed accept: the usual cause is too many open files, which passes.
const ACCEPT_RETRY: Duration = Duration::from_millis(20);

/// What to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The function's program, `bootstrap` in a package.
    pub binary: PathBuf,
    /// The function's variables, credentials (`AWS_*`) among them.
    pub env: BTreeMap<String, String>,
    /// Processes; 1 at least.
    pub workers: usize,
    /// How long one invocation may take, from its dispatch to the end of its answer.
    pub timeout: Duration,
}

/// Serves the function's URL on `listener` until the future is dropped, which also ends the processes.
///
/// # Errors
/// A worker's Runtime API finds no port.
pub async fn serve(listener: TcpListener, options: Options) -> std::io::Result<()> {
    let queue = Arc::new(Queue::default());
    let mut running = JoinSet::new();
    let mut workers = Vec::new();
    for number in 0..options.workers.max(1) {
        let worker = Arc::new(Worker::new(number, options.clone(), Arc::clone(&queue)));
        let api = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await?;
        running.spawn(Arc::clone(&worker).run(api));
        workers.push(worker);
    }
    let front = Arc::new(front::Front::new(queue, workers));
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => drop(running.spawn(Arc::clone(&front).connection(stream, peer))),
            Err(_) => tokio::time::sleep(ACCEPT_RETRY).await,
        }
        while running.try_join_next().is_some() {}
    }
}
