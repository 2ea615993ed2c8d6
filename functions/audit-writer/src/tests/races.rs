//! Several writers on one tenant, whose calls interleave in many ways, with duplicates and faults.

use futures_util::future::join_all;

use super::memory::FAULTS;
use super::*;

/// Each writer gets its own part and some of its neighbour's, as SQS may deliver; faults strike at random.
async fn race(writers: u32, seed: u64) {
    const EACH: u32 = 3;
    let world = World::shuffled(World::default().state(), seed);
    let all = bodies(&batch(1, 0..writers * EACH));
    let part = |n: u32| {
        let part = all.iter().skip(usize::try_from(n * EACH).unwrap()).take(5);
        part.cloned().collect::<Vec<_>>()
    };
    let fault = FAULTS[usize::try_from(seed % 2).unwrap()];
    world.plan((0..6).map(|k| (usize::try_from((seed * 31 + k * 17) % 90).unwrap(), fault)));
    let parts: Vec<_> = (0..writers).map(part).collect();
    let ended = join_all(parts.iter().map(|part| deliver(&world, part))).await;
    assert_eq!(ended.len(), usize::try_from(writers).unwrap());
    world.plan([]);
    assert!(deliver(&world, &all).await.is_empty(), "seed {seed}");
    world.check(&[(1, writers * EACH)]);
}

#[tokio::test]
async fn two_writers_on_one_tenant() {
    for seed in 1..=300 {
        race(2, seed).await;
    }
    tell("races of two writers", 300);
}

#[tokio::test]
async fn eight_writers_on_one_tenant() {
    for seed in 1..=100 {
        race(8, seed).await;
    }
    tell("races of eight writers", 100);
}
