//! What the platform is given back.

use std::collections::BTreeMap;

use lambda_runtime::{Error, StreamResponse};
use serde_json::{Value, json};

/// An answer to one event.
#[derive(Debug)]
pub struct Response {
    status: u16,
    headers: BTreeMap<&'static str, String>,
    body: String,
}

impl Response {
    fn new(status: u16, content_type: &str, body: String) -> Self {
        let headers = BTreeMap::from([
            ("content-type", content_type.to_owned()),
            // Whoever looks during an incident sees what is, and a crowd does not ask the table each time.
            ("cache-control", if status == 200 { "public, max-age=15" } else { "no-store" }.to_owned()),
            ("x-content-type-options", "nosniff".to_owned()),
            ("referrer-policy", "no-referrer".to_owned()),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'".to_owned()),
        ]);
        Self { status, headers, body }
    }

    pub fn json(status: u16, body: &Value) -> Self {
        Self::new(status, "application/json", body.to_string())
    }

    /// A page for people, under its own policy.
    pub fn html(body: String, policy: &str) -> Self {
        let mut response = Self::new(200, "text/html; charset=utf-8", body);
        response.headers.insert("content-security-policy", policy.to_owned());
        response
    }

    pub fn live() -> Self {
        let mut response = Self::json(200, &json!({"status": "ok"}));
        response.headers.insert("cache-control", "no-store".to_owned());
        response
    }

    /// Problem details (RFC 9457).
    pub fn problem(status: u16, code: &str) -> Self {
        let body = json!({"title": caller::title(status), "status": status, "code": code});
        Self::new(status, "application/problem+json", body.to_string())
    }

    pub const fn status(&self) -> u16 {
        self.status
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub fn body(&self) -> &str {
        &self.body
    }

    /// As the platform takes it.
    ///
    /// # Errors
    /// A header that is none: a fault of our own.
    pub fn into_stream(self) -> Result<StreamResponse<caller::Pieces>, Error> {
        caller::whole(self.status, self.headers, self.body)
    }
}
