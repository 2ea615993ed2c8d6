//! What a writer, a signer or a producer does that has its keys, and does wrong. All trees and signatures are good.

use domain::{Decided, Phase};

use super::world::{Files, Random, World, action, honest_producer, phased};
use crate::sample::{agent, kms, producer, record, signed, tenant};
use crate::{AgentHeads, Head, Leaf, SignedRecord, append};

pub type Forge = fn(&mut Random) -> Files;

/// An honest beginning, and one more bundle of the first tenant that holds `records`.
fn with(random: &mut Random, records: Vec<SignedRecord>) -> Files {
    let mut world = World::honest(random);
    world.append(1, records);
    world.interval();
    world.files()
}

fn number(random: &mut Random) -> u32 {
    1_000 + u32::try_from(random.below(1_000)).unwrap()
}

/// The last bundle's leaves, changed before they were hashed and signed.
fn with_leaves(random: &mut Random, change: impl Fn(&mut Vec<Vec<u8>>, &mut Random)) -> Files {
    let mut world = World::honest(random);
    let mut sending = honest_producer(3);
    let records = (0..3).map(|n| signed(&mut sending, 1, 1, number(random) + 1_000 * n)).collect();
    world.append(1, records);
    let leaves = world.logs.get_mut(&1).unwrap().last_mut().unwrap();
    change(leaves, random);
    world.interval();
    world.files()
}

pub fn same_event_twice(random: &mut Random) -> Files {
    let mut sending = honest_producer(3);
    let one = signed(&mut sending, 1, 1, number(random));
    let again = sending.sign(one.record.clone()).unwrap();
    with(random, vec![one, again])
}

pub fn agent_number_skipped(random: &mut Random) -> Files {
    let mut world = World::honest(random);
    let (head, mut agents) = world.head(1);
    let by = u8::try_from(random.below(3)).unwrap();
    let before =
        agents.entry(agent(by)).or_insert(crate::AgentHead { agent_seq: 4, leaf: crate::Hash::of(b"x") });
    before.agent_seq += 1 + random.below(9) as u64;
    let record = signed(&mut honest_producer(3), 1, by, number(random));
    let commit = append(&tenant(1), &head, &agents, vec![record], world.now()).unwrap();
    world.take(1, commit);
    world.interval();
    world.files()
}

pub fn agent_chain_broken(random: &mut Random) -> Files {
    let mut world = World::honest(random);
    let (head, mut agents) = world.head(1);
    let Some(known) = agents.keys().next().cloned() else { return agent_number_skipped(random) };
    agents.get_mut(&known).unwrap().leaf = crate::Hash::of(&random.below(1 << 30).to_be_bytes());
    let by = (0..3).find(|by| agent(*by) == known).unwrap();
    let record = signed(&mut honest_producer(3), 1, by, number(random));
    let commit = append(&tenant(1), &head, &agents, vec![record], world.now()).unwrap();
    world.take(1, commit);
    world.interval();
    world.files()
}

pub fn producer_of_another(random: &mut Random) -> Files {
    let key = kms(100 + u8::try_from(random.below(50)).unwrap(), crate::sample::KEY_NAME).0;
    let one = signed(&mut producer(3, &key), 1, 1, number(random));
    with(random, vec![one])
}

pub fn certificate_of_another_producer(random: &mut Random) -> Files {
    let mut one = signed(&mut honest_producer(3), 1, 1, number(random));
    let other = signed(&mut honest_producer(4), 1, 1, number(random));
    one.certificate = other.certificate;
    with(random, vec![one])
}

/// An operator certifies a key of its own, and sends what an agent would.
pub fn operators_key_for_an_agent(random: &mut Random) -> Files {
    let (key, _) = kms(11, "countersign/eu/operator");
    let id = domain::ProducerId::from_random([9; 10]);
    let name = "countersign/eu/operator".to_owned();
    let draft = crate::Uncertified::new(&[9; 32], id, crate::Hash::of(b"code"), name, crate::sample::at(0));
    let signature = ed25519_dalek::Signer::sign(&key, draft.statement().as_bytes()).to_bytes();
    let one = signed(&mut draft.certified(signature), 1, 1, number(random));
    with(random, vec![one])
}

