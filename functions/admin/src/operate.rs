//! The decision about one operation: pure, from the request and what was read for it.

use domain::{
    ActionId, AuditRecord, ChangeRow, Code, Decided, EventId, EventType, MetaValue, Metadata, OrgId, Phase,
    QueryRow, TenantId, Timestamp,
};
use policy::admin::{Action, AdminPermit, Denial, Policies, Resource};
use serde_json::Value;

use crate::ask::{Ask, Random, Rows, Who};
use crate::decide::channels::Channels;
use crate::decide::connections::FormRules;
use crate::decide::{audit, changes, glass, people};
use crate::event::{Params, Request};
use crate::plan::{Change, Shown};
use crate::records::{Entry, Scribe};
use crate::refusal::{Refused, Why};
use crate::routes::{Beside, List, On, Operation, Run};
use crate::who;

/// What is to be done.
#[derive(Debug)]
pub enum Decision {
    Show(Shown),
    /// A page is to be read first.
    Page(&'static List, Option<Beside>),
    /// The log's answer to a question is to be read first; the scribe tells if it cannot be.
    Answer(Box<QueryRow>, Box<Scribe>),
    /// By a way into a tenant that two opened: told in its log before it is answered.
    Look(Box<AuditRecord>, Box<Self>),
    Write(Box<Plan>),
    Refuse(Refused, Box<AuditRecord>),
}

/// A change that was authorized.
#[derive(Debug)]
pub struct Plan {
    pub permit: AdminPermit,
    pub change: Change,
    pub scribe: Scribe,
    /// With which status it is answered.
    pub status: u16,
    pub attempt: AuditRecord,
    attempt_random: [u8; 10],
    outcome: [u8; 10],
    /// What it is called in the platform's own log. The logs of all organizations are one there, in which an action has one
    /// attempt and one outcome.
    platform_action: ActionId,
}

/// Everything about one request but what the operation itself is.
#[derive(Debug)]
pub struct Asked<'a> {
    pub request: &'a Request,
    pub operation: &'static Operation,
    pub params: &'a Params,
    pub body: &'a Value,
    pub who: &'a Who,
    pub rows: &'a Rows,
    pub region: domain::Region,
    pub now: Timestamp,
    pub random: &'a Random,
    pub forms: FormRules<'a>,
    /// What was opened for it, once it was authorized.
    pub channels: Option<&'a Channels>,
}

/// Authorizes, and asks the operation what it comes to.
pub fn decide(policies: &Policies, asked: &Asked<'_>) -> Decision {
    let scribe = scribe(asked);
    match authorized(policies, asked) {
        Ok((permit, resource)) => decided(asked, permit, &resource, &scribe),
        Err(refused) => refuse(asked, &scribe, refused),
    }
}

/// Whether the caller may do this at all: nothing is opened for anybody else.
pub fn allowed(policies: &Policies, asked: &Asked<'_>) -> bool {
    authorized(policies, asked).is_ok()
}

fn refuse(asked: &Asked<'_>, scribe: &Scribe, refused: Refused) -> Decision {
    // What somebody may not know of is not told in its log: that would let anybody write there.
    let own = || scribe.clone().in_log_of(asked.who.org.clone(), TenantId::platform());
    let hidden = refused.why == Why::NotFound;
    let scribe = if hidden { &own() } else { scribe };
    let record = scribe.refusal(refused.why, asked.now, asked.random.attempt);
    Decision::Refuse(refused, Box::new(record))
}

fn scribe(asked: &Asked<'_>) -> Scribe {
    let event = match &asked.operation.run {
        Run::Change { event, .. } => *event,
        Run::Show { .. } | Run::List(_) | Run::Joined(..) | Run::Within(..) | Run::Answer { .. } => {
            EventType::AdminRefused
        }
    };
    let action = ActionId::new(asked.now, asked.random.action);
    let scribe = Scribe::of(asked.who, asked.region, action, asked.operation.name, event);
    let scribe = Scribe { request_id: asked.request.request_id.clone(), ..scribe };
    match (&asked.params.org, &asked.params.tenant) {
        (Some(org), Some(tenant)) => scribe.in_log_of(org.clone(), tenant.clone()),
        (Some(org), None) => scribe.in_log_of(org.clone(), TenantId::platform()),
        // Whoever administers the platform does so in its own log; nobody else writes there.
        _ if asked.operation.on == On::Platform && asked.who.principal.platform => {
            scribe.in_log_of(OrgId::platform(), TenantId::platform())
        }
        _ => scribe,
    }
}

