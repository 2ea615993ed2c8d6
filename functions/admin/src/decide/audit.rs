//! Questions to the audit trail: who may ask what of whose log, and who reads the answer.

use domain::{
    ActionId, Actor, AgentId, Code, Decided, EventType, Metadata, OrgId, QueryId, QueryRow, Timestamp, UserId,
};
use ledger::timeline::{self, Log, MAX_ROWS, Question};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use tables::codec::Row as _;
use tables::{Item, Key};

use crate::ask::{Ask, Rows, digest};
use crate::event::Params;
use crate::plan::Change;
use crate::queries::{KEPT_MS, NewQuery};
use crate::refusal::{Refused, Why};

const DAY_MS: u64 = 86_400_000;
/// The longest time that one question is about: a year and a day.
const MAX_MS: u64 = 366 * DAY_MS;

/// A time in any form of RFC 3339.
struct Moment(Timestamp);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Timestamp::from_rfc3339(&text).map(Self).map_err(serde::de::Error::custom)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    from: Moment,
    to: Moment,
    agent: Option<AgentId>,
    actor: Option<Actor>,
    event_types: Option<Vec<EventType>>,
    action: Option<Code>,
    decision: Option<Decided>,
    action_id: Option<ActionId>,
    limit: Option<u16>,
}

pub fn schema() -> Value {
    let time = |what: &str| json!({"type": "string", "format": "date-time", "description": what});
    let types: Vec<_> = EventType::ALL.iter().map(|one| one.as_str()).collect();
    json!({"type": "object", "required": ["from", "to"], "additionalProperties": false, "properties": {
        "from": time("the beginning, which belongs to it"),
        "to": time("the end, which belongs to it: at most 366 days later"),
        "agent": {"type": "string", "pattern": "^agt_[0-9a-hjkmnp-tv-z]{16}$"},
        "actor": {"type": "string", "description": "the id of a person or an agent, operator or system"},
        "event_types": {"type": "array", "items": {"type": "string", "enum": types}, "description": "any of these"},
        "action": {"type": "string", "pattern": "^[a-z0-9._-]{1,64}$", "description": "what was attempted, such as limits.put"},
        "decision": {"type": "string", "enum": ["allow", "deny"]},
        "action_id": {"type": "string", "description": "all records of one action: x-cs-action-id"},
        "limit": {"type": "integer", "minimum": 1, "maximum": MAX_ROWS, "description": "the newest so many rows; all 1000 if it is left out"},
    }})
}

/// Where the row of a question lies: with whatever its path names.
fn key(params: &Params, id: &QueryId) -> Key {
    match (&params.tenant, &params.org) {
        (Some(tenant), _) => Key::query(tenant, id),
        (None, Some(org)) => Key::query_of_org(org, id),
        (None, None) => Key::query_of_org(&OrgId::platform(), id),
    }
}

pub fn needs(params: &Params, _: &Value) -> Vec<Key> {
    params.query.iter().map(|id| key(params, id)).collect()
}

/// Of a tenant's whole log.
pub fn ask_tenant(ask: &Ask<'_>) -> Result<Change, Refused> {
    let (_, tenant, _) = super::tenants::tenant(ask)?;
    asked(ask, &Log::Tenant(tenant.id), false)
}

/// Of what the caller did in a tenant.
pub fn ask_own(ask: &Ask<'_>) -> Result<Change, Refused> {
    let (_, tenant, _) = super::tenants::tenant(ask)?;
    asked(ask, &Log::Tenant(tenant.id), true)
}

/// Of what was done to an organization itself.
pub fn ask_org(ask: &Ask<'_>) -> Result<Change, Refused> {
    asked(ask, &Log::Org(ask.params.org.clone().ok_or(Why::NotFound)?), false)
}

/// Of what was done to the platform itself, and to nobody's organization.
pub fn ask_platform(ask: &Ask<'_>) -> Result<Change, Refused> {
    asked(ask, &Log::Org(OrgId::platform()), false)
}

