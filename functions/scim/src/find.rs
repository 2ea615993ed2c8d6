//! Reading: one resource, or a page of those that a query finds.
//!
//! What an index answers is found by it: ids, names, client's ids, addresses, members. A page of everybody is found by its number
//! or its cursor, and costs what the page holds. Any other question looks through the directory, up to a limit.

use std::collections::BTreeSet;

use domain::{GroupId, Timestamp, UserId};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde_json::Value;
use tables::directory::{Counts, Kind as Rowed, count_keys, group, partition};
use tables::{Item, Table};

use crate::cursor::{about, cursor, opened};
use crate::decide::{groups, users};
use crate::desk::Desk;
use crate::effects::{Effects, Session, unavailable};
use crate::error::{ScimError, ScimType};
use crate::filter::Filter;
use crate::list::{self, Place};
use crate::project::Projection;
use crate::query::{Page, Query};
use crate::resource::{About, Link, render};
use crate::schema::Kind;

/// Rows that a question without an index looks through.
const SCAN_MAX: usize = 10_000;
/// What they may hold, in bytes, as they are kept.
const SCAN_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Rows of one read on the way.
const PAGE: u16 = 500;
/// Resources whose links are read side by side.
const BESIDE: usize = 8;
/// Members that one list shows, of all its groups together.
const MEMBERS_SHOWN: usize = 100_000;

/// A resource as it is shown, before projection.
#[derive(Debug, Clone)]
pub struct Shown {
    pub id: String,
    pub whole: Value,
    /// As the header has it.
    pub version: String,
    pub location: String,
}

/// One of either kind, opened.
#[derive(Debug)]
pub enum Kept {
    User(users::Kept),
    Group(groups::Kept),
}

pub(crate) const fn rowed(kind: Kind) -> Rowed {
    match kind {
        Kind::User => Rowed::User,
        Kind::Group => Rowed::Group,
    }
}

/// Whether a name stands in a filter: what lies elsewhere must be read for it.
fn asks(filter: Option<&Filter>, name: &str) -> bool {
    filter.is_some_and(|filter| filter.to_string().contains(name))
}

/// What holds a resource's links: a user's groups, a group's members.
const fn links_of(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "groups",
        Kind::Group => "members",
    }
}

impl<D: Desk> Effects<D> {
    /// # Errors
    /// There is none, or it does not read.
    pub async fn one(
        &self,
        session: &Session<'_>,
        kind: Kind,
        id: &str,
        links: bool,
    ) -> Result<Shown, ScimError> {
        let kept = match kind {
            Kind::User => Kept::User(self.user(session, id).await?),
            Kind::Group => Kept::Group(self.group(session, id).await?),
        };
        self.shown(session, &kept, links).await
    }

    /// As it is shown, with its links if they are wanted.
    ///
    /// # Errors
    /// The tables did not answer in full.
    pub async fn shown(&self, session: &Session<'_>, kept: &Kept, links: bool) -> Result<Shown, ScimError> {
        match kept {
            Kept::User(kept) => {
                let of = if links { self.named_groups(session, &kept.row.id).await? } else { Vec::new() };
                let links =
                    of.iter().map(|(id, name)| (id.as_str(), Some(name.as_str()))).collect::<Vec<_>>();
                let at = (kept.row.created_at, kept.row.modified_at, kept.row.version);
                Ok(shown(session, Kind::User, kept.row.id.as_str(), &kept.document, at, &links))
            }
            Kept::Group(kept) => {
                let of = if links { self.members(session, &kept.row.id).await? } else { BTreeSet::new() };
                let links = of.iter().map(|id| (id.as_str(), None)).collect::<Vec<_>>();
                let at = (kept.row.created_at, kept.row.modified_at, kept.row.version);
                Ok(shown(session, Kind::Group, kept.row.id.as_str(), &kept.document, at, &links))
            }
        }
    }

    async fn named_groups(
        &self,
        session: &Session<'_>,
        person: &UserId,
    ) -> Result<Vec<(GroupId, String)>, ScimError> {
        let mut named = Vec::new();
        for row in self.groups_of(session, person).await? {
            let place = group(&session.directory.connection, &row.id);
            let document = self.sealer.open(&session.keys, &place, &row.document, session.now).await;
            let document = document.map_err(|_| unavailable())?;
            let name = document.get("displayName").and_then(Value::as_str).unwrap_or_default().to_owned();
            named.push((row.id, name));
        }
        named.sort();
        Ok(named)
    }

