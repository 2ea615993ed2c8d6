//! What a browser gets to see. Nothing is decided here: all that a look leaves behind is that it was taken.

use std::collections::BTreeSet;

use domain::{
    ActionId, ApprovalId, CommentRow, EventType, LinkRow, Opaque, Phase, RunRow, TenantId, ViewRow,
};
use envelope::Aad;
use maud::Markup;
use tables::codec::Row as _;
use tables::{Attr, Key, Swap, Table, shard_of};

use crate::action::{Action, NotShown, Shown};
use crate::desk::{Away, Desk, Outside, Rows};
use crate::effects::{Case, Effects, NoCase, find, ten};
use crate::event::Request;
use crate::mask::Eyes;
use crate::odd::pieces;
use crate::page::{self, Comment, Names, Page, Waits};
use crate::records::{Entry, Scribe};
use crate::response::Response;
use crate::who::{May, Session, behind};

/// For how long it is kept who has looked.
const VIEW_MS: u64 = 90 * 86_400_000;
/// So many are listed at once.
const LISTED_MAX: usize = 100;

/// What a page of a request shows, and by which digest its form says so.
#[derive(Debug)]
pub struct Rendered {
    pub shown: Result<Shown, NotShown>,
    pub what: Markup,
    pub seen: String,
}

/// Renders what a decision is about. The same for the same rows, so that a form can be compared with it.
pub fn rendered(case: &Case, reveal: bool) -> Rendered {
    let eyes = Eyes { policy: &case.policy, reveal };
    let last = case.last.as_ref().filter(|_| !case.is_last());
    let shown = case.action.as_ref().map_err(|why| *why);
    let shown = shown.map(|action| Shown::of(action, last.map(|(_, action)| action), &eyes));
    let before = match last {
        Some((row, _)) => page::Last::At(row.at),
        None if case.is_last() => page::Last::This,
        None => page::Last::Nothing,
    };
    let what = page::what(&case.row, shown.as_ref().map_err(|why| *why), before);
    let seen = case.seen(&what.0, reveal);
    Rendered { shown, what, seen }
}

/// What the tenant calls its agent and itself, as their rows say.
fn names(case: &Case) -> Names<'_> {
    let name = |key: &Key| match case.rows.get(key)?.get("name")? {
        Attr::S(text) => Some(text.as_str()),
        _ => None,
    };
    let from = &case.row.from;
    Names { agent: name(&Key::agent(&from.tenant, &from.agent)), tenant: name(&Key::tenant(&from.tenant)) }
}

impl<D: Desk, O: Outside> Effects<D, O> {
    /// A page of one request.
    pub(crate) async fn look(
        &self,
        request: &Request,
        session: &Session,
        (id, reveal): (&ApprovalId, bool),
    ) -> Response {
        match self.looked(request, session, id, reveal, None).await {
            Ok(response) => response,
            Err(why) => self.nothing(request, session, why).await,
        }
    }

    /// The page, with a word of ours about what just happened.
    ///
    /// # Errors
    /// There is nothing for them, or it could not be read or recorded.
    pub(crate) async fn looked(
        &self,
        request: &Request,
        session: &Session,
        id: &ApprovalId,
        reveal: bool,
        said: Option<(&str, u16)>,
    ) -> Result<Response, NoCase> {
        let link = self.link(id).await?.ok_or(NoCase::Nothing("approval_unknown"))?;
        let case = self.case(session, &link, id).await?;
        let now = self.desk.now();
        let may = case.me.may(&case.row, now);
        if may == May::Nothing {
            return Err(NoCase::Nothing("role_forbids"));
        }
        // Whoever only reads has no need of it.
        let reveal = reveal && may == May::Decide;
        self.viewed(request, &case, reveal).await?;
        let comments = self.comments(&link, &case).await;
        let figures = self.figures(&session.user).await;
        let Rendered { shown, what, seen } = rendered(&case, reveal);
        let csrf = case.csrf();
        // One that does not read is as if nobody had looked for it: the request itself says what counts.
        let run = find::<RunRow>(&case.rows, &Key::run_of_approval(&case.me.tenant, id)).ok().flatten();
        let page = page::request(&Page {
            row: &case.row,
            names: names(&case),
            run: run.as_ref(),
            me: &session.user,
            what: &what,
            shown: shown.as_ref().map_err(|why| *why),
            may,
            comments: &comments,
            figures,
            reveal,
            csrf: &csrf,
            seen: &seen,
            said: said.map(|(text, _)| text),
            now,
        });
        Ok(Response::page(said.map_or(200, |(_, status)| status), page))
    }

