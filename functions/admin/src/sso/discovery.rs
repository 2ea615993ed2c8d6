//! A provider's discovery document (OpenID Connect Discovery 1.0, RFC 8414), checked once and then relied on.

use egress::{Reach, Target, TargetError};
use serde::Deserialize;

use super::connection::Connection;
use super::jwks::Alg;
use super::preset::LogoutSupport;

/// Largest document in bytes; real ones stay under 10,000.
pub const DOCUMENT_BYTES_MAX: usize = 256 * 1_024;

/// What a sign-in needs of the document. Addresses of `token_endpoint` and `jwks_uri` are ones that `egress` can call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovery {
    /// As the document spells it: the connection's, or the form of Entra's issuers by tenant.
    pub issuer: String,
    pub authorization_endpoint: String,
    pub token_endpoint: String,
    pub jwks_uri: String,
    pub end_session_endpoint: Option<String>,
    pub token_auth: TokenAuth,
    /// Every callback carries `iss` (RFC 9207).
    pub iss_in_callback: bool,
    pub back_channel_logout: bool,
    /// Algorithms of ID tokens that both sides know, in the document's order.
    pub algs: Vec<Alg>,
}

/// How the client proves itself at the token endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenAuth {
    Basic,
    Post,
}

/// Why a document is not taken, and what to do. For the administrator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DiscoveryError {
    #[error("the discovery document is larger than 262144 bytes")]
    TooLarge,
    #[error("the discovery document does not read; is the issuer the one that the provider shows?")]
    Unreadable,
    #[error(
        "the document's issuer is another one: give the issuer exactly as the document spells it, with or without the slash at its end"
    )]
    Issuer,
    #[error("{field}: {fault}; the provider must serve it over https at a public address")]
    Endpoint { field: &'static str, fault: TargetError },
    #[error("the provider has no response type `code`: allow the authorization code flow for this client")]
    ResponseType,
    #[error("the provider allows PKCE, but not with S256: switch S256 on")]
    Pkce,
    #[error(
        "the provider signs ID tokens with none of RS256, PS256, ES256, ES384 and EdDSA: choose one for this client"
    )]
    Algorithms,
    #[error(
        "the token endpoint takes neither client_secret_basic nor client_secret_post: allow one for this client"
    )]
    TokenAuth,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    end_session_endpoint: Option<String>,
    response_types_supported: Vec<String>,
    id_token_signing_alg_values_supported: Vec<String>,
    code_challenge_methods_supported: Option<Vec<String>>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
    #[serde(default)]
    backchannel_logout_supported: bool,
}

/// Where the document of an issuer is.
pub fn address(issuer: &str) -> String {
    format!("{}/.well-known/openid-configuration", issuer.strip_suffix('/').unwrap_or(issuer))
}

/// As much as a platform's document has that gives programs their tokens: nobody signs in there by a browser.
#[derive(Deserialize)]
struct PlatformDocument {
    issuer: String,
    jwks_uri: String,
}

/// Where the keys of a platform are, from the document that [`address`] served.
///
/// # Errors
/// The first rule that the document breaks.
pub fn keys_of(text: &str, issuer: &str, reach: Reach) -> Result<String, DiscoveryError> {
    if text.len() > DOCUMENT_BYTES_MAX {
        return Err(DiscoveryError::TooLarge);
    }
    let strict = caller::json::parse(text).map_err(|_| DiscoveryError::Unreadable)?;
    let document: PlatformDocument =
        serde_json::from_value(strict).map_err(|_| DiscoveryError::Unreadable)?;
    if document.issuer != issuer {
        return Err(DiscoveryError::Issuer);
    }
    let field = "jwks_uri";
    Target::parse(&document.jwks_uri, reach).map_err(|fault| DiscoveryError::Endpoint { field, fault })?;
    Ok(document.jwks_uri)
}

