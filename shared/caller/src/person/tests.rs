//! A person's key against a table that fails in every way, and against other calls that make it at the same time.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;

use domain::WrappedRoot;
use envelope::{Context, RootSecret, WrapError};
use tables::gates::GateFault;
use tables::{Attr, Item, Listed, ReadFault, Table};

use super::*;

/// What the next read or write meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meets {
    Fault,
    /// Written, but the answer is lost.
    LostAfter,
    /// Another call makes the key first.
    Race,
}

#[derive(Default)]
struct Memory {
    row: Mutex<Option<Item>>,
    reads: Mutex<VecDeque<Option<Meets>>>,
    writes: Mutex<VecDeque<Option<Meets>>>,
}

impl KeyStore for Memory {
    async fn read(&self, _: &Key) -> Result<Option<Item>, ReadFault> {
        match self.reads.lock().unwrap().pop_front().flatten() {
            Some(_) => Err(ReadFault),
            None => Ok(self.row.lock().unwrap().clone()),
        }
    }

    async fn list(&self, _: Table, _: &str, _: Option<&Key>) -> Result<Listed, ReadFault> {
        Err(ReadFault)
    }

    async fn write(&self, op: &KeyOp) -> Result<(), GateFault> {
        let KeyOp::PutSubject { subject, sealed } = op else { panic!("only keys of people are written") };
        let meets = self.writes.lock().unwrap().pop_front().flatten();
        let mut row = self.row.lock().unwrap();
        if meets == Some(Meets::Race) {
            *row = Some(SubjectRow::Active(made_by_another(subject)).to_item());
        }
        match (&*row, meets) {
            (_, Some(Meets::Fault)) => Err(GateFault::NotWritten),
            (Some(item), _) => Err(GateFault::Condition(Some(item.clone()))),
            (None, _) => {
                *row = Some(SubjectRow::Active(sealed.clone()).to_item());
                if meets == Some(Meets::LostAfter) { Err(GateFault::Unknown) } else { Ok(()) }
            }
        }
    }
}

/// Unwraps a root into itself.
struct Plain;

impl KeyWrapper for Plain {
    async fn generate(&self, _: &Context) -> Result<WrappedRoot, WrapError> {
        Err(WrapError::Refused)
    }

    async fn unwrap(&self, wrapped: &WrappedRoot, _: &Context) -> Result<RootSecret, WrapError> {
        wrapped.0.as_slice().try_into().map(RootSecret::new).map_err(|_| WrapError::Refused)
    }
}

fn tenant() -> TenantId {
    TenantId::from_random([1; 10])
}

fn root_row(current: u32) -> RootRow {
    let versions = (1..=current).map(|n| (n, WrappedRoot(vec![u8::try_from(n).unwrap(); 32])));
    RootRow { current, min_decrypt: 1, versions: versions.collect(), shredded: false }
}

fn audit(version: u32) -> RootKey {
    let secret = RootSecret::new([u8::try_from(version).unwrap(); 32]);
    let context = Context { tenant: tenant(), region: Region::Eu, purpose: Purpose::Audit, version };
    RootKey::derive(&secret, &context)
}

fn made_by_another(place: &Key) -> domain::SealedBytes {
    SubjectSecret::new([99; 32]).seal(&audit(1), &aad(&tenant(), place), &[9; 28]).unwrap().into()
}

fn now() -> Timestamp {
    Timestamp::from_unix_millis(0).unwrap()
}

async fn ask(memory: &Memory, secret: u8, version: u32) -> Result<Person, NoPerson> {
    let (tenant, row, audit) = (tenant(), root_row(version), audit(version));
    let wanted = Wanted {
        tenant: &tenant,
        region: Region::Eu,
        subject: "psn_dana".parse().unwrap(),
        row: &row,
        audit: &audit,
        now: now(),
        secret: SubjectSecret::new([secret; 32]),
        seal: [3; 28],
    };
    acquaint(memory, &Roots::new(Plain, Region::Eu), &wanted).await
}

/// Whether what the one person's key sealed opens with the other's.
fn same(one: &Person, other: &Person) -> bool {
    let place = Aad::row(&tenant(), "t", "pk", "sk", "f");
    let sealed = one.key.seal(&place, b"x", &[1; 28]).unwrap().into();
    other.key.open(&place, &sealed).is_ok()
}

#[tokio::test]
async fn the_first_call_makes_the_key_and_every_other_finds_it() {
    let memory = Memory::default();
    let first = ask(&memory, 1, 1).await.unwrap();
    let second = ask(&memory, 2, 1).await.unwrap();
    assert!(same(&first, &second));
    // A new version of the root opens what the old one sealed.
    assert!(same(&first, &ask(&memory, 3, 2).await.unwrap()));
}

#[tokio::test]
async fn a_lost_race_and_a_lost_answer_end_with_the_key_that_is_kept() {
    for meets in [Meets::Race, Meets::LostAfter] {
        let memory = Memory { writes: Mutex::new([Some(meets)].into()), ..Memory::default() };
        let made = ask(&memory, 1, 1).await.unwrap();
        assert!(same(&made, &ask(&memory, 2, 1).await.unwrap()), "{meets:?}");
    }
}

#[tokio::test]
async fn without_the_table_nobody_is_known() {
    for (reads, writes) in [
        (vec![Some(Meets::Fault)], vec![]),
        (vec![None, Some(Meets::Fault)], vec![]),
        (vec![], vec![Some(Meets::Fault)]),
    ] {
        let memory = Memory {
            reads: Mutex::new(reads.into()),
            writes: Mutex::new(writes.into()),
            ..Memory::default()
        };
        assert_eq!(ask(&memory, 1, 1).await.unwrap_err(), NoPerson::Unavailable);
    }
    let damaged = Item::from(BTreeMap::from([("v".to_owned(), Attr::number(1))]));
    let memory = Memory { row: Mutex::new(Some(damaged)), ..Memory::default() };
    assert_eq!(ask(&memory, 1, 1).await.unwrap_err(), NoPerson::Unavailable);
}

#[tokio::test]
async fn a_tombstone_stays() {
    let memory = Memory { row: Mutex::new(Some(SubjectRow::Shredded.to_item())), ..Memory::default() };
    assert_eq!(ask(&memory, 1, 1).await.unwrap_err(), NoPerson::Erased);
    assert_eq!(*memory.row.lock().unwrap(), Some(SubjectRow::Shredded.to_item()));
}
