//! A directory that pushes nothing and is asked instead: Google's, by a service account that may read people and groups. What it
//! takes lies sealed under a root of its own, which `scim` alone opens.

use domain::{DirectoryAccount, PullRow, ScimSlots};
use envelope::Purpose;
use ring::signature::RsaKeyPair;
use serde_json::{Value, json};
use tables::codec::Row as _;
use tables::{Key, Swap, fingerprint};
use zeroize::Zeroizing;

use super::connections::{connection, form};
use crate::ask::Ask;
use crate::event::Params;
use crate::plan::{Change, NewSecret, Shown};
use crate::refusal::{Refused, Why};
use crate::sso::Idp;

const EMAIL_BYTES_MAX: usize = 320;
/// Of an RSA key of 4,096 bits, as text: 3,300.
const KEY_BYTES_MAX: usize = 8 * 1_024;

pub fn needs(params: &Params, _: &Value) -> Vec<Key> {
    params
        .connection
        .iter()
        .flat_map(|id| [Key::connection(id), Key::pull(id), Key::scim_slots(id)])
        .collect()
}

pub fn schema() -> Value {
    json!({"type": "object", "required": ["admin_email", "client_email", "private_key"], "additionalProperties": false, "properties": {
        "admin_email": {"type": "string", "maxLength": EMAIL_BYTES_MAX, "description": "an administrator of the Workspace, as whom the directory is read"},
        "client_email": {"type": "string", "maxLength": EMAIL_BYTES_MAX, "description": "of the service account's key"},
        "private_key": {"type": "string", "maxLength": KEY_BYTES_MAX, "description": "of the service account's key; sealed, never shown"},
    }})
}

fn view(row: Option<&PullRow>) -> Value {
    let set = row.filter(|row| row.secret.is_some());
    json!({"asked": set.is_some(), "set_at": set.map(|row| row.set_at), "set_by": set.map(|row| &row.set_by)})
}

pub fn get(ask: &Ask<'_>) -> Result<Shown, Refused> {
    let (_, connection, _) = connection(ask)?;
    let key = Key::pull(&connection.id);
    let row = ask.find::<PullRow>(&key)?;
    Ok(Shown { body: view(row.as_ref()), etag: ask.rows.get(&key).map(fingerprint) })
}

/// A key that signs for an administrator of a Workspace: RSA, since Google takes no other.
fn check(account: &DirectoryAccount) -> Result<(), Refused> {
    let address = |text: &str| {
        text.len() <= EMAIL_BYTES_MAX
            && text.contains('@')
            && text.bytes().all(|byte| byte.is_ascii_graphic())
    };
    let wrong = |at, hint: &str| Err(Refused::at(Why::InvalidField, at, hint));
    if !address(&account.admin_email) {
        return wrong("/admin_email", "an e-mail address");
    }
    if !address(&account.client_email) {
        return wrong("/client_email", "an e-mail address");
    }
    let sound = account.private_key.len() <= KEY_BYTES_MAX
        && account.key_der().is_some_and(|der| RsaKeyPair::from_pkcs8(&der).is_ok());
    if sound { Ok(()) } else { wrong("/private_key", "an RSA key as the service account's JSON file has it") }
}

/// From the next time on the directory is asked by it, as soon as the connection is one that may be used.
pub fn put(ask: &Ask<'_>) -> Result<Change, Refused> {
    let account: DirectoryAccount = ask.body()?;
    let (_, connection, _) = connection(ask)?;
    if form(&connection)?.idp != Idp::Google {
        return Err(Refused::hint(
            Why::InvalidField,
            "only Google Workspace is asked: other directories push",
        ));
    }
    check(&account)?;
    // What one says of somebody the other would take back.
    let slots = ask.find::<ScimSlots>(&Key::scim_slots(&connection.id))?.unwrap_or_default();
    if !slots.live(ask.now).0.is_empty() {
        let hint =
            "this directory pushes, and is not asked as well: revoke the connection's SCIM tokens first";
        return Err(Refused::hint(Why::InUse, hint));
    }
    let key = Key::pull(&connection.id);
    let item = ask.rows.get(&key);
    ask.unchanged(item)?;
    let text = serde_json::to_string(&account).map_err(|_| Why::FactsUnavailable)?;
    let row = PullRow {
        org: connection.org,
        connection: connection.id.clone(),
        secret: None,
        set_by: ask.who.user.clone(),
        set_at: ask.now,
    };
    let body = json!({"asked": true, "set_at": row.set_at, "set_by": row.set_by});
    let host = DirectoryAccount::HOST.to_owned();
    let secret =
        NewSecret { purpose: Purpose::Directory, row: key.clone(), host, text: Zeroizing::new(text) };
    let swap = Swap { key, old: item.cloned(), new: row.to_item() };
    let change = Change::of(vec![swap], format!("connection:{}", connection.id), body);
    Ok(Change { secret: Some(secret), ..change })
}

/// It is asked no more. Whoever it has told of stays as they are.
pub fn remove(ask: &Ask<'_>) -> Result<Change, Refused> {
    let (_, connection, _) = connection(ask)?;
    let key = Key::pull(&connection.id);
    let resource = format!("connection:{}", connection.id);
    let Some(row) = ask.find::<PullRow>(&key)?.filter(|row| row.secret.is_some()) else {
        return Ok(Change::already(resource, Value::Null));
    };
    let new = PullRow { secret: None, ..row }.to_item();
    let swap = Swap { key: key.clone(), old: ask.rows.get(&key).cloned(), new };
    Ok(Change::of(vec![swap], resource, Value::Null))
}
