//! The client: one connection pool, every address checked before it is connected to.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
};
use reqwest::{Body, Response, redirect, retry};
use tokio::time::timeout_at;

use crate::answer::{self, Answer};
use crate::body::{self, Clock, Limits, Streamed};
use crate::error::{ClientError, EgressError, NotSent};
use crate::resolver::{self, Lookup, Resolver};
use crate::target::{Reach, Target};
use crate::tls::{self, Roots};

/// Idle connections are closed before the 60 s at which common load balancers close theirs, so that a request is
/// rarely written to a connection that is already gone.
const IDLE_TIMEOUT: Duration = Duration::from_secs(55);
/// Headers that decide where a request goes or where it ends; they are the client's own.
const OWN_HEADERS: [&str; 6] =
    ["connection", "content-length", "expect", "host", "transfer-encoding", "upgrade"];

pub(crate) const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";
/// JSON too: errors come as JSON whatever was asked for.
const EVENT_STREAM: &str = "text/event-stream, application/json";

/// What a client may do. No defaults: the caller's own limits decide every one of them.
#[derive(Clone, Debug)]
pub struct Config {
    pub reach: Reach,
    pub roots: Roots,
    /// For name resolution, TCP and TLS together.
    pub connect_timeout: Duration,
    /// Longest answer that is read whole. A stream has its own limit.
    pub max_response_bytes: usize,
}

/// The outbound client. Cloning shares its connections; a warm call reuses one.
#[derive(Clone, Debug)]
pub struct Client {
    pub(crate) http: reqwest::Client,
    pub(crate) reach: Reach,
    pub(crate) max_response_bytes: usize,
}

/// Headers of a request, credentials among them. `Debug` shows names only.
#[derive(Clone, Debug, Default)]
pub struct Headers(pub(crate) HeaderMap);

/// How far a call got. Shared with the request's body, which is asked for its bytes only once a connection stands.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    pub(crate) sent: AtomicBool,
    status: AtomicU16,
}

impl Headers {
    /// `Authorization: Bearer <secret>`.
    ///
    /// # Errors
    /// [`NotSent::Header`] when `secret` holds bytes that no header may.
    pub fn bearer(secret: &str) -> Result<Self, EgressError> {
        Self::default().with(AUTHORIZATION.as_str(), &format!("Bearer {secret}"))
    }

    /// Adds or replaces a header.
    ///
    /// # Errors
    /// [`NotSent::Header`] for a name or value that cannot be sent, and for names that are the client's own, such as `host`.
    pub fn with(mut self, name: &str, value: &str) -> Result<Self, EgressError> {
        let refused = EgressError::NotSent(NotSent::Header);
        let name = HeaderName::try_from(name).map_err(|_| refused)?;
        let mut value = HeaderValue::from_str(value).map_err(|_| refused)?;
        if OWN_HEADERS.contains(&name.as_str()) {
            return Err(refused);
        }
        value.set_sensitive(true);
        self.0.insert(name, value);
        Ok(self)
    }

    pub(crate) fn accepting(mut self, media_types: &'static str) -> Self {
        self.0.insert(ACCEPT, HeaderValue::from_static(media_types));
        self
    }
}

impl Client {
    /// Reads the certificate authorities; opens no connection.
    ///
    /// # Errors
    /// No certificate authorities, or TLS 1.3 cannot be set up.
    pub fn new(config: &Config) -> Result<Self, ClientError> {
        Self::with_lookup(config, resolver::system())
    }

    pub(crate) fn with_lookup(config: &Config, lookup: Lookup) -> Result<Self, ClientError> {
        Self::built(config, builder(config, lookup)?)
    }

    pub(crate) fn built(config: &Config, builder: reqwest::ClientBuilder) -> Result<Self, ClientError> {
        let http = builder.build().map_err(|_| ClientError::Http)?;
        Ok(Self { http, reach: config.reach, max_response_bytes: config.max_response_bytes })
    }

    /// The same client, for an answer of another largest size. Its connections are shared.
    #[must_use]
    pub fn reading_at_most(&self, max_response_bytes: usize) -> Self {
        Self { max_response_bytes, ..self.clone() }
    }

    /// Posts JSON to `path` below `target` and reads the whole answer. `deadline` covers everything, connecting included.
    /// Sends at most once. Dropping the future closes the connection.
    ///
    /// # Errors
    /// See [`EgressError`]; every status the provider gives is an [`Answer`].
    pub async fn post_json(
        &self,
        target: &Target,
        path: &str,
        headers: Headers,
        body: Bytes,
        deadline: Duration,
    ) -> Result<Answer, EgressError> {
        target.check(self.reach).map_err(|_| EgressError::NotSent(NotSent::Address))?;
        let progress = Arc::new(Progress::default());
        let exchange = async {
            let response = self.send(target, path, headers.accepting(JSON), body, &progress).await?;
            answer::read(response, self.max_response_bytes, &progress).await
        };
        tokio::time::timeout(deadline, exchange).await.unwrap_or_else(|_| Err(progress.timed_out()))
    }

