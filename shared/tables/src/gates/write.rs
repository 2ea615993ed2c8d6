//! A conditional write whose expressions are put together: a call bears on as many meters as have limits.

use std::borrow::Cow;

use super::Update;
use crate::item::{VERSION, VERSION_FIELD};
use crate::{Attr, Key};

type Text = Cow<'static, str>;

/// An `UpdateItem` call, alone or within a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    pub key: Key,
    pub update: Text,
    pub condition: Option<Text>,
    pub names: Vec<(Text, String)>,
    pub values: Vec<(Text, Attr)>,
    /// The item goes as a whole: there is no update.
    pub delete: bool,
}

impl From<Update> for Write {
    fn from(update: Update) -> Self {
        Self {
            key: update.key,
            update: update.update.into(),
            condition: update.condition.map(Cow::from),
            names: update.names.into_iter().map(|(name, value)| (name.into(), value)).collect(),
            values: update.values.into_iter().map(|(name, value)| (name.into(), value)).collect(),
            delete: false,
        }
    }
}

/// Puts a [`Write`] together, clause by clause. Names and values are numbered as they come.
#[derive(Debug)]
pub(crate) struct Builder {
    write: Write,
    set: Vec<String>,
    remove: Vec<String>,
    conditions: Vec<String>,
}

/// Begins a write of one row.
pub(crate) fn builder(key: &Key) -> Builder {
    Builder::new(key)
}

impl Builder {
    pub(crate) fn new(key: &Key) -> Self {
        let update = Cow::Borrowed("");
        let write = Write {
            key: key.clone(),
            update,
            condition: None,
            names: Vec::new(),
            values: Vec::new(),
            delete: false,
        };
        Self { write, set: Vec::new(), remove: Vec::new(), conditions: Vec::new() }
    }

    /// The placeholder of a name; one name has one.
    pub(crate) fn name(&mut self, name: &str) -> String {
        if let Some((known, _)) = self.write.names.iter().find(|(_, known)| known == name) {
            return known.to_string();
        }
        let placeholder = format!("#n{}", self.write.names.len());
        self.write.names.push((placeholder.clone().into(), name.to_owned()));
        placeholder
    }

    /// The placeholder of a value; one value has one.
    pub(crate) fn value(&mut self, value: Attr) -> String {
        if let Some((known, _)) = self.write.values.iter().find(|(_, known)| *known == value) {
            return known.to_string();
        }
        self.value_of_its_own(value)
    }

    /// A placeholder that nothing else shares: a local emulator makes one map of maps that one value is set to.
    pub(crate) fn value_of_its_own(&mut self, value: Attr) -> String {
        let placeholder = format!(":v{}", self.write.values.len());
        self.write.values.push((placeholder.clone().into(), value));
        placeholder
    }

    pub(crate) fn number(&mut self, value: u64) -> String {
        self.value(Attr::number(value))
    }

    pub(crate) fn set(&mut self, clause: String) {
        self.set.push(clause);
    }

    pub(crate) fn remove(&mut self, path: String) {
        self.remove.push(path);
    }

    pub(crate) fn when(&mut self, condition: String) {
        self.conditions.push(condition);
    }

    /// Adds to a number that may not be there yet.
    pub(crate) fn add(&mut self, path: &str, count: u64) {
        let (zero, count) = (self.number(0), self.number(count));
        self.set(format!("{path} = if_not_exists({path}, {zero}) + {count}"));
    }

    /// Gives an item that may be new its version.
    pub(crate) fn versioned(&mut self) {
        let (name, value) = (self.name(VERSION_FIELD), self.number(VERSION));
        self.set(format!("{name} = {value}"));
    }

    pub(crate) fn build(mut self) -> Write {
        let part = |word: &str, clauses: &[String]| match clauses {
            [] => String::new(),
            clauses => format!("{word} {} ", clauses.join(", ")),
        };
        let update = format!("{}{}", part("SET", &self.set), part("REMOVE", &self.remove));
        self.write.update = update.trim_end().to_owned().into();
        self.write.condition = (!self.conditions.is_empty()).then(|| self.conditions.join(" AND ").into());
        self.write
    }
}
