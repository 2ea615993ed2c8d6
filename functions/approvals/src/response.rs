//! What the platform is given back: pages for people, redirects, and short texts for programs.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::ActionId;
use lambda_runtime::{Error, StreamResponse};
use maud::Markup;
use sha2::{Digest as _, Sha256};

use crate::page::style::STYLE;

/// An answer to one ingress event.
pub struct Response {
    status: u16,
    headers: BTreeMap<&'static str, String>,
    cookies: Vec<String>,
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
            // With `no-referrer`, browsers would send forms with the origin `null` (Fetch, section 3.2).
            ("referrer-policy", "same-origin".to_owned()),
            ("content-security-policy", policy("'none'")),
            ("cross-origin-opener-policy", "same-origin".to_owned()),
            ("strict-transport-security", "max-age=31536000".to_owned()),
        ]);
        Self { status, headers, cookies: Vec::new(), body }
    }

    /// A page for people. No script runs in it, whatever it shows.
    pub fn page(status: u16, page: Markup) -> Self {
        let style = STANDARD.encode(Sha256::digest(STYLE));
        let policy = policy(&format!("'sha256-{style}'"));
        Self::new(status, "text/html; charset=utf-8", page.into_string())
            .with("content-security-policy", &policy)
    }

    /// A word for programs.
    pub fn text(status: u16, text: &str) -> Self {
        Self::new(status, "text/plain; charset=utf-8", text.to_owned())
    }

    /// Elsewhere, by GET (RFC 9110 section 15.4.4).
    pub fn see_other(location: &str) -> Self {
        Self::text(303, "").with("location", location)
    }

    #[must_use]
    pub fn with(mut self, header: &'static str, value: &str) -> Self {
        self.headers.insert(header, value.to_owned());
        self
    }

    /// A cookie for `seconds`, of this very host; 0 takes it away.
    #[must_use]
    pub fn with_cookie(mut self, name: &str, value: &str, seconds: u32) -> Self {
        let cookie = format!("{name}={value}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Lax");
        self.cookies.push(cookie);
        self
    }

    #[must_use]
    pub fn with_action(self, action: ActionId) -> Self {
        self.with("x-cs-action-id", &action.to_string())
    }

    /// The head alone (RFC 9110 section 9.3.2).
    #[must_use]
    pub fn without_body(self) -> Self {
        Self { body: String::new(), ..self }
    }

    pub const fn status(&self) -> u16 {
        self.status
    }

    pub fn body(&self) -> &str {
        &self.body
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub fn cookies(&self) -> &[String] {
        &self.cookies
    }

    /// As the platform takes it.
    ///
    /// # Errors
    /// A header that is none: a fault of our own.
    pub fn into_stream(self) -> Result<StreamResponse<caller::Pieces>, Error> {
        let mut answer = caller::whole(self.status, self.headers, self.body)?;
        answer.metadata_prelude.cookies.extend(self.cookies);
        Ok(answer)
    }
}

fn policy(style: &str) -> String {
    format!(
        "default-src 'none'; style-src {style}; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
}
