//! Which rule holds for a kind, and whose word it is.

use super::document::{Raw, TypeRule};
use super::{Action, Direction, KNOWN_ADDRESS, KNOWN_PERSON, Rule};
use std::collections::BTreeMap;

pub(crate) const THRESHOLD: f32 = 0.5;

/// A kind, by the names under which documents speak of it, the most specific first.
pub(crate) struct Kind<'a> {
    pub(crate) chain: [&'a str; 4],
    /// What is done when nobody says anything.
    default: Action,
}

impl<'a> Kind<'a> {
    /// People and addresses are guessed from context: off unless somebody asks for them.
    pub(crate) fn detector(id: &'a str, group: &'a str) -> Self {
        let guessed = group == "person" || id == "address";
        let default = if guessed { Action::Allow } else { Action::Redact };
        Self { chain: [id, id, group, "*"], default }
    }

    /// Names that somebody listed. Who lists them wants them out.
    pub(crate) const fn known_person() -> Kind<'static> {
        Kind { chain: [KNOWN_PERSON, "person", "person", "*"], default: Action::Redact }
    }

    pub(crate) const fn known_address() -> Kind<'static> {
        Kind { chain: [KNOWN_ADDRESS, "address", "person", "*"], default: Action::Redact }
    }
}

/// The entry of the most specific name.
pub(crate) fn pick<'r, R>(types: &'r BTreeMap<String, R>, chain: &[&str]) -> Option<(&'r str, &'r R)> {
    chain.iter().find_map(|name| types.get_key_value(*name)).map(|(name, rule)| (name.as_str(), rule))
}

/// Whose document an entry stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layer {
    Tenant,
    Agent,
}

impl Layer {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::Agent => "agent",
        }
    }
}

/// The tenant's document with the agent's over it, and the floor below both. What the agent's says of a kind by any name goes before
/// all that the tenant's says: else what is written into the one would change what the other lets through.
pub(crate) struct Layers<'a> {
    pub(crate) floor: Option<&'a Raw>,
    pub(crate) tenant: Option<&'a Raw>,
    pub(crate) agent: Option<&'a Raw>,
}

/// A rule, and where it comes from.
pub(crate) struct Resolved {
    pub(crate) rule: Rule,
    /// Whether the floor says anything above `allow` about this kind.
    pub(crate) covered: bool,
    pub(crate) origin: String,
}

const OFF: Rule = Rule { action: Action::Allow, threshold: THRESHOLD, in_request: false, in_answer: false };

impl<'a> Layers<'a> {
    pub(crate) const fn new(floor: Option<&'a Raw>, tenant: Option<&'a Raw>, agent: Option<&'a Raw>) -> Self {
        Self { floor, tenant, agent }
    }

    /// The entry that decides on a kind, below the floor.
    fn entry(&self, chain: &[&str]) -> Option<(Layer, &'a str, &'a TypeRule)> {
        let of = |layer, raw: Option<&'a Raw>| {
            let (name, rule) = pick(&raw?.types, chain)?;
            Some((layer, name, rule))
        };
        of(Layer::Agent, self.agent).or_else(|| of(Layer::Tenant, self.tenant))
    }

    /// What the agent's document says of a key, or else the tenant's.
    pub(crate) fn own<T>(&self, key: impl Fn(&'a Raw) -> Option<T>) -> Option<T> {
        self.agent.and_then(&key).or_else(|| self.tenant.and_then(&key))
    }

    /// Whether the tenant's own rules reach answers. The floor's `true` stands above it.
    pub(crate) fn own_answers(&self) -> Option<bool> {
        let floor = self.floor.and_then(|floor| floor.answers).filter(|answers| *answers);
        floor.or_else(|| self.own(|raw| raw.answers))
    }

    pub(crate) fn floor_answers(&self) -> Option<bool> {
        self.floor.and_then(|floor| floor.answers)
    }

    /// The rule of a kind; `listed_by_floor` when it is the floor itself that lists what to look for.
    pub(crate) fn resolve(&self, kind: &Kind<'_>, listed_by_floor: bool) -> Resolved {
        let (own, said) = match self.entry(&kind.chain) {
            Some((layer, name, entry)) => {
                let rule = normal(entry.action, entry.direction, entry.threshold, self.own_answers());
                (rule, format!("{} types.{name}", layer.as_str()))
            }
            // Of the floor's own lists the floor alone says what nobody else does.
            None if listed_by_floor => (OFF, String::new()),
            None => (normal(kind.default, None, None, self.own_answers()), "default".to_owned()),
        };
        let entry = self.floor.and_then(|floor| pick(&floor.types, &kind.chain));
        let (floor, origin) = match entry {
            Some((name, entry)) => {
                let rule = normal(entry.action, entry.direction, entry.threshold, self.floor_answers());
                (rule, format!("floor types.{name}"))
            }
            None if listed_by_floor => {
                (normal(kind.default, None, None, self.floor_answers()), "default".to_owned())
            }
            None => {
                let answers = self.floor_answers() == Some(true) && own.action > Action::Allow;
                let rule = Rule { in_answer: own.in_answer || answers, ..own };
                return Resolved { rule, covered: false, origin: said };
            }
        };
        let rule = join(own, floor);
        let origin = match (rule == own, rule == floor) {
            (true, _) if !said.is_empty() => said,
            (_, true) => origin,
            (_, false) => format!("{said} and {origin}"),
        };
        Resolved { rule, covered: floor.action > Action::Allow, origin }
    }
}

/// A rule as it is compared: what does nothing is off in both directions.
pub(crate) fn normal(
    action: Action,
    direction: Option<Direction>,
    threshold: Option<f32>,
    answers: Option<bool>,
) -> Rule {
    let unsaid = if answers == Some(true) { Direction::Both } else { Direction::Request };
    let direction = direction.unwrap_or(unsaid);
    let in_request = direction.has_request();
    let in_answer = direction.has_answer() && answers != Some(false);
    if action == Action::Allow || !(in_request || in_answer) {
        return OFF;
    }
    Rule { action, threshold: threshold.unwrap_or(THRESHOLD), in_request, in_answer }
}

/// The least that satisfies both.
pub(crate) fn join(own: Rule, floor: Rule) -> Rule {
    match (own.action, floor.action) {
        (_, Action::Allow) => own,
        (Action::Allow, _) => floor,
        _ => Rule {
            action: own.action.max(floor.action),
            threshold: own.threshold.min(floor.threshold),
            in_request: own.in_request || floor.in_request,
            in_answer: own.in_answer || floor.in_answer,
        },
    }
}
