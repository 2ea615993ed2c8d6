//! DynamoDB's condition and update expressions as far as our writes use them, for stores in memory: tests alone build this.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests of other crates use it: what DynamoDB would call invalid must end them"
)]

use std::cell::RefCell;
use std::collections::BTreeSet;

use crate::gates::Write;
use crate::{Attr, Item, Key};

/// Of DynamoDB's reserved words, those that are near (developer guide, "Reserved words in DynamoDB").
const RESERVED: [&str; 8] = ["action", "all", "by", "date", "free", "key", "name", "until"];

/// What the condition of a write demands is not so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failed;

/// In bytes, as DynamoDB counts an item: names and values, a byte for each element and three for each list or map (developer
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

struct Evaluation<'a> {
    write: &'a Write,
    seen: RefCell<BTreeSet<String>>,
}

/// The item afterwards; a deletion's is as it was. What DynamoDB would call invalid panics.
///
/// # Errors
/// The condition does not hold.
pub fn evaluate(write: &Write, before: Option<&Item>) -> Result<Item, Failed> {
    let it = Evaluation { write, seen: RefCell::default() };
    let mut item = before.cloned().unwrap_or_default();
    let holds = write.condition.as_deref().is_none_or(|text| it.condition(text, before));
    let after = it.updated(&mut item);
    let given = write.names.iter().map(|(name, _)| name).chain(write.values.iter().map(|(name, _)| name));
    assert_eq!(
        *it.seen.borrow(),
        given.map(|name| name.to_string()).collect(),
        "every name and value is used: {write:?}"
    );
    if !holds {
        return Err(Failed);
    }
    after.unwrap_or_else(|error| panic!("{error}: {write:?}"));
    Ok(item)
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

fn n(attr: &Attr) -> u64 {
    match attr {
        Attr::N(text) => text.parse().unwrap(),
        other => panic!("no number: {other:?}"),
    }
}

impl Evaluation<'_> {
    fn name(&self, part: &str) -> String {
        if !part.starts_with('#') {
            assert!(!RESERVED.contains(&part), "DynamoDB keeps the word `{part}` for itself");
            return part.to_owned();
        }
        self.seen.borrow_mut().insert(part.to_owned());
        self.write.names.iter().find(|(name, _)| name == part).unwrap_or_else(|| panic!("{part}")).1.clone()
    }

    fn get(&self, path: &str, item: Option<&Item>) -> Option<Attr> {
        let names: Vec<_> = path.split('.').map(|part| self.name(part)).collect();
        if path == "pk" {
            return item.map(|_| Attr::Bool(true));
        }
        let mut found = Attr::M(item?.clone());
        for name in names {
            let Attr::M(map) = found else { return None };
            found = map.get(&name)?.clone();
        }
        Some(found)
    }

    fn term(&self, text: &str, item: Option<&Item>) -> Option<Attr> {
        if text.starts_with(':') {
            self.seen.borrow_mut().insert(text.to_owned());
            return self.write.values.iter().find(|(name, _)| name == text).map(|(_, value)| value.clone());
        }
        if let Some(inner) = text.strip_prefix("if_not_exists(").and_then(|text| text.strip_suffix(')')) {
            let (path, other) = inner.split_once(", ").unwrap();
            let other = self.term(other, item);
            return self.get(path, item).or(other);
        }
        self.get(text, item)
    }

    fn condition(&self, text: &str, item: Option<&Item>) -> bool {
        // All of them, so that each name is seen.
        let all: Vec<bool> = split(text, " AND ").iter().map(|part| self.any(part, item)).collect();
        all.into_iter().all(|one| one)
    }

    fn any(&self, text: &str, item: Option<&Item>) -> bool {
        let text = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')).unwrap_or(text);
        let any: Vec<bool> = split(text, " OR ").iter().map(|part| self.atom(part, item)).collect();
        any.into_iter().any(|one| one)
    }

    fn atom(&self, text: &str, item: Option<&Item>) -> bool {
        let inside = |word: &str| text.strip_prefix(word).and_then(|text| text.strip_suffix(')'));
        if let Some(path) = inside("attribute_exists(") {
            return self.get(path, item).is_some();
        }
        if let Some(path) = inside("attribute_not_exists(") {
            return self.get(path, item).is_none();
        }
        let [left, operator, right] = text.split(' ').collect::<Vec<_>>().try_into().unwrap();
        let (left, right) = (self.term(left, item), self.term(right, item));
        let (Some(left), Some(right)) = (left, right) else { return false };
        match operator {
            "=" => left == right,
            "<=" => n(&left) <= n(&right),
            ">=" => n(&left) >= n(&right),
            "<" => n(&left) < n(&right),
            other => panic!("{other}"),
        }
    }

    fn updated(&self, item: &mut Item) -> Result<(), &'static str> {
        let (set, remove) = match self.write.update.split_once("REMOVE ") {
            Some((set, remove)) => (set.trim(), Some(remove)),
            None => (&*self.write.update, None),
        };
        let before = item.clone();
        let mut ended = Ok(());
        for clause in set.strip_prefix("SET ").map(|text| split(text, ", ")).unwrap_or_default() {
            let (path, value) = clause.split_once(" = ").unwrap();
            let words: Vec<String> = split(value, " ");
            let value = match &*words {
                [one] => self.term(one, Some(&before)),
                [one, operator, other] => {
                    let (one, other) = (self.term(one, Some(&before)), self.term(other, Some(&before)));
                    let sum = one.zip(other).map(|(one, other)| match operator.as_str() {
                        "+" => Some(n(&one) + n(&other)),
                        "-" => n(&one).checked_sub(n(&other)),
                        other => panic!("{other}"),
                    });
                    sum.flatten().map(Attr::number)
                }
                other => panic!("{other:?}"),
            };
            match (value, self.parent(path, item)) {
                (Some(value), Some((map, name))) => drop(map.insert(name, value)),
                _ => ended = Err("invalid document path or operand"),
            }
        }
        for path in remove.map(|text| split(text, ", ")).unwrap_or_default() {
            match self.parent(&path, item) {
                Some((map, name)) => drop(map.remove(&name)),
                None => ended = Err("invalid document path"),
            }
        }
        ended
    }

    fn parent<'a>(&self, path: &str, mut item: &'a mut Item) -> Option<(&'a mut Item, String)> {
        let mut names: Vec<_> = path.split('.').map(|part| self.name(part)).collect();
        let last = names.pop()?;
        for name in names {
            item = match item.get_mut(&name)? {
                Attr::M(map) => map,
                _ => return None,
            };
        }
        Some((item, last))
    }
}