    /// That they look is recorded before they do; when they did first is kept.
    async fn viewed(&self, request: &Request, case: &Case, reveal: bool) -> Result<(), Away> {
        let now = self.desk.now();
        let scribe = self.scribe(request, &case.me.session, &case.me.tenant)?.about(&case.row);
        let entry = Entry::of(EventType::ApprovalViewed, Phase::Single, now, ten(&self.desk)?);
        let metadata = domain::Metadata::default().flag("personal_data_shown", reveal);
        self.record(&scribe, entry.with(metadata)).await?;
        if case.looked().is_none() {
            let row = ViewRow { user: case.me.session.user.clone(), at: now };
            let key = Key::approval_view(&case.row.id, &row.user);
            let swap = Swap::create(key, row.to_item()).expiring(now.plus_millis(VIEW_MS));
            // Another look of theirs may have been first.
            let _ = self.desk.write(vec![swap.to_write()]).await;
        }
        Ok(())
    }

    /// # Errors
    /// The operating system has no random bytes.
    pub(crate) fn scribe(
        &self,
        request: &Request,
        session: &Session,
        tenant: &TenantId,
    ) -> Result<Scribe, Away> {
        let scribe = Scribe::person(session, None, tenant, (self.desk.region(), self.action()?));
        Ok(scribe.of_request(request.request_id.clone()))
    }

    async fn comments(&self, link: &LinkRow, case: &Case) -> Vec<Comment> {
        let pk = format!("LINK#{}", case.row.id);
        let rows = self.listed(Table::Votes, &pk, Key::SAID).await.unwrap_or_default();
        let mut all = Vec::new();
        for (key, item) in rows {
            let Ok(row) = CommentRow::from_item(&item) else { continue };
            let aad = Aad::row(&link.tenant, key.table.as_str(), &key.pk, &key.sk, "sealed");
            if let Ok(text) = self.open(&link.tenant, &case.rows, &aad, &row.sealed).await {
                all.push(Comment { user: row.user, text: pieces(text.expose()) });
            }
        }
        all
    }

    /// There is nothing for whoever asks, and that is all they are told. It is recorded who asked.
    pub(crate) async fn nothing(&self, request: &Request, session: &Session, why: NoCase) -> Response {
        let reason = match why {
            NoCase::Unavailable => return unavailable(),
            NoCase::Nothing(reason) => reason,
        };
        match self.noted(request, session, (EventType::ApprovalViewed, reason)).await {
            Ok(action) => nowhere().with_action(action),
            Err(Away) => unavailable(),
        }
    }