pub fn changed_after_signing(random: &mut Random) -> Files {
    let mut one = signed(&mut honest_producer(3), 1, 1, number(random));
    match random.below(3) {
        0 => one.record.decision = Decided::Deny,
        1 => one.origin.code_sha256 = crate::Hash::of(b"other"),
        _ => one.record.created_at = one.record.created_at.plus_millis(1),
    }
    // A certificate holds for one code: that is told by its own class.
    let code_changed = one.origin.code_sha256 != crate::Hash::of(b"code");
    if code_changed {
        one.origin.code_sha256 = crate::Hash::of(b"code");
        one.record.phase = Phase::Outcome;
        one.record.phase = Phase::Single;
        one.record.mfa = Some(true);
    }
    with(random, vec![one])
}

/// One key, two processes: both send a number.
pub fn number_twice(random: &mut Random) -> Files {
    let n = number(random);
    let one = signed(&mut honest_producer(3), 1, 1, n);
    let other = signed(&mut honest_producer(3), 1, 1, n + 1_000);
    with(random, vec![one, other])
}

pub fn names_another_before_it(random: &mut Random) -> Files {
    let n = number(random);
    let (mut one, mut other) = (honest_producer(3), honest_producer(3));
    let first = signed(&mut one, 1, 1, n);
    signed(&mut other, 1, 1, n + 1_000);
    let second = signed(&mut other, 1, 1, n + 2_000);
    with(random, vec![first, second])
}

/// Sent and taken from the queue by somebody, before it was in the log.
pub fn lost_before_the_log(random: &mut Random) -> Files {
    let mut sending = honest_producer(3);
    let mut records: Vec<_> =
        (0..4).map(|n| signed(&mut sending, 1, 1, number(random) + 1_000 * n)).collect();
    records.remove(random.below(3));
    with(random, records)
}

pub fn outcome_alone(random: &mut Random) -> Files {
    let n = number(random);
    let one = phased(&mut honest_producer(3), 1, 1, n, Phase::Outcome, action(1, n));
    with(random, vec![one])
}

pub fn attempt_alone(random: &mut Random) -> Files {
    let n = number(random);
    let one = phased(&mut honest_producer(3), 1, 1, n, Phase::Attempt, action(1, n));
    with(random, vec![one])
}

pub fn ended_twice(random: &mut Random) -> Files {
    let (n, mut sending) = (number(random), honest_producer(3));
    let phases = [Phase::Attempt, *random.one_of(&[Phase::Attempt, Phase::Outcome]), Phase::Outcome];
    let all =
        phases.into_iter().zip(n..).map(|(phase, at)| phased(&mut sending, 1, 1, at, phase, action(1, n)));
    let all = all.collect();
    with(random, all)
}

fn last_text(leaves: &[Vec<u8>]) -> String {
    String::from_utf8(leaves.last().unwrap().clone()).unwrap()
}

pub fn trailer_counts_wrong(random: &mut Random) -> Files {
    with_leaves(random, |leaves, random| {
        let to = format!("\"count\":{}", 4 + random.below(9));
        *leaves.last_mut().unwrap() = last_text(leaves).replace("\"count\":3", &to).into_bytes();
    })
}

pub fn trailer_hides_an_agent(random: &mut Random) -> Files {
    with_leaves(random, |leaves, _| {
        let Ok(Leaf::Trailer(mut trailer)) = Leaf::from_bytes(leaves.last().unwrap()) else { panic!() };
        trailer.agents.clear();
        *leaves.last_mut().unwrap() = trailer.to_text().unwrap().into_bytes();
    })
}

