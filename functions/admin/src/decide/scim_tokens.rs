//! Tokens by which a connection's directory pushes people: shown once, two live at most, so that one can follow the other. Whoever
//! holds one says who is in which group, and groups give roles: it is asked for by one person, and made and shown when another
//! confirms it.

use domain::{Metadata, PullRow, ScimSlots, ScimToken, ScimTokenId, ScimTokenRow, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use tables::codec::Row as _;
use tables::people::token_revoked;
use tables::{Item, Key, Swap, Table};

use crate::ask::Ask;
use crate::event::Params;
use crate::plan::Change;
use crate::refusal::{Refused, Why};
use crate::routes::List;

use super::connections::connection;

/// The longest life, and what a token has unless it is asked otherwise: 365 days.
const LIFE_MS: u64 = 365 * 86_400_000;
/// A row stays for a week beyond its end, so that it can be seen what became of it.
const KEPT_MS: u64 = 7 * 86_400_000;

pub const LIST: List = List {
    table: Table::Identity,
    partition: |params, _| params.connection.as_ref().map(|id| format!("CON#{id}")),
    prefix: |_| "SCIMTOKEN#".to_owned(),
    row: None,
    show: |ask, _, item| {
        let row = ScimTokenRow::from_item(item).ok()?;
        // Another organization's connection has none here.
        (row.is_live(ask.now) && Some(&row.org) == ask.params.org.as_ref()).then(|| view(&row))
    },
};

fn view(row: &ScimTokenRow) -> Value {
    json!({"id": row.id, "created_at": row.created_at, "expires_at": row.expires_at, "last_four": row.last_four})
}

pub fn needs(params: &Params, _: &Value) -> Vec<Key> {
    let Some(connection) = &params.connection else { return Vec::new() };
    let token = params.token.iter().map(|token| Key::scim_token(connection, token));
    token.chain([Key::connection(connection), Key::scim_slots(connection), Key::pull(connection)]).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    expires_at: Option<Timestamp>,
}

pub fn create_schema() -> Value {
    json!({"type": "object", "additionalProperties": false, "properties": {"expires_at": {
        "anyOf": [{"type": "null"}, {"type": "string"}],
        "description": "within 365 days, such as 2027-11-26T09:00:00.000Z; null: 365 days from now",
    }}})
}

/// When a new token ends.
fn end(ask: &Ask<'_>, wanted: Option<Timestamp>) -> Result<Timestamp, Refused> {
    let last = ask.now.plus_millis(LIFE_MS);
    match wanted.unwrap_or(last) {
        end if ask.now < end && end <= last => Ok(end),
        _ => Err(Refused::at(Why::InvalidField, "/expires_at", "later than now, within 365 days")),
    }
}

pub fn create(ask: &Ask<'_>) -> Result<Change, Refused> {
    let Create { expires_at } = ask.body()?;
    let expires_at = end(ask, expires_at)?;
    let (_, connection, _) = connection(ask)?;
    if ask.find::<PullRow>(&Key::pull(&connection.id))?.is_some_and(|row| row.secret.is_some()) {
        return Err(Refused::hint(
            Why::InUse,
            "this directory is asked, and is not pushed as well: DELETE …/directory first",
        ));
    }
    let id = ScimTokenId::from_random(ask.new_id("scim token"));
    let place = Key::scim_slots(&connection.id);
    let mut slots = ask.find::<ScimSlots>(&place)?.unwrap_or_default().live(ask.now);
    if slots.has(&id) {
        return Err(Why::AlreadyExists.into());
    }
    if slots.0.len() >= ScimToken::SLOTS {
        return Err(Refused::hint(Why::InUse, "two tokens are live: revoke one first"));
    }
    let secret = ask.random.secret.first_chunk().ok_or(Why::FactsUnavailable)?;
    let token = ScimToken::mint(ask.region, connection.id.clone(), id.clone(), secret);
    let row = ScimTokenRow {
        id: id.clone(),
        org: connection.org,
        connection: connection.id.clone(),
        secret: token.secret_hash(),
        last_four: token.last_four(),
        created_by: ask.who.user.clone(),
        created_epoch: ask.who.session.epoch,
        created_at: ask.now,
        expires_at,
        revoked_at: None,
    };
    slots.0.push((id.clone(), expires_at));
    let made = Swap::create(Key::scim_token(&connection.id, &id), row.to_item());
    let swaps = vec![made.expiring(expires_at.plus_millis(KEPT_MS)), swapped(ask, place, &slots)];
    let mut body = view(&row);
    if let Value::Object(fields) = &mut body {
        fields.insert("scim_token".to_owned(), json!(token.reveal()));
    }
    let days = expires_at.millis_since(ask.now) / 86_400_000;
    let metadata = Metadata::default().count("days", days);
    Ok(Change { weakens: true, metadata, ..Change::of(swaps, resource(&id), body) })
}

fn resource(id: &ScimTokenId) -> String {
    format!("scim_token:{id}")
}

/// Written over the slots as they were read: of two that are made at once for one place, one fails.
fn swapped(ask: &Ask<'_>, key: Key, slots: &ScimSlots) -> Swap {
    let old: Option<Item> = ask.rows.get(&key).cloned();
    Swap { key, old, new: slots.to_item() }
}

/// The very next push of the directory is refused.
pub fn revoke(ask: &Ask<'_>) -> Result<Change, Refused> {
    let (_, connection, _) = connection(ask)?;
    let id = ask.params.token.as_ref().ok_or(Why::NotFound)?;
    let key = Key::scim_token(&connection.id, id);
    let (row, item) = ask.must::<ScimTokenRow>(&key)?;
    if row.revoked_at.is_some() {
        return Ok(Change::already(resource(id), Value::Null));
    }
    let place = Key::scim_slots(&connection.id);
    let slots = ask.find::<ScimSlots>(&place)?.unwrap_or_default();
    let old = ask.rows.get(&place);
    let swaps = token_revoked((key, item), id, (place, old, slots), ask.now);
    Ok(Change::of(swaps, resource(id), Value::Null))
}
