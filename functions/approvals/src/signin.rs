//! A session of our own, handed over by `admin`: a browser goes there with a challenge, and comes back with a code (as RFC 7636
//! binds codes). What it goes back with is good only in the browser that began.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use caller::form;
use domain::{ApprovalId, ConnectionId, ConnectionRow, Lifecycle, OrgId, TenantId};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tables::{Key, Table};

use crate::desk::{Away, Desk, Outside};
use crate::effects::{Effects, find};
use crate::event::{COOKIE, FLOW_COOKIE, Request, Route, VIA_COOKIE};
use crate::look::unavailable;
use crate::page;
use crate::response::Response;
use crate::token::Token;

/// For so long somebody may take to sign in, in seconds.
const FLOW_S: u32 = 600;
/// No session lasts longer (`admin`), in seconds.
const SESSION_S: u32 = 43_200;
const VIA_S: u32 = 31_536_000;

/// Where a browser goes back to: a page of ours, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Back {
    List(Option<TenantId>),
    Request(ApprovalId),
    Away(TenantId),
}

impl Back {
    /// What was asked for, if it is a page.
    pub fn of(route: &Route) -> Self {
        match route {
            Route::Look { approval, .. } | Route::Decide(approval, _) => Self::Request(approval.clone()),
            Route::Away(Some(tenant)) => Self::Away(tenant.clone()),
            Route::SetAway(wanted) => match &wanted.tenant {
                Some(tenant) => Self::Away(tenant.clone()),
                None => Self::List(None),
            },
            Route::List(tenant) => Self::List(tenant.clone()),
            Route::DecideAll(words) => Self::List(words.tenant.clone()),
            _ => Self::List(None),
        }
    }

    pub fn path(&self) -> String {
        match self {
            Self::List(None) => "/".to_owned(),
            Self::List(Some(tenant)) => format!("/?tenant={tenant}"),
            Self::Request(id) => format!("/a/{id}"),
            Self::Away(tenant) => format!("/away?tenant={tenant}"),
        }
    }

    /// Reads what [`Back::path`] wrote: whatever else stands in a cookie leads to the list.
    fn read(text: &str) -> Self {
        let of = |prefix: &str| text.strip_prefix(prefix).and_then(|rest| rest.parse().ok());
        let request = text.strip_prefix("/a/").and_then(|id| id.parse().ok()).map(Self::Request);
        request.or_else(|| of("/away?tenant=").map(Self::Away)).unwrap_or_else(|| Self::List(of("/?tenant=")))
    }
}

/// What the cookie of a sign-in holds: verifier, state and where to go back, apart by dots.
struct Flow {
    verifier: Token,
    state: Token,
    back: Back,
}

impl Flow {
    fn read(cookie: &Token) -> Option<Self> {
        let mut parts = cookie.expose().split('.');
        let (verifier, state, back) = (parts.next()?, parts.next()?, parts.next()?);
        let back = URL_SAFE_NO_PAD.decode(back).ok().and_then(|bytes| String::from_utf8(bytes).ok())?;
        let whole = parts.next().is_none() && verifier.len() == 43 && state.len() == 43;
        whole.then(|| Self {
            verifier: Token::new(verifier),
            state: Token::new(state),
            back: Back::read(&back),
        })
    }
}

fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl<D: Desk, O: Outside> Effects<D, O> {
    /// To `admin`, and back to what was asked for.
    pub(crate) async fn to_sign_in(&self, request: &Request) -> Response {
        let back = Back::of(&request.route);
        match self.connections(request, &back).await {
            Ok(all) => match all.as_slice() {
                [] => self.go(None, &back),
                [(one, _)] => self.go(Some(one), &back),
                several => Response::page(200, page::connections(&back.path(), several)),
            },
            Err(Away) => unavailable(),
        }
    }

    /// By which connections somebody may sign in: the one that they name or came by last, or those of the organization whose
    /// request they were told of.
    async fn connections(&self, request: &Request, back: &Back) -> Result<Vec<(ConnectionId, String)>, Away> {
        if let Some(via) = &request.via {
            return Ok(vec![(via.clone(), String::new())]);
        }
        let Back::Request(id) = back else { return Ok(Vec::new()) };
        match self.link(id).await? {
            Some(link) => self.of_org(&link.org).await,
            None => Ok(Vec::new()),
        }
    }

    async fn of_org(&self, org: &OrgId) -> Result<Vec<(ConnectionId, String)>, Away> {
        let active = self.connections_of(org).await?;
        Ok(active.into_iter().map(|row| (row.id.clone(), host(&row))).collect())
    }

    /// The connections of an organization by which anybody comes in.
    pub(crate) async fn connections_of(&self, org: &OrgId) -> Result<Vec<ConnectionRow>, Away> {
        let rows = self.listed(Table::Identity, &format!("ORG#{org}"), "CONNECTION#").await?;
        let id =
            |key: &Key| key.sk.strip_prefix("CONNECTION#").and_then(|id| id.parse::<ConnectionId>().ok());
        let keys: Vec<Key> =
            rows.iter().filter_map(|(key, _)| id(key)).map(|id| Key::connection(&id)).collect();
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let rows = self.desk.rows(&keys).await?;
        let row = |key: &Key| find::<ConnectionRow>(&rows, key).ok().flatten();
        let active = |row: &ConnectionRow| row.status == Lifecycle::Active && row.org == *org;
        Ok(keys.iter().filter_map(row).filter(active).collect())
    }

    fn go(&self, connection: Option<&ConnectionId>, back: &Back) -> Response {
        let (Ok(verifier), Ok(state)) = (self.desk.random(), self.desk.random()) else {
            return unavailable();
        };
        let (verifier, state) = (encoded(&verifier), encoded(&state));
        let challenge = encoded(&Sha256::digest(&verifier));
        let to = format!("{}/signed-in", self.own);
        let mut query = vec![("to", to.as_str()), ("challenge", &challenge), ("state", &state)];
        query.extend(connection.map(|id| ("connection", id.as_str())));
        let place = format!("{}/v1/handoff?{}", self.admin, form::pairs(&query));
        let flow = format!("{verifier}.{state}.{}", encoded(back.path().as_bytes()));
        Response::see_other(&place).with_cookie(FLOW_COOKIE, &flow, FLOW_S)
    }

    /// Back from `admin`, with a code: a session, if it was this browser that asked for it.
    pub(crate) async fn signed_in(&self, request: &Request, code: &str, state: &str) -> Response {
        let flow = request.flow.as_ref().and_then(Flow::read).filter(|flow| flow.state.is(state));
        let Some(flow) = flow.filter(|_| !code.is_empty()) else { return not_begun() };
        match self.outside.redeem(code, &flow.verifier).await {
            Ok(told) if told.status == 201 => begun(&told.body, &flow.back),
            Ok(told) if told.status < 500 => not_begun(),
            Ok(_) | Err(Away) => unavailable(),
        }
    }

    /// Ends the session here, and for good. The one that it came from goes on, at `admin`.
    pub(crate) async fn signed_out(&self, request: &Request) -> Response {
        if let Err(no) = self.is_of_ours(request) {
            return Response::page(no.status(), page::notice("Not done", no.text(), None));
        }
        if let Some(token) = &request.session
            && self.outside.end(token).await.is_err()
        {
            return unavailable();
        }
        let page = page::notice("Signed out", "You are signed out here.", Some(("/", "Sign in again")));
        Response::page(200, page).with_cookie(COOKIE, "", 0)
    }
}

/// The host of a connection's provider.
fn host(row: &ConnectionRow) -> String {
    let document: Value = serde_json::from_str(&row.document).unwrap_or_default();
    let issuer = document.get("issuer").and_then(Value::as_str).unwrap_or_default();
    let host = issuer.split("://").nth(1).unwrap_or_default();
    host.split('/').next().unwrap_or_default().to_owned()
}

fn begun(body: &Value, back: &Back) -> Response {
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    // A token is three parts of base64url (RFC 7519): nothing else is put into a cookie.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let token = text("session");
    if token.is_empty() || !token.bytes().all(plain) {
        return unavailable();
    }
    let response = Response::see_other(&back.path()).with_cookie(COOKIE, token, SESSION_S);
    let response = response.with_cookie(FLOW_COOKIE, "", 0);
    match text("connection").parse::<ConnectionId>() {
        Ok(via) => response.with_cookie(VIA_COOKIE, via.as_str(), VIA_S),
        Err(_) => response,
    }
}

fn not_begun() -> Response {
    let text = "This sign-in was not begun in this browser, or took too long. Nothing was done.";
    Response::page(400, page::notice("Not signed in", text, Some(("/", "Begin again")))).with_cookie(
        FLOW_COOKIE,
        "",
        0,
    )
}

/// The next token of a session, where it goes on.
pub fn renewed(response: Response, token: Option<&Token>) -> Response {
    match token {
        Some(token) => response.with_cookie(COOKIE, token.expose(), SESSION_S),
        None => response,
    }
}

#[cfg(test)]
mod tests;
