//! What the platform is given back. Errors are problem details (RFC 9457), whose `code` is the reason in the audit trail.

use std::collections::BTreeMap;

use domain::ActionId;
use lambda_runtime::{Error, StreamResponse};
use serde_json::{Value, json};

use crate::refusal::{Refused, Why};

/// When what is asked too often may be asked again.
const RETRY_AFTER_S: &str = "5";

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
            ("x-content-type-options", "nosniff".to_owned()),
            ("referrer-policy", "no-referrer".to_owned()),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'".to_owned()),
        ]);
        Self { status, headers, body }
    }

    pub fn json(status: u16, body: &Value) -> Self {
        Self::new(status, "application/json", body.to_string())
    }

    /// A page for people.
    pub fn html(body: String) -> Self {
        Self::new(200, "text/html; charset=utf-8", body)
    }

    pub fn health() -> Self {
        Self::json(200, &json!({"status": "ok"}))
    }

    /// Nothing but a status.
    pub fn empty(status: u16) -> Self {
        Self::new(status, "application/json", String::new())
    }

    /// Elsewhere, by GET (RFC 9110 section 15.4.4).
    pub fn see_other(location: &str) -> Self {
        Self::empty(303).with("location", location)
    }

    pub fn problem(refused: &Refused) -> Self {
        let row = refused.why.row();
        let hint = refused.hint.as_deref();
        let detail = hint.map_or_else(|| row.detail.to_owned(), |hint| format!("{} ({hint})", row.detail));
        let fault = |(at, hint): &(String, String)| json!({"at": at, "hint": hint});
        let faults: Vec<_> = refused.faults.iter().map(fault).collect();
        let fields = [
            ("title", Some(json!(caller::title(row.status)))),
            ("status", Some(json!(row.status))),
            ("detail", Some(json!(detail))),
            ("code", Some(json!(row.code))),
            ("at", refused.at.as_ref().map(|at| json!(at))),
            ("faults", (!faults.is_empty()).then(|| json!(faults))),
        ];
        let body: serde_json::Map<_, _> =
            fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
        let response = Self::new(row.status, "application/problem+json", Value::from(body).to_string());
        let response = match &refused.location {
            Some(location) => response.with("location", location),
            None => response,
        };
        match refused.why {
            Why::QueryUnavailable => response.with("retry-after", RETRY_AFTER_S),
            _ if row.status == 401 => response.with("www-authenticate", "Bearer"),
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

    /// The entity tag of a state (RFC 9110 section 8.8.3).
    #[must_use]
    pub fn with_etag(self, tag: Option<&str>) -> Self {
        match tag {
            Some(tag) => self.with("etag", &format!("\"{tag}\"")),
            None => self,
        }
    }

    pub const fn status(&self) -> u16 {
        self.status
    }

    /// As the platform takes it.
    ///
    /// # Errors
    /// A header that is none: a fault of our own.
    pub fn into_stream(self) -> Result<StreamResponse<caller::Pieces>, Error> {
        caller::whole(self.status, self.headers, self.body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refusal::TABLE;

    #[test]
    fn every_refusal_has_a_title_and_an_empty_place_is_left_out() {
        assert!(TABLE.iter().all(|row| caller::title(row.status) != "Internal Server Error"));
        let problem = Response::problem(&Why::NotFound.into());
        assert_eq!(problem.status(), 404);
        assert!(!problem.body.contains("\"at\"") && !problem.body.contains("faults"));
        let later = Response::problem(&Why::QueryUnavailable.into());
        assert_eq!((later.status(), later.headers["retry-after"].as_str()), (503, "5"));
        let at = Response::problem(&Refused::at(Why::InvalidField, "/name", "1 to 64 characters"));
        assert!(at.body.contains(r#""at":"/name""#) && at.body.contains("(1 to 64 characters)"));
        let two = ["/v", "/gates/0/id"].map(|at| (at.to_owned(), "why".to_owned())).to_vec();
        let many = Response::problem(&Refused { faults: two, ..Why::DocumentFaults.into() });
        assert_eq!(many.status(), 422);
        assert!(
            many.body.contains(r#""faults":[{"at":"/v","hint":"why"},{"at":"/gates/0/id","hint":"why"}]"#)
        );
    }
}
