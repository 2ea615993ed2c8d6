//! The edge: a raw ingress event in, a typed [`Request`] out.

use std::net::IpAddr;

use caller::Ingress;
use domain::{
    AgentId, ChangeId, Code, ConnectionId, KeyId, Opaque, OrgId, ProviderId, QueryId, ScimTokenId, SessionId,
    TenantId, UserId, WorkloadId,
};

use crate::handoff::HandOff;
use crate::refusal::{Refused, Why};
use crate::routes::{OPERATIONS, Operation};
use crate::sso::{Secret, session_token};

/// The cookie of a browser's session. `__Host-`: from this very host, over HTTPS, for all of it (RFC 6265bis section 4.1.3.2).
pub const COOKIE: &str = "__Host-cs_session";

/// How a caller says who it is.
#[derive(Debug)]
pub enum Credential {
    /// A browser, which sends its cookie by itself: what changes something needs a header that only our own pages can set.
    Cookie(Secret),
    /// A command.
    Bearer(Secret),
    /// IAM, as the platform verified it.
    Iam(String),
}

/// What a request asks for.
pub enum Route {
    Health,
    Document,
    Operation(&'static Operation, Box<Params>),
    /// Begins a sign-in through a connection.
    Login {
        connection: ConnectionId,
        return_to: Option<String>,
    },
    /// Where the identity provider sends the browser back.
    Callback {
        connection: ConnectionId,
        query: String,
        browser: Option<String>,
    },
    /// The identity provider ends sessions (OpenID Connect Back-Channel Logout 1.0).
    Logout {
        connection: ConnectionId,
        token: Option<String>,
    },
    /// The same through the browser (OpenID Connect Front-Channel Logout 1.0).
    FrontLogout {
        connection: ConnectionId,
        query: String,
    },
    /// The identity provider ends everything of somebody's (Global Token Revocation).
    UniversalLogout {
        connection: ConnectionId,
        token: Option<Secret>,
    },
    /// A browser asks for a session for another place.
    HandOff(HandOff),
    /// Somebody allows it, on our own page.
    HandOffAllowed(HandOff),
    /// The other place fetches its session.
    Redeem,
    /// A program shows its platform's token.
    Workload,
    /// The first organization, by whoever the platform's operator trusts in IAM.
    Bootstrap,
    Stray(Why),
}

/// Holds codes and tokens of providers.
impl std::fmt::Debug for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Health => "Health",
            Self::Document => "Document",
            Self::Operation(operation, _) => operation.name,
            Self::Login { .. } => "Login",
            Self::Callback { .. } => "Callback",
            Self::Logout { .. } => "Logout",
            Self::FrontLogout { .. } => "FrontLogout",
            Self::UniversalLogout { .. } => "UniversalLogout",
            Self::HandOff(_) => "HandOff",
            Self::HandOffAllowed(_) => "HandOffAllowed",
            Self::Redeem => "Redeem",
            Self::Workload => "Workload",
            Self::Bootstrap => "Bootstrap",
            Self::Stray(_) => "Stray",
        })
    }
}

/// What a path names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Params {
    pub org: Option<OrgId>,
    pub tenant: Option<TenantId>,
    pub agent: Option<AgentId>,
    pub key: Option<KeyId>,
    pub user: Option<UserId>,
    pub session: Option<SessionId>,
    pub connection: Option<ConnectionId>,
    pub change: Option<ChangeId>,
    pub provider: Option<ProviderId>,
    pub workload: Option<WorkloadId>,
    pub query: Option<QueryId>,
    pub team: Option<Code>,
    /// An invitation, by the digest that it lies under.
    pub invitation: Option<Opaque>,
    /// A directory's token.
    pub token: Option<ScimTokenId>,
}

