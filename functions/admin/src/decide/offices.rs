//! Who owns an organization. Nobody takes their own office away, and the last owner stays.

use domain::{MetaValue, Metadata, OrgId, OwnersRow, User, UserId};
use policy::admin::{Granted, PrincipalId, last_owner, may_change};
use serde_json::{Value, json};
use tables::codec::Row as _;
use tables::{Key, Marker, Swap, Table, deleted};

use crate::ask::Ask;
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