/// The caller may do this to that. Who confirms a change must also be allowed to make it.
fn authorized(policies: &Policies, asked: &Asked<'_>) -> Result<(AdminPermit, Resource), Refused> {
    if matches!(asked.operation.run, Run::Answer { .. }) {
        return readable(policies, asked);
    }
    let resource = who::resource(asked.operation.on, asked.params, asked.who)?;
    let permit = |action| {
        let id = ActionId::new(asked.now, asked.random.action);
        policies.authorize(id, &asked.who.principal, action, &resource).map_err(denied)
    };
    let granted = granted(asked, permit)?;
    if asked.operation.confirms() {
        let asked_for = first(asked)?;
        // Whoever confirms that the glass is broken does not go in themselves; any other change they could make. An owner of the
        // organization is the second person of a tenant that has none, and makes none of these themselves.
        let owner =
            asked.who.principal.org_owner.is_some() && asked.who.principal.org_owner == asked.params.org;
        if asked.operation.action == Action::ChangeConfirm && !owner {
            permit(asked_for.0.action)?;
        }
        still(policies, asked, &asked_for, &resource)?;
    }
    Ok((granted, resource))
}

/// By the operation's own action. A role is given and taken by those of what it was and of what it is to be.
fn granted(
    asked: &Asked<'_>,
    permit: impl Fn(Action) -> Result<AdminPermit, Refused>,
) -> Result<AdminPermit, Refused> {
    let own = asked.operation.action;
    let actions = match own {
        Action::GrantMember => people::actions(asked.params, asked.body, asked.rows),
        _ => Vec::new(),
    };
    let permits: Result<Vec<_>, _> = actions.into_iter().map(&permit).collect();
    match permits {
        Ok(mut permits) => permits.pop().map_or_else(|| permit(own), Ok),
        // Whoever gives lesser roles is told that this one is above theirs.
        Err(refused) if refused.why == Why::Forbidden && permit(own).is_ok() => {
            Err(Why::AboveOwnLevel.into())
        }
        Err(refused) => Err(refused),
    }
}

/// An answer is read by the right that its question was asked by. For whoever sees their own part alone there is nothing else.
fn readable(policies: &Policies, asked: &Asked<'_>) -> Result<(AdminPermit, Resource), Refused> {
    let by = |action, on| {
        let resource = who::resource(on, asked.params, asked.who)?;
        let id = ActionId::new(asked.now, asked.random.action);
        let permit = policies.authorize(id, &asked.who.principal, action, &resource).map_err(denied)?;
        Ok::<_, Refused>((permit, resource))
    };
    let own = || by(Action::AuditReadOwn, On::Self_);
    if audit::is_own(asked.params, asked.rows, &asked.who.user) {
        return own();
    }
    by(asked.operation.action, asked.operation.on).map_err(|refused| match refused.why {
        Why::Forbidden if own().is_ok() => Why::NotFound.into(),
        _ => refused,
    })
}

/// What is to be confirmed, and who asked for it.
fn first(asked: &Asked<'_>) -> Result<(&'static Operation, ChangeRow), Refused> {
    let key = changes::needs(asked.params, asked.body).into_iter().next();
    let row = key.and_then(|key| asked.rows.get(&key)).ok_or(Why::NotFound)?;
    let row = <ChangeRow as tables::codec::Row>::from_item(row).map_err(|_| Why::FactsUnavailable)?;
    let (operation, ..) = changes::operation(&row).ok_or(Why::FactsUnavailable)?;
    Ok((operation, row))
}