/// A parsed request.
pub struct Request {
    pub route: Route,
    pub path: String,
    /// `https://` and the host that the platform was called by.
    pub origin: Option<String>,
    pub credential: Result<Credential, Why>,
    /// Whether our own page or program sent it, not another's in its browser.
    pub csrf_safe: bool,
    /// Whose page a form was sent from, as the browser says.
    pub from_origin: Option<String>,
    pub if_match: Option<String>,
    pub if_none_match_any: bool,
    pub idempotency: Option<String>,
    pub after: Option<String>,
    pub source_ip: Option<IpAddr>,
    pub request_id: Option<Opaque>,
    pub tls: Result<(), Why>,
    /// Its text, read once it is known who sent it.
    pub body: Result<String, Refused>,
}

/// Shows no address and no text.
impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request").field("route", &self.route).finish_non_exhaustive()
    }
}

/// The cookie that binds a sign-in to its browser, until the provider sends it back.
pub const SIGN_IN_COOKIE: &str = "__Host-cs_sign_in";

/// The most that is read, in bytes, of a body or a query before anybody can be known: codes and tokens stay far below.
const STRANGER_BYTES_MAX: usize = 32 * 1_024;

/// Whether a path is for whoever has no session yet: what comes there is read before it is known whose it is.
fn is_for_strangers(path: &str) -> bool {
    ["/v1/sso/", "/v1/handoff", "/v1/workloads/session"].iter().any(|prefix| path.starts_with(prefix))
}

/// # Errors
/// An oversize body, or an event of neither shape.
pub fn parse(event: &str) -> Result<Request, Why> {
    let ingress = Ingress::parse(event).map_err(|reason| match reason {
        domain::Reason::BodyTooLarge => Why::BodyTooLarge,
        _ => Why::UnknownPath,
    })?;
    if is_for_strangers(ingress.path()) {
        let most = ingress.body_bytes().max(ingress.raw_query().len());
        if most > STRANGER_BYTES_MAX {
            return Err(Why::SignInTooLarge);
        }
    }
    let header = |name: &str| ingress.header(name).map(str::to_owned);
    Ok(Request {
        route: route(&ingress),
        path: ingress.path().to_owned(),
        origin: ingress.domain().map(|host| format!("https://{host}")),
        credential: credential(&ingress),
        csrf_safe: ingress.header("x-cs-csrf") == Some("1"),
        from_origin: header("origin"),
        if_match: header("if-match")
            .map(|tag| tag.trim().trim_start_matches("W/").trim_matches('"').to_owned()),
        if_none_match_any: ingress.header("if-none-match").map(str::trim) == Some("*"),
        idempotency: header("idempotency-key"),
        after: ingress.query("after"),
        source_ip: ingress.source_ip(),
        request_id: ingress.request_id(),
        tls: ingress.tls().map_err(|_| Why::TlsVersion),
        body: body(&ingress),
    })
}

/// An absent body is an empty object: operations that need fields say which.
fn body(ingress: &Ingress) -> Result<String, Refused> {
    if !ingress.has_body() {
        return Ok("{}".to_owned());
    }
    ingress.json_text().map_err(|_| Why::ContentType.into())
}

/// A bearer's word goes before the cookie, and IAM's before both.
fn credential(ingress: &Ingress) -> Result<Credential, Why> {
    if let Some(arn) = ingress.iam_arn() {
        return Ok(Credential::Iam(arn.to_owned()));
    }
    match (ingress.bearer(), ingress.cookie(COOKIE)) {
        (Some(text), _) => token(text).map(Credential::Bearer),
        (None, Some(text)) => token(text).map(Credential::Cookie),
        (None, None) => Err(Why::SignInNeeded),
    }
}

/// What could be a token of ours (RFC 7519); whether it is, its signature says.
fn token(text: &str) -> Result<Secret, Why> {
    let formed = text.len() <= session_token::BYTES_MAX && text.split('.').count() == 3;
    if formed { Ok(Secret::new(text)) } else { Err(Why::SessionUnknown) }
}

