//! The tables in memory, with every fault that DynamoDB can show, and a process that dies at any of its calls.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use domain::WrappedRoot;
use envelope::{Context, KeyWrapper, RootSecret, WrapError};
use tables::gates::GateFault;
use tables::{Attr, Item, Key, KeyOp, KeyStore, Listed, ReadFault, Table};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing happened, and the answer says so.
    Throttled,
    /// Nothing happened, and no answer came.
    LostBefore,
    /// It happened, and no answer came.
    LostAfter,
    /// The process dies before the call: nothing of it happens any more.
    DiesBefore,
    /// The process dies after the call took effect.
    DiesAfter,
}

pub const FAULTS: [Fault; 5] =
    [Fault::Throttled, Fault::LostBefore, Fault::LostAfter, Fault::DiesBefore, Fault::DiesAfter];

/// What another writer does to the rows.
pub type Meddler = Arc<dyn Fn(&mut BTreeMap<Key, Item>) + Send + Sync>;

/// Rows, shared between "processes", and what the next calls of this one meet.
#[derive(Default, Clone)]
pub struct Memory {
    pub rows: Arc<Mutex<BTreeMap<Key, Item>>>,
    /// The fault and at which call it strikes.
    plan: Option<(usize, Fault)>,
    calls: Arc<Mutex<usize>>,
    /// Another writer, at work right before this call of `write`.
    pub meddler: Option<(usize, Meddler)>,
    writes: Arc<Mutex<usize>>,
    /// Rows per page of a list; all of them when zero.
    pub page: usize,
}

impl Memory {
    /// Another process over the same rows.
    pub fn process(&self, plan: Option<(usize, Fault)>) -> Self {
        Self { rows: Arc::clone(&self.rows), plan, page: self.page, ..Self::default() }
    }

    pub fn put(&self, key: Key, item: Item) {
        self.rows.lock().unwrap().insert(key, item);
    }

    pub fn get(&self, key: &Key) -> Option<Item> {
        self.rows.lock().unwrap().get(key).cloned()
    }

    pub fn calls(&self) -> usize {
        *self.calls.lock().unwrap()
    }

    fn meets(&self) -> Option<Fault> {
        let mut calls = self.calls.lock().unwrap();
        let at = *calls;
        *calls += 1;
        match self.plan {
            Some((n, fault)) if n == at => Some(fault),
            // Who died does nothing more.
            Some((n, Fault::DiesBefore | Fault::DiesAfter)) if n < at => Some(Fault::DiesBefore),
            _ => None,
        }
    }

    /// The meaning of the expressions, written without them.
    fn apply(&self, op: &KeyOp) -> Result<(), GateFault> {
        let mut rows = self.rows.lock().unwrap();
        let key = op.to_update().key;
        let before = rows.get(&key).cloned();
        let refuse = || Err(GateFault::Condition(before.clone()));
        match op {
            KeyOp::AddVersion { from, wrapped, .. } => {
                let Some(row) = rows.get_mut(&key) else { return refuse() };
                let next = (from + 1).to_string();
                let Some(Attr::M(versions)) = row.get("versions").cloned() else { return refuse() };
                let fits = row.get("current") == Some(&number(*from)) && !is_shredded(row);
                if !fits || versions.contains_key(&next) {
                    return refuse();
                }
                row.insert("current".into(), number(from + 1));
                let more = versions.into_iter().chain([(next, Attr::B(wrapped.0.clone()))]);
                row.insert("versions".into(), Attr::M(more.collect()));
            }
            KeyOp::Retire { current, min_decrypt, .. } => {
                let Some(row) = rows.get_mut(&key) else { return refuse() };
                if row.get("current") != Some(&number(*current)) || is_shredded(row) {
                    return refuse();
                }
                row.insert("min_decrypt_version".into(), number(*min_decrypt));
            }
            KeyOp::ShredRoot { .. } => {
                let row = rows.entry(key).or_default();
                row.insert("shredded".into(), Attr::Bool(true));
                row.insert("versions".into(), Attr::M(Item::new()));
                row.insert("v".into(), number(1));
                row.entry("current".into()).or_insert_with(|| number(1));
                row.entry("min_decrypt_version".into()).or_insert_with(|| number(1));
            }
            KeyOp::PutSubject { sealed, .. } => {
                if before.is_some() {
                    return refuse();
                }
                rows.insert(key, subject(Some(sealed.as_bytes())));
            }
            KeyOp::ShredSubject { .. } => {
                rows.insert(key, subject(None));
            }
            KeyOp::Replace { field, old, new, .. } => match rows.get_mut(&key) {
                Some(row) if row.get(*field) == Some(old) => {
                    row.insert((*field).to_owned(), new.clone());
                }
                _ => return refuse(),
            },
        }
        Ok(())
    }
}

