//! An answer that is read while it arrives, bounded in size and time at every step.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::Response;
use reqwest::header::CONTENT_TYPE;
use tokio::time::{Instant, timeout_at};

use crate::answer::{ErrorBody, request_id, retry_after};
use crate::client::Progress;
use crate::error::EgressError;

/// Bounds of one streamed answer. No defaults: the caller's own limits decide every one of them.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// From the call to the first byte of the body, connecting and the head included.
    pub first_byte: Duration,
    /// Longest wait for the next bytes. Time that the reader spends elsewhere is not counted.
    pub idle: Duration,
    /// From the call to the end of the body. Bytes that arrive later are not passed on, however steadily they come.
    pub total: Duration,
    /// Longest body of a success. Error bodies have the client's own limit.
    pub max_bytes: usize,
}

/// An answer whose head has arrived; redirects are answers too.
#[derive(Debug)]
pub struct Streamed {
    /// HTTP status, 200 to 999.
    pub status: u16,
    /// Seconds the provider asks to wait. Its other form, a date, is not read.
    pub retry_after: Option<u32>,
    /// The provider's own id of the request: at most 128 bytes of printable ASCII, otherwise none.
    pub request_id: Option<String>,
    /// Whether the answer calls itself `text/event-stream`. Some providers answer a streaming request with plain JSON.
    pub event_stream: bool,
    /// The body of a success (2xx) as it arrives, or what a whole error body allows.
    pub body: Result<Body, ErrorBody>,
}

/// The rest of an answer. Dropping it before its end closes the connection.
pub struct Body {
    /// `None` once the answer ended, well or not.
    response: Option<Response>,
    failed: Option<EgressError>,
    /// Bytes that may still come.
    left: usize,
    clock: Clock,
    limits: Limits,
    progress: Arc<Progress>,
}

/// The instants of one call.
#[derive(Clone, Copy)]
pub(crate) struct Clock {
    first_byte: Instant,
    total: Instant,
    begun: bool,
    /// When the reader began to wait. Kept over a wait that was given up and taken up again.
    waiting: Option<Instant>,
}

impl Clock {
    /// Starts now. A limit beyond the clock's range is none.
    pub(crate) fn start(limits: &Limits) -> Self {
        let now = Instant::now();
        Self {
            first_byte: after(now, limits.first_byte),
            total: after(now, limits.total),
            begun: false,
            waiting: None,
        }
    }

    /// When the current wait must end.
    pub(crate) fn deadline(&mut self, idle: Duration) -> Instant {
        let since = *self.waiting.get_or_insert_with(Instant::now);
        let step = if self.begun { after(since, idle) } else { self.first_byte };
        step.min(self.total)
    }

    fn arrived(&mut self) {
        self.begun = true;
        self.waiting = None;
    }

    fn over(&self) -> bool {
        Instant::now() >= self.total
    }
}

/// About 30 years stand for no limit: tokio's own substitute for an instant it cannot hold.
fn after(start: Instant, wait: Duration) -> Instant {
    start.checked_add(wait).unwrap_or_else(|| start + Duration::from_secs(86_400 * 365 * 30))
}

/// Takes the head apart. The body of a failure is read whole, within `error_limit_bytes`.
pub(crate) async fn open(
    response: Response,
    limits: Limits,
    mut clock: Clock,
    error_limit_bytes: usize,
    progress: Arc<Progress>,
) -> Result<Streamed, EgressError> {
    let (status, headers) = (response.status(), response.headers());
    progress.answered(status.as_u16());
    let (retry_after, request_id) = (retry_after(headers), request_id(headers));
    let event_stream = headers.get(CONTENT_TYPE).is_some_and(|value| is_event_stream(value.as_bytes()));
    clock.waiting = None;
    let left = if status.is_success() { limits.max_bytes } else { error_limit_bytes };
    let limits = Limits { max_bytes: left, ..limits };
    let mut body = Body { response: Some(response), failed: None, left, clock, limits, progress };
    let body = if status.is_success() { Ok(body) } else { Err(ErrorBody::new(body.whole().await?)) };
    Ok(Streamed { status: status.as_u16(), retry_after, request_id, event_stream, body })
}

/// The media type without its parameters; case does not matter (RFC 9110, 8.3.1).
fn is_event_stream(value: &[u8]) -> bool {
    let media_type = value.split(|byte| *byte == b';').next().unwrap_or_default();
    media_type.trim_ascii().eq_ignore_ascii_case(b"text/event-stream")
}

impl Body {
    /// The next bytes, as they arrived: never empty, never held back to fill a buffer. `None` is the proper end.
    /// Giving up a wait (`select!`) loses nothing and does not restart the idle limit.
    ///
    /// # Errors
    /// [`EgressError::TimedOut`], [`EgressError::Broken`] or [`EgressError::TooLarge`]. The connection is closed then,
    /// and every further call returns the same error.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, EgressError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let read = self.read().await;
        if !matches!(read, Ok(Some(_))) {
            self.response = None;
            self.failed = read.as_ref().err().copied();
        }
        read
    }

    async fn read(&mut self) -> Result<Option<Bytes>, EgressError> {
        let Some(response) = self.response.as_mut() else { return Ok(None) };
        let limit_bytes = self.limits.max_bytes;
        let too_large = EgressError::TooLarge { status: response.status().as_u16(), limit_bytes };
        if announced(response) > self.left {
            return Err(too_large);
        }
        // Asked first: a wait that is already over is not noticed while bytes are always at hand.
        if self.clock.over() {
            return Err(self.progress.timed_out());
        }
        let deadline = self.clock.deadline(self.limits.idle);
        let arrived = timeout_at(deadline, response.chunk()).await.map_err(|_| self.progress.timed_out())?;
        let chunk = arrived.map_err(|_| self.progress.broken())?;
        self.clock.arrived();
        let length = chunk.as_ref().map_or(0, Bytes::len);
        self.left = self.left.checked_sub(length).ok_or(too_large)?;
        Ok(chunk)
    }

    async fn whole(&mut self) -> Result<Bytes, EgressError> {
        let mut whole = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            whole.extend_from_slice(&chunk);
        }
        Ok(Bytes::from(whole))
    }
}

/// What is still announced; nothing for a chunked answer.
fn announced(response: &Response) -> usize {
    response.content_length().map_or(0, |length| usize::try_from(length).unwrap_or(usize::MAX))
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = (self.limits.max_bytes.saturating_sub(self.left), self.response.is_none(), self.failed);
        let (read_bytes, ended, failed) = fields;
        f.debug_struct("Body")
            .field("read_bytes", &read_bytes)
            .field("ended", &ended)
            .field("failed", &failed)
            .finish_non_exhaustive()
    }
}
