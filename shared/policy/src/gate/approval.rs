//! Rules of approval, as the document writes them: each one somebody can satisfy.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::{ApprovalRule, Name, Quorum};
use serde_json::{Map, Value};

use super::document::typed;
use super::fault::{Fault, Faults, shown};

const MOST: usize = 32;
const QUORUMS: usize = 16;
const PEOPLE: u32 = 16;
/// Thirty days.
const MINUTES: u32 = 43_200;
const RISK_BYTES: usize = 2000;

/// By name. Without the rule if it did not read, so that a gate that names it is not said to be wrong too.
pub(super) type Rules = BTreeMap<Name, Option<Arc<ApprovalRule>>>;

pub(super) fn rules(raw: BTreeMap<String, Map<String, Value>>, faults: &mut Faults) -> Rules {
    faults.unless(raw.len() <= MOST, "/approvals", "there may be 32 rules");
    let mut rules = Rules::new();
    for (key, fields) in raw.into_iter().take(MOST) {
        let at = format!("/approvals/{}", shown(&key));
        let Ok(name) = key.parse::<Name>() else {
            faults.add(at, "the key is the rule's name: 1 to 128 characters of A-Z, a-z, 0-9 and ._:/@-");
            continue;
        };
        let rule = faults.keep(rule(&name, fields, &at));
        rule.iter().for_each(|rule| check(rule, &at, faults));
        rules.insert(name, rule.map(Arc::new));
    }
    rules
}

fn rule(name: &Name, mut fields: Map<String, Value>, at: &str) -> Result<ApprovalRule, Fault> {
    if fields.insert("id".to_owned(), name.as_str().into()).is_some() {
        return Err(Fault {
            at: format!("{at}/id"),
            hint: "leave it out: the key is the rule's name".to_owned(),
        });
    }
    typed(Value::Object(fields), at)
}

fn check(rule: &ApprovalRule, at: &str, faults: &mut Faults) {
    let mut must = |holds: bool, field: &str, hint: &str| faults.unless(holds, format!("{at}/{field}"), hint);
    must(
        (1..=QUORUMS).contains(&rule.quorum.len()),
        "quorum",
        "name 1 to 16 groups of people who must agree",
    );
    for (n, one) in rule.quorum.iter().enumerate() {
        must(!one.of.is_empty(), &format!("quorum/{n}/of"), "name roles, groups or users: nobody is asked");
        must(one.need >= 1, &format!("quorum/{n}/need"), "at least 1 must agree");
    }
    let needed: u32 = rule.quorum.iter().map(|one| u32::from(one.need)).sum();
    must(needed <= PEOPLE, "quorum", "at most 16 people may be needed in all");
    must(is_reachable(rule), "quorum", "fewer users are named than must agree, each of them once");
    must((1..=16).contains(&rule.deny), "deny", "1 to 16 refusals end a request");
    let expires = rule.expires_minutes;
    must(
        (1..=MINUTES).contains(&expires),
        "expires_minutes",
        "use 1 to 43200 minutes, which are thirty days",
    );
    let remind = rule.remind_minutes.is_none_or(|minutes| minutes >= 1 && minutes < expires);
    must(remind, "remind_minutes", "remind after the first minute and before the request expires");
    let escalate = rule.escalate.as_ref();
    let after = escalate.is_none_or(|one| one.after_minutes < expires);
    must(after, "escalate/after_minutes", "ask others before the request expires");
    let somebody = escalate.is_none_or(|one| !one.to.is_empty());
    must(somebody, "escalate/to", "name roles, groups or users: nobody is asked");
    let risk = (1..=RISK_BYTES).contains(&rule.risk.trim().len());
    must(
        risk && !rule.risk.chars().any(char::is_control),
        "risk",
        "say in 1 to 2000 bytes what may go wrong",
    );
}

/// Where people are named one by one there must be enough of them, unless others are asked later.
fn is_reachable(rule: &ApprovalRule) -> bool {
    let named = |one: &&Quorum| one.of.roles.is_empty() && one.of.groups.is_empty() && !one.of.is_empty();
    let quorums: Vec<_> = rule.quorum.iter().filter(named).collect();
    let enough = |quorums: &[&Quorum]| {
        let people: std::collections::BTreeSet<_> = quorums.iter().flat_map(|one| &one.of.users).collect();
        quorums.iter().map(|one| usize::from(one.need)).sum::<usize>() <= people.len()
    };
    rule.escalate.is_some() || (enough(&quorums) && quorums.iter().all(|one| enough(&[*one])))
}
