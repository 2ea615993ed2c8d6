//! The first half of a sign-in: the browser leaves for the provider.

use caller::form;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::Timestamp;
use egress::{Reach, Target, TargetError};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::connection::Connection;
use super::discovery::Discovery;
use super::secret::Secret;
use domain::ConnectionId;

/// How long a browser may stay away.
pub const PENDING_MILLIS_MAX: u64 = 10 * 60 * 1_000;
const RETURN_TO_BYTES_MAX: usize = 512;

/// Where the provider sends the browser back to: registered there, and compared exactly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectUri(String);

impl RedirectUri {
    /// # Errors
    /// Not https, or not an address without query, fragment and user.
    pub fn parse(text: &str, reach: Reach) -> Result<Self, TargetError> {
        Target::parse(text, reach).map(|_| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A page of our own to show after the sign-in: an absolute path, with a query or without.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ReturnTo(String);

/// Not a path of our own. The text itself came from a link and is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a path of this site: it starts with one slash and has no dot segments, backslashes or escaped slashes"
)]
pub struct ReturnToError;

impl ReturnTo {
    /// # Errors
    /// What a browser could read as another site, or as another path.
    pub fn parse(text: &str) -> Result<Self, ReturnToError> {
        let plain = text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'#'));
        let path = text.split_once('?').map_or(text, |(path, _)| path).to_ascii_lowercase();
        let twisted = ["//", "/.", "%2f", "%5c", "%2e", "%0"].iter().any(|part| path.contains(part));
        let ok = plain && text.len() <= RETURN_TO_BYTES_MAX && path.starts_with('/') && !twisted;
        if ok { Ok(Self(text.to_owned())) } else { Err(ReturnToError) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ReturnTo {
    type Error = ReturnToError;

    fn try_from(text: String) -> Result<Self, ReturnToError> {
        Self::parse(&text)
    }
}

impl From<ReturnTo> for String {
    fn from(page: ReturnTo) -> Self {
        page.0
    }
}

/// What one browser holds in a cookie while it is away, so that a callback in another browser is refused.
#[derive(Debug, Clone)]
pub struct BrowserSecret(Secret);

impl BrowserSecret {
    pub fn from_random(random: [u8; 32]) -> Self {
        Self(Secret::new(URL_SAFE_NO_PAD.encode(random)))
    }

    /// As the cookie brought it.
    pub fn from_cookie(text: &str) -> Self {
        Self(Secret::new(text))
    }

    /// The cookie's value.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    fn hash(&self) -> Secret {
        Secret::new(URL_SAFE_NO_PAD.encode(Sha256::digest(self.expose())))
    }
}

/// What is kept, stored or sealed, until the browser is back. It is used once.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pending {
    pub state: Secret,
    pub nonce: Secret,
    pub verifier: Secret,
    pub connection: ConnectionId,
    /// Of the connection when the browser left: one whose issuer changed meanwhile is begun anew.
    pub issuer: String,
    pub redirect_uri: String,
    pub return_to: ReturnTo,
    pub created_at: Timestamp,
    browser: Secret,
    /// Oldest sign-in at the provider that is taken, in seconds.
    pub max_age: Option<u32>,
}

impl Pending {
    /// Whether this is the browser that left.
    pub fn is_of(&self, browser: &BrowserSecret) -> bool {
        self.browser.is(browser.hash().expose())
    }

    pub fn is_over(&self, now: Timestamp) -> bool {
        now < self.created_at || now.millis_since(self.created_at) > PENDING_MILLIS_MAX
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending")
            .field("connection", &self.connection)
            .field("created_at", &self.created_at)
            .finish_non_exhaustive()
    }
}

/// Whence and whither, for [`begin()`].
#[derive(Debug)]
pub struct Journey<'j> {
    pub redirect_uri: &'j RedirectUri,
    pub return_to: ReturnTo,
    pub browser: &'j BrowserSecret,
    /// Asks the provider for a sign-in that is no older, in seconds; 0 asks for a new one.
    pub max_age: Option<u32>,
    pub now: Timestamp,
}

/// Begins a sign-in. `random`: 32 bytes each for state, nonce and verifier.
/// Returns what to keep and the address that the browser is sent to.
pub fn begin(
    connection: &Connection,
    discovery: &Discovery,
    journey: Journey<'_>,
    random: [[u8; 32]; 3],
) -> (Pending, String) {
    let [state, nonce, verifier] = random.map(|bytes| Secret::new(URL_SAFE_NO_PAD.encode(bytes)));
    let pending = Pending {
        state,
        nonce,
        verifier,
        connection: connection.id().clone(),
        issuer: connection.issuer().to_owned(),
        redirect_uri: journey.redirect_uri.0.clone(),
        return_to: journey.return_to,
        created_at: journey.now,
        browser: journey.browser.hash(),
        max_age: journey.max_age,
    };
    let url = authorize_url(connection, discovery, &pending);
    (pending, url)
}

/// The authorization request (OpenID Connect Core 3.1.2.1, RFC 7636).
pub fn authorize_url(connection: &Connection, discovery: &Discovery, pending: &Pending) -> String {
    let (scope, challenge) = (connection.preset().scope(), challenge(&pending.verifier));
    let max_age = pending.max_age.map(|seconds| seconds.to_string());
    let form = connection.form();
    let mut query = vec![
        ("response_type", "code"),
        ("client_id", connection.client_id()),
        ("redirect_uri", &pending.redirect_uri),
        ("scope", &scope),
        ("state", pending.state.expose()),
        ("nonce", pending.nonce.expose()),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ];
    let mfa = mfa(connection);
    query.extend(mfa.as_ref().map(|(name, value)| (*name, value.as_str())));
    query.extend(form.hosted_domain.as_deref().map(|domain| ("hd", domain)));
    query.extend(max_age.as_deref().map(|seconds| ("max_age", seconds)));
    let endpoint = &discovery.authorization_endpoint;
    let joint = if endpoint.contains('?') { '&' } else { '?' };
    format!("{endpoint}{joint}{}", form::pairs(&query))
}

/// How a second factor is asked for, where the connection wants one.
fn mfa(connection: &Connection) -> Option<(&'static str, String)> {
    let (form, preset) = (connection.form(), &connection.preset().mfa);
    let ask = preset.ask.as_ref().or_else(|| form.mfa_acr.first()).filter(|_| form.require_mfa)?;
    Some(if preset.by_context {
        let context = json!({"essential": true, "value": ask});
        ("claims", json!({"id_token": {"acrs": context}}).to_string())
    } else {
        ("acr_values", ask.clone())
    })
}

fn challenge(verifier: &Secret) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.expose()))
}

#[cfg(test)]
mod tests;
