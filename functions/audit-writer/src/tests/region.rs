//! The region checkpoint, at every fault: no two checkpoints contradict each other, and none is missing for long.

use std::collections::BTreeMap;
use std::sync::Mutex;

use domain::{Region, Timestamp};
use ed25519_dalek::{Signer as _, SigningKey};
use ledger::{Checkpoint, Frontier, Heads, IntervalObject, VerifierKey, checkpoint_name};

use super::memory::{FAULTS, State};
use super::sample::at;
use super::*;

const ORIGIN: &str = "countersign/test";

/// A signer that remembers what it was asked to sign.
struct Notary {
    key: SigningKey,
    signed: Mutex<BTreeMap<u64, String>>,
}

impl Notary {
    fn new() -> Self {
        Self { key: SigningKey::from_bytes(&[8; 32]), signed: Mutex::default() }
    }

    fn log(&self) -> RegionLog {
        RegionLog::new(Region::Eu, ORIGIN.to_owned(), self.key.verifying_key().as_bytes()).unwrap()
    }

    fn public(&self) -> VerifierKey {
        VerifierKey::new(ORIGIN, self.key.verifying_key().as_bytes()).unwrap()
    }

    /// Fails if it ever signs two texts for one size.
    async fn sign(&self, text: String) -> Option<[u8; 64]> {
        let size = text.lines().nth(1).unwrap().parse().unwrap();
        let mut signed = self.signed.lock().unwrap();
        let before = signed.entry(size).or_insert_with(|| text.clone());
        assert_eq!(*before, text, "two checkpoints of one size");
        Some(self.key.sign(text.as_bytes()).to_bytes())
    }
}

async fn minute(
    world: &World,
    notary: &Notary,
    log: &RegionLog,
    n: u64,
) -> Option<Result<Checkpoint, &'static str>> {
    let sign = |text: String| notary.sign(text);
    world.live(log.checkpoint((world, world), sign, minutes(n))).await
}

fn minutes(n: u64) -> Timestamp {
    at(n * 60_000)
}

/// Every interval follows the one before, and every checkpoint is over the intervals before it.
fn check(state: &State, notary: &Notary) -> Heads {
    let (mut tree, mut heads, mut n) = (Frontier::default(), Heads::default(), 0);
    while let Some(bytes) = state.locked.get(&IntervalObject::name_at(n)) {
        let one = IntervalObject::from_bytes(bytes).unwrap();
        assert_eq!(one.interval.n, n);
        let after = one.after(&heads).unwrap();
        assert!(after.continues(&heads));
        (heads, n) = (after, n + 1);
        tree.append(one.interval.leaf_hash().unwrap());
        let note = state.locked.get(&checkpoint_name(n)).expect("every interval has its checkpoint");
        let note = String::from_utf8(note.clone()).unwrap();
        let checkpoint = Checkpoint::open(&note, &notary.public(), ORIGIN).unwrap();
        assert_eq!((checkpoint.size, checkpoint.root), (n, tree.root()));
    }
    assert_eq!(state.region.head.tree.size(), n);
    heads
}

#[tokio::test]
async fn every_minute_has_a_checkpoint_over_all_tenants_idle_or_not() {
    let (world, notary) = (World::default(), Notary::new());
    let log = notary.log();
    for n in 0..40_u64 {
        if n % 3 == 0 {
            let first = u32::try_from(n).unwrap();
            let tenant = u8::try_from(n % 2).unwrap() + 1;
            let some = batch(tenant, first..first + 2);
            assert!(deliver(&world, &bodies(&some)).await.is_empty());
        }
        // A warm instance remembers the heads; a cold one reads them back.
        let log = if n % 7 == 0 { &notary.log() } else { &log };
        assert_eq!(minute(&world, &notary, log, n).await.unwrap().unwrap().size, n + 1);
    }
    let heads = check(&world.state(), &notary);
    assert_eq!(heads.len(), 2);
    assert_eq!(heads, world.heads().await.unwrap());
    let newest = world.state().derived["checkpoint"].clone();
    assert_eq!(newest, world.state().locked[&checkpoint_name(40)]);
}

