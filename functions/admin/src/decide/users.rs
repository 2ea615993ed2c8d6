//! One person of an organization: seen, deactivated and reactivated. Deactivation is one write: whatever the person holds is
//! read with it at the very next request, sessions and keys alike.

use std::collections::BTreeSet;

use domain::{
    AddressRow, LeaveCause, Lifecycle, MetaValue, Metadata, Offboarding, Opaque, OrgId, OwnersRow, Person,
    SessionRow, TenantId, UserId,
};
use policy::admin::last_owner;
use serde_json::{Value, json};
use tables::codec::Row as _;
use tables::gates::Write;
use tables::offboard::marked;
use tables::people::closed;
use tables::{Item, Key, Swap, Table, fingerprint};

use crate::ask::{Ask, Rows};
use crate::decide::offices;
use crate::event::Params;
use crate::plan::{Change, Shown};
use crate::refusal::{Refused, Why};
use crate::routes::List;

/// Tenants of one owner that one write can take care of.
const OWNS_MAX: usize = 80;

/// Where an address stands in an organization. Compared in lower case, as invitations are.
pub fn address_of(org: &OrgId, email: &str) -> Opaque {
    tables::standing::address_digest(org, email)
}

/// Whether somebody with this address was deactivated.
///
/// # Errors
/// The row does not read.
pub fn is_ended(rows: &Rows, org: &OrgId, address: &Opaque) -> Result<bool, Why> {
    let row = rows.get(&Key::address(org, address)).map(AddressRow::from_item).transpose();
    Ok(row.map_err(|_| Why::FactsUnavailable)?.is_some_and(|row| row.ended > 0))
}

/// The person that a path of an organization's names: read first, because more rows are found by it.
pub fn first(params: &Params) -> Vec<Key> {
    params.org.iter().zip(&params.user).map(|(org, user)| Key::user(org, user)).collect()
}

/// The rows of owners that a person stands in, and of the person's addresses.
pub fn owned(params: &Params, seen: &Rows) -> Vec<Key> {
    let item = first(params).first().and_then(|key| seen.get(key));
    let person = item.and_then(|item| Person::from_item(item).ok());
    let Some((person, org)) = person.zip(params.org.as_ref()) else { return Vec::new() };
    let owners = person.owns.iter().take(OWNS_MAX).map(Key::owners);
    owners.chain(person.addresses.iter().map(|one| Key::address(org, one))).collect()
}

pub fn needs(params: &Params, _: &Value) -> Vec<Key> {
    let (Some(org), Some(user)) = (&params.org, &params.user) else { return Vec::new() };
    vec![Key::user(org, user), Key::org_owner(org, user), Key::org_owners(org), Key::platform_admin(user)]
}

/// Sessions of somebody that are not over.
pub const SESSIONS: List = List {
    table: Table::Identity,
    partition: |params, _| params.org.as_ref().map(|org| format!("ORG#{org}")),
    prefix: |ask| ask.params.user.as_ref().map_or_else(String::new, |user| format!("SESSION#{user}#")),
    row: Some(|marker| marker.sk.rsplit_once('#')?.1.parse().ok().map(|id| Key::session(&id))),
    show: |ask, _, item| {
        let row = SessionRow::from_item(item).ok()?;
        let theirs = Some(&row.user) == ask.params.user.as_ref() && Some(&row.org) == ask.params.org.as_ref();
        (theirs && row.check(ask.now).is_ok()).then(|| super::sessions::view(&row, ask))
    },
};

/// Somebody of this organization.
struct Place<'a> {
    org: &'a OrgId,
    id: &'a UserId,
    key: Key,
    item: &'a Item,
    person: Person,
    org_owner: bool,
}

fn place<'a>(ask: &'a Ask<'_>) -> Result<Place<'a>, Refused> {
    let (org, id) = ask.params.org.as_ref().zip(ask.params.user.as_ref()).ok_or(Why::NotFound)?;
    let key = Key::user(org, id);
    let (person, item) = ask.must::<Person>(&key)?;
    let org_owner = ask.rows.contains_key(&Key::org_owner(org, id));
    Ok(Place { org, id, key, item, person, org_owner })
}

fn view(place: &Place<'_>, active: bool) -> Value {
    json!({"id": place.id, "active": active, "org_owner": place.org_owner, "owns": place.person.owns})
}

pub fn get(ask: &Ask<'_>) -> Result<Shown, Refused> {
    let place = place(ask)?;
    Ok(Shown { body: view(&place, place.person.user.active), etag: Some(fingerprint(place.item)) })
}

