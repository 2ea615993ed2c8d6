//! One process after the other, each with one invocation at a time.

use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::pool::{Failure, Invocation, Queue, Reply};
use super::{ACCEPT_RETRY, Options, runtime_api};

/// How long a process may take to its first question; Lambda's own limit.
const INIT_MAX: Duration = Duration::from_secs(10);
/// How long what a dead process left in its sockets may take to be read.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// Between two starts of a process that does not come up.
const RESTART: Duration = Duration::from_millis(100);
/// Lambda's own variables; the given ones go first.
const PLATFORM: [(&str, &str); 13] = [
    ("AWS_DEFAULT_REGION", "eu-central-1"),
    ("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023"),
    ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
    ("AWS_LAMBDA_FUNCTION_NAME", "function"),
    ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
    ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
    ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/function"),
    ("AWS_LAMBDA_LOG_STREAM_NAME", "host"),
    ("AWS_REGION", "eu-central-1"),
    ("LANG", "en_US.UTF-8"),
    ("PATH", "/usr/local/bin:/usr/bin:/bin"),
    ("TZ", ":UTC"),
    ("_HANDLER", "bootstrap"),
];

#[derive(Debug)]
pub(super) struct Worker {
    number: usize,
    pub(super) options: Options,
    pub(super) queue: Arc<Queue>,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    process: Option<u32>,
    starts: u64,
    started: Option<Instant>,
    /// From the start of the process to its first question.
    init: Option<Duration>,
    invocations: u64,
    failures: Failures,
    current: Option<Current>,
}

/// How often a worker failed, each way: also in the middle of a stream, when its caller cannot be told why.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Failures {
    function: u64,
    crash: u64,
    timeout: u64,
    init: u64,
}

impl Failures {
    fn count(&mut self, failure: Failure) {
        *match failure {
            Failure::Function => &mut self.function,
            Failure::Crash => &mut self.crash,
            Failure::Timeout => &mut self.timeout,
            Failure::Init => &mut self.init,
        } += 1;
    }
}

#[derive(Debug)]
struct Current {
    id: String,
    expires: Instant,
    /// Taken when the answer begins.
    reply: Option<oneshot::Sender<Reply>>,
}

impl Worker {
    pub(super) fn new(number: usize, options: Options, queue: Arc<Queue>) -> Self {
        Self { number, options, queue, state: Mutex::default(), changed: Notify::new() }
    }

    /// Starts the process and starts it again whenever it ends.
    pub(super) async fn run(self: Arc<Self>, api: TcpListener) {
        loop {
            let mut connections = JoinSet::new();
            let failure = match self.start(&api) {
                Ok(child) => self.watch(child, &api, &mut connections).await,
                Err(error) => {
                    log(&format!(
                        "worker {}: {} does not start: {error}",
                        self.number,
                        self.options.binary.display()
                    ));
                    Failure::Init
                }
            };
            let read = async { while connections.join_next().await.is_some() {} };
            let _ = timeout(LAST_WORDS, read).await;
            connections.shutdown().await;
            let came_up = self.state().init.is_some();
            self.ended(failure);
            if !came_up {
                self.refuse_one().await;
            }
        }
    }

    fn start(&self, api: &TcpListener) -> std::io::Result<Child> {
        let address = api.local_addr()?;
        let binary = self.options.binary.canonicalize()?;
        let mut command = Command::new(&binary);
        command.env_clear().envs(PLATFORM).envs(&self.options.env);
        command.env("AWS_LAMBDA_RUNTIME_API", address.to_string());
        command.env("LAMBDA_TASK_ROOT", binary.parent().unwrap_or(&binary));
        command.stdin(Stdio::null()).kill_on_drop(true);
        let mut state = self.state();
        let child = command.spawn()?;
        *state = State {
            process: child.id(),
            starts: state.starts + 1,
            started: Some(Instant::now()),
            invocations: state.invocations,
            failures: state.failures,
            ..State::default()
        };
        Ok(child)
    }

