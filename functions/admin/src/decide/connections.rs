//! Connections to identity providers.

use std::collections::BTreeSet;

use domain::{ConnectionId, ConnectionRow, Lifecycle, OrgId};
use envelope::Purpose;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tables::codec::Row as _;
use tables::{Item, Key, Marker, Swap, Table, fingerprint};
use zeroize::Zeroizing;

use super::weaker::weakens;
use crate::ask::Ask;
use crate::event::Params;
use crate::plan::{Change, NewSecret, Shown};
use crate::refusal::{Refused, Why};
use crate::routes::List;
use crate::signin::issuer_host;
use crate::sso::{Connection, ConnectionForm, SessionMinutes};

/// Different tenants that groups of one connection give roles in.
const TENANTS_MAX: usize = 30;
/// The longest form, as JSON text.
const DOCUMENT_MAX: usize = 64 * 1_024;
/// The longest client secret, in bytes; real ones stay under 200.
const SECRET_MAX: usize = 1_024;

pub const LIST: List = List {
    table: Table::Identity,
    partition: |params, _| params.org.as_ref().map(|org| format!("ORG#{org}")),
    prefix: |_| "CONNECTION#".to_owned(),
    row: Some(|marker| marker.sk.strip_prefix("CONNECTION#")?.parse().ok().map(|id| Key::connection(&id))),
    show: |_, _, item| view(&ConnectionRow::from_item(item).ok()?),
};

pub fn needs(params: &Params, _: &Value) -> Vec<Key> {
    params.connection.iter().map(Key::connection).collect()
}

/// Everything but the client's secret, of which it is said whether there is one.
fn view(row: &ConnectionRow) -> Option<Value> {
    let Value::Object(mut fields) = serde_json::from_str(&row.document).ok()? else { return None };
    fields.entry("session_minutes").or_insert_with(|| json!(SessionMinutes::MOST));
    fields.insert("status".to_owned(), json!(row.status));
    fields.insert("has_client_secret".to_owned(), json!(row.secret.is_some()));
    fields.insert("login".to_owned(), json!(format!("/v1/sso/{}/login", row.id)));
    Some(Value::Object(fields))
}

fn shown(row: &ConnectionRow) -> Result<Value, Refused> {
    view(row).ok_or_else(|| Why::FactsUnavailable.into())
}

/// Another organization's is none.
pub fn connection<'a>(ask: &'a Ask<'_>) -> Result<(Key, ConnectionRow, &'a Item), Refused> {
    let key = Key::connection(ask.params.connection.as_ref().ok_or(Why::NotFound)?);
    let (row, item) = ask.must::<ConnectionRow>(&key)?;
    if Some(&row.org) != ask.params.org.as_ref() { Err(Why::NotFound.into()) } else { Ok((key, row, item)) }
}

pub fn get(ask: &Ask<'_>) -> Result<Shown, Refused> {
    let (_, row, item) = connection(ask)?;
    Ok(Shown { body: shown(&row)?, etag: Some(fingerprint(item)) })
}

pub fn schema() -> Value {
    json!({"type": "object", "required": ["idp", "issuer", "client_id"], "properties": {
        "idp": {"type": "string", "enum": ["okta", "entra", "google", "onelogin", "ping", "auth0", "jumpcloud", "custom"]},
        "issuer": {"type": "string", "maxLength": 2048, "description": "exactly as the provider spells it"},
        "client_id": {"type": "string", "maxLength": 256},
        "client_secret": {"type": "string", "maxLength": SECRET_MAX, "description": "sealed for the issuer's host; never shown"},
        "jit": {"type": "boolean", "default": false, "description": "whether groups let somebody in who was never here"},
        "require_mfa": {"type": "boolean", "default": false},
        "session_minutes": {"type": "integer", "minimum": SessionMinutes::LEAST, "maximum": SessionMinutes::MOST, "default": SessionMinutes::MOST,
            "description": "how long a session lasts at most, also one that began before: then its owner comes by the provider again"},
        "group_roles": {"type": "array", "items": {"type": "object"}},
    }})
}

/// A body's form, and the secret that stands beside it.
pub struct Wanted {
    form: ConnectionForm,
    document: String,
    host: String,
    secret: Option<Zeroizing<String>>,
}

/// Reads a form. The id and the organization are ours to give.
///
/// # Errors
/// What is wrong, and what to do.
pub fn wanted(
    ask_body: &Value,
    id: &ConnectionId,
    org: &OrgId,
    rules: &FormRules<'_>,
) -> Result<Wanted, Refused> {
    let Value::Object(fields) = ask_body else { return Err(Why::InvalidJson.into()) };
    let mut fields: Map<String, Value> = fields.clone();
    let secret = match fields.remove("client_secret") {
        Some(Value::String(text)) if (1..=SECRET_MAX).contains(&text.len()) => Some(Zeroizing::new(text)),
        None | Some(Value::Null) => None,
        Some(_) => return Err(Refused::at(Why::InvalidField, "/client_secret", "1 to 1024 bytes")),
    };
    fields.insert("id".to_owned(), json!(id));
    fields.insert("org".to_owned(), json!(org));
    let form: ConnectionForm = crate::ask::read(&Value::Object(fields))?;
    Connection::new(form.clone(), rules.presets, rules.reach)
        .map_err(|fault| Refused::hint(Why::InvalidField, fault))?;
    let host = issuer_host(&form.issuer, rules.reach).ok_or(Why::InvalidField)?;
    let tenants: BTreeSet<_> = form.group_roles.iter().map(|row| &row.grant.tenant).collect();
    if tenants.len() > TENANTS_MAX {
        let hint = format!("roles in at most {TENANTS_MAX} tenants: a sign-in writes them all at once");
        return Err(Refused::at(Why::InvalidField, "/group_roles", hint));
    }
    let document = serde_json::to_string(&form).map_err(|_| Why::FactsUnavailable)?;
    if document.len() > DOCUMENT_MAX {
        return Err(Refused::at(
            Why::InvalidField,
            "/group_roles",
            format!("at most {DOCUMENT_MAX} bytes in all"),
        ));
    }
    Ok(Wanted { form, document, host, secret })
}

