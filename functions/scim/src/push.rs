//! What a request asks for, and its answer.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use domain::{EventType, GroupId, LeaveCause, UserId};
use serde_json::Value;

use crate::bulk::Method;
use crate::desk::Desk;
use crate::discovery;
use crate::effects::{Effects, Session, random};
use crate::error::ScimError;
use crate::event::{Request, Target};
use crate::find::{self, Kept};
use crate::groups;
use crate::leaving;
use crate::list::{self, Place};
use crate::patch;
use crate::query::{Page, Query};
use crate::records::Scribe;
use crate::resource;
use crate::response::Response;
use crate::schema::Kind;
use crate::users;

/// A write of one resource, alone or among many.
#[derive(Debug)]
pub struct Push<'a> {
    pub method: Method,
    pub kind: Kind,
    pub id: Option<&'a str>,
    pub if_match: Option<&'a str>,
    pub data: &'a Value,
}

/// What a request is in the log.
pub fn named(request: &Request) -> (EventType, &'static str) {
    let kind = match &request.target {
        Target::All(kind) | Target::One(kind, _) => *kind,
        _ => return (EventType::ScimRefused, "scim.request"),
    };
    let method = match request.method.as_str() {
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "PATCH" => Method::Patch,
        "DELETE" => Method::Delete,
        _ => return (EventType::ScimRefused, "scim.read"),
    };
    written(kind, method)
}

const fn written(kind: Kind, method: Method) -> (EventType, &'static str) {
    match (kind, method) {
        (Kind::User, Method::Post) => (EventType::ScimUser, "scim.users.create"),
        (Kind::User, Method::Put) => (EventType::ScimUser, "scim.users.replace"),
        (Kind::User, Method::Patch) => (EventType::ScimUser, "scim.users.patch"),
        (Kind::User, Method::Delete) => (EventType::ScimUser, "scim.users.delete"),
        (Kind::Group, Method::Post) => (EventType::ScimGroup, "scim.groups.create"),
        (Kind::Group, Method::Put) => (EventType::ScimGroup, "scim.groups.replace"),
        (Kind::Group, Method::Patch) => (EventType::ScimGroup, "scim.groups.patch"),
        (Kind::Group, Method::Delete) => (EventType::ScimGroup, "scim.groups.delete"),
    }
}

/// Parameters of an address, at most a hundred.
fn parameters(query: &str) -> Result<Vec<(String, String)>, ScimError> {
    caller::form::parse(query, 100).ok_or_else(|| {
        let detail =
            "the query is not encoded as application/x-www-form-urlencoded, in UTF-8, with 100 pairs at most";
        ScimError::bad(crate::error::ScimType::InvalidSyntax, detail)
    })
}

fn method_refused(allowed: &str) -> ScimError {
    ScimError::plain(405, format!("this address takes {allowed}"))
}

impl<D: Desk> Effects<D> {
    /// # Errors
    /// As the client is told.
    pub async fn answer(
        &self,
        session: &Session<'_>,
        request: &Request,
        scribe: &Scribe,
    ) -> Result<Response, ScimError> {
        let parameters = parameters(&request.query)?;
        match (request.method.as_str(), &request.target) {
            ("GET", Target::All(kind)) => {
                let query = Query::from_parameters(*kind, &parameters)?;
                Ok(Response::json(200, self.list(session, *kind, &query).await?))
            }
            ("GET", Target::One(kind, id)) => self.get(session, request, *kind, id, &parameters).await,
            ("POST", Target::Search(kind)) => self.search(session, *kind, &request.json()?).await,
            ("POST", Target::Bulk) => self.bulk(session, request, scribe).await,
            ("POST" | "PUT" | "PATCH" | "DELETE", Target::All(_) | Target::One(..)) => {
                self.single(session, request, scribe, &parameters).await
            }
            ("GET", target) => described(session.base, target, &parameters),
            (_, Target::Me) => Err(no_me()),
            (_, Target::Unknown | Target::Health) => Err(ScimError::not_found()),
            (_, Target::Search(_) | Target::Bulk | Target::Token) => Err(method_refused("POST")),
            (_, Target::All(_)) => Err(method_refused("GET and POST")),
            (_, Target::One(..)) => Err(method_refused("GET, PUT, PATCH and DELETE")),
            (_, Target::ServiceProviderConfig | Target::Schemas(_) | Target::ResourceTypes(_)) => {
                Err(method_refused("GET"))
            }
        }
    }