fn number(value: u32) -> Attr {
    Attr::number(value.into())
}

fn is_shredded(row: &Item) -> bool {
    row.get("shredded") == Some(&Attr::Bool(true))
}

fn subject(sealed: Option<&[u8]>) -> Item {
    let mut row =
        Item::from([("v".to_owned(), number(1)), ("shredded".to_owned(), Attr::Bool(sealed.is_none()))]);
    row.extend(sealed.map(|bytes| ("sealed_key".to_owned(), Attr::B(bytes.to_vec()))));
    row
}

impl KeyStore for Memory {
    async fn read(&self, key: &Key) -> Result<Option<Item>, ReadFault> {
        tokio::task::yield_now().await;
        if self.meets().is_some() { Err(ReadFault) } else { Ok(self.get(key)) }
    }

    async fn list(&self, table: Table, pk: &str, after: Option<&Key>) -> Result<Listed, ReadFault> {
        if self.meets().is_some() {
            return Err(ReadFault);
        }
        let rows = self.rows.lock().unwrap();
        let inside = rows.iter().filter(|(key, _)| key.table == table && key.pk == pk);
        let mut found: Vec<_> = inside
            .filter(|(key, _)| after.is_none_or(|after| *key > after))
            .map(|(key, item)| (key.clone(), item.clone()))
            .collect();
        let more = self.page > 0 && found.len() > self.page;
        if more {
            found.truncate(self.page);
        }
        Ok(Listed { rows: found, more })
    }

    async fn write(&self, op: &KeyOp) -> Result<(), GateFault> {
        tokio::task::yield_now().await;
        let at = {
            let mut writes = self.writes.lock().unwrap();
            *writes += 1;
            *writes - 1
        };
        if let Some((_, meddle)) = self.meddler.as_ref().filter(|(n, _)| *n == at) {
            meddle(&mut self.rows.lock().unwrap());
        }
        match self.meets() {
            None => self.apply(op),
            Some(Fault::Throttled) => Err(GateFault::NotWritten),
            Some(Fault::LostBefore | Fault::DiesBefore) => Err(GateFault::Unknown),
            Some(Fault::LostAfter | Fault::DiesAfter) => self.apply(op).and(Err(GateFault::Unknown)),
        }
    }
}

/// A key service: each root is its number, repeated, and opens under its own context alone.
#[derive(Clone, Default)]
pub struct Service(Arc<Mutex<Vec<Context>>>);

impl Service {
    pub fn made(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

impl KeyWrapper for Service {
    async fn generate(&self, context: &Context) -> Result<WrappedRoot, WrapError> {
        let mut made = self.0.lock().unwrap();
        made.push(context.clone());
        Ok(WrappedRoot(vec![u8::try_from(made.len()).unwrap(); 32]))
    }

    async fn unwrap(&self, wrapped: &WrappedRoot, context: &Context) -> Result<RootSecret, WrapError> {
        let bytes: [u8; 32] = wrapped.0.as_slice().try_into().map_err(|_| WrapError::Refused)?;
        let of = self.0.lock().unwrap().get(usize::from(bytes[0]) - 1).cloned();
        if of.as_ref() == Some(context) { Ok(RootSecret::new(bytes)) } else { Err(WrapError::Refused) }
    }
}