/// Two people in good standing stand behind a change: the first must still be one who may ask for it.
fn still(
    policies: &Policies,
    asked: &Asked<'_>,
    (operation, change): &(&'static Operation, ChangeRow),
    resource: &Resource,
) -> Result<(), Refused> {
    let id = ActionId::new(asked.now, asked.random.action);
    let principal = who::requester(asked.rows, asked.params, change, asked.now)?;
    let may = principal.is_some_and(|one| policies.authorize(id, &one, operation.action, resource).is_ok());
    if may { Ok(()) } else { Err(Why::RequesterGone.into()) }
}

fn denied(denial: Denial) -> Refused {
    match denial {
        Denial::NotFound => Why::NotFound,
        Denial::Forbidden => Why::Forbidden,
        Denial::MfaRequired => Why::MfaRequired,
        Denial::Fault => Why::DecisionFault,
    }
    .into()
}

/// What an operation sees of a request.
pub fn ask<'a>(asked: &'a Asked<'a>, resource: &'a Resource) -> Ask<'a> {
    Ask {
        who: asked.who,
        params: asked.params,
        resource,
        body: asked.body,
        rows: asked.rows,
        region: asked.region,
        now: asked.now,
        random: asked.random,
        if_match: asked.request.if_match.as_deref(),
        first_only: asked.request.if_none_match_any,
        idempotency: asked.request.idempotency.as_deref(),
        path: &asked.request.path,
        forms: asked.forms,
        channels: asked.channels,
        confirms: None,
    }
}

fn decided(asked: &Asked<'_>, permit: AdminPermit, resource: &Resource, scribe: &Scribe) -> Decision {
    let ask = ask(asked, resource);
    let opened = permit.is_break_glass().then(|| glass::named(&ask));
    let look = |decision| match &opened {
        Some(by) => Decision::Look(Box::new(looked(asked, &permit, by, scribe)), Box::new(decision)),
        None => decision,
    };
    let result = match &asked.operation.run {
        Run::Show { show, .. } => show(&ask).map(Decision::Show).map(look),
        Run::List(list) | Run::Within(_, list) => Ok(look(Decision::Page(list, None))),
        Run::Joined(list, beside) => Ok(look(Decision::Page(list, Some(*beside)))),
        Run::Answer { .. } => {
            let answer = |row| Decision::Answer(Box::new(row), Box::new(scribe.clone()));
            audit::read(&ask).map(answer).map(look)
        }
        Run::Change { decide, status, .. } => there(asked).and_then(|()| decide(&ask)).and_then(|change| {
            as_seen(asked, &change)?;
            let (mut change, status, event) = seconded(&ask, asked, change, *status)?;
            // What changes nothing shows what is there, and is recorded by nothing else.
            let seen = opened.as_ref().filter(|_| change.already);
            let seen = seen.map(|by| Box::new(looked(asked, &permit, by, scribe)));
            if let Some(by) = &opened {
                change.metadata =
                    std::mem::take(&mut change.metadata).with(BROKEN, MetaValue::Code(by.clone()));
            }
            let written =
                Decision::Write(Box::new(plan(asked, permit, change, scribe.clone(), status, event)));
            Ok(match seen {
                Some(record) => Decision::Look(record, Box::new(written)),
                None => written,
            })
        }),
    };
    result.unwrap_or_else(|refused| refuse(asked, scribe, refused))
}

/// Under which name records say by which change a tenant was opened.
const BROKEN: &str = "break_glass";

/// What is told in a tenant's log of whoever looks into it.
fn looked(asked: &Asked<'_>, permit: &AdminPermit, by: &Code, scribe: &Scribe) -> AuditRecord {
    let policy = MetaValue::Code(permit.decided_by().clone());
    Scribe { event: EventType::AdminRead, ..scribe.clone() }.record(Entry {
        at: asked.now,
        random: asked.random.outcome,
        phase: Phase::Single,
        decision: Decided::Allow,
        reason: Code::literal("allowed"),
        authority: Some(permit.authority().clone()),
        resource: None,
        metadata: Metadata::default().with(BROKEN, MetaValue::Code(by.clone())).with("policy", policy),
    })
}

/// In a tenant that was deleted nothing is changed any more.
fn there(asked: &Asked<'_>) -> Result<(), Refused> {
    let item = asked.params.tenant.as_ref().and_then(|tenant| asked.rows.get(&tables::Key::tenant(tenant)));
    let tenant = item.and_then(|item| <domain::Tenant as tables::codec::Row>::from_item(item).ok());
    let gone = tenant.is_some_and(|tenant| tenant.status == domain::Lifecycle::Deleted);
    if gone { Err(Why::TenantDeleted.into()) } else { Ok(()) }
}