    /// A page of what a query finds.
    ///
    /// # Errors
    /// Too much to look through, a cursor that is none, or the tables did not answer.
    pub async fn list(&self, session: &Session<'_>, kind: Kind, query: &Query) -> Result<Value, ScimError> {
        if query.filter.is_none() && query.sort.is_none() {
            return self.everybody(session, kind, query).await;
        }
        let found = self.matching(session, kind, query).await?;
        let total = found.len();
        let (start, count) = match &query.page {
            Page::Index { start, count } => (*start, *count),
            Page::Cursor { after, count } => {
                let behind = after.as_deref().map(|text| opened(text, &about(kind, query), session.now));
                let behind = behind.transpose()?.unwrap_or_default();
                (behind.parse::<usize>().unwrap_or(0).saturating_add(1), *count)
            }
        };
        let page: Vec<Shown> = found.into_iter().skip(start - 1).take(count).collect();
        let behind = start - 1 + page.len();
        let place = match query.page {
            Page::Index { .. } => Place::Index(start),
            Page::Cursor { .. } => Place::Cursor {
                next: (behind < total && count > 0)
                    .then(|| cursor(&behind.to_string(), &about(kind, query), session.now)),
                previous: None,
            },
        };
        self.projected(session, kind, query, page, Some(total), place).await
    }

    /// The body of a page. Links that the filter did not need are read now, for this page alone.
    async fn projected(
        &self,
        session: &Session<'_>,
        kind: Kind,
        query: &Query,
        page: Vec<Shown>,
        total: Option<usize>,
        place: Place,
    ) -> Result<Value, ScimError> {
        let wanted = query.projection.shows(links_of(kind)) && !asks(query.filter.as_ref(), links_of(kind));
        let page = if wanted { self.linked(session, kind, page).await? } else { page };
        let shown = page.iter().map(|one| query.projection.apply(kind, &one.whole)).collect();
        Ok(list::page(shown, total, place))
    }

    async fn linked(
        &self,
        session: &Session<'_>,
        kind: Kind,
        page: Vec<Shown>,
    ) -> Result<Vec<Shown>, ScimError> {
        let read = page.iter().map(|one| self.one(session, kind, &one.id, true));
        fitting(stream::iter(read).buffered(BESIDE).try_collect().await?)
    }

    /// A page of all: by number through the counts, by cursor behind the last id.
    async fn everybody(&self, session: &Session<'_>, kind: Kind, query: &Query) -> Result<Value, ScimError> {
        let of = &session.directory.connection;
        let rows = self.read(count_keys(of, rowed(kind))).await?;
        let counts = Counts::read(of, rowed(kind), &rows).map_err(|_| unavailable())?;
        let total = usize::try_from(counts.total()).unwrap_or(usize::MAX);
        let (from, skip, count) = match &query.page {
            Page::Index { start, count } => match counts.place(*start as u64 - 1) {
                Some((first, before)) => (Some(first.to_owned()), before as usize, *count),
                None => (None, 0, 0),
            },
            Page::Cursor { after, count } => {
                let behind = after.as_deref().map(|text| opened(text, &about(kind, query), session.now));
                // Behind an id comes nothing that it does not sort before.
                let from = behind.transpose()?.map(|id| format!("{id}~")).unwrap_or_default();
                (Some(from), 0, *count)
            }
        };
        let wanted = if count == 0 { 0 } else { skip + count };
        let items = match from {
            Some(from) if wanted > 0 => self.from(session, kind, &from, wanted + 1).await?,
            _ => Vec::new(),
        };
        let more = items.len() > wanted;
        let items = items.into_iter().skip(skip).take(count).collect();
        let links = query.projection.shows(links_of(kind));
        let page = fitting(self.opened(session, kind, items, links).await?)?;
        let place = match query.page {
            Page::Index { start, .. } => Place::Index(start),
            Page::Cursor { .. } => Place::Cursor {
                next: page.last().filter(|_| more).map(|last| {
                    let id = last.id.split_once('_').map_or("", |(_, random)| random);
                    cursor(id, &about(kind, query), session.now)
                }),
                previous: None,
            },
        };
        let shown = page.iter().map(|one| query.projection.apply(kind, &one.whole)).collect();
        Ok(list::page(shown, Some(total), place))
    }