pub fn trailer_says_other_times(random: &mut Random) -> Files {
    with_leaves(random, |leaves, random| {
        let Ok(Leaf::Trailer(mut trailer)) = Leaf::from_bytes(leaves.last().unwrap()) else { panic!() };
        trailer.max_created_at = trailer.max_created_at.plus_millis(1 + random.below(99) as u64);
        *leaves.last_mut().unwrap() = trailer.to_text().unwrap().into_bytes();
    })
}

pub fn no_trailer(random: &mut Random) -> Files {
    with_leaves(random, |leaves, _| {
        leaves.pop();
    })
}

/// A record behind the trailer, at the right number.
pub fn record_behind_the_trailer(random: &mut Random) -> Files {
    let mut world = World::honest(random);
    let mut sending = honest_producer(3);
    let one = signed(&mut sending, 1, 1, number(random));
    world.append(1, vec![one]);
    let (head, agents) = world.head(1);
    let next = signed(&mut sending, 1, 1, number(random) + 1_000);
    let commit = append(&tenant(1), &head, &agents, vec![next], world.now()).unwrap();
    world.logs.get_mut(&1).unwrap().last_mut().unwrap().push(commit.bundle.leaves()[0].clone());
    world.interval();
    world.files()
}

pub fn leaves_out_of_order(random: &mut Random) -> Files {
    with_leaves(random, |leaves, random| leaves.swap(0, 1 + random.below(2)))
}

pub fn leaf_not_canonical(random: &mut Random) -> Files {
    with_leaves(random, |leaves, random| leaves[random.below(3)].insert(1, b' '))
}

pub fn leaf_of_another_tenant(random: &mut Random) -> Files {
    let mut world = World::honest(random);
    let (head, _) = world.head(1);
    let foreign = signed(&mut honest_producer(3), 3, 1, number(random));
    let commit = append(&tenant(3), &head, &AgentHeads::new(), vec![foreign], world.now()).unwrap();
    world.take(1, commit);
    world.interval();
    world.files()
}

pub fn written_in_the_past(random: &mut Random) -> Files {
    let mut world = World::honest(random);
    let (head, agents) = world.head(1);
    let earlier = Head { logged_at: Head::empty().logged_at, ..head };
    let one = signed(&mut honest_producer(3), 1, 1, number(random));
    let commit = append(&tenant(1), &earlier, &agents, vec![one], crate::sample::at(0)).unwrap();
    world.take(1, commit);
    world.interval();
    world.files()
}

/// Signed heads that are not those of the log.
fn signed_otherwise(random: &mut Random, change: impl Fn(&mut Vec<Vec<crate::TenantHead>>)) -> Files {
    let world = World::honest(random);
    let mut files = world.files();
    let mut heads = world.heads_at();
    change(&mut heads);
    files.sign(&heads);
    files
}

pub fn tenant_no_longer_named(random: &mut Random) -> Files {
    let of = random.below(2);
    signed_otherwise(random, |heads| {
        heads.last_mut().unwrap().remove(of);
    })
}

pub fn shorter_head_signed(random: &mut Random) -> Files {
    let world = World::honest(random);
    let mut files = world.files();
    let mut heads = world.heads_at();
    let first = heads[0].clone();
    heads.push(first);
    files.sign(&heads);
    files
}

pub fn other_root_signed(random: &mut Random) -> Files {
    signed_otherwise(random, |heads| heads.last_mut().unwrap()[0].root = crate::Hash::of(b"another"))
}

pub fn head_inside_a_bundle_signed(random: &mut Random) -> Files {
    let world = World::honest(random);
    let mut files = world.files();
    let mut heads = world.heads_at();
    heads[0][0].size -= 1;
    files.sign(&heads);
    files
}

pub fn interval_in_the_past(random: &mut Random) -> Files {
    let world = World::honest(random);
    let mut files = world.files();
    files.intervals_back();
    files
}

/// So that a made-up record is seen to be one: it would pass, were it not for what is forged.
pub fn nothing(random: &mut Random) -> Files {
    let one = honest_producer(3).sign(record(1, 1, number(random))).unwrap();
    with(random, vec![one])
}