    /// Gets a JSON document at `path` below `target`, or `target` itself by an empty path; `query` is percent-encoded here. As
    /// [`Client::post_json`].
    ///
    /// # Errors
    /// See [`EgressError`].
    pub async fn get_json(
        &self,
        target: &Target,
        (path, query): (&str, &[(&str, &str)]),
        headers: Headers,
        deadline: Duration,
    ) -> Result<Answer, EgressError> {
        target.check(self.reach).map_err(|_| EgressError::NotSent(NotSent::Address))?;
        let progress = Arc::new(Progress::default());
        let exchange = async {
            let Headers(mut headers) = headers.accepting(JSON);
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
            // A request without a body is on its way as soon as a connection stands.
            progress.sent.store(true, Ordering::Release);
            let mut url = target.join(path);
            if !query.is_empty() {
                url.query_pairs_mut().extend_pairs(query);
            }
            let sent = self.http.get(url).headers(headers).send().await;
            let response = sent.map_err(|error| progress.failed(&error))?;
            answer::read(response, self.max_response_bytes, &progress).await
        };
        tokio::time::timeout(deadline, exchange).await.unwrap_or_else(|_| Err(progress.timed_out()))
    }

    /// Posts a form to `target` and reads a JSON answer. As [`Client::post_json`].
    ///
    /// # Errors
    /// See [`EgressError`].
    pub async fn post_form(
        &self,
        target: &Target,
        headers: Headers,
        form: Bytes,
        deadline: Duration,
    ) -> Result<Answer, EgressError> {
        target.check(self.reach).map_err(|_| EgressError::NotSent(NotSent::Address))?;
        let progress = Arc::new(Progress::default());
        let exchange = async {
            let Headers(mut headers) = headers.accepting(JSON);
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(FORM));
            let response = self.sent(target, "", headers, form, &progress).await?;
            answer::read(response, self.max_response_bytes, &progress).await
        };
        tokio::time::timeout(deadline, exchange).await.unwrap_or_else(|_| Err(progress.timed_out()))
    }

    /// Posts JSON to `path` below `target` and returns once the answer's head is there; a success is then read through
    /// [`Body::chunk`](crate::Body::chunk), a failure's body has been read whole. Sends at most once. Dropping the
    /// future, or the body before its end, closes the connection.
    ///
    /// # Errors
    /// See [`EgressError`]; every status the provider gives is a [`Streamed`].
    pub async fn post_stream(
        &self,
        target: &Target,
        path: &str,
        headers: Headers,
        body: Bytes,
        limits: Limits,
    ) -> Result<Streamed, EgressError> {
        target.check(self.reach).map_err(|_| EgressError::NotSent(NotSent::Address))?;
        let progress = Arc::new(Progress::default());
        let mut clock = Clock::start(&limits);
        let sending = self.send(target, path, headers.accepting(EVENT_STREAM), body, &progress);
        let head = timeout_at(clock.deadline(limits.idle), sending).await;
        let response = head.unwrap_or_else(|_| Err(progress.timed_out()))?;
        body::open(response, limits, clock, self.max_response_bytes, progress).await
    }

    async fn send(
        &self,
        target: &Target,
        path: &str,
        Headers(mut headers): Headers,
        body: Bytes,
        progress: &Arc<Progress>,
    ) -> Result<Response, EgressError> {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
        self.sent(target, path, headers, body, progress).await
    }

    async fn sent(
        &self,
        target: &Target,
        path: &str,
        mut headers: HeaderMap,
        body: Bytes,
        progress: &Arc<Progress>,
    ) -> Result<Response, EgressError> {
        // Nothing here unpacks: a packed answer could not be inspected.
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        let request = self.http.post(target.join(path)).headers(headers);
        let sent = request.body(tracked(body, Arc::clone(progress))).send().await;
        sent.map_err(|error| progress.failed(&error))
    }
}

/// Everything that holds for every client of this crate.
pub(crate) fn builder(config: &Config, lookup: Lookup) -> Result<reqwest::ClientBuilder, ClientError> {
    let tls = tls::config(&config.roots, config.reach)?;
    #[expect(clippy::disallowed_methods, reason = "this is the crate that checks addresses")]
    let builder = reqwest::Client::builder();
    Ok(builder
        .tls_backend_preconfigured(tls)
        .https_only(config.reach == Reach::Public)
        .http1_only()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .referer(false)
        .dns_resolver(Resolver::new(config.reach, lookup))
        .connect_timeout(config.connect_timeout)
        .tcp_nodelay(true)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .user_agent("countersign"))
}

/// A body that notes when it is asked for. HTTP/1 writes the head together with it, so before that nothing left.
pub(crate) fn tracked(body: Bytes, progress: Arc<Progress>) -> Body {
    Body::wrap_stream(stream::once(async move {
        progress.sent.store(true, Ordering::Release);
        Ok::<_, Infallible>(body)
    }))
}

impl Progress {
    pub(crate) fn answered(&self, status: u16) {
        self.status.store(status, Ordering::Release);
    }

    pub(crate) fn broken(&self) -> EgressError {
        EgressError::Broken { status: self.status() }
    }

    pub(crate) fn failed(&self, error: &reqwest::Error) -> EgressError {
        if self.sent() { self.broken() } else { EgressError::NotSent(NotSent::from_cause(error)) }
    }

    pub(crate) fn timed_out(&self) -> EgressError {
        if self.sent() {
            EgressError::TimedOut { status: self.status() }
        } else {
            EgressError::NotSent(NotSent::TimedOut)
        }
    }

    fn sent(&self) -> bool {
        self.sent.load(Ordering::Acquire)
    }

    fn status(&self) -> Option<u16> {
        Some(self.status.load(Ordering::Acquire)).filter(|status| *status != 0)
    }
}
