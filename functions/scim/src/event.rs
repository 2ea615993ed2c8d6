//! The edge: a raw ingress event in, a typed [`Request`] out.

use std::net::IpAddr;

use caller::Ingress;
use caller::json::{self, JsonFault};
use domain::{ConnectionId, Opaque, ScimToken};
use serde_json::Value;

use crate::error::{ScimError, ScimType};
use crate::schema::Kind;

/// What a path names below a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    ServiceProviderConfig,
    Schemas(Option<String>),
    ResourceTypes(Option<String>),
    Me,
    Bulk,
    /// A question in a body: to one kind, or to both.
    Search(Option<Kind>),
    All(Kind),
    One(Kind, String),
    /// OAuth 2.0 client credentials (RFC 6749 section 4.4).
    Token,
    Health,
    Unknown,
}

/// A parsed request.
pub struct Request {
    pub method: String,
    pub connection: Option<ConnectionId>,
    pub target: Target,
    /// `https://<host>/scim/v2/<connection>`: what locations begin with.
    pub base: String,
    pub bearer: Option<ScimToken>,
    /// `client_id` and `client_secret`: in the form, or as Basic (RFC 6749 section 2.3.1).
    pub client: Option<(String, String)>,
    pub grant_type: Option<String>,
    pub query: String,
    pub if_match: Option<String>,
    pub if_none_match: Option<String>,
    pub prefer: Option<String>,
    pub source_ip: Option<IpAddr>,
    pub request_id: Option<Opaque>,
    /// As the platform says: `TLSv1.2` is taken here, and recorded.
    pub tls: Option<String>,
    /// How long the body is, in bytes.
    pub body_bytes: usize,
    /// Its text, read once it is known who sent it.
    pub body: Result<String, ScimError>,
}

/// Shows no address, no secret and no text.
impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request").field("method", &self.method).finish_non_exhaustive()
    }
}

/// Largest body, in bytes: 50,000 members fit.
const BODY_MAX: usize = 4 * 1024 * 1024;
/// Largest form of a client's credentials, in bytes.
const FORM_MAX: usize = 8 * 1024;
/// Most values of a body: 50,000 members with what clients say of each.
const VALUES_MAX: usize = 300_000;

/// # Errors
/// An oversize body, or an event of neither shape: nothing is known of who sent it.
pub fn parse(event: &str) -> Result<Request, ScimError> {
    let ingress = Ingress::parse(event).map_err(|reason| match reason {
        domain::Reason::BodyTooLarge => {
            ScimError::plain(413, format!("the body is larger than {BODY_MAX} bytes: send it in parts"))
        }
        _ => ScimError::not_found(),
    })?;
    let header = |name: &str| ingress.header(name).map(str::to_owned);
    let (connection, target) = named(ingress.path());
    // A stranger's form is looked at where forms belong, and no further than one of ours goes.
    let form = target == Target::Token && ingress.body_bytes() <= FORM_MAX;
    let host = ingress.domain().unwrap_or_default();
    let base = connection.as_ref().map(|id| format!("https://{host}/scim/v2/{id}")).unwrap_or_default();
    Ok(Request {
        method: ingress.method().to_owned(),
        connection,
        target,
        base,
        bearer: ingress.bearer().and_then(|text| text.parse().ok()),
        client: form.then(|| client(&ingress)).flatten(),
        grant_type: form.then(|| ingress.form_field("grant_type")).flatten(),
        query: ingress.raw_query(),
        if_match: header("if-match"),
        if_none_match: header("if-none-match"),
        prefer: header("prefer"),
        source_ip: ingress.source_ip(),
        request_id: ingress.request_id(),
        tls: header("x-amzn-tls-version").filter(|text| text.len() <= 16),
        body_bytes: ingress.body_bytes(),
        body: body(&ingress),
    })
}

/// Both types of content that RFC 7644 section 3.8 names; nothing at all is an empty object.
fn body(ingress: &Ingress) -> Result<String, ScimError> {
    if !ingress.has_body() {
        return Ok("{}".to_owned());
    }
    ingress.scim_text().map_err(|_| {
        ScimError::plain(415, "send the body as application/scim+json, in UTF-8 and not compressed")
    })
}

impl Request {
    /// The body as JSON.
    ///
    /// # Errors
    /// Another type of content, no JSON, a key that stands twice, or more than is read.
    pub fn json(&self) -> Result<Value, ScimError> {
        json::parse_up_to(self.body.as_ref().map_err(Clone::clone)?, VALUES_MAX).map_err(
            |fault| match fault {
                JsonFault::TooMany => {
                    ScimError::plain(413, "the body holds too many values: send it in parts")
                }
                fault => ScimError::bad(ScimType::InvalidSyntax, fault.to_string()),
            },
        )
    }
}

fn client(ingress: &Ingress) -> Option<(String, String)> {
    ingress.basic().or_else(|| ingress.form_field("client_id").zip(ingress.form_field("client_secret")))
}

/// What a path names. Names of endpoints are taken in any case, as some providers write them.
fn named(path: &str) -> (Option<ConnectionId>, Target) {
    if path == "/healthz" {
        return (None, Target::Health);
    }
    let mut parts = path.strip_prefix("/scim/v2/").unwrap_or_default().trim_end_matches('/').split('/');
    let connection = parts.next().and_then(|part| part.parse().ok());
    let rest: Vec<&str> = parts.collect();
    let target = match connection {
        Some(_) => target(&rest),
        None => Target::Unknown,
    };
    (connection, target)
}

fn target(rest: &[&str]) -> Target {
    let lower: Vec<String> = rest.iter().map(|part| part.to_ascii_lowercase()).collect();
    let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
    // Ids of schemas have colons, which some clients escape.
    let id = |part: &str| part.replace("%3A", ":").replace("%3a", ":");
    match (lower.as_slice(), rest) {
        (["serviceproviderconfig"], _) => Target::ServiceProviderConfig,
        (["schemas"], _) => Target::Schemas(None),
        (["schemas", _], [_, schema]) => Target::Schemas(Some(id(schema))),
        (["resourcetypes"], _) => Target::ResourceTypes(None),
        (["resourcetypes", _], [_, one]) => Target::ResourceTypes(Some(id(one))),
        (["me"], _) => Target::Me,
        (["bulk"], _) => Target::Bulk,
        ([".search"], _) => Target::Search(None),
        (["users", ".search"], _) => Target::Search(Some(Kind::User)),
        (["groups", ".search"], _) => Target::Search(Some(Kind::Group)),
        (["users"], _) => Target::All(Kind::User),
        (["groups"], _) => Target::All(Kind::Group),
        (["users", _], [_, one]) => Target::One(Kind::User, (*one).to_owned()),
        (["groups", _], [_, one]) => Target::One(Kind::Group, (*one).to_owned()),
        (["oauth", "token"], _) => Target::Token,
        _ => Target::Unknown,
    }
}

#[cfg(test)]
mod tests;