    /// Records that somebody was refused, in the log of no tenant: they may have nothing to do with the one of the request.
    ///
    /// # Errors
    /// It was not acknowledged.
    pub(crate) async fn noted(
        &self,
        request: &Request,
        session: &Session,
        (event, reason): (EventType, &'static str),
    ) -> Result<ActionId, Away> {
        let scribe = self.scribe(request, session, &TenantId::platform())?;
        let entry = Entry::refusal(event, reason, self.desk.now(), ten(&self.desk)?);
        self.record(&scribe, entry).await.map(|()| scribe.action_id)
    }

    /// What waits for somebody, in a tenant or in the only one that they have a role in.
    pub(crate) async fn list(
        &self,
        request: &Request,
        session: &Session,
        tenant: Option<&TenantId>,
        said: Option<&str>,
    ) -> Response {
        let listed = self.lists(session, tenant, said).await;
        match listed {
            Ok(response) => response,
            Err(why) => self.nothing(request, session, why).await,
        }
    }

    async fn lists(
        &self,
        session: &Session,
        tenant: Option<&TenantId>,
        said: Option<&str>,
    ) -> Result<Response, NoCase> {
        let tenants = self.tenants(session).await?;
        let tenant = tenant.cloned().or_else(|| tenants.first().cloned());
        let (mut waits, mut more, mut csrf) = (Vec::new(), false, String::new());
        if let Some(tenant) = &tenant {
            (waits, more, csrf) = self.waits(session, tenant).await?;
        }
        let page = page::list(&page::Listed {
            tenant: tenant.as_ref(),
            tenants: &tenants,
            waits: &waits,
            more,
            figures: self.figures(&session.user).await,
            csrf: &csrf,
            said,
            now: self.desk.now(),
        });
        Ok(Response::page(200, page))
    }

    /// Tenants of their organization in which they have a role.
    async fn tenants(&self, session: &Session) -> Result<Vec<TenantId>, Away> {
        let rows = self.listed(Table::Control, &format!("ORG#{}", session.org), "TENANT#").await?;
        let id = |key: &Key| key.sk.strip_prefix("TENANT#").and_then(|id| id.parse::<TenantId>().ok());
        let all: Vec<TenantId> = rows.iter().filter_map(|(key, _)| id(key)).collect();
        let keys: Vec<Key> = all.iter().map(|tenant| Key::binding(tenant, &session.user)).collect();
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let bound = self.desk.rows(&keys).await?;
        Ok(all.into_iter().filter(|one| bound.contains_key(&Key::binding(one, &session.user))).collect())
    }

    async fn waits(
        &self,
        session: &Session,
        tenant: &TenantId,
    ) -> Result<(Vec<Waits>, bool, String), NoCase> {
        let mut keys = crate::who::keys(session, tenant);
        keys.extend(crate::effects::around(tenant, &session.org));
        let rows = self.desk.rows(&keys).await?;
        let me = self.me(session, tenant, &rows).await?;
        let now = self.desk.now();
        let open = self.open_of(tenant, now).await?;
        let more = open.len() > LISTED_MAX;
        let views: Vec<Key> =
            open.iter().take(LISTED_MAX).map(|row| Key::approval_view(&row.id, &session.user)).collect();
        let views = if views.is_empty() { Default::default() } else { self.desk.rows(&views).await? };
        let listed = open.iter().take(LISTED_MAX);
        let agents: BTreeSet<Key> = listed.clone().map(|row| Key::agent(tenant, &row.from.agent)).collect();
        let agents: Vec<Key> = agents.into_iter().collect();
        let agents = if agents.is_empty() { Default::default() } else { self.desk.rows(&agents).await? };
        let behind = |row: &domain::ApprovalRow| {
            let agent = find::<domain::Agent>(&agents, &Key::agent(tenant, &row.from.agent)).ok().flatten();
            behind(&row.from, agent.and_then(|agent| agent.owner))
        };
        let owners = self.called(&session.org, &listed.flat_map(behind).collect()).await?;
        let mut waits = Vec::new();
        for row in open.into_iter().take(LISTED_MAX) {
            let seen = views.contains_key(&Key::approval_view(&row.id, &session.user));
            let called = behind(&row).into_iter().filter_map(|user| owners.get(&user)).flatten();
            let called = called.cloned().chain(self.cause(&row, &rows).await).collect();
            let me = me.clone().before(&called);
            waits.push(Waits { may: me.may(&row, now), seen, row });
        }
        waits.retain(|one| one.may != May::Nothing);
        if waits.is_empty() && me.role.is_none() {
            return Err(NoCase::Nothing("role_forbids"));
        }
        let root = self.root(tenant, &rows).await?;
        Ok((waits, more, crate::effects::csrf(&root, session, tenant)))
    }

    /// For whom a request is made, as far as it can be read: its own page says if it cannot.
    async fn cause(&self, row: &domain::ApprovalRow, rows: &Rows) -> Option<Opaque> {
        let tenant = &row.from.tenant;
        let text = self.open(tenant, rows, &Aad::action(tenant, &row.id), &row.asked.sealed).await.ok()?;
        Action::read(text.expose()).ok()?.cause
    }

    /// Open requests of a tenant, those that end first before others.
    async fn open_of(
        &self,
        tenant: &TenantId,
        now: domain::Timestamp,
    ) -> Result<Vec<domain::ApprovalRow>, Away> {
        let place = Key::waiting_in(shard_of(tenant.as_str()));
        let rows = self.listed(Table::Votes, &place, &Key::waiting_of(tenant)).await?;
        let row = |item| domain::WaitingRow::from_item(item).ok();
        let keys: Vec<Key> = rows
            .iter()
            .filter_map(|(_, item)| row(item))
            .map(|one| Key::approval(&one.tenant, &one.id))
            .collect();
        let mut open = Vec::new();
        for some in keys.chunks(LISTED_MAX) {
            let rows = self.desk.rows(some).await?;
            let read = some.iter().filter_map(|key| find::<domain::ApprovalRow>(&rows, key).ok().flatten());
            open.extend(read.filter(|row| row.is_open(now)));
        }
        open.sort_by_key(|row| row.expires_at);
        Ok(open)
    }
}

/// Whoever has no business here is told no more than that there is nothing.
pub fn nowhere() -> Response {
    let text = "There is no such request, or it is not for you. If a message brought you here, ask whoever looks after your organization.";
    Response::page(404, page::notice("Nothing here", text, Some(("/", "What waits for you"))))
}

pub fn unavailable() -> Response {
    let text = "It could not be read or written down just now, so nothing was done. Try again in a moment.";
    Response::page(503, page::notice("Not just now", text, Some(("/", "What waits for you"))))
        .with("retry-after", "5")
}
