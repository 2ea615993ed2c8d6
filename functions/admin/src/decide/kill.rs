//! The kill switches: of a tenant and its agents, of an organization, and of the platform, whose copies are written together. Turning it on asks for a reason and for nothing else; turning it off is
//! another person's.

use domain::{AgentId, Code, KillRow, KillScope, KillWrite, MetaValue, Metadata, OrgId, TenantId, UserId};
use policy::may_recover;
use serde::Deserialize;
use serde_json::{Value, json};
use tables::codec::Row as _;
use tables::{Key, KillOp, Switch, fingerprint};

use crate::ask::{Ask, Rows};
use crate::event::Params;
use crate::plan::{Change, Shown};
use crate::refusal::{Refused, Why};

use super::changes::same_person;

/// The switch that the path stands for, and that of the agent which the body names.
pub fn needs(params: &Params, body: &Value) -> Vec<Key> {
    let agent = body.get("agent").and_then(Value::as_str).and_then(|text| text.parse::<AgentId>().ok());
    let below = params.tenant.clone().zip(agent).map(|(tenant, agent)| Switch::Agent(tenant, agent));
    [own(params)].iter().chain(&below).flat_map(Switch::keys).collect()
}

/// Of a tenant, of an organization, or of the platform, as the path says.
fn own(params: &Params) -> Switch {
    match (&params.tenant, &params.org) {
        (Some(tenant), _) => Switch::Tenant(tenant.clone()),
        (None, Some(org)) => Switch::Org(org.clone()),
        (None, None) => Switch::Platform,
    }
}

fn view(row: &KillRow) -> Value {
    let last = row.last.as_ref().map(|last| json!({"by": last.by, "reason": last.reason, "at": last.at}));
    let stopped: Vec<_> = row.stopped.iter().map(|one| one.as_str()).collect();
    json!({"version": row.version, "stopped": stopped, "stopped_by": row.stoppers, "last": last})
}

fn switch(ask: &Ask<'_>, agent: Option<AgentId>) -> Result<Switch, Refused> {
    match (&ask.params.tenant, agent) {
        (Some(tenant), Some(agent)) => Ok(Switch::Agent(tenant.clone(), agent)),
        (None, Some(_)) => {
            Err(Refused::at(Why::InvalidField, "/agent", "stopped by the switch of its tenant"))
        }
        (_, None) => Ok(own(ask.params)),
    }
}

/// What concerns everybody is told in the platform's own log.
fn log(switch: &Switch) -> Option<(OrgId, TenantId)> {
    (*switch == Switch::Platform).then(|| (OrgId::platform(), TenantId::platform()))
}

fn row(ask: &Ask<'_>, switch: &Switch) -> Result<Option<KillRow>, Refused> {
    switch.keys().first().map_or(Ok(None), |key| ask.find(key))
}

pub fn get(ask: &Ask<'_>) -> Result<Shown, Refused> {
    let switch = switch(ask, None)?;
    let row = row(ask, &switch)?.ok_or(Why::NotFound)?;
    let item = switch.keys().first().and_then(|key| ask.rows.get(key)).map(fingerprint);
    Ok(Shown { body: view(&row), etag: item })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stop {
    reason: Code,
    #[serde(default = "all")]
    scope: KillScope,
    agent: Option<AgentId>,
}

const fn all() -> KillScope {
    KillScope::All
}

fn agent_schema() -> Value {
    json!({"anyOf": [{"type": "null"}, {"type": "string", "pattern": "^agt_[0-9a-z]{16}$"}],
        "description": "one agent; without it the whole tenant"})
}

pub fn stop_schema() -> Value {
    with_agent(stop_above_schema())
}

/// A body that may name one agent of a tenant.
fn with_agent(mut schema: Value) -> Value {
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        properties.insert("agent".to_owned(), agent_schema());
    }
    schema
}

/// Of an organization or of the platform.
pub fn stop_above_schema() -> Value {
    let scopes: Vec<_> = KillScope::ALL.iter().map(|scope| scope.as_str()).collect();
    json!({"type": "object", "required": ["reason"], "additionalProperties": false, "properties": {
        "reason": {"type": "string", "pattern": "^[a-z0-9._-]{1,64}$", "description": "why, as a code for the audit trail"},
        "scope": {"type": "string", "enum": scopes, "default": "all"},
    }})
}

fn told(switch: &Switch, reason: &Code) -> Metadata {
    let level = MetaValue::Code(Code::literal(switch.level().as_str()));
    Metadata::default().with("level", level).with("why", MetaValue::Code(reason.clone()))
}

/// A user's id is always a code.
fn code(user: &UserId) -> Code {
    user.as_str().parse().unwrap_or_else(|_| Code::literal("unknown"))
}

fn written(ask: &Ask<'_>, reason: Code) -> KillWrite {
    KillWrite { by: code(&ask.who.user), reason, at: ask.now }
}

