//! The edge: a raw event in, a typed [`Event`] out. Three ways in: a browser (or Slack), the queue, and the clock.

use aws::BatchEvent;
use caller::{Ingress, form, is_sweep};
use domain::{ApprovalId, ConnectionId, Opaque, Say, TenantId, Timestamp};
use std::net::IpAddr;

use crate::token::Token;

/// The cookie of a browser's session here. `__Host-`: from this very host, over HTTPS, for all of it (RFC 6265bis section
/// 4.1.3.2).
pub const COOKIE: &str = "__Host-cs_approvals";
/// Binds a sign-in to the browser that began it.
pub const FLOW_COOKIE: &str = "__Host-cs_approvals_in";
/// Through which connection somebody came last.
pub const VIA_COOKIE: &str = "__Host-cs_approvals_via";

/// The most that is read of a body, in bytes. Forms stay far below.
const BODY_BYTES_MAX: usize = 64 * 1_024;
/// A code is shorter.
const CODE_BYTES_MAX: usize = 128;
/// Requests decided together.
pub const BATCH_MAX: usize = 50;

/// What comes in.
#[derive(Debug)]
pub enum Event {
    /// The clock: what is late, cancelled or to be reminded of.
    Sweep,
    /// Messages of the queue.
    Batch(BatchEvent),
    Http(Box<Request>),
}

/// What somebody does about one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    pub say: Option<Say>,
    pub comment: String,
    pub csrf: String,
    /// The digest of the action that the page was of.
    pub digest: String,
    /// A keyed digest of what the page showed.
    pub seen: String,
    /// Whether it showed personal data.
    pub reveal: bool,
}

/// The same about several at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    pub tenant: Option<TenantId>,
    pub say: Option<Say>,
    pub csrf: String,
    /// `None`: one of them is no id.
    pub approvals: Option<Vec<ApprovalId>>,
}

/// Somebody is away, or is not any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absence {
    pub tenant: Option<TenantId>,
    pub to: String,
    pub from: String,
    pub until: String,
    pub back: bool,
    pub csrf: String,
}

/// What Slack sends: its text as it was signed, and what it says of itself.
#[derive(Clone, PartialEq, Eq)]
pub struct SlackCall {
    pub timestamp: String,
    pub signature: String,
    pub body: String,
}

/// Holds names of people at Slack.
impl std::fmt::Debug for SlackCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SlackCall")
    }
}

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    Health,
    /// What waits for whoever asks.
    List(Option<TenantId>),
    /// One request.
    Look {
        approval: ApprovalId,
        reveal: bool,
    },
    Decide(ApprovalId, Word),
    DecideAll(Words),
    Away(Option<TenantId>),
    SetAway(Absence),
    SignedIn {
        code: String,
        state: String,
    },
    SignOut,
    Slack(TenantId, SlackCall),
    /// A path or a method that is not ours, by its status.
    Stray(u16),
}

/// A parsed request.
pub struct Request {
    pub route: Route,
    /// A page is asked for by its head alone: nothing is read and nothing recorded.
    pub head: bool,
    pub session: Option<Token>,
    /// What was begun before a sign-in.
    pub flow: Option<Token>,
    /// Through which connection to sign in, if that is known.
    pub via: Option<ConnectionId>,
    /// Whose page a form was sent from, as the browser says.
    pub from_origin: Option<String>,
    pub source_ip: Option<IpAddr>,
    pub request_id: Option<Opaque>,
    pub tls: bool,
}

/// Shows no address and no text.
impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request").field("route", &self.route).finish_non_exhaustive()
    }
}

/// # Errors
/// The status of what is too large, or of no shape that is known.
pub fn parse(event: &str) -> Result<Event, u16> {
    if is_sweep(event) {
        return Ok(Event::Sweep);
    }
    if let Ok(batch) = serde_json::from_str::<BatchEvent>(event) {
        return Ok(Event::Batch(batch));
    }
    let ingress = Ingress::parse(event).map_err(|reason| match reason {
        domain::Reason::BodyTooLarge => 413_u16,
        _ => 404,
    })?;
    if ingress.body_bytes().max(ingress.raw_query().len()) > BODY_BYTES_MAX {
        return Err(413);
    }
    Ok(Event::Http(Box::new(request(&ingress))))
}