    async fn get(
        &self,
        session: &Session<'_>,
        request: &Request,
        kind: Kind,
        id: &str,
        parameters: &[(String, String)],
    ) -> Result<Response, ScimError> {
        let projection = find::projection(kind, parameters)?;
        let links = projection.shows(if kind == Kind::User { "groups" } else { "members" });
        let shown = self.one(session, kind, id, links).await?;
        let same = |tag: &str| tag.trim() == shown.version || tag.trim() == "*";
        // What a user is in changes without the user.
        let whole = kind == Kind::User && links;
        if !whole && request.if_none_match.as_deref().is_some_and(|tags| tags.split(',').any(same)) {
            return Ok(Response::empty(304).with("etag", &shown.version));
        }
        let body = projection.apply(kind, &shown.whole);
        Ok(Response::json(200, body).with("etag", &shown.version).with("location", &shown.location))
    }

    /// A question in a body. Over both kinds it has one page: of users first, then of groups.
    async fn search(
        &self,
        session: &Session<'_>,
        kind: Option<Kind>,
        body: &Value,
    ) -> Result<Response, ScimError> {
        if let Some(kind) = kind {
            let query = Query::from_body(kind, body)?;
            return Ok(Response::json(200, self.list(session, kind, &query).await?));
        }
        let queries = Query::across(body)?;
        let (start, count) = match queries.first().map(|(_, query)| &query.page) {
            Some(Page::Index { start, count }) => (*start, *count),
            _ => {
                let detail = "a search over all resources has index paging: send startIndex, or search /Users or /Groups";
                return Err(ScimError::bad(crate::error::ScimType::InvalidCursor, detail));
            }
        };
        let (mut total, mut shown) = (0, Vec::new());
        for (kind, query) in queries {
            // As many of this kind as the page still has room for, from where it begins among them.
            let from = start.saturating_sub(total).max(1);
            let page = Page::Index { start: from, count: count - shown.len() };
            let body = self.list(session, kind, &Query { page, ..query }).await?;
            let listed = body.get("Resources").and_then(Value::as_array).cloned().unwrap_or_default();
            shown.extend(listed);
            total += body.get("totalResults").and_then(Value::as_u64).unwrap_or(0) as usize;
        }
        Ok(Response::json(200, list::page(shown, Some(total), Place::Index(start))))
    }

    async fn single(
        &self,
        session: &Session<'_>,
        request: &Request,
        scribe: &Scribe,
        parameters: &[(String, String)],
    ) -> Result<Response, ScimError> {
        let (kind, id) = match &request.target {
            Target::All(kind) => (*kind, None),
            Target::One(kind, id) => (*kind, Some(id.as_str())),
            _ => return Err(ScimError::not_found()),
        };
        let method = match (request.method.as_str(), id) {
            ("POST", None) => Method::Post,
            ("PUT", Some(_)) => Method::Put,
            ("PATCH", Some(_)) => Method::Patch,
            ("DELETE", Some(_)) => Method::Delete,
            (_, None) => return Err(method_refused("GET and POST")),
            (_, Some(_)) => return Err(method_refused("GET, PUT, PATCH and DELETE")),
        };
        // What is taken away needs no more words.
        let data = if method == Method::Delete { Value::Null } else { request.json()? };
        let projection = find::projection(kind, parameters)?;
        let push = Push { method, kind, id, if_match: request.if_match.as_deref(), data: &data };
        let Some(kept) = self.push(session, scribe, &push).await? else { return Ok(Response::empty(204)) };
        let links = projection.shows(if kind == Kind::User { "groups" } else { "members" });
        let chosen = parameters.iter().any(|(name, _)| name.eq_ignore_ascii_case("attributes"));
        if method == Method::Patch && bare(kind, request.prefer.as_deref(), chosen) {
            let shown = self.shown(session, &kept, false).await?;
            return Ok(Response::empty(204).with("etag", &shown.version));
        }
        let shown = self.shown(session, &kept, links).await?;
        let status = if method == Method::Post { 201 } else { 200 };
        let body = projection.apply(kind, &shown.whole);
        Ok(Response::json(status, body).with("etag", &shown.version).with("location", &shown.location))
    }

