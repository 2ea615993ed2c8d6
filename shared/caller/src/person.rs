//! The key of the person whom a call is said to be for. It is read with every such call and kept by no instance, so that
//! whoever was erased stays so.

use std::sync::Arc;

use domain::{Opaque, Reason, Region, RootRow, SubjectRow, TenantId, Timestamp};
use envelope::{Aad, KeyWrapper, Purpose, RootKey, Roots, SEAL_RANDOM_BYTES, SubjectKey, SubjectSecret};
use tables::codec::Row as _;
use tables::{Key, KeyOp, KeyStore};

use crate::Keys;

/// A person, as the tenant's digest and the key of what is sealed about them.
#[derive(Debug, Clone)]
pub struct Person {
    pub subject: Opaque,
    pub key: Arc<SubjectKey>,
}

/// Why nothing can be sealed about a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoPerson {
    /// Their key was destroyed, and none is made again.
    Erased,
    /// Their row, or the root that sealed it, could not be read or written.
    Unavailable,
}

/// Whoever was erased stays so: no call is made for them, and no key is made for them again.
///
/// # Errors
/// Somebody is named for whom nothing can be sealed.
pub fn acquainted(person: Option<&Result<Person, NoPerson>>) -> Result<(), Reason> {
    match person {
        None | Some(Ok(_)) => Ok(()),
        Some(Err(NoPerson::Erased)) => Err(Reason::SubjectErased),
        Some(Err(NoPerson::Unavailable)) => Err(Reason::KeysUnavailable),
    }
}

/// Where a person's key is to be found, and what it takes to make it.
#[derive(Debug)]
pub struct Wanted<'a> {
    pub tenant: &'a TenantId,
    pub region: Region,
    pub subject: Opaque,
    /// The tenant's `audit` root: its row, and its current key.
    pub row: &'a RootRow,
    pub audit: &'a RootKey,
    pub now: Timestamp,
    /// Fresh for every call: it becomes a key if there is none yet.
    pub secret: SubjectSecret,
    pub seal: [u8; SEAL_RANDOM_BYTES],
}

/// Whose person it is.
#[derive(Debug, Clone, Copy)]
pub struct Whose<'a> {
    pub tenant: &'a TenantId,
    pub region: Region,
    /// The row of the tenant's `audit` root.
    pub audit: &'a RootRow,
}

/// The key of the person whom a caller names: one more read, for such calls alone.
///
/// # Errors
/// See [`NoPerson`].
pub async fn named<S: KeyStore, W: KeyWrapper>(
    store: &S,
    roots: &Roots<W>,
    whose: &Whose<'_>,
    keys: &Keys,
    who: &str,
    now: Timestamp,
) -> Result<Person, NoPerson> {
    let subject = keys.pseudonym.pseudonym("subject", who);
    let subject = subject.parse().map_err(|_| NoPerson::Unavailable)?;
    let (Ok(secret), Ok(seal)) = (aws::random(), aws::random()) else { return Err(NoPerson::Unavailable) };
    let wanted = Wanted {
        tenant: whose.tenant,
        region: whose.region,
        subject,
        row: whose.audit,
        audit: &keys.audit,
        now,
        secret: SubjectSecret::new(secret),
        seal,
    };
    acquaint(store, roots, &wanted).await
}

/// Finds the person's key, or makes it.
///
/// # Errors
/// See [`NoPerson`].
pub async fn acquaint<S: KeyStore, W: KeyWrapper>(
    store: &S,
    roots: &Roots<W>,
    wanted: &Wanted<'_>,
) -> Result<Person, NoPerson> {
    let place = Key::subject(wanted.tenant, &wanted.subject);
    if let Some(found) = read(store, &place).await? {
        return open(roots, wanted, found).await;
    }
    let sealed = wanted.secret.seal(wanted.audit, &aad(wanted.tenant, &place), &wanted.seal);
    let sealed = sealed.map_err(|_| NoPerson::Unavailable)?.into();
    // Whatever became of the write, the row decides: another call may have been first, or this one was after all.
    let _ = store.write(&KeyOp::PutSubject { subject: place.clone(), sealed }).await;
    let found = read(store, &place).await?.ok_or(NoPerson::Unavailable)?;
    open(roots, wanted, found).await
}

async fn read<S: KeyStore>(store: &S, place: &Key) -> Result<Option<SubjectRow>, NoPerson> {
    let item = store.read(place).await.map_err(|_| NoPerson::Unavailable)?;
    item.map(|item| SubjectRow::from_item(&item)).transpose().map_err(|_| NoPerson::Unavailable)
}

async fn open<W: KeyWrapper>(
    roots: &Roots<W>,
    wanted: &Wanted<'_>,
    found: SubjectRow,
) -> Result<Person, NoPerson> {
    let Wanted { tenant, region, subject, row, now, .. } = wanted;
    opened(roots, &Whose { tenant, region: *region, audit: row }, subject, found, *now).await
}

/// The key of a person whose row was read.
///
/// # Errors
/// See [`NoPerson`].
pub async fn opened<W: KeyWrapper>(
    roots: &Roots<W>,
    whose: &Whose<'_>,
    subject: &Opaque,
    row: SubjectRow,
    now: Timestamp,
) -> Result<Person, NoPerson> {
    let SubjectRow::Active(sealed) = row else { return Err(NoPerson::Erased) };
    let place = Key::subject(whose.tenant, subject);
    let aad = aad(whose.tenant, &place);
    let opened = roots.open(whose.tenant, Purpose::Audit, whose.audit, &aad, &sealed, now).await;
    let secret = opened.ok().and_then(|plain| SubjectSecret::from_opened(&plain).ok());
    let secret = secret.ok_or(NoPerson::Unavailable)?;
    let key = SubjectKey::derive(&secret, whose.tenant, whose.region, subject);
    Ok(Person { subject: subject.clone(), key: Arc::new(key) })
}

fn aad(tenant: &TenantId, place: &Key) -> Aad {
    Aad::row(tenant, place.table.as_str(), &place.pk, &place.sk, "sealed_key")
}

#[cfg(test)]
mod tests;
