//! Condition and update expressions, as far as SCIM's writes use them. What DynamoDB would call invalid panics.

use tables::gates::Write;
use tables::{Attr, Item, Key};

/// The row afterwards, or `None`: the condition did not hold.
pub fn evaluate(write: &Write, before: Option<&Item>) -> Option<Item> {
    let condition = write.condition.as_deref();
    if !condition.is_none_or(|text| text.split(" AND ").all(|atom| holds(write, atom, before))) {
        return None;
    }
    let mut after = before.cloned().unwrap_or_default();
    let (set, remove) = match write.update.split_once("REMOVE ") {
        Some((set, remove)) => (set.trim(), Some(remove)),
        None => (&*write.update, None),
    };
    for clause in set.strip_prefix("SET ").map(|text| split(text, ", ")).unwrap_or_default() {
        let (path, value) = clause.split_once(" = ").unwrap_or_else(|| panic!("no assignment: {clause}"));
        let value = valued(write, value, before).unwrap_or_else(|| panic!("no value: {clause} of {write:?}"));
        after.insert(named(write, path), value);
    }
    for path in remove.map(|text| split(text, ", ")).unwrap_or_default() {
        after.remove(&named(write, &path));
    }
    Some(after)
}

fn holds(write: &Write, atom: &str, item: Option<&Item>) -> bool {
    let inside = |word: &str| atom.strip_prefix(word).and_then(|text| text.strip_suffix(')'));
    if let Some(path) = inside("attribute_exists(") {
        return attribute(write, path, item).is_some();
    }
    if let Some(path) = inside("attribute_not_exists(") {
        return attribute(write, path, item).is_none();
    }
    let words: Vec<&str> = atom.split(' ').collect();
    let [left, operator, right] = words.as_slice() else { panic!("{atom}") };
    let (Some(left), Some(right)) = (term(write, left, item), term(write, right, item)) else { return false };
    match *operator {
        "=" => left == right,
        ">=" => number(&left) >= number(&right),
        other => panic!("{other}"),
    }
}

fn valued(write: &Write, text: &str, item: Option<&Item>) -> Option<Attr> {
    match split(text, " ").as_slice() {
        [one] => term(write, one, item),
        [one, operator, other] => {
            let (one, other) = (number(&term(write, one, item)?), number(&term(write, other, item)?));
            Some(Attr::number(if operator == "+" { one + other } else { one.checked_sub(other)? }))
        }
        other => panic!("{other:?}"),
    }
}

fn term(write: &Write, text: &str, item: Option<&Item>) -> Option<Attr> {
    if text.starts_with(':') {
        return write.values.iter().find(|(name, _)| name == text).map(|(_, value)| value.clone());
    }
    if let Some(inner) = text.strip_prefix("if_not_exists(").and_then(|text| text.strip_suffix(')')) {
        let (path, other) = inner.split_once(", ")?;
        return attribute(write, path, item).or_else(|| term(write, other, item));
    }
    attribute(write, text, item)
}

fn attribute(write: &Write, path: &str, item: Option<&Item>) -> Option<Attr> {
    item?.get(&named(write, path)).cloned()
}

fn named(write: &Write, part: &str) -> String {
    let known = write.names.iter().find(|(name, _)| name == part).map(|(_, name)| name.clone());
    known.unwrap_or_else(|| part.to_owned())
}

/// At what stands in no parenthesis.
fn split(text: &str, at: &str) -> Vec<String> {
    let (mut depth, mut parts, mut part) = (0, Vec::new(), String::new());
    let mut rest = text.chars();
    loop {
        if let Some(after) = rest.as_str().strip_prefix(at).filter(|_| depth == 0) {
            parts.push(std::mem::take(&mut part));
            rest = after.chars();
            continue;
        }
        let Some(c) = rest.next() else { break };
        depth += i32::from(c == '(') - i32::from(c == ')');
        part.push(c);
    }
    parts.push(part);
    parts
}

fn number(attr: &Attr) -> u64 {
    match attr {
        Attr::N(text) => text.parse().unwrap_or_else(|_| panic!("no number: {text}")),
        other => panic!("no number: {other:?}"),
    }
}

/// In bytes, as DynamoDB counts a row: names and values, a byte for each element and three for each list or map (developer
/// guide, "DynamoDB item sizes and formats").
pub fn size(key: &Key, item: &Item) -> u64 {
    fn value(attr: &Attr) -> usize {
        match attr {
            Attr::S(text) => text.len(),
            Attr::N(text) => text.len().div_ceil(2) + 1,
            Attr::B(bytes) => bytes.len(),
            Attr::Bool(_) => 1,
            Attr::M(map) => 3 + map.iter().map(|(name, one)| name.len() + value(one) + 1).sum::<usize>(),
            Attr::L(list) => 3 + list.iter().map(|one| value(one) + 1).sum::<usize>(),
        }
    }
    let keys = "pk".len() + key.pk.len() + "sk".len() + key.sk.len();
    let others = item.iter().filter(|(name, _)| !matches!(name.as_str(), "pk" | "sk"));
    (keys + others.map(|(name, one)| name.len() + value(one)).sum::<usize>()) as u64
}
