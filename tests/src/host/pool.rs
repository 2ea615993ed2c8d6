//! Invocations on their way to a worker, and answers on their way back.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tokio::sync::{Mutex, mpsc, oneshot};

/// One call of the function.
#[derive(Debug)]
pub(super) struct Invocation {
    pub(super) id: String,
    pub(super) trace: String,
    pub(super) event: Bytes,
    pub(super) reply: oneshot::Sender<Reply>,
}

/// What came of it.
#[derive(Debug)]
pub(super) enum Reply {
    Whole(Bytes),
    Streamed {
        /// Whether status and headers come first: the content type says so.
        integration: bool,
        body: Chunks,
    },
    /// The worker's own words about a [`Failure::Function`].
    Failed(Failure, Bytes),
}

/// A streamed answer. `None` is its proper end; a closed channel means that the worker broke off.
pub(super) type Chunks = mpsc::Receiver<Option<Bytes>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The function answered with an error.
    Function,
    /// The process ended with the invocation open.
    Crash,
    /// The process was killed at the deadline.
    Timeout,
    /// The process ended, or said so, before it asked for an invocation.
    Init,
}

impl Failure {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Function => "function",
            Self::Crash => "crash",
            Self::Timeout => "timeout",
            Self::Init => "init",
        }
    }
}

/// Invocations that wait for a worker, in order.
#[derive(Debug)]
pub(super) struct Queue {
    sender: mpsc::UnboundedSender<Invocation>,
    receiver: Mutex<mpsc::UnboundedReceiver<Invocation>>,
}

impl Default for Queue {
    fn default() -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        Self { sender, receiver: Mutex::new(receiver) }
    }
}

impl Queue {
    /// Lines up a call. Without an answer the receiver says that the worker is gone.
    pub(super) fn call(&self, id: String, trace: String, event: Bytes) -> oneshot::Receiver<Reply> {
        let (reply, answer) = oneshot::channel();
        // The receiver lives as long as the sender.
        let _ = self.sender.send(Invocation { id, trace, event, reply });
        answer
    }

    /// The next call. A wait that is given up takes none.
    pub(super) async fn next(&self) -> Option<Invocation> {
        self.receiver.lock().await.recv().await
    }
}

pub(super) fn unix_millis(at: SystemTime) -> u64 {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[expect(clippy::disallowed_methods, reason = "the host plays the platform, which tells the time")]
pub(super) fn now() -> SystemTime {
    SystemTime::now()
}

/// 16 random bytes, written as a UUID of version 4.
pub(super) fn random_id() -> String {
    let mut bytes = [0; 16];
    // A platform without random numbers still gives ids; tests need no secrecy of them.
    let _ = getrandom::getrandom(&mut bytes);
    let number = u128::from_be_bytes(bytes) & !(0xf000_u128 << 64) & !(0xc000_u128 << 48);
    let hex = format!("{:032x}", number | (0x4000_u128 << 64) | (0x8000_u128 << 48));
    let part = |from, to| hex.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}
