//! Keys at rest: how a root gets a version, how a person's key comes to be, and how both are destroyed for good.
//!
//! Every step is one conditional update, so that a crash between any two leaves every row readable, and two rotators
//! at once make one new version. A tombstone is a row: what was destroyed cannot be made again unnoticed.

use std::future::Future;

use domain::{SealedBytes, WrappedRoot};

use crate::gates::{GateFault, Update};
use crate::item::{VERSION, VERSION_FIELD};
use crate::{Attr, Item, Key, Table};

/// One conditional update of a key, or of a row that a key sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyOp {
    /// Makes version `from + 1` the current one, if `from` still is.
    AddVersion { root: Key, from: u32, wrapped: WrappedRoot },
    /// Lets nothing below `min_decrypt` be opened any more, if `current` still is the current version.
    Retire { root: Key, current: u32, min_decrypt: u32 },
    /// Destroys every version of a root. Leaves a tombstone, even where there was no row.
    ShredRoot { root: Key },
    /// Keeps a new person's key, unless there is a row, a tombstone included.
    PutSubject { subject: Key, sealed: SealedBytes },
    /// Destroys a person's key. Leaves a tombstone, even where there was no row.
    ShredSubject { subject: Key },
    /// Replaces one field of a row, if it still is what was read.
    Replace { row: Key, field: &'static str, old: Attr, new: Attr },
}

impl KeyOp {
    pub fn to_update(&self) -> Update {
        match self {
            Self::AddVersion { root, from, wrapped } => add_version(root, *from, wrapped),
            Self::Retire { root, current, min_decrypt } => Update {
                key: root.clone(),
                update: "SET min_decrypt_version = :min",
                condition: Some("#c = :current AND shredded = :no"),
                names: vec![("#c", "current".to_owned())],
                values: vec![
                    (":current", Attr::number((*current).into())),
                    (":min", Attr::number((*min_decrypt).into())),
                    (":no", Attr::Bool(false)),
                ],
            },
            Self::ShredRoot { root } => shred_root(root),
            Self::PutSubject { subject, sealed } => Update {
                key: subject.clone(),
                update: "SET shredded = :no, sealed_key = :sealed, #v = :v",
                condition: Some("attribute_not_exists(pk)"),
                names: vec![("#v", VERSION_FIELD.to_owned())],
                values: vec![
                    (":no", Attr::Bool(false)),
                    (":sealed", Attr::B(sealed.as_bytes().to_vec())),
                    (":v", Attr::number(VERSION)),
                ],
            },
            Self::ShredSubject { subject } => Update {
                key: subject.clone(),
                update: "SET shredded = :yes, #v = :v REMOVE sealed_key",
                condition: None,
                names: vec![("#v", VERSION_FIELD.to_owned())],
                values: vec![(":yes", Attr::Bool(true)), (":v", Attr::number(VERSION))],
            },
            Self::Replace { row, field, old, new } => Update {
                key: row.clone(),
                update: "SET #field = :new",
                condition: Some("#field = :old"),
                names: vec![("#field", (*field).to_owned())],
                values: vec![(":old", old.clone()), (":new", new.clone())],
            },
        }
    }
}

fn add_version(root: &Key, from: u32, wrapped: &WrappedRoot) -> Update {
    let next = from.saturating_add(1);
    Update {
        key: root.clone(),
        update: "SET #c = :next, versions.#next = :wrapped",
        condition: Some("#c = :from AND shredded = :no AND attribute_not_exists(versions.#next)"),
        names: vec![("#c", "current".to_owned()), ("#next", next.to_string())],
        values: vec![
            (":from", Attr::number(from.into())),
            (":next", Attr::number(next.into())),
            (":no", Attr::Bool(false)),
            (":wrapped", Attr::B(wrapped.0.clone())),
        ],
    }
}

fn shred_root(root: &Key) -> Update {
    Update {
        key: root.clone(),
        update: "SET shredded = :yes, versions = :none, #c = if_not_exists(#c, :one), \
                 min_decrypt_version = if_not_exists(min_decrypt_version, :one), #v = :v",
        condition: None,
        names: vec![("#c", "current".to_owned()), ("#v", VERSION_FIELD.to_owned())],
        values: vec![
            (":yes", Attr::Bool(true)),
            (":none", Attr::M(Item::new())),
            (":one", Attr::number(1)),
            (":v", Attr::number(VERSION)),
        ],
    }
}

/// The table did not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the table did not answer")]
pub struct ReadFault;

/// A part of a partition, and whether there is more behind its last row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    pub rows: Vec<(Key, Item)>,
    pub more: bool,
}

/// The joint to the rows of keys, and to those that keys sealed. Production: DynamoDB. Tests: in memory, with faults.
///
/// `write` is atomic per row. All reads are strongly consistent: a tombstone is seen from its write on.
pub trait KeyStore {
    fn read(&self, key: &Key) -> impl Future<Output = Result<Option<Item>, ReadFault>> + Send;

    /// Rows of a partition in order of their sort keys, behind `after`.
    fn list(
        &self,
        table: Table,
        pk: &str,
        after: Option<&Key>,
    ) -> impl Future<Output = Result<Listed, ReadFault>> + Send;

    fn write(&self, op: &KeyOp) -> impl Future<Output = Result<(), GateFault>> + Send;
}
