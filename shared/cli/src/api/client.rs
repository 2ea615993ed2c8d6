//! Calls of the management API: a session, a call, an answer or why there is none.

use std::time::Duration;

use bytes::Bytes;
use domain::OrgId;
use egress::{Ask, Client, Config, Headers, Reach, Reply, Roots, Target, Verb};
use serde_json::Value;
use zeroize::Zeroizing;

use super::fault::{Fault, Problem, field};
use super::store::{Kept, Store};
use crate::print;

type Get<'a> = &'a (dyn Fn(&str) -> Option<String> + Sync);

/// For one call, connecting included. The platform ends a request after 30 seconds.
const DEADLINE: Duration = Duration::from_secs(60);
const CONNECT: Duration = Duration::from_secs(10);
/// The longest answer: a page of audit rows stays well below.
const ANSWER_MAX: usize = 16 << 20;
/// The longest session that is sent or kept.
const SESSION_MAX: usize = 4_096;
/// A header in which a new session comes, in place of the one that was sent.
const NEW_SESSION: &str = "x-cs-session";

/// Over which state something is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Over {
    #[default]
    Any,
    /// The state with this entity tag.
    Seen(String),
    /// None: it is the first.
    Nothing,
}

/// One call.
#[derive(Debug, Clone)]
pub struct Call {
    pub verb: Verb,
    pub path: String,
    pub query: Vec<(&'static str, String)>,
    pub body: Option<Value>,
    pub over: Over,
    /// The same key makes the same thing once.
    pub once: Option<String>,
}

impl Call {
    fn of(verb: Verb, path: impl Into<String>, body: Option<Value>) -> Self {
        Self { verb, path: path.into(), query: Vec::new(), body, over: Over::Any, once: None }
    }

    pub fn get(path: impl Into<String>) -> Self {
        Self::of(Verb::Get, path, None)
    }

    pub fn post(path: impl Into<String>, body: Value) -> Self {
        Self::of(Verb::Post, path, Some(body))
    }

    pub fn put(path: impl Into<String>, body: Value) -> Self {
        Self::of(Verb::Put, path, Some(body))
    }

    pub fn delete(path: impl Into<String>) -> Self {
        Self::of(Verb::Delete, path, Some(Value::Object(serde_json::Map::new())))
    }

    #[must_use]
    pub fn over(self, over: Over) -> Self {
        Self { over, ..self }
    }

    #[must_use]
    pub fn once(self, key: impl Into<String>) -> Self {
        Self { once: Some(key.into()), ..self }
    }

    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    fn headers(&self, session: Option<&str>) -> Result<Headers, Fault> {
        let mut headers = match session {
            Some(session) => Headers::bearer(session)?,
            None => Headers::default(),
        };
        headers = match &self.over {
            Over::Any => headers,
            Over::Seen(tag) => headers.with("if-match", tag)?,
            Over::Nothing => headers.with("if-none-match", "*")?,
        };
        match &self.once {
            Some(key) => Ok(headers.with("idempotency-key", key)?),
            None => Ok(headers),
        }
    }
}

/// A success, as the API gave it. It can hold a secret that was made: it has no debug form.
pub struct Answer {
    pub status: u16,
    /// The entity tag of what is there, as it is sent back.
    pub tag: Option<String>,
    /// The body's own text.
    pub text: String,
    pub body: Value,
}

impl Answer {
    /// Kept until a second person confirms it.
    pub const fn waits(&self) -> bool {
        self.status == 202
    }

    /// The entity tag of a state that is to be written over.
    ///
    /// # Errors
    /// There is none.
    pub fn seen(&self) -> Result<Over, Fault> {
        let tag =
            self.tag.clone().ok_or_else(|| Fault::failed("the answer has no entity tag to write over"))?;
        Ok(Over::Seen(tag))
    }

