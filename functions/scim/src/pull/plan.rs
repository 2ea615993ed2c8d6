//! What a complete answer of a directory changes: pure, from what it lists and what is kept.

use std::collections::{BTreeMap, BTreeSet};

use domain::{ConnectionId, Opaque, UserId};
use serde_json::{Value, json};
use tables::directory::{external_digest, name_digest};

use crate::bulk::Method;
use crate::google::Person;

/// So many may be missing at once, whatever share that is.
const MISSING_FEW: usize = 5;
/// Beyond, one in so many of those who are in.
const MISSING_SHARE: usize = 5;

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

/// What is known, and what it is compared with.
#[derive(Debug)]
pub struct World<'a> {
    pub connection: &'a ConnectionId,
    /// Everybody whom the directory lists, by id.
    pub told: &'a BTreeMap<String, Person>,
    pub known: &'a [Known],
    /// Of those whom the directory has not told of before.
    pub strangers: &'a BTreeMap<String, Standing>,
    /// Ids of everybody in a group that gives roles.
    pub mapped: &'a BTreeSet<String>,
}

impl World<'_> {
    fn digest(&self, id: &str) -> Opaque {
        external_digest(self.connection, id)
    }

    /// Ids that the directory has not told of before.
    pub fn new_ids(&self) -> Vec<&String> {
        let known: BTreeSet<&Opaque> = self.known.iter().filter_map(|one| one.external.as_ref()).collect();
        self.told.keys().filter(|id| !known.contains(&self.digest(id))).collect()
    }

    /// What changes. Whoever has no external id came by a push, and is left to it.
    pub fn steps(&self) -> Steps {
        let listed: BTreeMap<Opaque, &Person> =
            self.told.iter().map(|(id, person)| (self.digest(id), person)).collect();
        let (mut ending, mut missing, mut changes) = (Vec::new(), Vec::new(), Vec::new());
        for one in self.known {
            let Some(external) = &one.external else { continue };
            match listed.get(external) {
                None if one.active => missing.push(active(one, false)),
                None => {}
                Some(person) if one.active && !person.active => ending.push(active(one, false)),
                Some(person) => changes.extend(self.changed(one, person)),
            }
        }
        let few = (self.known.iter().filter(|one| one.active).count() / MISSING_SHARE).max(MISSING_FEW);
        let held = if missing.len() > few { missing.len() } else { 0 };
        if held == 0 {
            ending.append(&mut missing);
        }
        // Whoever signed in before the directory was asked may have left since.
        let (made, mut left): (Vec<Step>, Vec<Step>) = self.made().into_iter().partition(comes);
        ending.append(&mut left);
        let ends = ending.len();
        let steps = ending.into_iter().chain(changes).chain(made).collect();
        Steps { steps, ends, held, many: held > 0 || ends > few }
    }

    /// Whoever is in again, or has another address.
    fn changed(&self, one: &Known, person: &Person) -> Vec<Step> {
        let back = (person.active && !one.active).then(|| active(one, true));
        let same = one.name.as_ref() == Some(&name_digest(self.connection, &person.email));
        let renamed = (!same).then(|| {
            let value = json!({"userName": person.email, "emails": mails(&person.email)});
            patch(one, &value)
        });
        back.into_iter().chain(renamed).collect()
    }

    /// Whoever is new: those who signed in before are followed from now on; others are made when a group gives them roles.
    fn made(&self) -> Vec<Step> {
        let wanted = |id: &String, person: &Person| match self.strangers.get(id) {
            Some(Standing::In) => true,
            Some(Standing::Unknown) => person.active && self.mapped.contains(id),
            Some(Standing::Ended) | None => false,
        };
        let told = self.told.iter().filter(|(id, person)| wanted(id, person));
        let data = |(id, person): (&String, &Person)| {
            json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": person.email,
                "externalId": id, "active": person.active, "emails": mails(&person.email),
            })
        };
        told.map(|one| Step { method: Method::Post, id: None, data: data(one) }).collect()
    }

    /// Who of a group's members is here, as they are known after all steps.
    pub fn members(&self, ids: &BTreeSet<String>, known: &[Known]) -> BTreeSet<UserId> {
        let digests: BTreeSet<Opaque> = ids.iter().map(|id| self.digest(id)).collect();
        let is = |one: &&Known| one.external.as_ref().is_some_and(|external| digests.contains(external));
        known.iter().filter(is).map(|one| one.id.clone()).collect()
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