#[tokio::test]
async fn after_a_fault_at_any_await_the_next_minute_makes_up_for_it() {
    let mut faults = 0;
    for warm in [false, true] {
        let begin = World::default();
        let honest = Notary::new();
        assert!(deliver(&begin, &bodies(&batch(1, 0..3))).await.is_empty());
        for n in 0..3 {
            minute(&begin, &honest, &honest.log(), n).await.unwrap().unwrap();
        }
        assert!(deliver(&begin, &bodies(&batch(2, 0..3))).await.is_empty());
        for at in 0..14 {
            for fault in FAULTS {
                let (world, notary) = (World::of(begin.state()), Notary::new());
                let log = notary.log();
                if warm {
                    minute(&world, &notary, &log, 3).await.unwrap().unwrap();
                }
                world.plan([(at, fault)]);
                minute(&world, &notary, &log, 4).await;
                faults += usize::from(world.calls() > at);
                world.plan([]);
                let log = if warm { log } else { notary.log() };
                minute(&world, &notary, &log, 5).await.unwrap().unwrap();
                let heads = check(&world.state(), &notary);
                assert_eq!(heads.len(), 2, "{fault:?} at {at}");
            }
        }
    }
    tell("faults of the region checkpoint survived", faults);
    assert!(faults >= 60, "{faults}");
}

#[tokio::test]
async fn two_at_once_sign_the_same() {
    for seed in 1..=100 {
        let (begin, notary) = (World::default(), Notary::new());
        assert!(deliver(&begin, &bodies(&batch(1, 0..3))).await.is_empty());
        let world = World::shuffled(begin.state(), seed);
        let (one, other) = (notary.log(), notary.log());
        for n in 0..3 {
            let (a, b) =
                futures_util::join!(minute(&world, &notary, &one, n), minute(&world, &notary, &other, n));
            assert!(a.is_some_and(|a| a.is_ok()) || b.is_some_and(|b| b.is_ok()), "seed {seed}");
        }
        assert!(minute(&world, &notary, &notary.log(), 9).await.unwrap().is_ok());
        check(&world.state(), &notary);
    }
}

/// A table from a backup has heads behind what is signed: they are not signed again, and come forward with new records.
#[tokio::test]
async fn a_restored_table_never_takes_a_signed_head_back() {
    let (world, notary) = (World::default(), Notary::new());
    assert!(deliver(&world, &bodies(&batch(1, 0..3))).await.is_empty());
    let early = world.state();
    assert!(deliver(&world, &bodies(&batch(1, 3..6))).await.is_empty());
    minute(&world, &notary, &notary.log(), 0).await.unwrap().unwrap();
    let signed = check(&world.state(), &notary);
    let restored = World::of(State { locked: world.state().locked, derived: world.state().derived, ..early });
    for n in 1..3 {
        // The region's head is from the backup too: it finds what lies at its place.
        minute(&restored, &notary, &notary.log(), n).await.unwrap().unwrap();
        assert_eq!(check(&restored.state(), &notary), signed);
    }
    assert!(deliver(&restored, &bodies(&batch(1, 6..7))).await.is_empty());
    restored.check(&[(1, 7)]);
    minute(&restored, &notary, &notary.log(), 3).await.unwrap().unwrap();
    assert!(check(&restored.state(), &notary).continues(&signed));
}

/// However far a restored table is behind, one run takes over what lies in the bucket, and goes on from there.
#[tokio::test]
async fn a_table_that_is_an_hour_behind_catches_up_at_once() {
    let (world, notary) = (World::default(), Notary::new());
    let early = world.state();
    assert!(deliver(&world, &bodies(&batch(1, 0..3))).await.is_empty());
    for n in 0..60 {
        minute(&world, &notary, &notary.log(), n).await.unwrap().unwrap();
    }
    let restored = State { locked: world.state().locked, derived: world.state().derived, ..early };
    let restored = World::of(restored);
    assert_eq!(minute(&restored, &notary, &notary.log(), 61).await.unwrap().unwrap().size, 61);
    assert_eq!(check(&restored.state(), &notary), check(&world.state(), &notary));
}
