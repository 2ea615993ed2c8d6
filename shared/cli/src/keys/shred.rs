//! Destruction: of one person's key, or of all of a tenant's. What they sealed is unreadable from the next read on.

use domain::{Opaque, RootRow, SubjectRow};
use envelope::Purpose;
use tables::codec::Row as _;
use tables::{Key, KeyOp, KeyStore};

use super::{KeysError, Ring, TRIES};

/// Destroys every root of the tenant, of every purpose, and leaves tombstones. Doing it again changes nothing.
///
/// # Errors
/// Not confirmed: some are destroyed, and the same command destroys the rest.
pub async fn tenant<S: KeyStore>(store: &S, ring: &Ring) -> Result<(), KeysError> {
    for purpose in Purpose::ALL {
        let root = ring.root(purpose);
        let gone = |item: &tables::Item| {
            RootRow::from_item(item).is_ok_and(|row| row.shredded && row.versions.is_empty())
        };
        until_gone(store, &KeyOp::ShredRoot { root: root.clone() }, &root, gone).await?;
    }
    Ok(())
}

/// What there was to destroy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Erased {
    Destroyed,
    /// Nothing was ever sealed for this digest: perhaps the name is written otherwise than agents send it.
    NeverExisted,
    AlreadyGone,
}

/// Destroys one person's key and leaves a tombstone, also where there was no key yet.
///
/// # Errors
/// Not confirmed: the same command does it.
pub async fn person<S: KeyStore>(store: &S, ring: &Ring, subject: &Opaque) -> Result<Erased, KeysError> {
    let subject = Key::subject(&ring.tenant, subject);
    let is_gone =
        |item: &tables::Item| SubjectRow::from_item(item).is_ok_and(|row| row == SubjectRow::Shredded);
    let found = match store.read(&subject).await? {
        None => Erased::NeverExisted,
        Some(item) if is_gone(&item) => Erased::AlreadyGone,
        Some(_) => Erased::Destroyed,
    };
    until_gone(store, &KeyOp::ShredSubject { subject: subject.clone() }, &subject, is_gone).await?;
    Ok(found)
}

/// Believes no answer: what counts is what is read afterwards.
async fn until_gone<S: KeyStore>(
    store: &S,
    op: &KeyOp,
    key: &Key,
    gone: impl Fn(&tables::Item) -> bool,
) -> Result<(), KeysError> {
    for _ in 0..TRIES {
        let _ = store.write(op).await;
        if store.read(key).await.is_ok_and(|item| item.as_ref().is_some_and(&gone)) {
            return Ok(());
        }
    }
    Err(KeysError::NotWritten)
}
