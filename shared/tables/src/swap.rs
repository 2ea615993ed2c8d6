//! One row for another: written only if nothing of the old one has changed since it was read.
//!
//! The condition names every attribute of the row as it was read, and those that are to be new, so that no writer, whichever
//! way it came, is overwritten unseen; what another has added beside them stays. Rows of configuration are small; the largest, a list of providers, stays far below the limits of an expression.

use domain::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::gates::{Write, write_builder};
use crate::item::item;
use crate::{Attr, Item, Key};

/// When DynamoDB may delete the row, in seconds of Unix time. It only cleans up: conditions read clocks of ours.
pub const EXPIRES: &str = "expires";

/// A row that says nothing but that it is there, for lists.
#[derive(Debug)]
pub struct Marker;

impl Marker {
    pub fn item() -> Item {
        item([])
    }
}

/// What a row is to be, and what it was when it was read: `None` if there was none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swap {
    pub key: Key,
    pub old: Option<Item>,
    pub new: Item,
}

impl Swap {
    /// A row that must not be there yet.
    pub const fn create(key: Key, new: Item) -> Self {
        Self { key, old: None, new }
    }

    /// The same row with a date from which on it may be cleaned away.
    #[must_use]
    pub fn expiring(mut self, at: Timestamp) -> Self {
        self.new.insert(EXPIRES.to_owned(), Attr::number(at.unix_millis() / 1_000));
        self
    }

    /// One conditional update. A row that stays as it is is compared all the same.
    pub fn to_write(&self) -> Write {
        let mut write = write_builder(&self.key);
        let old = self.old.iter().flatten().filter(|(name, _)| !is_key(name));
        let kept = |name: &str| self.new.contains_key(name);
        match &self.old {
            None => write.when("attribute_not_exists(pk)".to_owned()),
            Some(_) => {
                for (name, value) in old {
                    let (place, value) = (write.name(name), write.value_of_its_own(value.clone()));
                    write.when(format!("{place} = {value}"));
                    if !kept(name) {
                        write.remove(place);
                    }
                }
            }
        }
        for (name, value) in self.new.iter().filter(|(name, _)| !is_key(name)) {
            let (place, value) = (write.name(name), write.value_of_its_own(value.clone()));
            write.set(format!("{place} = {value}"));
            if self.old.as_ref().is_some_and(|old| !old.contains_key(name)) {
                write.when(format!("attribute_not_exists({place})"));
            }
        }
        write.build()
    }
}

/// Changes nothing: in a transaction, whatever else is written is so only if this row says the same in these fields as when it
/// was read. A field that was not there must not be.
pub fn unchanged(key: &Key, old: Option<&Item>, fields: &[&str]) -> Write {
    let mut write = write_builder(key);
    let Some(old) = old else {
        write.when("attribute_not_exists(pk)".to_owned());
        return write.build();
    };
    for field in fields {
        let place = write.name(field);
        match old.get(*field) {
            Some(value) => {
                let value = write.value_of_its_own(value.clone());
                write.when(format!("{place} = {value}"));
            }
            None => write.when(format!("attribute_not_exists({place})")),
        }
    }
    write.build()
}

/// Takes a row away, if it is as it was read.
pub fn deleted(key: &Key, old: &Item) -> Write {
    let mut write = write_builder(key);
    for (name, value) in old.iter().filter(|(name, _)| !is_key(name)) {
        let (place, value) = (write.name(name), write.value_of_its_own(value.clone()));
        write.when(format!("{place} = {value}"));
    }
    Write { delete: true, ..write.build() }
}

fn is_key(name: &str) -> bool {
    matches!(name, "pk" | "sk")
}

/// What a row is, in 32 characters: another row has another one.
pub fn fingerprint(item: &Item) -> String {
    let mut hash = Sha256::new();
    item.iter().filter(|(name, _)| !is_key(name) && name.as_str() != EXPIRES).for_each(|(name, value)| {
        text(&mut hash, name);
        put(&mut hash, value);
    });
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// Every part is told apart from the next by its length and its kind.
fn put(hash: &mut Sha256, value: &Attr) {
    match value {
        Attr::S(part) => {
            hash.update(b"S");
            text(hash, part);
        }
        Attr::N(part) => {
            hash.update(b"N");
            text(hash, part);
        }
        Attr::B(bytes) => {
            hash.update(b"B");
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        }
        Attr::Bool(flag) => hash.update(if *flag { b"Y" } else { b"X" }),
        Attr::M(map) => {
            hash.update(b"M");
            hash.update((map.len() as u64).to_be_bytes());
            map.iter().for_each(|(name, value)| {
                text(hash, name);
                put(hash, value);
            });
        }
        Attr::L(list) => {
            hash.update(b"L");
            hash.update((list.len() as u64).to_be_bytes());
            list.iter().for_each(|value| put(hash, value));
        }
    }
}

fn text(hash: &mut Sha256, part: &str) {
    hash.update((part.len() as u64).to_be_bytes());
    hash.update(part.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::evaluate;
    use domain::OrgId;
    use proptest::prelude::*;

    fn key() -> Key {
        Key::org(&OrgId::from_random([1; 10]))
    }

    fn row(fields: &[(&str, &str)]) -> Item {
        fields.iter().map(|(name, value)| ((*name).to_owned(), Attr::text(value))).collect()
    }

    #[test]
    fn only_the_row_that_was_read_is_replaced() {
        let (old, new) = (row(&[("a", "1"), ("status", "x")]), row(&[("a", "2"), ("c", "3")]));
        let swap = Swap { key: key(), old: Some(old.clone()), new: new.clone() };
        assert_eq!(evaluate(&swap.to_write(), Some(&old)), Ok(new.clone()));
        let grown = row(&[("a", "1"), ("status", "x"), ("c", "9")]);
        for other in [row(&[("a", "1")]), row(&[("a", "9"), ("status", "x")]), new.clone(), grown] {
            assert!(evaluate(&swap.to_write(), Some(&other)).is_err(), "{other:?}");
        }
        assert!(evaluate(&swap.to_write(), None).is_err());
        let first = Swap::create(key(), new.clone());
        assert_eq!(evaluate(&first.to_write(), None), Ok(new.clone()));
        assert!(evaluate(&first.to_write(), Some(&with_key(old))).is_err());
    }

    fn with_key(mut item: Item) -> Item {
        item.insert("pk".to_owned(), Attr::text("p"));
        item
    }

    fn attr() -> impl Strategy<Value = Attr> {
        let leaf = prop_oneof![
            "[a-z]{0,3}".prop_map(Attr::S),
            (0_u64..20).prop_map(Attr::number),
            proptest::collection::vec(any::<u8>(), 0..3).prop_map(Attr::B),
            any::<bool>().prop_map(Attr::Bool),
        ];
        leaf.prop_recursive(2, 8, 3, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..3).prop_map(Attr::L),
                proptest::collection::btree_map("[a-z]{0,2}", inner, 0..3).prop_map(Attr::M),
            ]
        })
    }

    proptest! {
        #[test]
        fn other_rows_have_other_fingerprints(
            one in proptest::collection::btree_map("[a-c]{1,2}", attr(), 0..4),
            other in proptest::collection::btree_map("[a-c]{1,2}", attr(), 0..4),
        ) {
            prop_assert_eq!(fingerprint(&one) == fingerprint(&other), one == other);
        }
    }
}
