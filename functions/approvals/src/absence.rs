//! Somebody is away, and somebody else stands in: for what rules ask of them by name, and never for whoever asks.

use domain::{
    Code, DelegationRow, EventType, MetaValue, Metadata, Phase, Role, Tenant, TenantId, Timestamp, User,
    UserId,
};
use tables::codec::Row as _;
use tables::{Key, Swap, deleted};

use crate::decide::No;
use crate::desk::{Away, Desk, Outside, Rows};
use crate::effects::{Effects, NoCase, find, ten};
use crate::event::{Absence, Request, moment};
use crate::page::{self, Absent};
use crate::records::{Entry, unrecorded};
use crate::response::Response;
use crate::token::Token;
use crate::who::{self, Me, Session};

/// Nobody is away for longer.
const LONGEST_MS: u64 = 60 * 86_400_000;

/// What is wanted: whether it can be agreed. Pure.
///
/// # Errors
/// Why not, for whoever asks.
pub fn agreed(me: &UserId, wanted: &Absence, now: Timestamp) -> Result<DelegationRow, &'static str> {
    let to: UserId = wanted.to.trim().parse().map_err(|_| "Name who stands in by their id, such as usr_…")?;
    let from = moment(&wanted.from).ok_or("Say from when, as day and hour.")?;
    let until = moment(&wanted.until).ok_or("Say until when, as day and hour.")?;
    match () {
        () if to == *me => Err("Nobody stands in for themselves."),
        () if until <= from || until <= now => Err("It ends before it begins, or is over already."),
        () if until.millis_since(from) > LONGEST_MS => Err("60 days are the most."),
        () => Ok(DelegationRow { user: me.clone(), to, from, until }),
    }
}

/// Whether somebody may stand in: they are there, and may see by themselves what the tenant's agents ask. Pure.
pub fn may_stand_in(to: &UserId, tenant: &TenantId, session: &Session, rows: &Rows) -> Result<bool, Away> {
    let user: Option<User> = find(rows, &Key::user(&session.org, to))?;
    let role: Option<Role> = find(rows, &Key::binding(tenant, to))?;
    let of: Option<Tenant> = find(rows, &Key::tenant(tenant))?;
    let reads = role.is_some_and(|role| !matches!(role, Role::Member | Role::Viewer));
    let active = user.is_some_and(|user| user.active && user.id == *to);
    Ok(active && reads && of.is_some_and(|of| of.org == session.org))
}

impl<D: Desk, O: Outside> Effects<D, O> {
    /// Who stands in for them, and for whom they do.
    pub(crate) async fn away(
        &self,
        request: &Request,
        session: &Session,
        tenant: Option<&TenantId>,
        said: Option<(&str, u16)>,
    ) -> Response {
        let Some(tenant) = tenant else { return crate::look::nowhere() };
        match self.shown_away(session, tenant, said).await {
            Ok(response) => response,
            Err(why) => self.nothing(request, session, why).await,
        }
    }

    async fn shown_away(
        &self,
        session: &Session,
        tenant: &TenantId,
        said: Option<(&str, u16)>,
    ) -> Result<Response, NoCase> {
        let (_, _, csrf) = self.here(session, tenant, &[]).await?;
        let now = self.desk.now();
        let all = self.absences(tenant).await?;
        let others: Vec<DelegationRow> =
            all.iter().filter(|row| row.to == session.user && now < row.until).cloned().collect();
        let page = page::absence(&Absent {
            tenant,
            mine: all.iter().find(|row| row.user == session.user),
            for_others: &others,
            csrf: &csrf,
            said: said.map(|(text, _)| text),
            now,
        });
        Ok(Response::page(said.map_or(200, |(_, status)| status), page))
    }

    /// Somebody with a role in a tenant, the rows around them, and what their forms hold.
    async fn here(
        &self,
        session: &Session,
        tenant: &TenantId,
        more: &[Key],
    ) -> Result<(Me, Rows, String), NoCase> {
        let mut keys = who::keys(session, tenant);
        keys.extend(crate::effects::around(tenant, &session.org));
        keys.extend_from_slice(more);
        let rows = self.desk.rows(&keys).await?;
        let me = self.me(session, tenant, &rows).await?;
        if me.role.is_none() && me.groups.is_empty() {
            return Err(NoCase::Nothing("role_forbids"));
        }
        let root = self.root(tenant, &rows).await?;
        let csrf = crate::effects::csrf(&root, session, tenant);
        Ok((me, rows, csrf))
    }