    /// So many rows from one whose id begins so, or follows it.
    async fn from(
        &self,
        session: &Session<'_>,
        kind: Kind,
        from: &str,
        many: usize,
    ) -> Result<Vec<Item>, ScimError> {
        let pk = partition(&session.directory.connection);
        let prefix = rowed(kind).rows();
        let (mut items, mut bytes) = (Vec::new(), 0);
        let mut from = format!("{prefix}{from}");
        while items.len() < many {
            let limit = u16::try_from(many - items.len()).unwrap_or(PAGE).min(PAGE);
            let page = self.desk.range(Table::Identity, &pk, (&from, &format!("{prefix}~")), limit).await;
            let page = page.map_err(|_| unavailable())?;
            let last = page.rows.last().map(|(key, _)| format!("{}~", key.sk));
            bytes += page.rows.iter().map(|(_, item)| sealed_bytes(item)).sum::<usize>();
            if bytes > SCAN_BYTES_MAX {
                return Err(too_many());
            }
            items.extend(page.rows.into_iter().map(|(_, item)| item));
            match last.filter(|_| page.more) {
                Some(last) => from = last,
                None => break,
            }
        }
        Ok(items)
    }

    /// Everything that a filter finds, in its order.
    async fn matching(
        &self,
        session: &Session<'_>,
        kind: Kind,
        query: &Query,
    ) -> Result<Vec<Shown>, ScimError> {
        let filter = query.filter.as_ref();
        let links = asks(filter, links_of(kind));
        let items = match self.looked_up(session, kind, filter).await? {
            Some(items) => items,
            None => {
                let items = self.from(session, kind, "", SCAN_MAX + 1).await?;
                if items.len() > SCAN_MAX {
                    return Err(too_many());
                }
                items
            }
        };
        let mut found = self.opened(session, kind, items, links).await?;
        found.retain(|one| filter.is_none_or(|filter| filter.matches(&one.whole)));
        match &query.sort {
            Some(sort) => found.sort_by(|a, b| sort.compare(&a.whole, &b.whole)),
            None => found.sort_by(|a, b| a.id.cmp(&b.id)),
        }
        Ok(found)
    }

    async fn opened(
        &self,
        session: &Session<'_>,
        kind: Kind,
        items: Vec<Item>,
        links: bool,
    ) -> Result<Vec<Shown>, ScimError> {
        let open = items.into_iter().map(|item| async move {
            let kept = match kind {
                Kind::User => Kept::User(self.opened_user(session, item).await?),
                Kind::Group => Kept::Group(self.opened_group(session, item).await?),
            };
            self.shown(session, &kept, links).await
        });
        stream::iter(open).buffered(BESIDE).try_collect().await
    }
}

/// # Errors
/// Members of groups that would make the answer too large.
fn fitting(page: Vec<Shown>) -> Result<Vec<Shown>, ScimError> {
    let members = page.iter().filter_map(|one| one.whole.get("members")?.as_array()).map(Vec::len);
    if members.sum::<usize>() > MEMBERS_SHOWN {
        let detail = "these groups have too many members for one answer: send excludedAttributes=members, and read members group by group";
        return Err(ScimError::bad(ScimType::TooMany, detail));
    }
    Ok(page)
}

fn too_many() -> ScimError {
    let detail = "too many resources to look through: ask for userName, externalId, emails.value or displayName with eq";
    ScimError::bad(ScimType::TooMany, detail)
}

/// How much of a row is its document.
fn sealed_bytes(item: &Item) -> usize {
    match item.get("document") {
        Some(tables::Attr::B(bytes)) => bytes.len(),
        _ => 0,
    }
}

fn shown(
    session: &Session<'_>,
    kind: Kind,
    id: &str,
    document: &crate::decide::Document,
    (created, last_modified, version): (Timestamp, Timestamp, u64),
    links: &[(&str, Option<&str>)],
) -> Shown {
    let (location, version) = (address(session.base, kind, id), etag(version));
    let linked = match kind {
        Kind::User => Kind::Group,
        Kind::Group => Kind::User,
    };
    let places: Vec<String> = links.iter().map(|(id, _)| address(session.base, linked, id)).collect();
    let links: Vec<Link<'_>> = links
        .iter()
        .zip(&places)
        .map(|((id, display), location)| Link { id, location, display: *display })
        .collect();
    let about = About { id, created, last_modified, location: &location, version: &version };
    Shown { whole: render(kind, document, &about, &links), id: id.to_owned(), version, location }
}

/// Where a resource is found.
pub fn address(base: &str, kind: Kind, id: &str) -> String {
    format!("{base}{}/{id}", kind.endpoint())
}

/// Weak: what is shown depends on projection, too.
pub fn etag(version: u64) -> String {
    format!("W/\"{version}\"")
}

/// Which part of a changed resource is shown.
pub fn projection(kind: Kind, parameters: &[(String, String)]) -> Result<Projection, ScimError> {
    Query::from_parameters(kind, parameters).map(|query| query.projection)
}
