//! Answers that leave as one piece, in the platform's terms.

use std::collections::BTreeMap;

use bytes::Bytes;
use domain::ActionId;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use lambda_runtime::{Error, StreamResponse};
use serde_json::{Value, json};

use crate::prelude;

/// Pieces of a body.
pub type Pieces = BoxStream<'static, Result<Bytes, Error>>;

/// A body in one piece, behind its status and headers.
///
/// # Errors
/// A status or a header that is none: a fault of our own.
pub fn whole(
    status: u16,
    headers: BTreeMap<&'static str, String>,
    body: String,
) -> Result<StreamResponse<Pieces>, Error> {
    let metadata_prelude = prelude(status, headers)?;
    Ok(StreamResponse { metadata_prelude, stream: stream::iter([Ok(Bytes::from(body))]).boxed() })
}

/// An answer to one ingress event, for programs.
pub struct Whole {
    pub status: u16,
    pub headers: BTreeMap<&'static str, String>,
    pub body: String,
}

/// Shows nothing of the body: a debug form reaches logs.
impl std::fmt::Debug for Whole {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Whole").field("status", &self.status).finish_non_exhaustive()
    }
}

impl Whole {
    pub fn new(status: u16, content_type: &str, body: String) -> Self {
        let headers = BTreeMap::from([
            ("content-type", content_type.to_owned()),
            ("cache-control", "no-store".to_owned()),
        ]);
        Self { status, headers, body }
    }

    pub fn json(status: u16, body: &Value) -> Self {
        Self::answer(status, body.to_string())
    }

    /// The text of a JSON body.
    pub fn answer(status: u16, body: String) -> Self {
        Self::new(status, "application/json", body)
    }

    pub fn health() -> Self {
        Self::json(200, &json!({"status": "ok"}))
    }

    #[must_use]
    pub fn with(mut self, header: &'static str, value: String) -> Self {
        self.headers.insert(header, value);
        self
    }

    #[must_use]
    pub fn with_action(self, action: ActionId) -> Self {
        self.with("x-cs-action-id", action.to_string())
    }

    pub const fn status(&self) -> u16 {
        self.status
    }

    /// As the platform takes it.
    ///
    /// # Errors
    /// A header that is none: a fault of our own.
    pub fn into_stream(self) -> Result<StreamResponse<Pieces>, Error> {
        whole(self.status, self.headers, self.body)
    }
}