fn route(ingress: &Ingress) -> Route {
    let (method, path) = (ingress.method(), ingress.path());
    let fixed = match (method, path) {
        ("GET", "/healthz") => Some(Route::Health),
        ("GET", "/v1/openapi.json") => Some(Route::Document),
        ("POST", "/v1/bootstrap") => Some(Route::Bootstrap),
        ("GET", "/v1/handoff") => Some(Route::HandOff(hand_off(|name| ingress.query(name)))),
        ("POST", "/v1/handoff") => Some(Route::HandOffAllowed(hand_off(|name| ingress.form_field(name)))),
        ("POST", "/v1/handoff/redeem") => Some(Route::Redeem),
        ("POST", "/v1/workloads/session") => Some(Route::Workload),
        _ => sign_in(ingress, method, path),
    };
    fixed.unwrap_or_else(|| operation(method, path))
}

fn hand_off(field: impl Fn(&str) -> Option<String>) -> HandOff {
    let text = |name: &str| field(name).unwrap_or_default();
    let connection = field("connection").and_then(|text| text.parse().ok());
    let state = field("state").filter(|state| !state.is_empty());
    HandOff { to: text("to"), challenge: text("challenge"), state, connection }
}

fn sign_in(ingress: &Ingress, method: &str, path: &str) -> Option<Route> {
    let (connection, rest) = path.strip_prefix("/v1/sso/")?.split_once('/')?;
    let connection = connection.parse().ok()?;
    match (method, rest) {
        ("GET", "login") => Some(Route::Login { connection, return_to: ingress.query("return_to") }),
        ("GET", "callback") => {
            let browser = ingress.cookie(SIGN_IN_COOKIE).map(str::to_owned);
            Some(Route::Callback { connection, query: ingress.raw_query(), browser })
        }
        ("GET", "logout") => Some(Route::FrontLogout { connection, query: ingress.raw_query() }),
        ("POST", "universal-logout") => {
            Some(Route::UniversalLogout { connection, token: ingress.bearer().map(Secret::new) })
        }
        ("POST", "logout") => Some(Route::Logout { connection, token: ingress.form_field("logout_token") }),
        _ => None,
    }
}

fn operation(method: &str, path: &str) -> Route {
    let named = |one: &'static Operation| matched(one.path, path).map(|params| (one, params));
    let mut at_path = OPERATIONS.iter().filter_map(named).peekable();
    if at_path.peek().is_none() {
        return Route::Stray(Why::UnknownPath);
    }
    match at_path.find(|(one, _)| one.method == method) {
        Some((one, params)) => Route::Operation(one, Box::new(params)),
        None => Route::Stray(Why::MethodNotAllowed),
    }
}

/// What a path names, if it is of this pattern. An id of the wrong form is no path of ours.
pub fn matched(pattern: &str, path: &str) -> Option<Params> {
    let mut params = Params::default();
    let (mut wanted, mut given) = (pattern.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(params),
            (Some(want), Some(part)) => {
                match want.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
                    Some(name) => params.set(name, part)?,
                    None if want == part => {}
                    None => return None,
                }
            }
            _ => return None,
        }
    }
}

impl Params {
    fn set(&mut self, name: &str, text: &str) -> Option<()> {
        match name {
            "org" => self.org = Some(text.parse().ok()?),
            "tenant" => self.tenant = Some(text.parse().ok()?),
            "agent" => self.agent = Some(text.parse().ok()?),
            "key" => self.key = Some(text.parse().ok()?),
            "user" => self.user = Some(text.parse().ok()?),
            "session" => self.session = Some(text.parse().ok()?),
            "connection" => self.connection = Some(text.parse().ok()?),
            "change" => self.change = Some(text.parse().ok()?),
            "workload" => self.workload = Some(text.parse().ok()?),
            "provider" => self.provider = Some(text.parse().ok()?),
            "query" => self.query = Some(text.parse().ok()?),
            "team" => self.team = Some(text.parse().ok()?),
            "invitation" => self.invitation = Some(text.parse().ok()?),
            "token" => self.token = Some(text.parse().ok()?),
            _ => return None,
        }
        Some(())
    }
}

#[cfg(test)]
mod tests;
