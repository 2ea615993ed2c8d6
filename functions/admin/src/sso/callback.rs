//! The second half of a sign-in: the browser is back with a code, and the code becomes tokens.

use caller::form;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::Timestamp;
use serde::Deserialize;

use super::begin::{BrowserSecret, Pending};
use super::connection::Connection;
use super::discovery::{Discovery, TokenAuth};
use super::secret::Secret;

const QUERY_BYTES_MAX: usize = 16 * 1_024;
const PARAMETERS_MAX: usize = 20;
/// Largest answer of a token endpoint in bytes.
pub const ANSWER_BYTES_MAX: usize = 128 * 1_024;

/// The query that the browser came back with, read but not believed.
#[derive(Clone)]
pub struct Callback {
    state: Secret,
    iss: Option<String>,
    outcome: Result<Secret, ProviderError>,
}

/// What a provider said instead of giving a code: one of the words that the standards know, never its own text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProviderError(&'static str);

impl ProviderError {
    pub const fn as_str(self) -> &'static str {
        self.0
    }

    fn of(text: &str) -> Self {
        // RFC 6749 section 4.1.2.1 and OpenID Connect Core section 3.1.2.6.
        let known = [
            "access_denied",
            "account_selection_required",
            "consent_required",
            "interaction_required",
            "invalid_request",
            "invalid_scope",
            "login_required",
            "server_error",
            "temporarily_unavailable",
            "unauthorized_client",
            "unsupported_response_type",
        ];
        Self(known.into_iter().find(|one| *one == text).unwrap_or("other"))
    }
}

/// Why a callback, or the exchange behind it, ends a sign-in. Safe to show and to log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CallbackError {
    #[error("the callback does not read: it needs `state` and one of `code` and `error`, each once")]
    Malformed,
    #[error("this sign-in was begun in another browser: begin it anew")]
    Browser,
    #[error("this sign-in is not the one that was begun: begin it anew")]
    State,
    #[error("this sign-in took longer than 10 minutes: begin it anew")]
    Over,
    #[error("the connection was changed during this sign-in: begin it anew")]
    Changed,
    #[error("another provider answered than was asked")]
    MixedUp,
    #[error("the provider refused: {}", .0.as_str())]
    Provider(ProviderError),
    #[error("the provider's token endpoint gave no answer that reads")]
    Answer,
    #[error("the code is used, expired or not of this sign-in: begin it anew")]
    Grant,
    #[error("the provider refuses the client: check client_id, its secret and how it authenticates")]
    Client,
    #[error("the provider's answer holds no ID token: allow the scope `openid` for this client")]
    NoIdToken,
}

impl Callback {
    /// Reads the query of the callback.
    ///
    /// # Errors
    /// Unreadable, a parameter twice, or neither a code nor an error.
    pub fn parse(query: &str) -> Result<Self, CallbackError> {
        if query.len() > QUERY_BYTES_MAX {
            return Err(CallbackError::Malformed);
        }
        let pairs = form::parse(query, PARAMETERS_MAX).ok_or(CallbackError::Malformed)?;
        let one = |name: &str| {
            let mut found = pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone());
            match (found.next(), found.next()) {
                (first, None) => Ok(first),
                _ => Err(CallbackError::Malformed),
            }
        };
        let state = one("state")?.filter(|state| !state.is_empty()).ok_or(CallbackError::Malformed)?;
        let outcome = match (one("code")?, one("error")?) {
            (Some(code), None) if !code.is_empty() => Ok(Secret::new(code)),
            (None, Some(error)) => Err(ProviderError::of(&error)),
            _ => return Err(CallbackError::Malformed),
        };
        Ok(Self { state: Secret::new(state), iss: one("iss")?, outcome })
    }

    /// What the pending sign-in is looked up by. Not believed before [`Self::accept`].
    pub const fn state(&self) -> &Secret {
        &self.state
    }

    /// Believes the callback, when it belongs to the sign-in that this browser began.
    /// The caller has taken `pending` away: no code is exchanged twice. `connection` is the one whose own redirect URI the
    /// callback came to: providers that do not name themselves in it are told apart by that.
    ///
    /// # Errors
    /// The first thing that does not belong.
    pub fn accept(
        self,
        pending: &Pending,
        connection: &Connection,
        discovery: &Discovery,
        browser: &BrowserSecret,
        now: Timestamp,
    ) -> Result<Code, CallbackError> {
        let elsewhere = pending.connection != *connection.id();
        let changed = pending.issuer != connection.issuer();
        let faults = [
            (!pending.is_of(browser), CallbackError::Browser),
            (!pending.state.is(self.state.expose()), CallbackError::State),
            (pending.is_over(now), CallbackError::Over),
            (elsewhere, CallbackError::MixedUp),
            (changed, CallbackError::Changed),
            (!self.iss_fits(connection, discovery), CallbackError::MixedUp),
        ];
        if let Some((_, fault)) = faults.into_iter().find(|(found, _)| *found) {
            return Err(fault);
        }
        self.outcome.map(Code).map_err(CallbackError::Provider)
    }

    /// RFC 9207 section 2.4: what is said must be true, and who says it always says it here.
    fn iss_fits(&self, connection: &Connection, discovery: &Discovery) -> bool {
        self.iss.as_deref().map_or(!discovery.iss_in_callback, |iss| connection.is_issuer(iss))
    }
}

impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callback").field("outcome", &self.outcome).finish_non_exhaustive()
    }
}

/// An authorization code that belongs to its sign-in.
#[derive(Debug, Clone)]
pub struct Code(Secret);

/// A request to the token endpoint, which `egress` sends as a POST with `Content-Type: application/x-www-form-urlencoded`.
#[derive(Debug, Clone)]
pub struct TokenRequest {
    pub url: String,
    /// The header `Authorization`, where the secret is not in the body.
    pub authorization: Option<Secret>,
    pub body: Secret,
}

impl TokenRequest {
    /// The exchange of a code (RFC 6749 section 4.1.3, RFC 7636 section 4.5).
    pub fn new(
        code: &Code,
        pending: &Pending,
        connection: &Connection,
        discovery: &Discovery,
        client_secret: &Secret,
    ) -> Self {
        let client_id = connection.client_id();
        let mut body = vec![
            ("grant_type", "authorization_code"),
            ("code", code.0.expose()),
            ("redirect_uri", &pending.redirect_uri),
            ("code_verifier", pending.verifier.expose()),
        ];
        let authorization = match discovery.token_auth {
            TokenAuth::Basic => Some(basic(client_id, client_secret)),
            TokenAuth::Post => {
                body.extend([("client_id", client_id), ("client_secret", client_secret.expose())]);
                None
            }
        };
        let body = Secret::new(form::pairs(&body));
        Self { url: discovery.token_endpoint.clone(), authorization, body }
    }
}

/// RFC 6749 section 2.3.1: both are encoded as in a form before they are joined.
fn basic(client_id: &str, client_secret: &Secret) -> Secret {
    let joined = format!("{}:{}", form::encode(client_id), form::encode(client_secret.expose()));
    Secret::new(format!("Basic {}", STANDARD.encode(joined)))
}

/// What the code was exchanged for. The access token is used for `at_hash`, and to ask for groups that are too many for the other.
#[derive(Debug, Clone)]
pub struct Tokens {
    pub id_token: Secret,
    pub access_token: Option<Secret>,
}

#[derive(Deserialize)]
struct Answer {
    id_token: Option<String>,
    access_token: Option<String>,
    token_type: Option<String>,
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
}

impl Tokens {
    /// Reads the answer of the token endpoint.
    ///
    /// # Errors
    /// A refusal by the provider, or an answer without an ID token.
    pub fn parse(status: u16, body: &str) -> Result<Self, CallbackError> {
        if body.len() > ANSWER_BYTES_MAX {
            return Err(CallbackError::Answer);
        }
        let json = caller::json::parse(body).map_err(|_| CallbackError::Answer)?;
        if status != 200 {
            let refusal: Refusal = serde_json::from_value(json).map_err(|_| CallbackError::Answer)?;
            return Err(refused(&refusal.error));
        }
        let answer: Answer = serde_json::from_value(json).map_err(|_| CallbackError::Answer)?;
        if answer.token_type.is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
            return Err(CallbackError::Answer);
        }
        let id_token = answer.id_token.filter(|token| !token.is_empty()).ok_or(CallbackError::NoIdToken)?;
        Ok(Self { id_token: Secret::new(id_token), access_token: answer.access_token.map(Secret::new) })
    }
}

/// RFC 6749 section 5.2.
fn refused(error: &str) -> CallbackError {
    match error {
        "invalid_grant" => CallbackError::Grant,
        "invalid_client" | "unauthorized_client" => CallbackError::Client,
        other => CallbackError::Provider(ProviderError::of(other)),
    }
}

#[cfg(test)]
mod tests;