    /// One write: what became of the resource, or nothing when it is gone.
    ///
    /// # Errors
    /// As the client is told.
    pub async fn push(
        &self,
        session: &Session<'_>,
        scribe: &Scribe,
        push: &Push<'_>,
    ) -> Result<Option<Kept>, ScimError> {
        let (event, action) = written(push.kind, push.method);
        let scribe = Scribe { event, action, begun: Arc::default(), ..scribe.clone() };
        match push.kind {
            Kind::User => self.push_user(session, &scribe, push).await,
            Kind::Group => self.push_group(session, &scribe, push).await,
        }
    }

    async fn push_user(
        &self,
        session: &Session<'_>,
        scribe: &Scribe,
        push: &Push<'_>,
    ) -> Result<Option<Kept>, ScimError> {
        let (id, data, if_match) = (push.id.unwrap_or_default(), push.data, push.if_match);
        let pushed = match push.method {
            Method::Post => {
                let new = UserId::from_random(random()?);
                self.create_user(session, scribe, resource::user(data)?, &new).await
            }
            Method::Put => {
                let next = |now: &crate::decide::Document| resource::replace_user(data, now);
                self.change_user(session, scribe, id, if_match, (LeaveCause::Directory, &next)).await
            }
            Method::Patch => {
                let steps = patch::parse(Kind::User, data);
                let next = |now: &crate::decide::Document| {
                    patch::apply(Kind::User, now, steps.as_ref().map_err(Clone::clone)?)
                };
                self.change_user(session, scribe, id, if_match, (LeaveCause::Directory, &next)).await
            }
            Method::Delete => self.delete_user(session, scribe, id, if_match).await,
        };
        if let Err(error) = &pushed
            && leaving::IN_SPITE_OF.contains(&error.status)
            && leaving::says(push.method, data)
        {
            self.end_all_the_same(session, scribe, id).await?;
        }
        let resource = pushed.as_ref().map_or(id, |pushed| pushed.kept.row.id.as_str()).to_owned();
        self.ended(scribe, &resource, pushed.as_ref().map(users::metadata)).await;
        let kept = Kept::User(pushed?.kept);
        Ok((push.method != Method::Delete).then_some(kept))
    }

    /// Somebody who is to leave leaves, even if the rest of the request is refused: a mapping that is wrong must let nobody stay.
    ///
    /// # Errors
    /// They could not be ended just now: the client must ask again.
    async fn end_all_the_same(
        &self,
        session: &Session<'_>,
        scribe: &Scribe,
        id: &str,
    ) -> Result<(), ScimError> {
        let ended = |document: &crate::decide::Document| Ok(leaving::ended(document));
        let pushed = self.change_user(session, scribe, id, None, (LeaveCause::Directory, &ended)).await;
        self.ended(scribe, id, pushed.as_ref().map(users::metadata)).await;
        pushed.map(|_| ())
    }