    /// Serves the process until it ends or has to be ended.
    async fn watch(
        self: &Arc<Self>,
        mut child: Child,
        api: &TcpListener,
        connections: &mut JoinSet<()>,
    ) -> Failure {
        let late = loop {
            tokio::select! {
                _ = child.wait() => return if self.state().init.is_some() { Failure::Crash } else { Failure::Init },
                late = self.overdue() => break late,
                accepted = api.accept() => match accepted {
                    Ok((stream, _)) => drop(connections.spawn(runtime_api::connection(Arc::clone(self), stream))),
                    Err(_) => sleep(ACCEPT_RETRY).await,
                },
            }
        };
        let _ = child.kill().await;
        late
    }

    /// Returns when the process took too long for what it does.
    async fn overdue(&self) -> Failure {
        loop {
            let (at, failure) = {
                let state = self.state();
                let init =
                    state.started.filter(|_| state.init.is_none()).map(|at| (at + INIT_MAX, Failure::Init));
                let running = state.current.as_ref().map(|current| (current.expires, Failure::Timeout));
                running.or(init).unzip()
            };
            match at.zip(failure) {
                Some((at, failure)) => tokio::select! {
                    () = sleep_until(at) => return failure,
                    () = self.changed.notified() => {}
                },
                None => self.changed.notified().await,
            }
        }
    }

    /// The process asked for an invocation: it is up.
    pub(super) fn asked(&self) {
        let mut state = self.state();
        let since = state.started.map(|at| at.elapsed());
        state.init = state.init.or(since);
        drop(state);
        self.changed.notify_one();
    }

    /// Makes `invocation` the current one; its event goes to the process.
    pub(super) fn begin(&self, invocation: Invocation) -> (String, String, Bytes) {
        let Invocation { id, trace, event, reply } = invocation;
        let expires = Instant::now() + self.options.timeout;
        let mut state = self.state();
        state.invocations += 1;
        state.current = Some(Current { id: id.clone(), expires, reply: Some(reply) });
        drop(state);
        self.changed.notify_one();
        (id, trace, event)
    }

    /// Where the answer of `id` goes. `None` for an id that is not the current one, or was answered.
    pub(super) fn take_reply(&self, id: &str) -> Option<oneshot::Sender<Reply>> {
        let mut state = self.state();
        state.current.as_mut().filter(|current| current.id == id)?.reply.take()
    }

    /// The answer is complete.
    pub(super) fn done(&self) {
        self.state().current = None;
        self.changed.notify_one();
    }

    /// Counts a failure, for `GET /_host`.
    pub(super) fn failed(&self, failure: Failure) {
        self.state().failures.count(failure);
    }

    fn ended(&self, failure: Failure) {
        self.failed(failure);
        let current = self.state().current.take();
        log(&format!("worker {}: the process ended ({})", self.number, failure.name()));
        if let Some(reply) = current.and_then(|current| current.reply) {
            let _ = reply.send(Reply::Failed(failure, Bytes::new()));
        }
    }

    /// A function that does not come up answers with an error, not with silence.
    async fn refuse_one(&self) {
        let began = Instant::now();
        if let Ok(Some(invocation)) = timeout(RESTART, self.queue.next()).await {
            let _ = invocation.reply.send(Reply::Failed(Failure::Init, Bytes::new()));
        }
        sleep_until(began + RESTART).await;
    }

    /// `{pid, starts, init_ms, invocations, busy, failures}`.
    pub(super) fn status(&self) -> Value {
        let state = self.state();
        json!({
            "pid": state.process,
            "starts": state.starts,
            "init_ms": state.init.map(|init| init.as_secs_f64() * 1_000.0),
            "invocations": state.invocations,
            "busy": state.current.is_some(),
            "failures": state.failures,
        })
    }

    /// A panic elsewhere cannot leave the state half changed: every change above is complete or not begun.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A line in the host's own log.
pub(super) fn log(line: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "host: {line}");
}
