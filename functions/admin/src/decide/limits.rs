//! Limits of use. Less takes effect at once; more, or none at all, needs a second person.

use domain::{Limit, LimitsRow, Metadata, Place, SHARDS, Zone};
use policy::admin::{allowance_changed, limits_weakened};
use serde::Deserialize;
use serde_json::{Value, json};
use tables::codec::Row as _;
use tables::{Item, Key, Swap, fingerprint};

use crate::ask::Ask;
use crate::event::Params;
use crate::plan::{Change, Shown};
use crate::refusal::{Refused, Why};

pub fn needs(params: &Params, _: &Value) -> Vec<Key> {
    params.tenant.iter().map(Key::limits).collect()
}

fn view(row: &LimitsRow) -> Value {
    let limits: Vec<_> =
        row.limits().iter().map(|limit| json!({"place": limit.place, "limit": limit.most})).collect();
    json!({"version": row.version(), "time_zone": row.zone(), "shards": row.shards(), "limits": limits})
}

fn limits<'a>(ask: &'a Ask<'_>) -> Result<(Key, LimitsRow, &'a Item), Refused> {
    let key = Key::limits(ask.params.tenant.as_ref().ok_or(Why::NotFound)?);
    let (row, item) = ask.must(&key)?;
    Ok((key, row, item))
}

pub fn get(ask: &Ask<'_>) -> Result<Shown, Refused> {
    let (_, row, item) = limits(ask)?;
    Ok(Shown { body: view(&row), etag: Some(fingerprint(item)) })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    time_zone: Zone,
    shards: u8,
    limits: Vec<WantedLimit>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WantedLimit {
    place: Place,
    limit: u64,
}

pub fn schema() -> Value {
    json!({"type": "object", "required": ["time_zone", "shards", "limits"], "additionalProperties": false, "properties": {
        "time_zone": {"type": "string", "description": "of the IANA database, such as Asia/Jerusalem: days and months begin by it"},
        "shards": {"type": "integer", "minimum": 1, "maximum": SHARDS, "description": "items that meters are spread over"},
        "limits": {"type": "array", "minItems": 1, "maxItems": 200, "items": {
            "type": "object", "required": ["place", "limit"], "additionalProperties": false, "properties": {
                "place": {"type": "string", "description": "level[/id]:tokens|usd_micros:day|month|total, such as tenant:tokens:day or team/sales:usd_micros:month"},
                "limit": {"type": "integer", "minimum": 0, "maximum": domain::MOST},
            }}},
    }})
}

pub fn put(ask: &Ask<'_>) -> Result<Change, Refused> {
    let wanted: Wanted = ask.body()?;
    let (key, row, item) = limits(ask)?;
    ask.unchanged(Some(item))?;
    if wanted.shards != row.shards() {
        let hint = "as it is: countersign ops limit --shards changes it before a tenant's first call";
        return Err(Refused::at(Why::InvalidField, "/shards", hint));
    }
    let list = wanted.limits.into_iter().map(|one| Limit { place: one.place, most: one.limit }).collect();
    let next = row.version().saturating_add(1);
    let new = LimitsRow::new(next, wanted.time_zone, wanted.shards, list);
    let new = new.map_err(|fault| Refused::at(Why::InvalidField, "/limits", fault))?;
    // What the organization allows is its owners' to change.
    if allowance_changed(Some(&row), &new) && ask.who.principal.org_owner.as_ref() != ask.params.org.as_ref()
    {
        return Err(Refused::at(
            Why::Forbidden,
            "/limits",
            "an allowance of the organization is its owners' to change",
        ));
    }
    let mut written = item.clone();
    written.extend(new.to_item());
    let tag = fingerprint(&written);
    let swap = Swap { key, old: Some(item.clone()), new: written };
    Ok(Change {
        etag: Some(tag),
        weakens: limits_weakened(&row, &new),
        metadata: Metadata::default().count("version", next).count("limits", new.limits().len() as u64),
        ..Change::of(vec![swap], "limits:tenant", view(&new))
    })
}
