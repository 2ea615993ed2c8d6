//! The tenant's own Cedar: read and checked when it is written, asked about every action.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cedar_policy::{Authorizer, Effect, Entities, Policy, PolicyId, PolicySet, Request, Response};
use domain::{AgentId, ApprovalRule, Code, Name, Timestamp};
use serde_json::Value;

use super::approval::Rules;
use super::context::{NAMES, entities, request};
use super::decide::{Asking, Found};
use super::fault::{Faults, shown};

const MAX_BYTES: usize = 16 << 10;
const MOST: usize = 64;
/// In one policy. Those who read Cedar take some kilobytes of the stack for each.
const STEPS: usize = 128;
const DEPTH: usize = 16;
const AT: &str = "/cedar";

/// Two sets, because Cedar says which policies permit only where none forbids.
#[derive(Debug, Default)]
pub(super) struct Own {
    permits: PolicySet,
    forbids: PolicySet,
    pub policies: BTreeMap<Name, Written>,
}

/// A policy of the tenant's.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Written {
    pub permits: bool,
    pub approval: Option<Arc<ApprovalRule>>,
    /// In Cedar's own form, whatever its spaces and comments are.
    pub form: Value,
}

impl Own {
    pub fn read(text: &str, rules: &Rules, taken: &mut BTreeSet<Name>, faults: &mut Faults) -> Self {
        let mut own = Self::default();
        if let Err(hint) = fits(text) {
            faults.add(AT, hint);
            return own;
        }
        let Ok(set) = text.parse::<PolicySet>() else {
            faults.add(AT, "this is no Cedar: try it with `cedar check-parse`");
            return own;
        };
        faults.unless(
            set.num_of_templates() == 0,
            AT,
            "`?principal` and `?resource` are filled by nobody here",
        );
        faults.unless(set.num_of_policies() <= MOST, AT, "there may be 64 policies");
        for policy in set.policies().take(MOST) {
            if let Err(hint) = own.add(policy, rules, taken) {
                let name = policy.annotation("id").map_or("?", shown);
                faults.add(AT, format!("policy `{name}`: {hint}"));
            }
        }
        own
    }

    fn add(&mut self, policy: &Policy, rules: &Rules, taken: &mut BTreeSet<Name>) -> Result<(), String> {
        let id = policy.annotation("id").ok_or("give it an id of its own, such as @id(\"my-policy\")")?;
        let id: Name = id.parse().map_err(|_| "an @id is 1 to 128 characters of A-Z, a-z, 0-9 and ._:/@-")?;
        if let Some((other, _)) = policy.annotations().find(|(key, _)| !["id", "approval"].contains(key)) {
            return Err(format!("@{} is not known: use @id and @approval", shown(other)));
        }
        let permits = policy.effect() == Effect::Permit;
        let approval = match policy.annotation("approval") {
            Some(_) if permits => return Err("only what forbids can wait for an @approval".to_owned()),
            Some(name) => named(name, rules)?,
            None => None,
        };
        let form = policy.to_json().map_err(|_| "it has no form in JSON")?;
        known_words(&form)?;
        if !taken.insert(id.clone()) {
            return Err("its @id is that of another policy or gate".to_owned());
        }
        let set = if permits { &mut self.permits } else { &mut self.forbids };
        set.add(policy.new_id(PolicyId::new(id.as_str()))).map_err(|_| "its @id is that of another")?;
        self.policies.insert(id, Written { permits, approval, form });
        Ok(())
    }

    /// What it makes of the action. Where one policy fails, the others are no help: Cedar would pass over it.
    pub fn ask(&self, ask: &Asking<'_>, now: Timestamp, found: &mut Found) {
        if self.policies.is_empty() {
            return;
        }
        let (Ok(request), Ok(entities)) = (request(ask, now), entities(ask)) else {
            found.failed.extend(self.policies.keys().cloned());
            return;
        };
        let permitting = self.satisfied(&self.permits, &request, &entities, found);
        found.allowed |= !permitting.is_empty();
        for id in self.satisfied(&self.forbids, &request, &entities, found) {
            let approval = self.policies.get(&id).and_then(|policy| policy.approval.clone());
            found.stop(id, approval);
        }
    }

    fn satisfied(
        &self,
        set: &PolicySet,
        request: &Request,
        entities: &Entities,
        found: &mut Found,
    ) -> Vec<Name> {
        let response: Response = Authorizer::new().is_authorized(request, set, entities);
        let name = |id: &PolicyId| AsRef::<str>::as_ref(id).parse::<Name>().ok();
        let failed = response
            .diagnostics()
            .errors()
            .map(|cedar_policy::AuthorizationError::PolicyEvaluationError(error)| name(error.policy_id()));
        for id in failed {
            // Whichever it was: one that has no name stands for all of them.
            found.failed.extend(id.map_or_else(|| self.policies.keys().cloned().collect(), |id| vec![id]));
        }
        response.diagnostics().reason().filter_map(name).collect()
    }
}

