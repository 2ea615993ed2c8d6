//! Changes of an attribute with several values.

use serde_json::{Map, Value};

use super::{Step, Verb};
use crate::error::{ScimError, ScimType};
use crate::filter::{At, Filter, Literal, Op, Test};
use crate::resource::value::{self, Fields, is_primary};
use crate::schema::{Attribute, fold, is_assigned};

pub(super) fn changed(step: &Step, old: Vec<Value>) -> Result<Vec<Value>, ScimError> {
    let attribute = step.target.place.attribute;
    let chosen = step.target.filter.is_some() || step.target.place.sub.is_some();
    match (step.verb, &step.value) {
        (Verb::Remove, None) if chosen => Ok(without_chosen(step, old)),
        (Verb::Remove, None) => Ok(Vec::new()),
        (Verb::Remove, Some(listed)) => without_listed(attribute, old, listed),
        (_, Some(new)) if chosen => {
            let (list, touched) = in_chosen(step, old, new)?;
            settled(attribute, list, &touched)
        }
        (Verb::Add, Some(new)) => {
            let (list, touched) = joined(old, value::list(attribute, new)?);
            settled(attribute, list, &touched)
        }
        (Verb::Replace, Some(new)) => value::list(attribute, new),
        (Verb::Add | Verb::Replace, None) => Ok(old),
    }
}

fn is_chosen(step: &Step, element: &Value) -> bool {
    step.target.filter.as_ref().is_none_or(|filter| filter.matches(element))
}

/// Nothing to remove is a success.
fn without_chosen(step: &Step, old: Vec<Value>) -> Vec<Value> {
    let kept = old.into_iter().filter_map(|mut element| {
        if !is_chosen(step, &element) {
            return Some(element);
        }
        let sub = step.target.place.sub?;
        element.as_object_mut()?.shift_remove(sub.name);
        Some(element).filter(is_assigned)
    });
    kept.collect()
}

/// Only what the list describes: an element goes when all that is said of it is so.
fn without_listed(attribute: &Attribute, old: Vec<Value>, listed: &Value) -> Result<Vec<Value>, ScimError> {
    let listed = value::list(attribute, listed)?;
    let is_listed = |element: &Value| listed.iter().any(|one| describes(attribute, one, element));
    Ok(old.into_iter().filter(|element| !is_listed(element)).collect())
}

fn describes(attribute: &Attribute, said: &Value, element: &Value) -> bool {
    let same = |(name, said): (&String, &Value)| match (said, element.get(name)) {
        (Value::String(said), Some(Value::String(is))) => {
            let exact = attribute.sub(name).is_none_or(|sub| sub.case_exact);
            if exact { said == is } else { fold(said) == fold(is) }
        }
        (said, is) => is == Some(said),
    };
    said.as_object().is_some_and(|said| said.iter().all(same))
}

/// Which elements a step wrote, by their place in the list.
type Touched = Vec<usize>;

/// New elements behind the old; one of the same `value` and `type` is written over, so that none stands twice.
fn joined(mut list: Vec<Value>, new: Vec<Value>) -> (Vec<Value>, Touched) {
    let mut touched = Vec::new();
    for element in new {
        let named = element.get("value").is_some();
        let same =
            |old: &Value| named && ["value", "type"].iter().all(|key| old.get(key) == element.get(key));
        let at = list.iter().position(|old| *old == element).or_else(|| list.iter().position(same));
        let at = at.unwrap_or(list.len());
        match (list.get_mut(at).and_then(Value::as_object_mut), element) {
            (Some(old), Value::Object(new)) => old.extend(new),
            (_, element) => list.push(element),
        }
        touched.push(at);
    }
    (list, touched)
}