/// Ends somebody here, or lets them in again: the epoch stays raised, so that nothing of before comes to life.
pub fn status(ask: &Ask<'_>) -> Result<Change, Refused> {
    let active = super::wanted_status(ask)? == Lifecycle::Active;
    let place = place(ask)?;
    if *place.id == ask.who.user {
        return Err(Refused::hint(Why::OnSelf, "nobody ends themselves either"));
    }
    // Whoever runs the platform is not taken down from below.
    if offices::administers(ask.rows, place.id) && !ask.who.principal.platform {
        return Err(Why::AboveOwnLevel.into());
    }
    let (resource, body) = (format!("user:{}", place.id), view(&place, active));
    if place.person.user.active == active {
        return Ok(Change::already(resource, body));
    }
    if place.person.owns.len() > OWNS_MAX {
        return Err(Refused::hint(
            Why::InUse,
            "owns too many tenants for one write: take some of these roles first",
        ));
    }
    let mut swaps = owners(ask, &place, active)?;
    let person = turned(&place.person, active);
    let ends = (!active).then(|| left(ask, &place, person.user.epoch));
    swaps.extend(ends.as_ref().map(marked));
    let mut new = place.item.clone();
    new.extend(person.to_item());
    let etag = Some(fingerprint(&new));
    swaps.push(Swap { key: place.key, old: Some(place.item.clone()), new });
    let addresses = person.addresses.iter().map(|one| Key::address(place.org, one));
    let writes = match active {
        true => {
            swaps.extend(opened(ask, addresses)?);
            Vec::new()
        }
        // Whatever stands there at this moment: nothing is in the way of an end.
        false => addresses.map(|key| shut(ask, key)).collect::<Result<_, _>>()?,
    };
    let status = if active { Lifecycle::Active } else { Lifecycle::Suspended };
    Ok(Change {
        ends,
        etag,
        writes,
        metadata: Metadata::default()
            .with("status", MetaValue::Code(domain::Code::literal(status.as_str())))
            .count("epoch", person.user.epoch),
        ..Change::of(swaps, resource, body)
    })
}

fn shut(ask: &Ask<'_>, address: Key) -> Result<Write, Refused> {
    let read = ask.rows.get(&address);
    Ok(closed(address, read).map_err(Why::from)?.into())
}

/// The addresses for one fewer who is ended: closed for another, an address stays closed. Written over what was read, so that
/// whoever is ended at the same moment is not overlooked.
fn opened(ask: &Ask<'_>, addresses: impl Iterator<Item = Key>) -> Result<Vec<Swap>, Refused> {
    let swap = |key: Key| {
        let row = ask.find::<AddressRow>(&key)?.unwrap_or_default();
        let (old, row) =
            (ask.rows.get(&key).cloned(), AddressRow { ended: row.ended.saturating_sub(1), ..row });
        let mut new = old.clone().unwrap_or_default();
        new.extend(row.to_item());
        Ok(Swap { key, old, new })
    };
    addresses.map(swap).collect()
}

/// What is told of somebody who is ended. The same stands in a row of the same transaction.
fn left(ask: &Ask<'_>, place: &Place<'_>, epoch: u64) -> Offboarding {
    let (org, user) = (place.org.clone(), place.id.clone());
    Offboarding { org, user, epoch, at: ask.now, cause: LeaveCause::Admin }
}

/// Ended: everything that was begun in this epoch is over.
fn turned(person: &Person, active: bool) -> Person {
    let mut turned = person.clone();
    turned.user.active = active;
    if !active {
        turned.user.epoch = turned.user.epoch.saturating_add(1);
    }
    turned
}

/// The rows of owners without the person, or with them again. The last one stays, by hand.
fn owners(ask: &Ask<'_>, place: &Place<'_>, active: bool) -> Result<Vec<Swap>, Refused> {
    let org = place.org_owner.then(|| Key::org_owners(place.org));
    let places: BTreeSet<Key> = org.into_iter().chain(place.person.owns.iter().map(Key::owners)).collect();
    let swap = |key: Key| {
        let mut row = ask.find::<OwnersRow>(&key)?.unwrap_or_default();
        if active {
            row.0.insert(place.id.clone());
        } else if row.0.remove(place.id) {
            last_owner(row.0.len()).map_err(|_| Why::LastOwner)?;
        }
        Ok(Swap { old: ask.rows.get(&key).cloned(), new: row.to_item(), key })
    };
    places.into_iter().map(swap).collect()
}

/// A person's row with a tenant among those that they own, or without it.
///
/// # Errors
/// The row does not read.
pub fn owning(item: &Item, tenant: &TenantId, owns: bool) -> Result<Item, Why> {
    let mut person = Person::from_item(item).map_err(|_| Why::FactsUnavailable)?;
    if owns {
        person.owns.insert(tenant.clone());
    } else {
        person.owns.remove(tenant);
    }
    let mut new = item.clone();
    new.extend(person.to_item());
    Ok(new)
}