/// Where in a text of Cedar one is.
#[derive(Clone, Copy, PartialEq)]
enum Within {
    Code,
    /// A text in quotes.
    Quoted,
    Escaped,
    Comment,
}

impl Within {
    const fn then(self, before: u8, byte: u8) -> Self {
        match (self, byte) {
            (Self::Code, b'"') | (Self::Escaped, _) => Self::Quoted,
            (Self::Code, b'/') if before == b'/' => Self::Comment,
            (Self::Quoted, b'\\') => Self::Escaped,
            (Self::Quoted, b'"') | (Self::Comment, b'\n' | b'\r') => Self::Code,
            (same, _) => same,
        }
    }
}

/// A condition goes one step deeper with each bracket, operator and `if`, and what reads it goes along: they are counted
/// before it does.
fn fits(text: &str) -> Result<(), &'static str> {
    if text.len() > MAX_BYTES {
        return Err("the text may have 16384 bytes");
    }
    let (mut within, mut before, mut steps, mut depth) = (Within::Code, b' ', 0_usize, 0_usize);
    for byte in text.bytes() {
        within = within.then(before, byte);
        if within == Within::Code {
            let step = b"([{.!-+*&|".contains(&byte) || (before, byte) == (b'i', b'f');
            steps = if byte == b';' { 0 } else { steps + usize::from(step) };
            depth += usize::from(b"([{".contains(&byte));
            depth = depth.saturating_sub(usize::from(b")]}".contains(&byte)));
        }
        if steps > STEPS || depth > DEPTH {
            return Err(
                "a policy may have 128 brackets, operators and points, and brackets 16 deep: make two of it",
            );
        }
        before = byte;
    }
    Ok(())
}

fn named(name: &str, rules: &Rules) -> Result<Option<Arc<ApprovalRule>>, String> {
    let rule = name.parse().ok().and_then(|name: Name| rules.get(&name));
    rule.cloned().ok_or_else(|| format!("@approval names `{}`, which is not in `approvals`", shown(name)))
}

/// Cedar takes any word for a name, and a mistyped one would never be there: entities and what the context has are checked.
fn known_words(form: &Value) -> Result<(), String> {
    let mut open = vec![form];
    while let Some(value) = open.pop() {
        match value {
            Value::Object(fields) => {
                let word = |key: &str| fields.get(key).and_then(Value::as_str);
                if let (Some(kind), Some(id)) = (word("type"), word("id")) {
                    known_entity(kind, id)?;
                }
                word("entity_type").map_or(Ok(()), known_kind)?;
                [".", "has"].iter().filter_map(|key| fields.get(*key)).try_for_each(known_attribute)?;
                open.extend(fields.values());
            }
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
    Ok(())
}

fn known_kind(kind: &str) -> Result<(), String> {
    let known = ["Agent", "Team", "Tool", "Action"].contains(&kind);
    if known {
        Ok(())
    } else {
        Err(format!("there is no `{}`: use Agent, Team, Tool and Action", shown(kind)))
    }
}

fn known_entity(kind: &str, id: &str) -> Result<(), String> {
    known_kind(kind)?;
    let (known, form) = match kind {
        "Agent" => (id.parse::<AgentId>().is_ok(), "Agent::\"agt_...\""),
        "Team" => (id.parse::<Code>().is_ok(), "the id of a team"),
        "Tool" => (id.parse::<Name>().is_ok(), "the name of a tool"),
        _ => (id == "call", "Action::\"call\", the only one"),
    };
    if known { Ok(()) } else { Err(format!("{kind} `{}` cannot be: use {form}", shown(id))) }
}

fn known_attribute(access: &Value) -> Result<(), String> {
    let of = access.pointer("/left/Var").and_then(Value::as_str);
    // Of `context has arguments.amount` it is a list.
    let attribute = access.get("attr").and_then(|attr| attr.as_str().or_else(|| attr.get(0)?.as_str()));
    let Some((of, attribute)) = of.zip(attribute) else { return Ok(()) };
    match of {
        "context" if NAMES.contains(&attribute) => Ok(()),
        "context" => Err(format!("there is no context.{}: use {}", shown(attribute), NAMES.join(", "))),
        _ => Err(format!("there is no {of}.{}: agents and tools have ids alone", shown(attribute))),
    }
}
