//! Changes of groups. Members do not lie in a group's document: one member of 50,000 is added with one write, so their
//! changes come out by themselves, folded into as few as can be told without reading the members.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Step, Verb, apply};
use crate::error::{ScimError, ScimType};
use crate::filter::Filter;
use crate::resource::{Changed, MEMBERS_MAX, Member, members};
use crate::schema::Kind;

/// Most filters over members in one request that need a look at every member.
const MATCHING_MAX: usize = 10;

/// One change of a group's members. Adding who is in and removing who is not are no changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberOp {
    /// Exactly these and nobody else; nobody, when it is empty.
    Replace(Vec<Member>),
    Remove(Vec<Member>),
    /// Whose element of `members` fulfils the filter. What it looks at, `type` or `display`, the store has to render.
    RemoveMatching(Filter),
    Add(Vec<Member>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupChange {
    /// The next document, if it changes.
    pub document: Option<Map<String, Value>>,
    /// In the order to be made; empty: no member is touched. Between two `RemoveMatching` there is at most one `Replace`,
    /// or one `Remove` and one `Add` that have nobody in common.
    pub members: Vec<MemberOp>,
}

/// # Errors
/// As [`apply`]; `mutability` for what would change a member instead of adding or removing it. 413: too many members.
pub fn group_patch(document: &Map<String, Value>, steps: &[Step]) -> Result<GroupChange, ScimError> {
    let (of_members, others): (Vec<_>, Vec<_>) =
        steps.iter().cloned().partition(|step| step.target.place.attribute.name == "members");
    let (next, changed) = apply(Kind::Group, document, &others)?;
    let mut fold = Fold::default();
    for step in &of_members {
        fold.step(step)?;
    }
    let members = fold.finished();
    bounded(&members)?;
    Ok(GroupChange { document: (changed == Changed::Yes).then_some(next), members })
}

fn bounded(members: &[MemberOp]) -> Result<(), ScimError> {
    let too_many = |max: usize, of: &str| {
        Err(ScimError::plain(413, format!("more than {max} {of} in one request: send them in parts")))
    };
    if members.iter().map(MemberOp::len).sum::<usize>() > MEMBERS_MAX {
        return too_many(MEMBERS_MAX, "members");
    }
    if members.iter().filter(|op| matches!(op, MemberOp::RemoveMatching(_))).count() > MATCHING_MAX {
        return too_many(MATCHING_MAX, "filters over members other than `value eq`");
    }
    Ok(())
}

impl MemberOp {
    fn len(&self) -> usize {
        match self {
            Self::Replace(list) | Self::Remove(list) | Self::Add(list) => list.len(),
            Self::RemoveMatching(_) => 1,
        }
    }
}

/// What is known of each member named, later steps over earlier ones.
#[derive(Debug, Default)]
struct Fold {
    done: Vec<MemberOp>,
    /// Everybody else is out.
    replaced: bool,
    /// Whether each is in or out.
    named: BTreeMap<Member, bool>,
}

impl Fold {
    fn step(&mut self, step: &Step) -> Result<(), ScimError> {
        let target = &step.target;
        if target.place.sub.is_some() || (target.filter.is_some() && step.verb != Verb::Remove) {
            let detail =
                "a member is added and removed, and not changed: name `members` or `members[value eq \"…\"]`";
            return Err(ScimError::bad(ScimType::Mutability, detail));
        }
        match (step.verb, &target.filter, &step.value) {
            (Verb::Remove, Some(filter), _) => self.remove_chosen(filter)?,
            (Verb::Remove, None, Some(listed)) => self.name(members::read(listed)?, false),
            (Verb::Add, _, Some(value)) => self.name(members::read(value)?, true),
            (Verb::Replace, _, Some(value)) => self.replace(members::read(value)?),
            (Verb::Remove, None, None) => self.replace(Vec::new()),
            (Verb::Add | Verb::Replace, _, None) => {}
        }
        Ok(())
    }

    /// A member is known by its id alone, so a list of `value eq` needs no look at the members.
    fn remove_chosen(&mut self, filter: &Filter) -> Result<(), ScimError> {
        // Names of members are not kept with the group: a filter that asks for them would choose nobody, or everybody.
        if !filter.asks_only(&["value", "type"]) {
            let detail = "members are chosen by `value` and `type`: send `members[value eq \"…\"]`";
            return Err(ScimError::bad(ScimType::InvalidFilter, detail));
        }
        match filter.values() {
            // What is no id is nobody's.
            Some(ids) => self.name(ids.into_iter().filter_map(|id| Member::new(id).ok()).collect(), false),
            None => {
                self.flush();
                self.done.push(MemberOp::RemoveMatching(filter.clone()));
            }
        }
        Ok(())
    }

    fn replace(&mut self, with: Vec<Member>) {
        self.done.clear();
        self.named.clear();
        self.replaced = true;
        self.name(with, true);
    }

    fn name(&mut self, members: Vec<Member>, is_in: bool) {
        for member in members {
            self.named.insert(member, is_in);
        }
    }

    fn flush(&mut self) {
        let (mut added, mut removed) = (Vec::new(), Vec::new());
        for (member, is_in) in std::mem::take(&mut self.named) {
            if is_in { added.push(member) } else { removed.push(member) }
        }
        if std::mem::take(&mut self.replaced) {
            self.done.push(MemberOp::Replace(added));
            return;
        }
        let some = |list: &Vec<Member>| !list.is_empty();
        self.done.extend(Some(removed).filter(some).map(MemberOp::Remove));
        self.done.extend(Some(added).filter(some).map(MemberOp::Add));
    }

    fn finished(mut self) -> Vec<MemberOp> {
        self.flush();
        self.done
    }
}
