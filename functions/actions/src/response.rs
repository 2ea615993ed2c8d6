//! What the platform is given back. Errors are problem details (RFC 9457), whose `code` is the reason in the audit trail.

use std::collections::BTreeMap;

use bytes::Bytes;
use caller::Fault;
use domain::{ActionId, Reason};
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use lambda_runtime::{Error, StreamResponse};
use serde_json::{Value, json};

use crate::refusal;

/// The one piece of a body, in the platform's terms.
pub type Pieces = BoxStream<'static, Result<Bytes, Error>>;

/// An answer to one ingress event.
pub struct Response {
    status: u16,
    headers: BTreeMap<&'static str, String>,
    body: String,
}

/// Shows nothing of the body: a debug form reaches logs.
impl std::fmt::Debug for Response {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Response").field("status", &self.status).finish_non_exhaustive()
    }
}

impl Response {
    fn new(status: u16, content_type: &str, body: String) -> Self {
        let headers = BTreeMap::from([
            ("content-type", content_type.to_owned()),
            ("cache-control", "no-store".to_owned()),
        ]);
        Self { status, headers, body }
    }

    pub fn health() -> Self {
        Self::new(200, "application/json", json!({"status": "ok"}).to_string())
    }

    /// A JSON body with its status.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::new(status, "application/json", body.to_string())
    }

    /// Where to ask again, and in how many seconds.
    #[must_use]
    pub fn again(mut self, location: String, seconds: u64) -> Self {
        self.headers.insert("location", location);
        self.headers.insert("retry-after", seconds.to_string());
        self
    }

    pub fn error(refused: &Refused) -> Self {
        let row = refusal::row(refused.reason);
        let mut response = Self::new(row.status, "application/problem+json", refused.problem().to_string());
        response.headers.insert("x-should-retry", (row.retry && !refused.for_good).to_string());
        let headers = [
            (refused.retry_after.is_some(), "retry-after", refused.retry_after.unwrap_or(0).to_string()),
            (row.status == 405, "allow", "GET, POST".to_owned()),
            (row.status == 401, "www-authenticate", "Bearer".to_owned()),
        ];
        let wanted = headers.into_iter().filter(|(wanted, ..)| *wanted);
        response.headers.extend(wanted.map(|(_, name, value)| (name, value)));
        response
    }

    #[must_use]
    pub fn with_action(mut self, action: ActionId) -> Self {
        self.headers.insert("x-cs-action-id", action.to_string());
        self
    }

    pub const fn status(&self) -> u16 {
        self.status
    }

    /// As the platform takes it.
    ///
    /// # Errors
    /// A header that is none: a fault of our own.
    pub fn into_stream(self) -> Result<StreamResponse<Pieces>, Error> {
        let metadata_prelude = caller::prelude(self.status, self.headers)?;
        Ok(StreamResponse { metadata_prelude, stream: stream::iter([Ok(Bytes::from(self.body))]).boxed() })
    }
}

/// A refusal as the caller is told it. Holds field names, numbers and names of types, never text of the caller's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub reason: Reason,
    pub param: Option<String>,
    pub hint: Option<String>,
    pub retry_after: Option<u64>,
    /// Whether the same call can never succeed, although others of its reason can.
    pub for_good: bool,
}

impl From<Reason> for Refused {
    fn from(reason: Reason) -> Self {
        Self { reason, param: None, hint: None, retry_after: None, for_good: false }
    }
}

impl From<Fault> for Refused {
    fn from(Fault { reason, param, hint }: Fault) -> Self {
        Self { param, hint, ..Self::from(reason) }
    }
}

impl Refused {
    fn problem(&self) -> Value {
        let row = refusal::row(self.reason);
        let hint = self.hint.as_deref();
        let detail = hint.map_or_else(|| row.message.to_owned(), |hint| format!("{} ({hint})", row.message));
        // The same word as of the gateway, whatever is wrong with a key.
        let of_permit = matches!(self.reason, Reason::PermitInvalid | Reason::PermitExpired);
        let code = if row.status == 401 && !of_permit { "invalid_api_key" } else { self.reason.as_str() };
        let fields = [
            ("title", Some(json!(caller::title(row.status)))),
            ("status", Some(json!(row.status))),
            ("detail", Some(json!(detail))),
            ("code", Some(json!(code))),
            ("param", self.param.as_ref().map(|param| json!(param))),
        ];
        fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}
