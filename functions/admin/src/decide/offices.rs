//! Who owns an organization, and who administers the platform. Nobody takes their own office away, and the last one stays.
//!
//! Administrators of the platform are made and unmade by two. The first of all, who came by IAM, names the second alone, among the
//! people of their own organization: from then on there have been two, and one is enough no more.

use domain::{AdminsRow, MetaValue, Metadata, OrgId, OwnersRow, User, UserId};
use policy::admin::{Granted, PrincipalId, last_owner, may_change};
use serde::Deserialize;
use serde_json::{Value, json};
use tables::codec::Row as _;
use tables::{Attr, Item, Key, Marker, Swap, Table, deleted};

use crate::ask::{Ask, Rows};
use crate::event::Params;
use crate::plan::Change;
use crate::refusal::{Refused, Why};
use crate::routes::List;

pub const OWNERS: List = List {
    table: Table::Identity,
    partition: |params, _| params.org.as_ref().map(|org| format!("ORG#{org}")),
    prefix: |_| "OWNER#".to_owned(),
    row: None,
    show: |_, key, _| Some(json!({"user": key.sk.strip_prefix("OWNER#")?})),
};

pub fn owner_needs(params: &Params, _: &Value) -> Vec<Key> {
    let (Some(org), Some(user)) = (&params.org, &params.user) else { return Vec::new() };
    vec![Key::user(org, user), Key::org_owner(org, user), Key::org_owners(org)]
}

/// Whose office it is: somebody else.
fn other<'a>(
    ask: &'a Ask<'_>,
    before: Option<Granted>,
    after: Option<Granted>,
) -> Result<&'a UserId, Refused> {
    let user = ask.params.user.as_ref().ok_or(Why::NotFound)?;
    if *user == ask.who.user {
        return Err(Why::OnSelf.into());
    }
    let whose = PrincipalId::User(user.clone());
    may_change(&ask.who.principal, ask.resource, &whose, before, after).map_err(|_| Why::AboveOwnLevel)?;
    Ok(user)
}

/// The person's row as it was read, written over itself: whoever is ended meanwhile is given nothing.
fn still(ask: &Ask<'_>, org: &OrgId, user: &UserId) -> Result<Swap, Refused> {
    let key = Key::user(org, user);
    let (person, item) = ask.must::<User>(&key)?;
    if !person.active {
        return Err(Why::PersonInactive.into());
    }
    Ok(Swap { key, old: Some(item.clone()), new: item.clone() })
}

fn change(swaps: Vec<Swap>, user: &UserId, given: &'static str) -> Change {
    let given = MetaValue::Code(domain::Code::literal(given));
    let body = json!({"user": user});
    Change {
        metadata: Metadata::default().with("office", given),
        ..Change::of(swaps, format!("user:{user}"), body)
    }
}

pub fn give_owner(ask: &Ask<'_>) -> Result<Change, Refused> {
    let org = ask.params.org.as_ref().ok_or(Why::NotFound)?;
    let user = other(ask, None, Some(Granted::OrgOwner))?;
    let person = still(ask, org, user)?;
    let marker = Key::org_owner(org, user);
    if ask.rows.contains_key(&marker) {
        return Ok(Change::already(format!("user:{user}"), json!({"user": user})));
    }
    let swaps = vec![person, Swap::create(marker, Marker::item()), owners(ask, org, user, true)?];
    Ok(change(swaps, user, "owner_given"))
}

pub fn take_owner(ask: &Ask<'_>) -> Result<Change, Refused> {
    let org = ask.params.org.as_ref().ok_or(Why::NotFound)?;
    let user = other(ask, Some(Granted::OrgOwner), None)?;
    let marker = Key::org_owner(org, user);
    let gone = deleted(&marker, ask.rows.get(&marker).ok_or(Why::NotFound)?);
    let change = change(vec![owners(ask, org, user, false)?], user, "owner_taken");
    Ok(Change { writes: vec![gone], ..change })
}

fn owners(ask: &Ask<'_>, org: &OrgId, user: &UserId, owns: bool) -> Result<Swap, Refused> {
    let key = Key::org_owners(org);
    let mut row = ask.find::<OwnersRow>(&key)?.unwrap_or_default();
    if owns {
        row.0.insert(user.clone());
    } else {
        row.0.remove(user);
        last_owner(row.0.len()).map_err(|_| Why::LastOwner)?;
    }
    Ok(Swap { old: ask.rows.get(&key).cloned(), new: row.to_item(), key })
}