    /// They go away, or are back.
    pub(crate) async fn set_away(&self, request: &Request, session: &Session, wanted: &Absence) -> Response {
        let Some(tenant) = &wanted.tenant else { return crate::look::nowhere() };
        let said = match self.is_of_ours(request) {
            Ok(()) => self.settle_away(request, session, tenant, wanted).await,
            Err(no) => Ok(self.refused_away(request, session, no).await),
        };
        match said {
            Ok(said) => self.away(request, session, Some(tenant), Some(said)).await,
            Err(why) => self.nothing(request, session, why).await,
        }
    }

    async fn is_away(&self, tenant: &TenantId, user: &UserId) -> Result<Option<DelegationRow>, Away> {
        let place = Key::delegation(tenant, user);
        find(&self.desk.rows(std::slice::from_ref(&place)).await?, &place)
    }

    async fn refused_away(&self, request: &Request, session: &Session, no: No) -> (&'static str, u16) {
        let noted = self.noted(request, session, (EventType::ApprovalDelegated, no.as_str())).await;
        let no = if noted.is_ok() { no } else { No::Busy };
        (no.text(), no.status())
    }

    async fn settle_away(
        &self,
        request: &Request,
        session: &Session,
        tenant: &TenantId,
        wanted: &Absence,
    ) -> Result<(&'static str, u16), NoCase> {
        let now = self.desk.now();
        let place = Key::delegation(tenant, &session.user);
        let row = (!wanted.back).then(|| agreed(&session.user, wanted, now));
        let to = row.as_ref().and_then(|row| row.as_ref().ok()).map(|row| row.to.clone());
        let mut keys = vec![place.clone()];
        keys.extend(to.iter().flat_map(|to| [Key::user(&session.org, to), Key::binding(tenant, to)]));
        let (_, rows, csrf) = self.here(session, tenant, &keys).await?;
        if !Token::new(&csrf).is(&wanted.csrf) {
            return Ok(self.refused_away(request, session, No::Csrf).await);
        }
        let old = rows.get(&place).cloned();
        match row {
            Some(Err(text)) => Ok((text, 422)),
            Some(Ok(row)) if !may_stand_in(&row.to, tenant, session, &rows)? => {
                Ok(("They have no role in this tenant by which they could read its requests.", 422))
            }
            Some(Ok(row)) => {
                let new = row.to_item();
                let write = Swap { key: place, old, new }.expiring(row.until).to_write();
                self.write_away(request, session, tenant, (write, Some(row))).await?;
                Ok(("Agreed.", 200))
            }
            None => match old {
                Some(old) => {
                    self.write_away(request, session, tenant, (deleted(&place, &old), None)).await?;
                    Ok(("Welcome back.", 200))
                }
                None => Ok(("Nobody stands in for you.", 200)),
            },
        }
    }

    async fn write_away(
        &self,
        request: &Request,
        session: &Session,
        tenant: &TenantId,
        (write, row): (tables::gates::Write, Option<DelegationRow>),
    ) -> Result<(), Away> {
        let scribe = self.scribe(request, session, tenant)?;
        let of = || match row.as_ref().and_then(|row| row.to.as_str().parse::<Code>().ok()) {
            Some(to) => Metadata::default().with("to", MetaValue::Code(to)),
            None => Metadata::default().flag("back", true),
        };
        let event = EventType::ApprovalDelegated;
        let attempt = Entry::of(event, Phase::Attempt, self.desk.now(), ten(&self.desk)?).with(of());
        self.desk.attempt(scribe.action_id, scribe.record(attempt)).await?;
        let written = match self.desk.write(vec![write]).await {
            Ok(()) => true,
            // Another was faster, or an answer was lost: what is there says which.
            Err(_) => unrecorded(&scribe, self.is_away(tenant, &session.user).await)? == row,
        };
        let outcome = Entry::of(event, Phase::Outcome, self.desk.now(), ten(&self.desk)?).with(of());
        let outcome = if written { outcome } else { outcome.because("approvals_unavailable") };
        self.told(&scribe, outcome).await;
        if written { Ok(()) } else { Err(Away) }
    }
}