fn asked(ask: &Ask<'_>, log: &Log, own: bool) -> Result<Change, Refused> {
    let question = question(ask, own)?;
    let sql = timeline::report(ask.region, log, &question).map_err(|_| Why::InvalidField)?;
    let id = QueryId::from_random(ask.new_id("query"));
    let query = NewQuery {
        key: key(ask.params, &id),
        by: ask.who.user.clone(),
        own,
        question: digest(&["countersign question", &sql]),
        sql,
        expires_at: ask.now.plus_millis(KEPT_MS),
        id: id.clone(),
    };
    let body = json!({"query": id, "state": "running"});
    Ok(Change {
        location: Some(location(ask.path, &id)),
        metadata: metadata(&question, own),
        query: Some(query),
        ..Change::of(Vec::new(), format!("query:{id}"), body)
    })
}

/// Answers of one's own doing are read where all others are.
fn location(path: &str, id: &QueryId) -> String {
    let place = path.strip_suffix("own-queries").map(|before| format!("{before}queries"));
    format!("{}/{id}", place.as_deref().unwrap_or(path))
}

fn question(ask: &Ask<'_>, own: bool) -> Result<Question, Refused> {
    let wanted: Wanted = ask.body()?;
    let (Moment(from), Moment(to)) = (wanted.from, wanted.to);
    if from >= to {
        return Err(Refused::at(Why::InvalidField, "/to", "later than from"));
    }
    if to.millis_since(from) > MAX_MS {
        return Err(Refused::at(Why::InvalidField, "/to", "at most 366 days after from"));
    }
    let limit = wanted.limit.unwrap_or(MAX_ROWS);
    if !(1..=MAX_ROWS).contains(&limit) {
        return Err(Refused::at(Why::InvalidField, "/limit", format!("1 to {MAX_ROWS}")));
    }
    Ok(Question {
        agent: wanted.agent,
        from,
        to,
        event_types: wanted.event_types.unwrap_or_default(),
        decision: wanted.decision,
        actor: if own { Some(oneself(&ask.who.user, wanted.actor.as_ref())?) } else { wanted.actor },
        action: wanted.action_id,
        attempted: wanted.action,
        limit,
        after: None,
    })
}

/// Whoever asks of their own doing may leave themselves out, and name nobody else.
fn oneself(user: &UserId, named: Option<&Actor>) -> Result<Actor, Refused> {
    let oneself = Actor::from(user);
    match named {
        Some(other) if *other != oneself => {
            Err(Refused::at(Why::InvalidField, "/actor", "yourself, or nobody"))
        }
        _ => Ok(oneself),
    }
}

/// How much was asked for and by what it was narrowed, without whom or what.
fn metadata(question: &Question, own: bool) -> Metadata {
    let days = question.to.unix_millis() / DAY_MS - question.from.unix_millis() / DAY_MS + 1;
    let narrowed = [
        ("by_agent", question.agent.is_some()),
        ("by_actor", question.actor.is_some()),
        ("by_event_type", !question.event_types.is_empty()),
        ("by_action", question.attempted.is_some()),
        ("by_decision", question.decision.is_some()),
        ("by_action_id", question.action.is_some()),
        ("own", own),
    ];
    let counted = Metadata::default().count("days", days).count("limit", question.limit.into());
    narrowed.into_iter().filter(|(_, by)| *by).fold(counted, |all, (name, _)| all.flag(name, true))
}

fn found<'a>(params: &Params, rows: &'a Rows) -> Option<&'a Item> {
    rows.get(&key(params, params.query.as_ref()?))
}

/// Whether the path names a question that this person asked of their own doing.
pub fn is_own(params: &Params, rows: &Rows, user: &UserId) -> bool {
    let row = found(params, rows).and_then(|item| QueryRow::from_item(item).ok());
    row.is_some_and(|row| row.own && row.by == *user)
}

/// The question whose answer is read.
pub fn read(ask: &Ask<'_>) -> Result<QueryRow, Refused> {
    let item = found(ask.params, ask.rows).ok_or(Why::NotFound)?;
    let row = QueryRow::from_item(item).map_err(|_| Why::FactsUnavailable)?;
    let theirs = !row.own || row.by == ask.who.user;
    if theirs && ask.now < row.expires_at { Ok(row) } else { Err(Why::NotFound.into()) }
}
