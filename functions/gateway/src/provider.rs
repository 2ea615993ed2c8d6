//! The provider: the only place from which a prompt leaves, and only against a [`Cleared`].

use std::time::Duration;

use bytes::Bytes;
use domain::{ProviderKind, Reason};
use egress::{Client, EgressError, Headers, Limits, Streamed, Target};
use envelope::Plaintext;

use crate::cleared::Cleared;
use crate::outcome::{Ended, Spent, conclude, failed, rejected};
use crate::plan::Call;

/// The version of Anthropic's API that the tables here describe.
const ANTHROPIC_VERSION: &str = "2023-06-01";

/// Longest streamed answer, in bytes: events repeat their frame with every few characters.
const MAX_STREAM_BYTES: usize = 64 * 1024 * 1024;

/// Where and how to call.
#[derive(Debug)]
pub struct Way<'a> {
    pub client: &'a Client,
    pub target: &'a Target,
    pub credential: &'a Plaintext,
    pub deadline: Duration,
}

impl Way<'_> {
    fn headers(&self, call: &Call) -> Result<Headers, Box<Ended>> {
        let unusable = || Box::new(Ended::without_answer(Reason::KeysUnavailable, Spent::Nothing));
        let secret = self.credential.as_str().ok_or_else(unusable)?;
        presented(call.provider.kind, secret, &call.betas).map_err(|_| unusable())
    }

    /// Calls the provider once. Never retries: a second try could be a second charge.
    pub async fn complete(&self, call: &Call, cleared: Cleared) -> Ended {
        let headers = match self.headers(call) {
            Ok(headers) => headers,
            Err(ended) => return *ended,
        };
        let body = Bytes::from(cleared.into_body().to_string());
        let answered: Result<_, EgressError> =
            self.client.post_json(self.target, call.wire.path(), headers, body, self.deadline).await;
        conclude(call.wire, answered)
    }

    /// The same for a stream: returns once it has begun.
    ///
    /// # Errors
    /// How it ended before it began.
    pub async fn open(&self, call: &Call, cleared: Cleared) -> Result<(u16, egress::Body), Box<Ended>> {
        let headers = self.headers(call)?;
        let body = Bytes::from(cleared.into_body().to_string());
        let limits = Limits {
            first_byte: self.deadline,
            idle: self.deadline,
            total: self.deadline,
            max_bytes: MAX_STREAM_BYTES,
        };
        let opened = self.client.post_stream(self.target, call.wire.path(), headers, body, limits).await;
        let Streamed { status, retry_after, event_stream, body, .. } =
            opened.map_err(|error| failed(&error))?;
        let ended = match body {
            Ok(body) if event_stream => return Ok((status, body)),
            // It answered the whole at once, or something else, and may have worked for it.
            Ok(_) => Ended::without_answer(Reason::ProviderMalformed, Spent::Everything),
            Err(_) => rejected(status),
        };
        Err(Box::new(Ended { status: Some(status), ..ended }.retrying(retry_after)))
    }
}

/// Each kind of provider has its own way to be shown a credential.
fn presented(kind: ProviderKind, secret: &str, betas: &[&str]) -> Result<Headers, EgressError> {
    match kind {
        ProviderKind::OpenAi | ProviderKind::Compatible => Headers::bearer(secret),
        ProviderKind::Azure => Headers::default().with("api-key", secret),
        ProviderKind::Anthropic => {
            let headers =
                Headers::default().with("x-api-key", secret)?.with("anthropic-version", ANTHROPIC_VERSION)?;
            if betas.is_empty() { Ok(headers) } else { headers.with("anthropic-beta", &betas.join(",")) }
        }
    }
}
