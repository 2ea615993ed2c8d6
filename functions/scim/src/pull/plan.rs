//! What a complete answer of a directory changes: pure, from what it lists and what is kept.

use std::collections::{BTreeMap, BTreeSet};

use domain::{ConnectionId, Opaque, UserId};
use serde_json::{Value, json};
use tables::directory::{external_digest, name_digest};

use crate::bulk::Method;
use crate::google::Person;

/// So many may go at once, whatever share that is.
const FEW: usize = 5;
/// Beyond, one in so many of those who are in.
const SHARE: usize = 5;

/// Whether so many who go at once, of all who are in, are too many to be believed.
pub fn too_many(going: usize, of: usize) -> bool {
    going > (of / SHARE).max(FEW)
}

/// Somebody whom the directory has told of before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    pub id: UserId,
    pub active: bool,
    pub external: Option<Opaque>,
    pub name: Option<Opaque>,
}

/// What somebody is here of whom the directory has not told before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// They signed in by the same identity, and are active.
    In,
    /// They were ended, by hand or under this address: the clock brings nobody back.
    Ended,
    /// Nobody knows them.
    Unknown,
}

/// One write, as a directory that pushes would send it.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    pub method: Method,
    pub id: Option<UserId>,
    pub data: Value,
}

impl Step {
    /// Of somebody new who leaves, the same under their id for a name.
    pub fn nameless(&self) -> Option<Value> {
        let id = self.data.get("externalId").filter(|_| self.method == Method::Post && !comes(self))?;
        let mut data = self.data.clone();
        *data.get_mut("userName")? = id.clone();
        Some(data)
    }
}

/// What is to be done, those who leave first.
#[derive(Debug, Default, PartialEq)]
pub struct Steps {
    pub steps: Vec<Step>,
    /// Whom it ends.
    pub ends: usize,
    /// Who is missing from the list and is not ended, since too many are.
    pub held: usize,
    /// Of those who are in, so many leave that somebody should look.
    pub many: bool,
}

/// Everybody whom the directory lists, by the digests under which people are kept.
#[derive(Debug)]
pub struct Listing<'a> {
    connection: &'a ConnectionId,
    people: BTreeMap<Opaque, (&'a str, &'a Person)>,
}

impl<'a> Listing<'a> {
    pub fn new(connection: &'a ConnectionId, told: &'a BTreeMap<String, Person>) -> Self {
        let one =
            |(id, person): (&'a String, &'a Person)| (external_digest(connection, id), (id.as_str(), person));
        Self { connection, people: told.iter().map(one).collect() }
    }

    /// Those whom the directory has not told of before.
    pub fn new_people(&self, known: &[Known]) -> Vec<(&'a str, &'a Person)> {
        let known: BTreeSet<&Opaque> = known.iter().filter_map(|one| one.external.as_ref()).collect();
        self.people.iter().filter(|(digest, _)| !known.contains(digest)).map(|(_, one)| *one).collect()
    }

    /// Who is not to be in by what is listed, whatever was said before: whether they are, their own rows must say. Whoever was
    /// ended by hand is out already, and stays so if they are listed as active again.
    pub fn doubtful(&self, known: &[Known]) -> Vec<UserId> {
        let stays = |external: &Opaque| self.people.get(external).is_some_and(|(_, person)| person.active);
        let goes = |one: &&Known| one.external.as_ref().is_some_and(|external| !stays(external));
        known.iter().filter(goes).map(|one| one.id.clone()).collect()
    }

    /// Who of a group's members is here.
    pub fn members(&self, ids: &BTreeSet<String>, known: &[Known]) -> BTreeSet<UserId> {
        let digests: BTreeSet<Opaque> = ids.iter().map(|id| external_digest(self.connection, id)).collect();
        let is = |one: &&Known| one.external.as_ref().is_some_and(|external| digests.contains(external));
        known.iter().filter(is).map(|one| one.id.clone()).collect()
    }
}

/// What is known, and what it is compared with.
#[derive(Debug)]
pub struct World<'a> {
    pub listing: &'a Listing<'a>,
    pub known: &'a [Known],
    /// Of those whom the directory has not told of before.
    pub strangers: &'a BTreeMap<String, Standing>,
    /// Who is in here, of those who are [`Listing::doubtful`].
    pub here: &'a BTreeSet<UserId>,
    /// Ids of everybody in a group that gives roles.
    pub mapped: &'a BTreeSet<String>,
}

impl World<'_> {
    /// What changes. Whoever has no external id came by a push, and is left to it.
    pub fn steps(&self) -> Steps {
        let (mut ending, mut missing, mut changes, mut stay) = (Vec::new(), Vec::new(), Vec::new(), 0);
        for one in self.known {
            let Some(external) = &one.external else { continue };
            match self.listing.people.get(external) {
                Some((_, person)) if person.active => {
                    stay += usize::from(one.active);
                    changes.extend(self.changed(one, person));
                }
                _ if !self.here.contains(&one.id) => {}
                Some(_) => ending.push(active(one, false)),
                None => missing.push(active(one, false)),
            }
        }
        let were = stay + ending.len() + missing.len();
        // Everybody is missing from another's list, too.
        let all = missing.len() > 1 && missing.len() == were;
        let held = if all || too_many(missing.len(), were) { missing.len() } else { 0 };
        if held == 0 {
            ending.append(&mut missing);
        }
        // Whoever signed in before the directory was asked may have left since.
        let (made, mut left): (Vec<Step>, Vec<Step>) = self.made().into_iter().partition(comes);
        ending.append(&mut left);
        let ends = ending.len();
        let steps = ending.into_iter().chain(changes).chain(made).collect();
        Steps { steps, ends, held, many: held > 0 || too_many(ends, were) || 2 * ends > were.max(2) }
    }

    /// Whoever is in again, or has another address.
    fn changed(&self, one: &Known, person: &Person) -> Vec<Step> {
        let back = (!one.active).then(|| active(one, true));
        let same = one.name.as_ref() == Some(&name_digest(self.listing.connection, &person.email));
        let renamed = (!same).then(|| {
            let value = json!({"userName": person.email, "emails": mails(&person.email)});
            patch(one, &value)
        });
        back.into_iter().chain(renamed).collect()
    }

    /// Whoever is new: those who signed in before are followed from now on; others are made when a group gives them roles.
    fn made(&self) -> Vec<Step> {
        let wanted = |id: &str, person: &Person| match self.strangers.get(id) {
            Some(Standing::In) => true,
            Some(Standing::Unknown) => person.active && self.mapped.contains(id),
            Some(Standing::Ended) | None => false,
        };
        let told = self.listing.people.values().filter(|(id, person)| wanted(id, person));
        let data = |(id, person): &(&str, &Person)| {
            json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": person.email,
                "externalId": id, "active": person.active, "emails": mails(&person.email),
            })
        };
        told.map(|one| Step { method: Method::Post, id: None, data: data(one) }).collect()
    }
}

fn comes(step: &Step) -> bool {
    step.data.get("active") == Some(&Value::Bool(true))
}

fn mails(email: &str) -> Value {
    json!([{"value": email, "type": "work", "primary": true}])
}

fn active(one: &Known, active: bool) -> Step {
    patch(one, &json!({"active": active}))
}

fn patch(one: &Known, value: &Value) -> Step {
    let data = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "replace", "value": value}],
    });
    Step { method: Method::Patch, id: Some(one.id.clone()), data }
}

#[cfg(test)]
mod tests;
