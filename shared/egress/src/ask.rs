//! Calls of a service of ours: any method, headers of the answer, and the text of its refusals.
//!
//! The same gates as for every call: address, time, size, no redirects. What differs is what may be read: problem details of
//! our own API (RFC 9457) are written to be shown to whoever asked, which a provider's errors are not.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue};

use crate::answer;
use crate::client::{Client, Headers, JSON, Progress, tracked};
use crate::error::{EgressError, NotSent};
use crate::target::Target;

/// The methods of an API that keeps things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Get,
    Post,
    Put,
    Delete,
}

/// One call below a base URL.
#[derive(Debug)]
pub struct Ask<'a> {
    pub verb: Verb,
    /// Below the base, such as `v1/tenants`; each segment is percent-encoded.
    pub path: &'a str,
    /// Percent-encoded here as well.
    pub query: &'a [(&'a str, &'a str)],
    pub headers: Headers,
    /// JSON; none for `GET`.
    pub body: Option<Bytes>,
}

/// A whole answer of any status, with its headers and its text.
pub struct Reply {
    /// HTTP status, 200 to 999.
    pub status: u16,
    /// The body, whatever the status says. It can hold a secret that was made: it is shown nowhere by itself.
    pub body: Bytes,
    headers: HeaderMap,
}

impl Reply {
    /// A header's text, if it has one line of visible ASCII.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").field("status", &self.status).finish_non_exhaustive()
    }
}

impl Verb {
    const fn method(self) -> Method {
        match self {
            Self::Get => Method::GET,
            Self::Post => Method::POST,
            Self::Put => Method::PUT,
            Self::Delete => Method::DELETE,
        }
    }
}

impl Client {
    /// Calls a service of ours and reads the whole answer. `deadline` covers everything, connecting included. Sends at most
    /// once. Not for providers: [`Client::post_json`] keeps the text of their errors inside.
    ///
    /// # Errors
    /// See [`EgressError`]; every status is a [`Reply`].
    pub async fn send_json(
        &self,
        target: &Target,
        ask: Ask<'_>,
        deadline: Duration,
    ) -> Result<Reply, EgressError> {
        target.check(self.reach).map_err(|_| EgressError::NotSent(NotSent::Address))?;
        let progress = Arc::new(Progress::default());
        let exchange = async {
            let sent = self.request(target, ask, &progress).send().await;
            let response = sent.map_err(|error| match error.is_connect() {
                // Nothing left, whatever was to be sent.
                true => EgressError::NotSent(NotSent::from_cause(&error)),
                false => progress.failed(&error),
            })?;
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            progress.answered(status);
            let body = answer::collect(response, self.max_response_bytes, &progress).await?;
            Ok(Reply { status, body, headers })
        };
        tokio::time::timeout(deadline, exchange).await.unwrap_or_else(|_| Err(progress.timed_out()))
    }

    fn request(&self, target: &Target, ask: Ask<'_>, progress: &Arc<Progress>) -> reqwest::RequestBuilder {
        let Headers(mut headers) = ask.headers.accepting(JSON);
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let mut url = target.join(ask.path);
        if !ask.query.is_empty() {
            url.query_pairs_mut().extend_pairs(ask.query);
        }
        let request = self.http.request(ask.verb.method(), url);
        match ask.body {
            Some(body) => {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
                headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
                request.headers(headers).body(tracked(body, Arc::clone(progress)))
            }
            None => {
                // A request without a body is on its way as soon as a connection stands.
                progress.sent.store(true, Ordering::Release);
                request.headers(headers)
            }
        }
    }
}