/// Whoever names a state changes that one alone (RFC 9110 section 13.1.1): one of the rows that are written is as it was seen. A
/// stop is none the less one.
fn as_seen(asked: &Asked<'_>, change: &Change) -> Result<(), Refused> {
    // Whoever says that there is none yet replaces nothing.
    if asked.request.if_none_match_any
        && !change.swaps.is_empty()
        && change.swaps.iter().all(|one| one.old.is_some())
    {
        return Err(Why::PreconditionFailed.into());
    }
    let Some(tag) = asked.request.if_match.as_deref() else { return Ok(()) };
    let written = change.swaps.iter().map(|one| &one.key).chain(change.writes.iter().map(|one| &one.key));
    let seen = |key: &tables::Key| asked.rows.get(key).is_some_and(|item| tables::fingerprint(item) == tag);
    if change.already || change.regardless || change.query.is_some() || written.into_iter().any(seen) {
        Ok(())
    } else {
        Err(Why::PreconditionFailed.into())
    }
}

/// What weakens a control is kept for a second person instead: 202.
fn seconded(
    ask: &Ask<'_>,
    asked: &Asked<'_>,
    change: Change,
    status: u16,
) -> Result<(Change, u16, Option<EventType>), Refused> {
    if !change.weakens {
        return Ok((change, status, None));
    }
    // A program answers for nothing that two must answer for.
    if ask.who.person().is_none() {
        return Err(Refused::hint(Why::Forbidden, "this needs two people, and a program is none"));
    }
    let seen = asked.request.if_match.as_deref();
    let kept = changes::asked_for(ask, asked.operation, &asked.request.path, seen)?;
    Ok((kept, 202, Some(EventType::AdminChange)))
}

fn plan(
    asked: &Asked<'_>,
    permit: AdminPermit,
    mut change: Change,
    scribe: Scribe,
    status: u16,
    event: Option<EventType>,
) -> Plan {
    let scribe = Scribe { event: event.unwrap_or(scribe.event), ..scribe };
    let scribe = match change.log.clone() {
        Some((org, tenant)) => scribe.in_log_of(org, tenant),
        None => scribe,
    };
    let policy = MetaValue::Code(permit.decided_by().clone());
    change.metadata = std::mem::take(&mut change.metadata).with("policy", policy);
    let attempt = scribe.record(Entry {
        at: asked.now,
        random: asked.random.attempt,
        phase: Phase::Attempt,
        decision: Decided::Allow,
        reason: Code::literal("allowed"),
        authority: Some(permit.authority().clone()),
        resource: Some(change.resource.clone()),
        metadata: change.metadata.clone(),
    });
    let (attempt_random, outcome) = (asked.random.attempt, asked.random.outcome);
    let platform_action = ActionId::new(asked.now, asked.random.action.map(|byte| !byte));
    Plan { permit, change, scribe, status, attempt, attempt_random, outcome, platform_action }
}

impl Plan {
    /// A record of it, and the same in the platform's own log where that is told too, as an action of its own.
    pub fn told(&self, record: AuditRecord, at: Timestamp) -> Vec<AuditRecord> {
        let first = record.phase == Phase::Attempt;
        // Another event of its own: as random as the first.
        let random = if first { self.attempt_random } else { self.outcome }.map(|byte| !byte);
        let copy = self.change.of_platform.then(|| AuditRecord {
            event_id: EventId::new(at, random),
            action_id: Some(self.platform_action),
            org_id: OrgId::platform(),
            tenant_id: TenantId::platform(),
            ..record.clone()
        });
        [record].into_iter().chain(copy).collect()
    }

    /// How it ended.
    pub fn outcome(&self, at: Timestamp, ended: Result<(), Why>) -> AuditRecord {
        self.scribe.record(Entry {
            at,
            random: self.outcome,
            phase: Phase::Outcome,
            decision: Decided::Allow,
            reason: Why::ended(ended),
            authority: Some(self.permit.authority().clone()),
            resource: Some(self.change.resource.clone()),
            metadata: Metadata::default(),
        })
    }
}

#[cfg(test)]
mod tests;
