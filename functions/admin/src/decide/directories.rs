//! A directory that pushes nothing and is asked instead: Google's, by a service account that may read people and groups. Its word
//! gives roles, so two people agree on whose it is and by which account it is read. The account's key is set afterwards, and lies
//! sealed under a root of its own, which `scim` alone opens.

use domain::{ConnectionRow, DirectoryAccount, PullRow, ScimSlots};
use envelope::Purpose;
use ring::signature::RsaKeyPair;
use serde::Deserialize;
use serde_json::{Map, Value, json};
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

fn addresses() -> Map<String, Value> {
    let address = |what: &str| json!({"type": "string", "maxLength": EMAIL_BYTES_MAX, "description": what});
    let admin = address("an administrator of the Workspace, as whom the directory is read");
    let both = [("admin_email", admin), ("client_email", address("of the service account's key"))];
    both.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

fn object(properties: Map<String, Value>) -> Value {
    let required: Vec<_> = properties.keys().cloned().collect();
    json!({"type": "object", "required": required, "additionalProperties": false, "properties": properties})
}

pub fn schema() -> Value {
    object(addresses())
}

pub fn key_schema() -> Value {
    let key = json!({"type": "string", "maxLength": KEY_BYTES_MAX, "description": "of the service account's key; sealed, never shown"});
    object(addresses().into_iter().chain([("private_key".to_owned(), key)]).collect())
}

fn view(row: Option<&PullRow>) -> Value {
    let set = row.filter(|row| row.agreed.is_some() || row.secret.is_some());
    json!({
        "agreed": set.is_some_and(|row| row.agreed.is_some()), "asked": set.is_some_and(|row| row.secret.is_some()),
        "set_at": set.map(|row| row.set_at), "set_by": set.map(|row| &row.set_by),
    })
}

pub fn get(ask: &Ask<'_>) -> Result<Shown, Refused> {
    let (_, connection, _) = connection(ask)?;
    let key = Key::pull(&connection.id);
    let row = ask.find::<PullRow>(&key)?;
    Ok(Shown { body: view(row.as_ref()), etag: ask.rows.get(&key).map(fingerprint) })
}

/// Whose directory is asked, and by which account.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Account {
    admin_email: String,
    client_email: String,
}

fn check(admin_email: &str, client_email: &str) -> Result<(), Refused> {
    let address = |text: &str| {
        text.len() <= EMAIL_BYTES_MAX
            && text.contains('@')
            && text.bytes().all(|byte| byte.is_ascii_graphic())
    };
    match [("/admin_email", admin_email), ("/client_email", client_email)]
        .iter()
        .find(|(_, text)| !address(text))
    {
        Some((at, _)) => Err(Refused::at(Why::InvalidField, *at, "an e-mail address")),
        None => Ok(()),
    }
}

/// A key that signs for an administrator of a Workspace: RSA, since Google takes no other.
fn check_key(account: &DirectoryAccount) -> Result<(), Refused> {
    let sound = account.private_key.len() <= KEY_BYTES_MAX
        && account.key_der().is_some_and(|der| RsaKeyPair::from_pkcs8(&der).is_ok());
    let hint = "an RSA key as the service account's JSON file has it";
    if sound { Ok(()) } else { Err(Refused::at(Why::InvalidField, "/private_key", hint)) }
}

/// A connection whose directory may be asked: it is one that answers, and pushes nothing.
fn askable(ask: &Ask<'_>) -> Result<ConnectionRow, Refused> {
    let (_, connection, _) = connection(ask)?;
    if form(&connection)?.idp != Idp::Google {
        let hint = "only Google Workspace is asked: other directories push";
        return Err(Refused::hint(Why::InvalidField, hint));
    }
    // What one says of somebody the other would take back.
    let slots = ask.find::<ScimSlots>(&Key::scim_slots(&connection.id))?.unwrap_or_default();
    if !slots.live(ask.now).0.is_empty() {
        let hint =
            "this directory pushes, and is not asked as well: revoke the connection's SCIM tokens first";
        return Err(Refused::hint(Why::InUse, hint));
    }
    Ok(connection)
}

/// Agrees on whose directory is asked: another voids the key. Whoever could choose it alone could give themselves any role that
/// groups give.
pub fn put(ask: &Ask<'_>) -> Result<Change, Refused> {
    let Account { admin_email, client_email } = ask.body()?;
    let connection = askable(ask)?;
    check(&admin_email, &client_email)?;
    let agreed = Some(DirectoryAccount::agreed(&connection.id, &admin_email, &client_email));
    let (key, resource) = (Key::pull(&connection.id), format!("connection:{}", connection.id));
    let before = ask.find::<PullRow>(&key)?;
    if before.as_ref().is_some_and(|before| before.agreed == agreed) {
        return Ok(Change::already(resource, view(before.as_ref())));
    }
    let item = ask.rows.get(&key);
    ask.unchanged(item)?;
    let (set_by, set_at) = (ask.who.user.clone(), ask.now);
    let row =
        PullRow { org: connection.org, connection: connection.id, agreed, secret: None, set_by, set_at };
    let swap = Swap { key, old: item.cloned(), new: row.to_item() };
    Ok(Change { weakens: true, ..Change::of(vec![swap], resource, view(Some(&row))) })
}

/// The key of the account that two agreed on, and of no other. From the next time on the directory is asked by it.
pub fn put_key(ask: &Ask<'_>) -> Result<Change, Refused> {
    let account: DirectoryAccount = ask.body()?;
    let connection = askable(ask)?;
    check(&account.admin_email, &account.client_email)?;
    check_key(&account)?;
    let key = Key::pull(&connection.id);
    let wanted = DirectoryAccount::agreed(&connection.id, &account.admin_email, &account.client_email);
    let agreed = ask.find::<PullRow>(&key)?.filter(|row| row.agreed.as_ref() == Some(&wanted));
    let Some(row) = agreed else {
        let hint = "two people agree on these addresses first: PUT …/directory, and its confirmation";
        return Err(Refused::at(Why::InvalidField, "/admin_email", hint));
    };
    let text = serde_json::to_string(&account).map_err(|_| Why::FactsUnavailable)?;
    let row = PullRow { secret: None, set_by: ask.who.user.clone(), set_at: ask.now, ..row };
    let mut body = view(Some(&row));
    if let Value::Object(fields) = &mut body {
        fields.insert("asked".to_owned(), json!(true));
    }
    let host = DirectoryAccount::HOST.to_owned();
    let secret =
        NewSecret { purpose: Purpose::Directory, row: key.clone(), host, text: Zeroizing::new(text) };
    let swap = Swap { old: ask.rows.get(&key).cloned(), new: row.to_item(), key };
    let change = Change::of(vec![swap], format!("connection:{}", row.connection), body);
    Ok(Change { secret: Some(secret), ..change })
}

/// It is asked no more, and what was agreed on is over. Whoever it has told of stays as they are.
pub fn remove(ask: &Ask<'_>) -> Result<Change, Refused> {
    let (_, connection, _) = connection(ask)?;
    let key = Key::pull(&connection.id);
    let resource = format!("connection:{}", connection.id);
    let set = |row: &PullRow| row.secret.is_some() || row.agreed.is_some();
    let Some(row) = ask.find::<PullRow>(&key)?.filter(set) else {
        return Ok(Change::already(resource, Value::Null));
    };
    let new = PullRow { secret: None, agreed: None, ..row }.to_item();
    let swap = Swap { key: key.clone(), old: ask.rows.get(&key).cloned(), new };
    Ok(Change::of(vec![swap], resource, Value::Null))
}