impl Discovery {
    /// Reads the document that [`address`] served.
    ///
    /// # Errors
    /// The first rule that the document breaks.
    pub fn parse(text: &str, connection: &Connection, reach: Reach) -> Result<Self, DiscoveryError> {
        if text.len() > DOCUMENT_BYTES_MAX {
            return Err(DiscoveryError::TooLarge);
        }
        let strict = caller::json::parse(text).map_err(|_| DiscoveryError::Unreadable)?;
        let document: Document = serde_json::from_value(strict).map_err(|_| DiscoveryError::Unreadable)?;
        if document.issuer != connection.by_tenant().unwrap_or_else(|| connection.issuer()) {
            return Err(DiscoveryError::Issuer);
        }
        check_addresses(&document, reach)?;
        let has = |list: &[String], wanted: &str| list.iter().any(|one| one == wanted);
        if !has(&document.response_types_supported, "code") {
            return Err(DiscoveryError::ResponseType);
        }
        // Entra's document does not speak of PKCE, and the provider has it.
        if document.code_challenge_methods_supported.as_ref().is_some_and(|list| !has(list, "S256")) {
            return Err(DiscoveryError::Pkce);
        }
        let back_channel_logout = match connection.preset().logout {
            LogoutSupport::BackChannel | LogoutSupport::ByDiscovery => document.backchannel_logout_supported,
            _ => false,
        };
        Ok(Self {
            algs: algorithms(&document.id_token_signing_alg_values_supported)?,
            token_auth: token_auth(document.token_endpoint_auth_methods_supported.as_deref())?,
            issuer: document.issuer,
            authorization_endpoint: document.authorization_endpoint,
            token_endpoint: document.token_endpoint,
            jwks_uri: document.jwks_uri,
            end_session_endpoint: document.end_session_endpoint,
            iss_in_callback: document.authorization_response_iss_parameter_supported,
            back_channel_logout,
        })
    }

    /// What an RSA key without `alg` signs with.
    pub fn rsa(&self) -> Alg {
        let rsa = |alg: &&Alg| matches!(alg, Alg::Rs256 | Alg::Ps256);
        self.algs.iter().find(rsa).copied().unwrap_or(Alg::Rs256)
    }
}

fn check_addresses(document: &Document, reach: Reach) -> Result<(), DiscoveryError> {
    let check = |field, text: &str| {
        Target::parse(text, reach).map(|_| ()).map_err(|fault| DiscoveryError::Endpoint { field, fault })
    };
    check("token_endpoint", &document.token_endpoint)?;
    check("jwks_uri", &document.jwks_uri)?;
    // Those that the browser opens may have a query.
    let page = |text: &str| text.split_once('?').map_or(text, |(before, _)| before).to_owned();
    check("authorization_endpoint", &page(&document.authorization_endpoint))?;
    document.end_session_endpoint.as_ref().map_or(Ok(()), |end| check("end_session_endpoint", &page(end)))?;
    let fragment = |text: &String| text.contains('#');
    match [Some(&document.authorization_endpoint), document.end_session_endpoint.as_ref()] {
        pages if pages.into_iter().flatten().any(fragment) => Err(DiscoveryError::Endpoint {
            field: "authorization_endpoint or end_session_endpoint",
            fault: TargetError::Fragment,
        }),
        _ => Ok(()),
    }
}

fn algorithms(named: &[String]) -> Result<Vec<Alg>, DiscoveryError> {
    let known: Vec<Alg> = named.iter().filter_map(|name| Alg::from_name(name)).collect();
    if known.is_empty() { Err(DiscoveryError::Algorithms) } else { Ok(known) }
}

/// Basic where nothing is said (Discovery 1.0, section 3).
fn token_auth(methods: Option<&[String]>) -> Result<TokenAuth, DiscoveryError> {
    let Some(methods) = methods else { return Ok(TokenAuth::Basic) };
    let has = |wanted: &str| methods.iter().any(|one| one == wanted);
    match (has("client_secret_basic"), has("client_secret_post")) {
        (true, _) => Ok(TokenAuth::Basic),
        (false, true) => Ok(TokenAuth::Post),
        (false, false) => Err(DiscoveryError::TokenAuth),
    }
}

#[cfg(test)]
mod tests;
