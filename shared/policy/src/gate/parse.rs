//! The document, compiled once.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use domain::{ApprovalRule, Name};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::approval::{Rules, rules};
use super::document::{read, typed};
use super::fault::{Fault, Faults, shown};
use super::own::Own;
use super::risk::Risk;
use super::template::Template;
use crate::gate_names::{Answers, ToolPattern};

const GATES: usize = 64;
const PATTERNS: usize = 64;

/// A tenant's gate document, ready to decide. Shows nothing of itself but counts.
pub struct Gate {
    pub(super) allow: Vec<ToolPattern>,
    pub(super) stops: Vec<Stop>,
    pub(super) own: Own,
    pub(super) answers: Answers,
}

/// One gate of the document.
pub(super) struct Stop {
    pub id: Name,
    pub tools: Vec<ToolPattern>,
    pub risk: Risk,
    /// Without one it refuses.
    pub approval: Option<Arc<ApprovalRule>>,
}

impl Gate {
    /// Reads and checks a document.
    ///
    /// # Errors
    /// What is wrong with it, each with its place. A text that has not the form of a document has one fault: the first.
    pub fn parse(text: &str) -> Result<Self, Faults> {
        let raw = read(text)?;
        let mut faults = Faults::default();
        let allow = patterns(raw.allow, "/allow", &mut faults);
        let rules = rules(raw.approvals, &mut faults);
        faults.unless(raw.gates.len() <= GATES, "/gates", "there may be 64 gates");
        let (mut stops, mut taken) = (Vec::new(), BTreeSet::new());
        for (n, fields) in raw.gates.into_iter().take(GATES).enumerate() {
            let at = format!("/gates/{n}");
            let Some(stop) = stop(fields, &at, &rules, &mut faults) else { continue };
            faults.unless(taken.insert(stop.id.clone()), format!("{at}/id"), "another gate has this id");
            stops.push(stop);
        }
        let own = raw.cedar.map(|text| Own::read(&text, &rules, &mut taken, &mut faults)).unwrap_or_default();
        faults.end()?;
        Ok(Self { allow, stops, own, answers: raw.answers })
    }

    /// What becomes of tool calls in models' answers that a gate could stop.
    pub const fn answers(&self) -> Answers {
        self.answers
    }
}

fn patterns(raw: Vec<Value>, at: &str, faults: &mut Faults) -> Vec<ToolPattern> {
    faults.unless(raw.len() <= PATTERNS, at, "there may be 64 patterns");
    let read = raw.into_iter().take(PATTERNS).enumerate();
    read.filter_map(|(n, one)| faults.keep(typed(one, &format!("{at}/{n}")))).collect()
}

/// A gate, if it reads; what is wrong with it is kept.
fn stop(mut fields: Map<String, Value>, at: &str, rules: &Rules, faults: &mut Faults) -> Option<Stop> {
    let mut part = Part { fields: &mut fields, at };
    let id = faults.keep(part.must("id", "give it an id, unique in the document"));
    let template = faults.keep(part.must::<String>("template", "say which risk it watches for"));
    let template = template.and_then(|name| faults.keep(named(&name, at)));
    let tools = faults.keep(part.must::<Vec<Value>>("tools", "name the tools: [\"*\"] for all of them"));
    let tools = tools.map(|raw| {
        faults.unless(!raw.is_empty(), format!("{at}/tools"), "name the tools: [\"*\"] for all of them");
        patterns(raw, &format!("{at}/tools"), faults)
    });
    let approval = part.consequence(rules);
    let approval = faults.keep(approval);
    let risk = template.and_then(|one| faults.keep(Risk::read(one, fields, at)));
    Some(Stop { id: id?, tools: tools?, risk: risk?, approval: approval? })
}

fn named(name: &str, at: &str) -> Result<Template, Fault> {
    Template::named(name).ok_or_else(|| {
        let known = Template::ALL.map(Template::as_str).join(", ");
        let hint = format!("there is no template `{}`: use {known}", shown(name));
        Fault { at: format!("{at}/template"), hint }
    })
}

/// The fields that every gate has are taken out; the template's own stay.
struct Part<'a> {
    fields: &'a mut Map<String, Value>,
    at: &'a str,
}

impl Part<'_> {
    fn may<T: DeserializeOwned>(&mut self, key: &str) -> Result<Option<T>, Fault> {
        let value = self.fields.shift_remove(key);
        value.map(|value| typed(value, &format!("{}/{key}", self.at))).transpose()
    }

    fn must<T: DeserializeOwned>(&mut self, key: &str, hint: &str) -> Result<T, Fault> {
        self.may(key)?.ok_or_else(|| Fault { at: format!("{}/{key}", self.at), hint: hint.to_owned() })
    }

    /// None refuses.
    fn consequence(&mut self, rules: &Rules) -> Result<Option<Arc<ApprovalRule>>, Fault> {
        let (approval, forbid) = (self.may::<String>("approval"), self.may::<bool>("forbid"));
        match (approval?, forbid?) {
            (None, Some(true)) => Ok(None),
            (Some(name), None) => {
                let rule = name.parse().ok().and_then(|name: Name| rules.get(&name));
                rule.cloned().ok_or_else(|| {
                    let hint = format!("`{}` is not in `approvals`", shown(&name));
                    Fault { at: format!("{}/approval", self.at), hint }
                })
            }
            _ => {
                let hint = "say either whose `approval` it needs or `\"forbid\": true`".to_owned();
                Err(Fault { at: self.at.to_owned(), hint })
            }
        }
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate")
            .field("allow", &self.allow.len())
            .field("gates", &self.stops.len())
            .field("policies", &self.own.policies.len())
            .finish_non_exhaustive()
    }
}