    async fn push_group(
        &self,
        session: &Session<'_>,
        scribe: &Scribe,
        push: &Push<'_>,
    ) -> Result<Option<Kept>, ScimError> {
        let (id, data, if_match) = (push.id.unwrap_or_default(), push.data, push.if_match);
        let pushed = match push.method {
            Method::Post => {
                let new = GroupId::from_random(random()?);
                let sent = resource::group(data)?;
                let after = (sent.document, sent.members.unwrap_or_default());
                self.create_group(session, scribe, after, &new).await
            }
            Method::Put => {
                let sent = resource::group(data)?;
                let next = |now: &crate::decide::Document| Ok(replaced(now, &sent));
                self.change_group(session, scribe, id, if_match, &next).await
            }
            Method::Patch => {
                let steps = patch::parse(Kind::Group, data)?;
                let next = |now: &crate::decide::Document| patch::group_patch(now, &steps);
                self.change_group(session, scribe, id, if_match, &next).await
            }
            Method::Delete => self.delete_group(session, scribe, id, if_match).await,
        };
        let resource = pushed.as_ref().map_or(id, |pushed| pushed.kept.row.id.as_str()).to_owned();
        self.ended(scribe, &resource, pushed.as_ref().map(groups::Pushed::metadata)).await;
        let kept = Kept::Group(pushed?.kept);
        Ok((push.method != Method::Delete).then_some(kept))
    }

    /// Outcomes are of attempts: what was refused before is recorded as a refusal.
    async fn ended(&self, scribe: &Scribe, resource: &str, ended: Result<domain::Metadata, &ScimError>) {
        match ended {
            Err(_) if !scribe.begun.load(Ordering::Relaxed) => {}
            ended => self.outcome(scribe, resource, ended).await,
        }
    }
}

/// What a replaced group changes. Whoever says nothing of members empties it (RFC 7644 section 3.5.1).
fn replaced(now: &crate::decide::Document, sent: &resource::Group) -> patch::GroupChange {
    let members = sent.members.clone().unwrap_or_default();
    patch::GroupChange {
        document: (sent.document != *now).then(|| sent.document.clone()),
        members: vec![patch::MemberOp::Replace(members)],
    }
}

/// Whether a PATCH is answered without a body: groups are, since they may be large, unless the client wants it (RFC 7240).
fn bare(kind: Kind, prefer: Option<&str>, chosen: bool) -> bool {
    match prefer.map(|prefer| prefer.to_ascii_lowercase().replace(' ', "")) {
        _ if chosen => false,
        Some(prefer) if prefer.contains("return=minimal") => true,
        Some(prefer) if prefer.contains("return=representation") => false,
        _ => kind == Kind::Group,
    }
}

/// A token of a directory is nobody's own (RFC 7644 section 3.11).
fn no_me() -> ScimError {
    ScimError::plain(501, "a SCIM token is a directory's and no person's: there is no /Me")
}

/// What the service says of itself. It takes a filter nowhere here, and a question with one is refused, so that nobody takes
/// the answer for what they filtered (RFC 7644 section 4).
fn described(base: &str, target: &Target, parameters: &[(String, String)]) -> Result<Response, ScimError> {
    let body = match target {
        Target::ServiceProviderConfig => Some(discovery::service_provider_config(base)),
        Target::Schemas(None) => Some(discovery::schemas(base)),
        Target::Schemas(Some(urn)) => discovery::schema(base, urn),
        Target::ResourceTypes(None) => Some(discovery::resource_types(base)),
        Target::ResourceTypes(Some(name)) => discovery::resource_type(base, name),
        Target::Me => return Err(no_me()),
        Target::Search(_) | Target::Bulk | Target::Token => return Err(method_refused("POST")),
        _ => None,
    };
    let body = body.ok_or_else(ScimError::not_found)?;
    if parameters.iter().any(|(name, _)| name.eq_ignore_ascii_case("filter")) {
        return Err(ScimError::plain(403, "this address takes no `filter`"));
    }
    Ok(Response::json(200, body))
}

#[cfg(test)]
mod tests;