    /// The items of a list, or of a page of one.
    ///
    /// # Errors
    /// It has none.
    pub fn items(&self) -> Result<&Vec<Value>, Fault> {
        let items = self.body.get("items").and_then(Value::as_array);
        items.ok_or_else(|| Fault::failed("the answer is no list: compare the versions of command and API"))
    }
}

/// The management API at one address, as one person or machine.
pub struct Api {
    http: Client,
    target: Target,
    session: Option<Zeroizing<String>>,
    /// None where the session is the environment's, which is not ours to replace.
    store: Option<Store>,
}

/// A session's text: what a header can carry.
pub fn session(text: &str) -> Option<Zeroizing<String>> {
    let fits = (1..=SESSION_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then(|| Zeroizing::new(text.to_owned()))
}

impl Api {
    /// Chooses address and session; opens no connection.
    ///
    /// # Errors
    /// No address, one that may not be called, or a store that does not read.
    pub fn open(get: Get<'_>, admin: Option<&str>) -> Result<Self, Fault> {
        let reach = get("CS_STAGE").map_or(Reach::Public, |stage| Reach::of_stage(&stage));
        let address = admin.map(str::to_owned).or_else(|| get("CS_ADMIN_URL")).ok_or_else(|| {
            Fault::Usage("say where the management API is: --admin https://… or CS_ADMIN_URL".to_owned())
        })?;
        let target = Target::parse(&address, reach)
            .map_err(|error| Fault::Address { address: super::show::plain(&address), error })?;
        let http = Client::new(&Config {
            reach,
            roots: Roots::System,
            connect_timeout: CONNECT,
            max_response_bytes: ANSWER_MAX,
        })?;
        if let Some(text) = get("CS_SESSION").filter(|text| !text.is_empty()) {
            let given = session(text.trim()).ok_or_else(|| Fault::failed("CS_SESSION holds no session"))?;
            return Ok(Self { http, target, session: Some(given), store: None });
        }
        let store = Store::open(get)?;
        let kept = store.find(target.as_str())?;
        let session = kept.session.as_deref().and_then(session);
        Ok(Self { http, target, session, store: Some(store) })
    }

    /// The address, in its one spelling.
    pub fn address(&self) -> &str {
        self.target.as_str()
    }

    /// What is kept of this address.
    ///
    /// # Errors
    /// The store does not read.
    pub fn kept(&self) -> Result<Kept, Fault> {
        self.store.as_ref().map_or_else(|| Ok(Kept::default()), |store| store.find(self.address()))
    }

    /// Keeps a session of this address, or none.
    ///
    /// # Errors
    /// The environment names one, or the store cannot be written.
    pub fn keep(&mut self, kept: Kept) -> Result<(), Fault> {
        let own = "CS_SESSION is set and goes before what is kept: unset it";
        let store = self.store.as_ref().ok_or_else(|| Fault::failed(own))?;
        self.session = kept.session.as_deref().and_then(session);
        store.keep(self.target.as_str(), kept)
    }

    /// Whether sessions are the environment's.
    pub const fn is_from_environment(&self) -> bool {
        self.store.is_none()
    }

    /// Calls as who is signed in.
    ///
    /// # Errors
    /// Nobody is, no answer came, or a refusal.
    pub async fn send(&mut self, call: Call) -> Result<Answer, Fault> {
        let session = self.session.clone().ok_or_else(|| {
            Fault::failed(format!("you are not signed in at {}\n  next: countersign login", self.address()))
        })?;
        let reply = self.exchange(&call, Some(&session)).await?;
        self.renew(&reply)?;
        answer(&reply)
    }

    /// Calls as nobody: to sign in.
    ///
    /// # Errors
    /// As [`Api::send`].
    pub async fn send_bare(&self, call: Call) -> Result<Answer, Fault> {
        answer(&self.exchange(&call, None).await?)
    }

    /// Ends a session that is not kept.
    ///
    /// # Errors
    /// As [`Api::send`].
    pub async fn end(&self, session: &str) -> Result<(), Fault> {
        answer(&self.exchange(&Call::delete("v1/session"), Some(session)).await?).map(|_| ())
    }

    async fn exchange(&self, call: &Call, session: Option<&str>) -> Result<Reply, Fault> {
        let query: Vec<_> = call.query.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let body = call.body.as_ref().map(|body| Bytes::from(body.to_string()));
        let headers = call.headers(session)?;
        let ask = Ask { verb: call.verb, path: &call.path, query: &query, headers, body };
        Ok(self.http.send_json(&self.target, ask, DEADLINE).await?)
    }

    /// A session that the API replaced is the one from now on.
    fn renew(&mut self, reply: &Reply) -> Result<(), Fault> {
        let Some(new) = reply.header(NEW_SESSION).and_then(session) else { return Ok(()) };
        if let Some(store) = &self.store {
            let mut kept = store.find(self.target.as_str())?;
            kept.session = Some(new.to_string());
            store.keep(self.target.as_str(), kept)?;
        } else {
            print::progress("note: the session in CS_SESSION was replaced; the next command needs a new one");
        }
        self.session = Some(new);
        Ok(())
    }

    /// Every page of a list.
    ///
    /// # Errors
    /// As [`Api::send`].
    pub async fn pages(&mut self, path: &str) -> Result<Vec<Answer>, Fault> {
        let mut pages = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let call = Call::get(path);
            let page = self.send(after.iter().fold(call, |call, after| call.with("after", after))).await?;
            page.items()?;
            let next = page.body.get("next").and_then(Value::as_str).map(str::to_owned);
            pages.push(page);
            match next {
                // A page that names itself as the next one would never end.
                Some(next) if after.as_ref() != Some(&next) => after = Some(next),
                _ => return Ok(pages),
            }
        }
    }

    /// The items of every page.
    ///
    /// # Errors
    /// As [`Api::send`].
    pub async fn items(&mut self, path: &str) -> Result<Vec<Value>, Fault> {
        let mut items = Vec::new();
        for page in self.pages(path).await? {
            items.extend(page.items()?.iter().cloned());
        }
        Ok(items)
    }

    /// The caller's own organization.
    ///
    /// # Errors
    /// As [`Api::send`].
    pub async fn own_org(&mut self) -> Result<OrgId, Fault> {
        let me = self.send(Call::get("v1/session")).await?;
        field(&me.body, "org")?.parse().map_err(|_| Fault::failed("the answer names no organization"))
    }
}

fn answer(reply: &Reply) -> Result<Answer, Fault> {
    let header = |name: &str| reply.header(name);
    if !(200..300).contains(&reply.status) {
        let problem = Problem::read(reply.status, &reply.body, header("x-cs-action-id"), header("location"));
        return Err(problem.map_or(Fault::NotOurs(reply.status), |problem| Fault::Refused(Box::new(problem))));
    }
    let text = std::str::from_utf8(&reply.body).map_err(|_| Fault::NotOurs(reply.status))?;
    let body = match text.trim() {
        "" => Value::Null,
        text => serde_json::from_str(text).map_err(|_| Fault::NotOurs(reply.status))?,
    };
    Ok(Answer { status: reply.status, tag: header("etag").map(str::to_owned), text: text.to_owned(), body })
}

#[cfg(test)]
pub(super) mod tests;
