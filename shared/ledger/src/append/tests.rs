use super::*;
use crate::sample::{KEY_NAME, agent, at, kms, producer, record, signed, tenant};
use crate::{Hash, Producer};
use domain::AuditRecord;

fn records(of: u8, numbers: std::ops::Range<u32>) -> Vec<SignedRecord> {
    let (key, _) = kms(9, KEY_NAME);
    let mut producer = producer(1, &key);
    numbers.map(|n| signed(&mut producer, of, u8::try_from(n % 3).unwrap(), n)).collect()
}

fn first() -> Commit {
    append(&tenant(1), &Head::empty(), &AgentHeads::new(), records(1, 0..5), at(50)).unwrap()
}

/// Pinned: leaves are read for years.
#[test]
fn the_leaves_are_pinned() {
    let commit = first();
    let text = |n: usize| String::from_utf8(commit.bundle.leaves()[n].clone()).unwrap();
    assert!(text(3).contains(r#""agent_prev":""#) && text(3).contains(r#","agent_seq":2,"#), "{}", text(3));
    assert!(text(3).contains(r#","seq":3,"#));
    let trailer = text(5);
    assert!(trailer.starts_with(r#"{"agents":{"agt_0000000000000000":{"agent_seq":2,"leaf":""#), "{trailer}");
    assert!(trailer.ends_with(
        r#""count":5,"kind":"trailer","logged_at":"2026-11-23T10:42:10.170Z","max_created_at":"2026-11-23T10:42:10.124Z","min_created_at":"2026-11-23T10:42:10.120Z","seq":5,"tenant_id":"ten_040g2081040g2081","v":1}"#
    ), "{trailer}");
    assert_eq!(
        commit.head.tree.root().to_string(),
        "c672ff94bd247887923ea82f3b2a81d5433bdfaf3d25b31bd13f183c327fa257"
    );
    assert_eq!((commit.head.tree.size(), commit.head.logged_at), (6, at(50)));
}

#[test]
fn what_is_appended_replays_to_the_same() {
    let mut head = Head::empty();
    let mut agents = AgentHeads::new();
    for round in 0..4_u32 {
        let commit = append(&tenant(1), &head, &agents, records(1, round * 5..round * 5 + 5), at(9)).unwrap();
        let again = replay(&tenant(1), &head, &commit.bundle.to_bytes()).unwrap();
        assert_eq!(again, commit);
        agents.extend(commit.agents);
        head = commit.head;
    }
    assert_eq!(head.tree.size(), 24);
    assert_eq!(agents[&agent(1)].agent_seq, 7);
}

#[test]
fn a_slow_clock_never_turns_the_logs_time_back() {
    let second = append(&tenant(1), &first().head, &first().agents, records(1, 5..6), at(3)).unwrap();
    assert_eq!(second.head.logged_at, at(50));
}

#[test]
fn what_does_not_follow_is_not_replayed() {
    let commit = first();
    let bytes = commit.bundle.to_bytes();
    let leaves = commit.bundle.leaves();
    assert!(replay(&tenant(1), &commit.head, &bytes).is_err(), "another place");
    assert!(replay(&tenant(2), &Head::empty(), &bytes).is_err(), "another tenant");
    assert!(replay(&tenant(1), &Head { logged_at: at(51), ..Head::empty() }, &bytes).is_err(), "earlier");
    assert!(replay(&tenant(1), &Head::empty(), &bytes[1..]).is_err());
    let lacking = Bundle::new(0, leaves[..5].to_vec()).unwrap();
    assert!(replay(&tenant(1), &Head::empty(), &lacking.to_bytes()).is_err(), "no trailer");
    let behind = Bundle::new(0, [leaves, &leaves[..1]].concat()).unwrap();
    assert!(replay(&tenant(1), &Head::empty(), &behind.to_bytes()).is_err(), "behind the trailer");
}

#[test]
fn a_record_of_another_tenant_is_refused() {
    let refused = append(&tenant(2), &Head::empty(), &AgentHeads::new(), records(1, 0..1), at(0));
    assert_eq!(refused, Err(AppendError::Tenant));
    let none = append(&tenant(1), &Head::empty(), &AgentHeads::new(), vec![], at(0));
    assert_eq!(none, Err(AppendError::Bundle(BundleError::Empty)));
}

#[test]
fn a_bundle_takes_a_thousand_records_of_four_hundred_agents() {
    let (key, _) = kms(9, KEY_NAME);
    let mut producer = producer(1, &key);
    let one = |producer: &mut Producer, n: u16| {
        let mut one = record(1, 1, n.into());
        let mut random = [0; 10];
        random[..2].copy_from_slice(&n.to_be_bytes());
        one.agent_id = Some(AgentId::from_random(random));
        producer.sign(one).unwrap()
    };
    let many: Vec<_> = (0..450).map(|n| one(&mut producer, n)).collect();
    assert_eq!(fitting(&many), MAX_AGENTS);
    let commit =
        append(&tenant(1), &Head::empty(), &AgentHeads::new(), many[..MAX_AGENTS].to_vec(), at(0)).unwrap();
    let trailer = commit.bundle.leaves().last().unwrap();
    assert!((45_000..65_535).contains(&trailer.len()), "{}", trailer.len());
    assert_eq!(fitting(&[]), 0);
    let of_one: Vec<_> = std::iter::repeat_n(many[0].clone(), 1_200).collect();
    assert_eq!(fitting(&of_one), MAX_RECORDS);
}

/// The largest record that a producer sends is a leaf that fits, wherever it lands.
#[test]
fn the_largest_record_fits_into_a_leaf() {
    let (key, _) = kms(9, KEY_NAME);
    let mut producer = producer(1, &key);
    let mut large = record(1, 1, 1);
    let reference = |n: usize| format!("{n:0>128}").parse::<domain::Opaque>().unwrap();
    let fits = |count: &usize| {
        let refs = (0..*count).map(reference).collect();
        AuditRecord { subject_refs: Some(refs), ..record(1, 1, 1) }.to_canonical().is_ok()
    };
    let count = (470..490).take_while(fits).last().unwrap();
    large.subject_refs = Some((0..count - 1).map(reference).collect());
    large.resource = Some("x".repeat(120).parse().unwrap());
    large.request_id = Some("x".parse().unwrap());
    let left = 63_487 - large.to_canonical().unwrap().len();
    large.request_id = Some("x".repeat(left + 1).parse().unwrap());
    assert_eq!(large.to_canonical().unwrap().len(), 63_487);
    let mut signed = producer.sign(large).unwrap();
    signed.origin.n = 9_007_199_254_740_991;
    signed.origin.prev = Some(Hash::of_nothing());
    let place = Place {
        seq: 9_007_199_254_740_991,
        agent_seq: Some(9_007_199_254_740_991),
        agent_prev: Some(Hash::of_nothing()),
        logged_at: at(0),
    };
    let leaf = Entry { signed, place }.to_text().unwrap();
    assert!(leaf.len() < crate::MAX_LEAF_BYTES, "{}", leaf.len());
}