/// What forms are checked against.
#[derive(Debug, Clone, Copy)]
pub struct FormRules<'a> {
    pub presets: &'a crate::sso::Presets,
    pub reach: egress::Reach,
}

/// The rows of a new connection.
pub fn made(wanted: Wanted) -> (ConnectionRow, Vec<Swap>, Option<NewSecret>) {
    let Wanted { form, document, host, secret } = wanted;
    let row = ConnectionRow {
        id: form.id.clone(),
        org: form.org.clone(),
        status: Lifecycle::Active,
        document,
        secret: None,
    };
    let key = Key::connection(&form.id);
    let secret = secret.map(|text| NewSecret { purpose: Purpose::Sso, row: key.clone(), host, text });
    let swaps = vec![
        Swap::create(key, row.to_item()),
        Swap::create(Key::connection_of(&form.org, &form.id), Marker::item()),
    ];
    (row, swaps, secret)
}

/// One more provider whose word is believed: a second person must agree. An organization's first is made with it.
pub fn create(ask: &Ask<'_>) -> Result<Change, Refused> {
    let org = ask.params.org.clone().ok_or(Why::NotFound)?;
    let id = ConnectionId::from_random(ask.new_id("connection"));
    let wanted = wanted(ask.body, &id, &org, &ask.forms)?;
    kept_without_secret(&wanted)?;
    let (row, swaps, _) = made(wanted);
    let location = Some(format!("/v1/orgs/{org}/connections/{id}"));
    let body = shown(&row)?;
    Ok(Change { location, weakens: true, ..Change::of(swaps, format!("connection:{id}"), body) })
}

/// What waits is kept as it was sent, and seen by whoever confirms: no secret lies there.
fn kept_without_secret(wanted: &Wanted) -> Result<(), Refused> {
    let hint = "this waits for a second person: leave it out, and set it after the confirmation by PUT on the connection's /secret";
    if wanted.secret.is_some() { Err(Refused::at(Why::InvalidField, "/client_secret", hint)) } else { Ok(()) }
}

/// Another issuer voids the secret: it was for the old one. What lets more in waits for a second person.
pub fn put(ask: &Ask<'_>) -> Result<Change, Refused> {
    let (key, row, item) = connection(ask)?;
    ask.unchanged(Some(item))?;
    let wanted = wanted(ask.body, &row.id, &row.org, &ask.forms)?;
    let before = form(&row)?;
    let weakens = weakens(&before, &wanted.form);
    if weakens {
        kept_without_secret(&wanted)?;
    }
    let same_issuer = before.issuer == wanted.form.issuer;
    let kept = row.secret.clone().filter(|_| same_issuer && wanted.secret.is_none());
    let new = ConnectionRow { document: wanted.document, secret: kept, ..row };
    let secret = wanted.secret.map(|text| NewSecret {
        purpose: Purpose::Sso,
        row: key.clone(),
        host: wanted.host,
        text,
    });
    let body = shown(&new)?;
    let resource = format!("connection:{}", new.id);
    let swap = Swap { key, old: Some(item.clone()), new: new.to_item() };
    Ok(Change { secret, weakens, ..Change::of(vec![swap], resource, body) })
}

pub(super) fn form(row: &ConnectionRow) -> Result<ConnectionForm, Refused> {
    serde_json::from_str(&row.document).map_err(|_| Why::FactsUnavailable.into())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClientSecret {
    client_secret: String,
}

pub fn secret_schema() -> Value {
    json!({"type": "object", "required": ["client_secret"], "additionalProperties": false, "properties": {
        "client_secret": {"type": "string", "minLength": 1, "maxLength": SECRET_MAX, "description": "sealed for the issuer's host; never shown"},
    }})
}

/// For the issuer that the caller saw, and no other.
pub fn put_secret(ask: &Ask<'_>) -> Result<Change, Refused> {
    let ClientSecret { client_secret } = ask.body()?;
    let text = Zeroizing::new(client_secret);
    let (key, row, item) = connection(ask)?;
    ask.unchanged(Some(item))?;
    if !(1..=SECRET_MAX).contains(&text.len()) {
        return Err(Refused::at(Why::InvalidField, "/client_secret", "1 to 1024 bytes"));
    }
    let host = issuer_host(&form(&row)?.issuer, ask.forms.reach).ok_or(Why::FactsUnavailable)?;
    let mut body = shown(&row)?;
    if let Value::Object(fields) = &mut body {
        fields.insert("has_client_secret".to_owned(), json!(true));
    }
    let secret = Some(NewSecret { purpose: Purpose::Sso, row: key.clone(), host, text });
    let swap = Swap { key, old: Some(item.clone()), new: item.clone() };
    Ok(Change { secret, ..Change::of(vec![swap], format!("connection:{}", row.id), body) })
}

/// Stopped at once; allowed again by two.
pub fn status(ask: &Ask<'_>) -> Result<Change, Refused> {
    let (key, row, item) = connection(ask)?;
    let new = super::with_status(ask, item)?;
    let read = ConnectionRow::from_item(&new).map_err(|_| Why::FactsUnavailable)?;
    let weakens = row.status != Lifecycle::Active && read.status == Lifecycle::Active;
    let body = shown(&read)?;
    let swap = Swap { key, old: Some(item.clone()), new };
    Ok(Change { weakens, ..Change::of(vec![swap], format!("connection:{}", row.id), body) })
}
