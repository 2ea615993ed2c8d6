//! What a gate of each template was told by the tenant, and what it finds in an action. What cannot be read beyond doubt is
//! no fact.

use std::collections::BTreeSet;

use cedar_policy::RestrictedExpression;
use domain::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::decide::Asking;
use super::document::typed;
use super::fault::Fault;
use super::hours::Hours;
use super::mail::{Domain, DomainPattern, domains};
use super::path::{PathPattern, Plain};
use super::quantity::{Amount, Count};
use super::template::{Template, Terms, text, texts};

const MOST: usize = 64;
const POINTERS: usize = 16;

/// A place in the arguments: a JSON pointer (RFC 6901).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Pointer(String);

impl Pointer {
    fn find<'a>(&self, ask: &Asking<'a>) -> Option<&'a Value> {
        ask.arguments.pointer(&self.0)
    }
}

impl TryFrom<String> for Pointer {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let escapes = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
        let fits = text.starts_with('/') && text.len() <= 256 && escapes;
        if fits { Ok(Self(text)) } else { Err("use a JSON pointer into the arguments, such as /amount") }
    }
}

/// A currency of ISO 4217.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Currency(String);

impl TryFrom<String> for Currency {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let code = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase());
        if code { Ok(Self(text)) } else { Err("use a code of ISO 4217, such as EUR") }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Payments {
    pub amount: Pointer,
    pub over: Amount,
    pub currency: Option<Pointer>,
    pub currencies: Option<BTreeSet<Currency>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Targets {
    pub targets: BTreeSet<PathPattern>,
    /// Where the arguments have it. Without them it is the target that the agent says.
    #[serde(default)]
    pub paths: BTreeSet<Pointer>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mail {
    pub recipients: BTreeSet<Pointer>,
    pub domains: BTreeSet<DomainPattern>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Export {
    pub rows: Pointer,
    pub over: Count,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// What a gate watches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Risk {
    Payments(Payments),
    Deletion(Targets),
    ExternalEmail(Mail),
    Production(Targets),
    DataExport(Export),
    OutsideHours(Hours),
    Any,
}

impl Risk {
    /// The parameters of a gate that stands at `at`, and nothing beside them.
    pub fn read(template: Template, params: Map<String, Value>, at: &str) -> Result<Self, Fault> {
        let params = Value::Object(params);
        let risk = match template {
            Template::Payments => Self::Payments(typed(params, at)?),
            Template::Deletion => Self::Deletion(typed(params, at)?),
            Template::ExternalEmail => Self::ExternalEmail(typed(params, at)?),
            Template::Production => Self::Production(typed(params, at)?),
            Template::DataExport => Self::DataExport(typed(params, at)?),
            Template::OutsideHours => Self::OutsideHours(typed(params, at)?),
            Template::Any => typed(params, at).map(|Nothing {}| Self::Any)?,
        };
        match risk.unsound() {
            None => Ok(risk),
            Some((field, hint)) => Err(Fault { at: format!("{at}/{field}"), hint: hint.to_owned() }),
        }
    }

    pub const fn template(&self) -> Template {
        match self {
            Self::Payments(_) => Template::Payments,
            Self::Deletion(_) => Template::Deletion,
            Self::ExternalEmail(_) => Template::ExternalEmail,
            Self::Production(_) => Template::Production,
            Self::DataExport(_) => Template::DataExport,
            Self::OutsideHours(_) => Template::OutsideHours,
            Self::Any => Template::Any,
        }
    }

    /// What is wrong with fields that are right one by one.
    fn unsound(&self) -> Option<(&'static str, &'static str)> {
        let some = |count: usize, most: usize| (1..=most).contains(&count);
        let (field, sound, hint) = match self {
            Self::Payments(one) => {
                let both = one.currency.is_some() == one.currencies.is_some();
                let fits = one.currencies.as_ref().is_none_or(|all| some(all.len(), MOST));
                (
                    "currencies",
                    both && fits,
                    "say where the currency stands (`currency`) and which may pass, 1 to 64",
                )
            }
            Self::Deletion(one) | Self::Production(one) => {
                let fits = some(one.targets.len(), MOST) && one.paths.len() <= POINTERS;
                ("targets", fits, "name 1 to 64 targets, `*` for all of them, and at most 16 `paths`")
            }
            Self::ExternalEmail(one) if one.domains.len() > MOST => {
                ("domains", false, "name at most 64 domains")
            }
            Self::ExternalEmail(one) => (
                "recipients",
                some(one.recipients.len(), POINTERS),
                "say where recipients stand: 1 to 16 pointers",
            ),
            Self::OutsideHours(one) if one.days.is_empty() => {
                ("days", false, "name days: for none of them take the template `any`")
            }
            Self::OutsideHours(one) => {
                let [from, until] = one.hours;
                ("hours", from < until, "begin before the end, on the same day: [\"08:00\", \"18:00\"]")
            }
            Self::DataExport(_) | Self::Any => ("", true, ""),
        };
        (!sound).then_some((field, hint))
    }

    /// What the template is told of this gate and this action.
    pub fn terms(&self, ask: &Asking<'_>, now: Timestamp) -> Terms {
        match self {
            Self::Payments(one) => one.terms(ask),
            Self::Deletion(one) | Self::Production(one) => one.terms(ask),
            Self::ExternalEmail(one) => one.terms(ask),
            Self::DataExport(one) => one.terms(ask),
            Self::OutsideHours(one) => one.terms(now),
            Self::Any => Terms::default(),
        }
    }
}

pub(super) fn long(value: i64) -> RestrictedExpression {
    RestrictedExpression::new_long(value)
}

fn decimal(value: Amount) -> RestrictedExpression {
    RestrictedExpression::new_decimal(value.to_string())
}

impl Payments {
    fn terms(&self, ask: &Asking<'_>) -> Terms {
        let amount = self.amount.find(ask).and_then(Amount::of);
        let currency = self.currency.as_ref().and_then(|at| at.find(ask)).and_then(Value::as_str);
        let fact = [amount.map(|one| ("amount", decimal(one))), currency.map(|one| ("currency", text(one)))];
        let currencies = self.currencies.as_ref();
        let currencies = currencies.map(|all| ("currencies", texts(all.iter().map(|one| &one.0))));
        let limit = [Some(("over", decimal(self.over))), currencies];
        Terms { fact: fact.into_iter().flatten().collect(), limit: limit.into_iter().flatten().collect() }
    }
}

impl Targets {
    fn terms(&self, ask: &Asking<'_>) -> Terms {
        let covered = self.touched(ask).map(|paths| {
            let patterns = self.targets.iter().filter(|one| paths.iter().any(|path| one.covers(path)));
            ("covered_by", texts(patterns))
        });
        Terms { fact: covered.into_iter().collect(), limit: vec![("targets", texts(&self.targets))] }
    }

    fn touched(&self, ask: &Asking<'_>) -> Option<Vec<Plain>> {
        if self.paths.is_empty() {
            return Some(vec![Plain::parse(ask.target?)?]);
        }
        let found = self.paths.iter().map(|at| Plain::all(at.find(ask)?));
        Some(found.collect::<Option<Vec<_>>>()?.concat())
    }
}

impl Mail {
    fn terms(&self, ask: &Asking<'_>) -> Terms {
        let told = |domain: &Domain| {
            let covering = self.domains.iter().find(|one| one.has(domain));
            covering.map_or_else(|| domain.as_str().to_owned(), ToString::to_string)
        };
        let fact = self.recipients_of(ask).map(|all| ("domains", texts(all.iter().map(told))));
        Terms { fact: fact.into_iter().collect(), limit: vec![("domains", texts(&self.domains))] }
    }

    /// A place may be empty, such as `/cc`; all of them may not.
    fn recipients_of(&self, ask: &Asking<'_>) -> Option<Vec<Domain>> {
        let found = self.recipients.iter().filter_map(|at| at.find(ask)).map(domains);
        let all = found.collect::<Option<Vec<_>>>()?.concat();
        (!all.is_empty()).then_some(all)
    }
}

impl Export {
    fn terms(&self, ask: &Asking<'_>) -> Terms {
        let rows = self.rows.find(ask).and_then(Count::of);
        let fact = rows.map(|one| ("rows", long(one.get())));
        Terms { fact: fact.into_iter().collect(), limit: vec![("over", long(self.over.get()))] }
    }
}
