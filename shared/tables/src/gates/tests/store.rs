//! A store in memory that evaluates conditions and updates as DynamoDB does, counts what they cost, and fails on demand.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

use proptest::prelude::*;

use super::super::*;
use super::tenant;

/// Of DynamoDB's reserved words, those that are near (developer guide, "Reserved words in DynamoDB").
const RESERVED: [&str; 8] = ["action", "all", "by", "date", "free", "key", "name", "until"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Throttled,
    LostBefore,
    LostAfter,
}

pub fn fault() -> impl Strategy<Value = Option<Fault>> {
    prop_oneof![
        6 => Just(None),
        1 => Just(Some(Fault::Throttled)),
        1 => Just(Some(Fault::LostBefore)),
        1 => Just(Some(Fault::LostAfter)),
    ]
}

#[derive(Debug, Default)]
pub struct Memory {
    pub rows: Mutex<BTreeMap<Key, Item>>,
    /// What the next writes and reads meet.
    pub faults: Mutex<VecDeque<Option<Fault>>>,
    /// Write units by item since they were last taken: one for each kilobyte begun, two in transactions.
    pub units: Mutex<BTreeMap<Key, u64>>,
    /// Whether each call lets others go first.
    pub yields: bool,
}

impl Memory {
    pub fn of(shards: u8) -> Self {
        let rows = (0..shards).map(|shard| (Key::budget(&tenant(), shard), fresh(shards))).collect();
        Self { rows: Mutex::new(rows), ..Self::default() }
    }

    pub fn fail(&self, faults: impl IntoIterator<Item = Option<Fault>>) {
        *self.faults.lock().unwrap() = faults.into_iter().collect();
    }

    pub fn item(&self, shard: u8) -> Item {
        self.rows.lock().unwrap()[&Key::budget(&tenant(), shard)].clone()
    }

    pub fn shards(&self) -> Vec<Shard> {
        let rows = self.rows.lock().unwrap();
        rows.iter()
            .filter(|(key, _)| key.sk == "BUDGET")
            .map(|(_, item)| Shard::read(item).unwrap())
            .collect()
    }

    /// What all shards together used.
    pub fn used(&self, meter: &str) -> u64 {
        self.shards().iter().map(|shard| shard.used(meter)).sum()
    }

    pub fn open(&self) -> Vec<OpenHold> {
        self.shards().iter().flat_map(|shard| shard.open().unwrap()).collect()
    }

    fn fault(&self) -> Option<Fault> {
        self.faults.lock().unwrap().pop_front().flatten()
    }

    fn write(&self, ops: &[GateOp]) -> Result<Item, GateFault> {
        let mut rows = self.rows.lock().unwrap();
        let writes: Vec<_> = ops.iter().map(GateOp::to_write).collect();
        let keys: BTreeSet<_> = writes.iter().map(|write| write.key.clone()).collect();
        assert_eq!(keys.len(), writes.len(), "a transaction has one update for an item");
        let mut news = Vec::new();
        for write in &writes {
            let before = rows.get(&write.key);
            let judged = evaluate(write, before);
            let size = judged.as_ref().ok().or(before).map_or(0, size).max(before.map_or(0, size)).max(1);
            let factor = if ops.len() > 1 { 2 } else { 1 };
            *self.units.lock().unwrap().entry(write.key.clone()).or_default() +=
                size.div_ceil(1_024) * factor;
            match judged {
                Ok(after) => news.push((write.key.clone(), after)),
                Err(()) => return Err(GateFault::Condition(before.filter(|_| ops.len() == 1).cloned())),
            }
        }
        let last = news.last().map(|(_, item)| item.clone()).unwrap();
        rows.extend(news);
        Ok(last)
    }

    async fn turn(&self) {
        if self.yields {
            Yield(false).await;
        }
    }

    fn meet(&self, ops: &[GateOp]) -> Result<Item, GateFault> {
        match self.fault() {
            Some(Fault::Throttled) => Err(GateFault::NotWritten),
            Some(Fault::LostBefore) => Err(GateFault::Unknown),
            Some(Fault::LostAfter) => self.write(ops).and(Err(GateFault::Unknown)),
            None => self.write(ops),
        }
    }
}

struct Yield(bool);

impl Future for Yield {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl GateStore for Memory {
    async fn apply(&self, op: &GateOp) -> Result<Item, GateFault> {
        self.turn().await;
        let after = self.meet(std::slice::from_ref(op))?;
        Ok(if op.is_looked_at() { after } else { Item::new() })
    }

    async fn transact(&self, ops: &[GateOp]) -> Result<(), GateFault> {
        self.turn().await;
        self.meet(ops).map(|_| ())
    }

    async fn snapshot(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, GateFault> {
        self.turn().await;
        if self.fault().is_some() {
            return Err(GateFault::NotWritten);
        }
        let rows = self.rows.lock().unwrap();
        Ok(keys.iter().map(|key| rows.get(key).cloned()).collect())
    }

    async fn pause(&self, _: u32) {
        self.turn().await;
    }
}

/// An item's size as DynamoDB counts it: names and values, a byte for each element and three for each map (developer guide,
/// "DynamoDB item sizes and formats").
pub fn size(item: &Item) -> u64 {
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
    let key = "pk".len() + "T#ten_0123456789abcdef#B31".len() + "sk".len() + "BUDGET".len();
    (key + item.iter().map(|(name, one)| name.len() + value(one)).sum::<usize>()) as u64
}

struct Evaluation<'a> {
    write: &'a Write,
    seen: std::cell::RefCell<BTreeSet<String>>,
}

/// The item afterwards, or that the condition did not hold. What DynamoDB would call invalid panics.
pub fn evaluate(write: &Write, before: Option<&Item>) -> Result<Item, ()> {
    let it = Evaluation { write, seen: std::cell::RefCell::default() };
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
        return Err(());
    }
    after.unwrap_or_else(|error| panic!("{error}: {write:?}"));
    Ok(item)
}

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

pub fn run<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("waited"),
    }
}

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// Runs all at once: `next` says who goes on after each step.
pub fn race<T>(futures: Vec<Boxed<'_, T>>, mut next: impl FnMut(usize) -> usize) -> Vec<T> {
    let mut running: Vec<_> = futures.into_iter().enumerate().collect();
    let mut done = Vec::new();
    while !running.is_empty() {
        let at = next(running.len()) % running.len();
        if let Poll::Ready(value) = running[at].1.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            done.push((running[at].0, value));
            drop(running.swap_remove(at));
        }
    }
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, value)| value).collect()
}