pub const ADMINS: List = List {
    table: Table::Identity,
    partition: |_, _| Some("PLATFORM".to_owned()),
    prefix: |_| "ADMIN#".to_owned(),
    row: None,
    show: |_, key, item| {
        let there = !item.contains_key(TAKEN);
        key.sk.strip_prefix("ADMIN#").filter(|_| there).map(|user| json!({"user": user}))
    },
};

/// When the office was taken away. The row stays: nothing of the platform's own is ever deleted.
const TAKEN: &str = "taken_at";

/// Whether somebody administers the platform.
pub fn administers(rows: &Rows, user: &UserId) -> bool {
    rows.get(&Key::platform_admin(user)).is_some_and(|item| !item.contains_key(TAKEN))
}

pub fn admin_needs(params: &Params, body: &Value) -> Vec<Key> {
    let Some(user) = &params.user else { return Vec::new() };
    let org = body.get("org").and_then(Value::as_str).and_then(|text| text.parse::<OrgId>().ok());
    let person = org.map(|org| Key::user(&org, user));
    [Key::platform_admin(user), Key::platform_admins()].into_iter().chain(person).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Belongs {
    org: OrgId,
}

pub fn admin_schema() -> Value {
    json!({"type": "object", "required": ["org"], "additionalProperties": false,
        "properties": {"org": {"type": "string", "pattern": "^org_[0-9a-hjkmnp-tv-z]{16}$", "description": "the person's organization"}}})
}

/// Makes somebody an administrator of the platform.
pub fn give_admin(ask: &Ask<'_>) -> Result<Change, Refused> {
    let Belongs { org } = ask.body()?;
    let user = other(ask, None, Some(Granted::Platform))?;
    let person = still(ask, &org, user)?;
    let marker = Key::platform_admin(user);
    if administers(ask.rows, user) {
        return Ok(Change::already(format!("user:{user}"), json!({"user": user})));
    }
    let mut row = admins(ask)?;
    let alone = !row.seconded && row.admins.len() <= 1;
    if alone && org != ask.who.org {
        let hint = "the second administrator is of your own organization";
        return Err(Refused::at(Why::InvalidField, "/org", hint));
    }
    row.admins.insert(user.clone());
    row.seconded = true;
    let old = ask.rows.get(&marker).cloned();
    let given = Swap { key: marker, old, new: Marker::item() };
    let change = change(vec![person, given, kept(ask, &row)], user, "admin_given");
    Ok(Change { weakens: !alone, metadata: change.metadata.clone().flag("alone", alone), ..change })
}

/// Takes the office away; the next request of whoever had it is one of anybody's.
pub fn take_admin(ask: &Ask<'_>) -> Result<Change, Refused> {
    let user = other(ask, Some(Granted::Platform), None)?;
    let marker = Key::platform_admin(user);
    let item = ask.rows.get(&marker).filter(|_| administers(ask.rows, user)).ok_or(Why::NotFound)?;
    let mut row = admins(ask)?;
    row.admins.remove(user);
    last_owner(row.admins.len()).map_err(|_| Why::LastOwner)?;
    let mut new = item.clone();
    new.insert(TAKEN.to_owned(), Attr::text(ask.now));
    let taken = Swap { key: marker, old: Some(item.clone()), new };
    Ok(Change { weakens: true, ..change(vec![taken, kept(ask, &row)], user, "admin_taken") })
}

/// The row of those who administer the platform, with one more.
///
/// # Errors
/// It does not read.
pub fn with_admin(rows: &Rows, user: &UserId) -> Result<Item, Why> {
    let row = rows.get(&Key::platform_admins()).map(AdminsRow::from_item).transpose();
    let mut row = row.map_err(|_| Why::FactsUnavailable)?.unwrap_or_default();
    row.admins.insert(user.clone());
    Ok(row.to_item())
}

/// Before there was such a row there was one administrator: whoever asks.
fn admins(ask: &Ask<'_>) -> Result<AdminsRow, Refused> {
    let first = || AdminsRow { admins: [ask.who.user.clone()].into(), seconded: false };
    Ok(ask.find::<AdminsRow>(&Key::platform_admins())?.unwrap_or_else(first))
}

/// Written over what was read: of two who change it at once, one is seen to.
fn kept(ask: &Ask<'_>, row: &AdminsRow) -> Swap {
    let key = Key::platform_admins();
    Swap { old: ask.rows.get(&key).cloned(), new: row.to_item(), key }
}