fn request(ingress: &Ingress) -> Request {
    let token = |name| ingress.cookie(name).filter(|text| !text.is_empty()).map(Token::new);
    let via = ingress.query("connection").or_else(|| ingress.cookie(VIA_COOKIE).map(str::to_owned));
    Request {
        route: route(ingress),
        head: ingress.method() == "HEAD",
        session: token(COOKIE),
        flow: token(FLOW_COOKIE),
        via: via.and_then(|text| text.parse().ok()),
        from_origin: ingress.header("origin").map(str::to_owned),
        source_ip: ingress.source_ip(),
        request_id: ingress.request_id(),
        tls: ingress.tls().is_ok(),
    }
}

fn route(ingress: &Ingress) -> Route {
    let tenant = || ingress.query("tenant").and_then(|text| text.parse().ok());
    let path = ingress.path();
    let known = match path {
        "/healthz" | "/" | "/away" | "/signed-in" => &["GET", "HEAD"][..],
        "/batch" | "/signed-out" => &["POST"],
        _ if path.starts_with("/slack/") => &["POST"],
        _ if path.starts_with("/a/") => &["GET", "HEAD", "POST"],
        _ => return Route::Stray(404),
    };
    let posts = ingress.method() == "POST";
    let away = posts && path == "/away";
    if !(away || known.contains(&ingress.method())) {
        return Route::Stray(405);
    }
    match path {
        "/healthz" => Route::Health,
        "/" => Route::List(tenant()),
        "/away" if posts => Route::SetAway(absence(ingress)),
        "/away" => Route::Away(tenant()),
        "/signed-in" => signed_in(ingress),
        "/batch" => Route::DecideAll(words(ingress)),
        "/signed-out" => Route::SignOut,
        _ => named(ingress, path, posts),
    }
}

fn named(ingress: &Ingress, path: &str, posts: bool) -> Route {
    if let Some(tenant) = path.strip_prefix("/slack/") {
        return tenant.parse().map_or(Route::Stray(404), |tenant| Route::Slack(tenant, slack(ingress)));
    }
    match path.strip_prefix("/a/").map(str::parse::<ApprovalId>) {
        Some(Ok(approval)) if posts => Route::Decide(approval, word(ingress)),
        Some(Ok(approval)) => {
            Route::Look { approval, reveal: ingress.query("reveal").as_deref() == Some("1") }
        }
        _ => Route::Stray(404),
    }
}

fn signed_in(ingress: &Ingress) -> Route {
    let text = |name| ingress.query(name).filter(|text| text.len() <= CODE_BYTES_MAX).unwrap_or_default();
    Route::SignedIn { code: text("code"), state: text("state") }
}

fn field(ingress: &Ingress, name: &str) -> String {
    ingress.form_field(name).unwrap_or_default()
}

fn word(ingress: &Ingress) -> Word {
    Word {
        say: field(ingress, "say").parse().ok(),
        // Browsers send lines of a text area apart by two characters (HTML, section 4.10.22.4).
        comment: field(ingress, "comment").replace("\r\n", "\n").trim().to_owned(),
        csrf: field(ingress, "csrf"),
        digest: field(ingress, "digest"),
        seen: field(ingress, "seen"),
        reveal: field(ingress, "reveal") == "1",
    }
}

fn words(ingress: &Ingress) -> Words {
    let body = ingress.body_text().unwrap_or_default();
    let pairs = form::parse(&body, BATCH_MAX + 8).unwrap_or_default();
    let ids = pairs.iter().filter(|(name, _)| name == "approval").map(|(_, id)| id.parse().ok());
    Words {
        tenant: field(ingress, "tenant").parse().ok(),
        say: field(ingress, "say").parse().ok(),
        csrf: field(ingress, "csrf"),
        approvals: ids.collect(),
    }
}

fn absence(ingress: &Ingress) -> Absence {
    Absence {
        tenant: field(ingress, "tenant").parse().ok(),
        to: field(ingress, "to"),
        from: field(ingress, "from"),
        until: field(ingress, "until"),
        back: field(ingress, "back") == "1",
        csrf: field(ingress, "csrf"),
    }
}

fn slack(ingress: &Ingress) -> SlackCall {
    let header = |name| ingress.header(name).unwrap_or_default().to_owned();
    SlackCall {
        timestamp: header("x-slack-request-timestamp"),
        signature: header("x-slack-signature"),
        body: ingress.body_text().unwrap_or_default(),
    }
}

/// A day and an hour as a browser's field sends them, in UTC: `2026-11-27T09:00`.
pub fn moment(text: &str) -> Option<Timestamp> {
    let formed = text.len() == 16 && text.is_ascii();
    Timestamp::from_rfc3339(&format!("{text}:00Z")).ok().filter(|_| formed)
}

#[cfg(test)]
mod tests;
