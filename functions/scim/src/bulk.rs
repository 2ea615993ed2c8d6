//! Bulk requests (RFC 7644, section 3.7): read, put in an order in which every `bulkId` is known when it is needed, and
//! answered. What each operation does is for whoever does the same without bulk.

mod plan;
mod references;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::error::ScimError;
use crate::schema::Kind;

pub use plan::parse;

/// Schema of the body.
pub const SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
const RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";

/// Most operations in one request.
pub const OPERATIONS_MAX: usize = 1_000;
/// Largest body, in bytes.
pub const PAYLOAD_MAX: usize = 1_048_576;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    const ALL: [Self; 4] = [Self::Post, Self::Put, Self::Patch, Self::Delete];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// A whole request. The operations stand as they were sent, and are to be done in `order`.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// After how many failed operations the rest is left undone; `None`: all are tried.
    pub fail_on_errors: Option<usize>,
    pub operations: Vec<Operation>,
    pub order: Vec<usize>,
}

impl Plan {
    /// Whether to stop, and to answer with what was done so far.
    pub fn is_over(&self, failed: usize) -> bool {
        self.fail_on_errors.is_some_and(|most| failed >= most)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// As the answer repeats it.
    pub method: Method,
    pub bulk_id: Option<String>,
    /// `Err`: not to be done; the answer says why.
    pub request: Result<Request, ScimError>,
}

/// What an operation asks. `bulkId:` stands for an id until [`Request::resolved`].
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    pub kind: Kind,
    /// Everywhere but under POST.
    pub id: Option<String>,
    /// The ETag that must still be the resource's.
    pub version: Option<String>,
    /// Everywhere but under DELETE.
    pub data: Option<Value>,
}

impl Request {
    /// With the ids of the resources made so far, by their `bulkId`.
    ///
    /// # Errors
    /// 409: the operation that would have made one has failed.
    pub fn resolved(&self, made: &BTreeMap<String, String>) -> Result<Self, ScimError> {
        references::resolved(self, made)
    }
}

/// What came of one operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub method: Method,
    pub bulk_id: Option<String>,
    /// The resource's address; `None` only when it was never made.
    pub location: Option<String>,
    /// Its ETag, if it has one now.
    pub version: Option<String>,
    /// The status, or why it was refused.
    pub result: Result<u16, ScimError>,
}

impl Outcome {
    fn body(&self) -> Value {
        let status = self.result.as_ref().map_or_else(|error| error.status, |status| *status);
        let texts = [("bulkId", &self.bulk_id), ("location", &self.location), ("version", &self.version)];
        let mut body = Map::new();
        body.insert("method".to_owned(), self.method.as_str().into());
        let said = texts.into_iter().filter_map(|(name, text)| Some((name, text.as_deref()?)));
        body.extend(said.map(|(name, text)| (name.to_owned(), text.into())));
        body.insert("status".to_owned(), status.to_string().into());
        if let Err(error) = &self.result {
            body.insert("response".to_owned(), error.body());
        }
        Value::Object(body)
    }
}

/// The body of the answer, whose status is 200. Operations that were left undone are not in it.
pub fn response(outcomes: &[Outcome]) -> Value {
    json!({"schemas": [RESPONSE], "Operations": outcomes.iter().map(Outcome::body).collect::<Value>()})
}

#[cfg(test)]
mod tests;