/// Goes ahead whatever stands there, and even if it cannot be recorded.
pub fn stop(ask: &Ask<'_>) -> Result<Change, Refused> {
    let Stop { reason, scope, agent } = ask.body()?;
    let switch = switch(ask, agent)?;
    let seen = row(ask, &switch)?;
    if matches!(switch, Switch::Agent(..)) && seen.is_none() {
        return Err(Refused::at(Why::InvalidField, "/agent", "an agent of this tenant"));
    }
    let write = written(ask, reason.clone());
    // What a program stops, the person who answers for it has stopped too, and whoever made it so.
    let by = [&ask.who.user, &ask.who.answers].into_iter().chain(&ask.who.set_by).map(code);
    let op = KillOp::stop(scope, seen.as_ref(), by);
    let change = Change::of(Vec::new(), switch.resource(), view(&after(seen, &op, &write)));
    Ok(Change {
        writes: op.to_writes(&switch, &write),
        metadata: told(&switch, &reason).with("scope", MetaValue::Code(Code::literal(scope.as_str()))),
        regardless: true,
        log: log(&switch),
        ..change
    })
}

/// The switch as it is then, unless somebody else turns it at the same moment.
fn after(seen: Option<KillRow>, op: &KillOp, write: &KillWrite) -> KillRow {
    let mut row = seen.unwrap_or_default();
    match op {
        KillOp::Stop { scope, stoppers, crowded } => {
            row.stopped.insert(*scope);
            row.stoppers.extend(stoppers.iter().cloned());
            row.crowded |= *crowded;
        }
        KillOp::Recover { .. } => row = KillRow { version: row.version, ..KillRow::new() },
    }
    row.version = row.version.saturating_add(1);
    row.last = Some(write.clone());
    row
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Recover {
    reason: Code,
    /// The version that was looked at: what was stopped again meanwhile stays stopped.
    version: u64,
    agent: Option<AgentId>,
}

pub fn recover_schema() -> Value {
    with_agent(recover_above_schema())
}

/// Of an organization or of the platform.
pub fn recover_above_schema() -> Value {
    json!({"type": "object", "required": ["reason", "version"], "additionalProperties": false, "properties": {
        "reason": {"type": "string", "pattern": "^[a-z0-9._-]{1,64}$"},
        "version": {"type": "integer", "minimum": 0, "description": "of the switch as you saw it"},
    }})
}

fn refused(row: &KillRow) -> Refused {
    if row.crowded {
        return Refused::hint(
            Why::SamePerson,
            "more people have stopped this than are told apart: the operator recovers it",
        );
    }
    Refused::hint(
        Why::SamePerson,
        "whoever has stopped it since the last recovery does not recover it, nor by a program",
    )
}

/// People who have stopped a switch. Rows from before all were kept name the last one.
fn stoppers(row: &KillRow) -> impl Iterator<Item = UserId> {
    let last = row.last.iter().filter(|_| !row.stopped.is_empty()).map(|last| &last.by);
    row.stoppers.iter().chain(last).filter_map(|who| who.as_str().parse().ok())
}

/// The rows of whoever has stopped the switches that were read, as far as they are of this organization.
pub fn behind(org: &OrgId, params: &Params, body: &Value, rows: &Rows) -> Vec<Key> {
    let switches = needs(params, body);
    let rows = switches.iter().filter_map(|key| KillRow::from_item(rows.get(key)?).ok());
    rows.flat_map(|row| stoppers(&row).map(|user| Key::user(org, &user)).collect::<Vec<_>>()).collect()
}

/// Nor does whoever has stopped it recover it under another account of theirs, be it by a program of that one.
fn another(ask: &Ask<'_>, row: &KillRow) -> Result<(), Refused> {
    for user in stoppers(row) {
        if same_person(ask, &ask.who.org, &user, &ask.who.answers)? {
            return Err(refused(row));
        }
    }
    Ok(())
}

pub fn recover(ask: &Ask<'_>) -> Result<Change, Refused> {
    let Recover { reason, version, agent } = ask.body()?;
    let switch = switch(ask, agent)?;
    let row = row(ask, &switch)?.ok_or(Why::NotFound)?;
    if row.version != version {
        return Err(Refused::hint(
            Why::PreconditionFailed,
            format!("the switch is at version {}", row.version),
        ));
    }
    if row.stopped.is_empty() {
        return Err(Why::NothingStopped.into());
    }
    let write = written(ask, reason.clone());
    may_recover(&row, &write.by).map_err(|_| refused(&row))?;
    another(ask, &row)?;
    let op = KillOp::recover(&row);
    let change = Change::of(Vec::new(), switch.resource(), view(&after(Some(row), &op, &write)));
    Ok(Change {
        writes: op.to_writes(&switch, &write),
        metadata: told(&switch, &reason).count("version", version),
        log: log(&switch),
        ..change
    })
}
