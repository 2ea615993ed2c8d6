//! What is taken out of calls: a tenant's document and those of its agents, under the organization's floor. A document that
//! takes out less than the one before waits for a second person. The floor itself is written the same way.

use domain::{DlpPolicyRow, Metadata};
use redact::{Document, Documents, Policy, builtin_types};
use serde_json::{Value, json};
use tables::codec::Row as _;
use tables::{Item, Key, Swap, fingerprint};

use crate::ask::Ask;
use crate::event::Params;
use crate::plan::{Change, Shown};
use crate::refusal::{Refused, Why};

/// The floor of an organization, or the documents that a call of the tenant's, or of the agent's, is read under.
pub fn needs(params: &Params, _: &Value) -> Vec<Key> {
    let Some(tenant) = &params.tenant else { return params.org.iter().map(Key::dlp_floor).collect() };
    let mut keys = vec![Key::dlp_policy(tenant, None)];
    keys.extend(params.org.as_ref().map(Key::dlp_floor));
    if let Some(agent) = &params.agent {
        keys.extend([Key::dlp_policy(tenant, Some(agent)), Key::agent(tenant, agent)]);
    }
    keys
}

fn place(ask: &Ask<'_>) -> Result<Key, Refused> {
    let Some(tenant) = &ask.params.tenant else {
        return Ok(Key::dlp_floor(ask.params.org.as_ref().ok_or(Why::NotFound)?));
    };
    match &ask.params.agent {
        Some(agent) if !ask.rows.contains_key(&Key::agent(tenant, agent)) => Err(Why::NotFound.into()),
        agent => Ok(Key::dlp_policy(tenant, agent.as_ref())),
    }
}

/// A document that is written already. One that does not read refuses every call, and may be written over.
fn stored(ask: &Ask<'_>, key: Option<&Key>) -> Result<Option<Document>, Refused> {
    let row = match key {
        Some(key) => ask.find::<DlpPolicyRow>(key)?,
        None => None,
    };
    Ok(row.and_then(|row| Document::parse(&row.document).ok()))
}

fn view(row: &DlpPolicyRow) -> Value {
    let document: Value = serde_json::from_str(&row.document).unwrap_or_default();
    json!({"version": row.version, "document": document})
}

pub fn get(ask: &Ask<'_>) -> Result<Shown, Refused> {
    let (row, item): (DlpPolicyRow, &Item) = ask.must(&place(ask)?)?;
    Ok(Shown { body: view(&row), etag: Some(fingerprint(item)) })
}

pub fn schema() -> Value {
    json!({"type": "object", "required": ["v"], "description": "a DLP policy, such as {\"v\": 1, \"types\": {\"*\": {\"action\": \"redact\"}}}",
        "properties": {"v": {"type": "integer", "const": 1}}})
}

pub fn put(ask: &Ask<'_>) -> Result<Change, Refused> {
    let key = place(ask)?;
    let item = ask.rows.get(&key);
    ask.unchanged(item)?;
    let text = ask.body.to_string();
    let refused = |fault: redact::PolicyError| Refused::hint(Why::InvalidField, fault);
    let new = Document::parse(&text).map_err(refused)?;
    let (floor, tenant, agent) = above(ask)?;
    let before = Documents { org: floor.as_ref(), tenant: tenant.as_ref(), agent: agent.as_ref() };
    let after = match (&ask.params.tenant, &ask.params.agent) {
        (None, _) => Documents { org: Some(&new), ..before },
        (Some(_), Some(_)) => Documents { agent: Some(&new), ..before },
        (Some(_), None) => Documents { tenant: Some(&new), ..before },
    };
    Policy::compile_for(&builtin_types(), after.org, after.tenant, after.agent).map_err(refused)?;
    let below = below(ask, item)?;
    let of_tenant = ask.params.tenant.is_some() && ask.params.agent.is_none();
    let compared = if of_tenant { after.is_weaker_for_agents(before) } else { after.is_weaker_than(before) };
    let weakens =
        below.unreadable || compared.map_err(refused)? || below.is_weaker(after, before).map_err(refused)?;
    let version = match item {
        Some(item) => DlpPolicyRow::from_item(item).map_or(0, |row| row.version),
        None => 0,
    };
    let row = DlpPolicyRow { version: version.saturating_add(1), document: text };
    let mut written = item.cloned().unwrap_or_default();
    written.extend(row.to_item());
    let resource = match (&ask.params.tenant, &ask.params.agent) {
        (None, _) => "dlp:floor".to_owned(),
        (Some(_), None) => "dlp:tenant".to_owned(),
        (Some(_), Some(agent)) => format!("dlp:agent:{agent}"),
    };
    let tag = fingerprint(&written);
    let swap = Swap { key, old: item.cloned(), new: written };
    Ok(Change {
        etag: Some(tag),
        weakens,
        metadata: Metadata::default().count("version", row.version),
        ..Change::of(vec![swap], resource, view(&row))
    })
}

/// The tenant that takes out least and keeps tokens longest: what a floor holds up is seen below it alone, because much is
/// taken out by default.
const LEAST: &str = r#"{"v": 1, "types": {"*": {"action": "allow"}}, "answers": false,
    "tokens": {"ttl_seconds": 2592000, "restores_per_minute": 600}}"#;

/// How a floor is looked at: under [`LEAST`].
struct Below {
    least: Option<Document>,
    /// A floor that stops every call: whatever is written over it lets more happen.
    unreadable: bool,
}

impl Below {
    fn is_weaker(&self, after: Documents<'_>, before: Documents<'_>) -> Result<bool, redact::PolicyError> {
        let Some(least) = &self.least else { return Ok(false) };
        let under = |documents| Documents { tenant: Some(least), ..documents };
        under(after).is_weaker_than(under(before))
    }
}

fn below(ask: &Ask<'_>, item: Option<&Item>) -> Result<Below, Refused> {
    if ask.params.tenant.is_some() {
        return Ok(Below { least: None, unreadable: false });
    }
    let least = Document::parse(LEAST).map_err(|_| Why::FactsUnavailable)?;
    let unreadable = item.is_some() && stored(ask, Some(&place(ask)?))?.is_none();
    Ok(Below { least: Some(least), unreadable })
}

type Above = (Option<Document>, Option<Document>, Option<Document>);

/// The floor, the tenant's document, and the agent's where the path names one.
fn above(ask: &Ask<'_>) -> Result<Above, Refused> {
    let Some(tenant) = &ask.params.tenant else {
        // One that does not read stops every call below it, and is written over by two.
        return Ok((stored(ask, Some(&place(ask)?))?, None, None));
    };
    let floor = ask.params.org.as_ref().map(Key::dlp_floor);
    let own = Key::dlp_policy(tenant, None);
    let agent = ask.params.agent.as_ref().map(|agent| Key::dlp_policy(tenant, Some(agent)));
    // A floor that does not read must not be taken for none.
    if let Some(row) = floor.as_ref().map_or(Ok(None), |key| ask.find::<DlpPolicyRow>(key))? {
        Document::parse(&row.document).map_err(|_| Why::FactsUnavailable)?;
    }
    Ok((stored(ask, floor.as_ref())?, stored(ask, Some(&own))?, stored(ask, agent.as_ref())?))
}