fn in_chosen(step: &Step, mut list: Vec<Value>, new: &Value) -> Result<(Vec<Value>, Touched), ScimError> {
    let target = &step.target;
    let said: Fields = match target.place.sub {
        Some(sub) => vec![(sub, value::simple(sub, new)?)],
        None => value::fields(target.place.attribute, new)?,
    };
    let mut touched: Touched =
        list.iter().enumerate().filter(|(_, one)| is_chosen(step, one)).map(|(at, _)| at).collect();
    if touched.is_empty() {
        let element = described(step)?;
        // What is cleared and is not there stays so.
        if said.iter().any(|(_, value)| value.is_some()) {
            touched.push(list.len());
            list.push(Value::Object(element));
        }
    }
    for at in &touched {
        let Some(element) = list.get_mut(*at).and_then(Value::as_object_mut) else { continue };
        if target.place.sub.is_none() && step.verb == Verb::Replace {
            element.clear();
        }
        value::merge(element, said.clone());
    }
    Ok((list, touched))
}

/// Without what is empty now or stands twice.
fn tidied(list: Vec<Value>, touched: &[usize]) -> (Vec<Value>, Touched) {
    let mut kept: Vec<Value> = Vec::with_capacity(list.len());
    let mut written = Vec::new();
    for (at, element) in list.into_iter().enumerate() {
        if !is_assigned(&element) || kept.contains(&element) {
            continue;
        }
        if touched.contains(&at) {
            written.push(kept.len());
        }
        kept.push(element);
    }
    (kept, written)
}

/// The element that a change makes when nothing fulfils the filter: what the filter says that it equals. `replace` makes none
/// (RFC 7644, section 3.5.2.3), but for what Entra writes of an attribute that has no value yet: a part of the element of a
/// `type`. To refuse it would refuse all that stands beside it.
fn described(step: &Step) -> Result<Map<String, Value>, ScimError> {
    let mut element = Map::new();
    let equal = step.target.filter.as_ref().is_some_and(|filter| equalities(filter, &mut element));
    if equal && (step.verb == Verb::Add || is_part_of_a_kind(step, &element)) {
        return Ok(element);
    }
    let detail =
        format!("no value of `{}` is chosen by the path: add one first", step.target.place.attribute.name);
    Err(ScimError::bad(ScimType::NoTarget, detail))
}

fn is_part_of_a_kind(step: &Step, element: &Map<String, Value>) -> bool {
    let says = |name: &str| matches!(name, "type" | "primary");
    element.keys().all(|name| says(name)) && step.target.place.sub.is_some_and(|sub| !says(sub.name))
}

/// Whether the filter is nothing but equalities that do not contradict one another; they are written down.
fn equalities(filter: &Filter, element: &mut Map<String, Value>) -> bool {
    match filter {
        Filter::All(all) => all.iter().all(|one| equalities(one, element)),
        Filter::Test(Test { at: At::Sub(sub), op: Op::Eq, value }) if !sub.is_read_only() => {
            let value = match value {
                Literal::Text(text) => value::simple(sub, &text.as_str().into()).ok().flatten(),
                Literal::Flag(flag) => Some(Value::Bool(*flag)),
                Literal::Null | Literal::Time(_) => None,
            };
            value.is_some_and(|value| element.insert(sub.name.to_owned(), value).is_none())
        }
        _ => false,
    }
}

/// What was just written as primary is the only one, and nothing stands twice.
fn settled(attribute: &Attribute, list: Vec<Value>, touched: &[usize]) -> Result<Vec<Value>, ScimError> {
    let (mut list, touched) = tidied(list, touched);
    let new = list.iter().enumerate().filter(|(at, one)| touched.contains(at) && is_primary(one)).count();
    if new > 1 {
        return Err(value::invalid(attribute, "has more than one primary value"));
    }
    if new == 1 {
        for (at, element) in list.iter_mut().enumerate().filter(|(_, one)| is_primary(one)) {
            if let (false, Some(map)) = (touched.contains(&at), element.as_object_mut()) {
                map.insert("primary".to_owned(), Value::Bool(false));
            }
        }
    }
    Ok(tidied(list, &touched).0)
}
