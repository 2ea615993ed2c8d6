//! What the platform is given back: every answer is SCIM's, errors as well (RFC 7644 section 3.12).

use std::collections::BTreeMap;

use bytes::Bytes;
use domain::ActionId;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use lambda_runtime::{Error, StreamResponse};
use serde_json::{Value, json};

use crate::error::ScimError;

/// The one piece of a body, in the platform's terms.
pub type Pieces = BoxStream<'static, Result<Bytes, Error>>;

/// When what could not be done just now may be tried again.
const RETRY_AFTER_S: &str = "2";

/// An answer to one ingress event.
#[derive(Clone)]
pub struct Response {
    status: u16,
    headers: BTreeMap<&'static str, String>,
    body: Option<Value>,
}

/// Shows nothing of the body: a debug form reaches logs.
impl std::fmt::Debug for Response {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Response").field("status", &self.status).finish_non_exhaustive()
    }
}

impl Response {
    fn new(status: u16, body: Option<Value>) -> Self {
        let headers = BTreeMap::from([
            ("content-type", "application/scim+json".to_owned()),
            ("cache-control", "no-store".to_owned()),
            ("x-content-type-options", "nosniff".to_owned()),
        ]);
        Self { status, headers, body }
    }

    pub fn json(status: u16, body: Value) -> Self {
        Self::new(status, Some(body))
    }

    pub fn empty(status: u16) -> Self {
        Self::new(status, None)
    }

    pub fn health() -> Self {
        Self::json(200, json!({"status": "ok"})).with("content-type", "application/json")
    }

    pub fn error(error: &ScimError) -> Self {
        let response = Self::json(error.status, error.body());
        match error.status {
            401 => response.with("www-authenticate", "Bearer realm=\"scim\""),
            429 | 503 => response.with("retry-after", RETRY_AFTER_S),
            _ => response,
        }
    }

    #[must_use]
    pub fn with(mut self, header: &'static str, value: &str) -> Self {
        self.headers.insert(header, value.to_owned());
        self
    }

    #[must_use]
    pub fn with_action(self, action: ActionId) -> Self {
        self.with("x-cs-action-id", &action.to_string())
    }

    pub const fn status(&self) -> u16 {
        self.status
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub const fn body(&self) -> Option<&Value> {
        self.body.as_ref()
    }

    /// As the platform takes it.
    ///
    /// # Errors
    /// A header that is none: a fault of our own.
    pub fn into_stream(self) -> Result<StreamResponse<Pieces>, Error> {
        let metadata_prelude = caller::prelude(self.status, self.headers)?;
        let body = self.body.map(|body| body.to_string()).unwrap_or_default();
        Ok(StreamResponse { metadata_prelude, stream: stream::iter([Ok(Bytes::from(body))]).boxed() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_scims_and_say_when_to_come_back() {
        let missing = Response::error(&ScimError::plain(401, "send a token"));
        assert_eq!(missing.header("content-type"), Some("application/scim+json"));
        assert!(missing.header("www-authenticate").is_some());
        assert_eq!(missing.body().unwrap()["status"], "401");
        assert_eq!(Response::error(&ScimError::plain(503, "later")).header("retry-after"), Some("2"));
    }
}
