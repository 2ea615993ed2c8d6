//! What verification must find: honest ledgers pass, and each kind of forgery fails with its own code.

mod forged;
mod matrix;
mod tampered;
mod world;

use super::*;
use world::{Random, World};

#[test]
fn an_honest_ledger_passes_whole_and_for_one_tenant() {
    for seed in 1..=40 {
        let mut random = Random::new(seed);
        let files = World::honest(&mut random).files();
        let report = files.verify();
        assert_eq!(report.findings, [], "seed {seed}");
        assert!(report.records >= 6 && report.tenants == 2 && report.rows == report.records, "{report:?}");
        for tenant in files.tenants() {
            let report = files.for_one(&tenant).verify();
            assert_eq!(report.findings, [], "seed {seed}");
            assert_eq!(report.tenants, 1);
        }
    }
}

/// Exit codes are an interface: 0 holds, 1 is for what could not be looked at, 2 for wrong usage.
#[test]
fn codes_are_distinct_and_pinned() {
    let codes: Vec<_> = Class::ALL.iter().map(|class| class.code()).collect();
    assert_eq!(codes, (10..=46).collect::<Vec<u8>>());
    let words: std::collections::BTreeSet<_> = Class::ALL.iter().map(|class| class.as_str()).collect();
    assert_eq!(words.len(), Class::ALL.len());
}

#[test]
fn a_trust_file_reads_back_and_says_what_is_wrong() {
    let mut trust = world::trust();
    trust.witnesses = vec![crate::sample::kms(21, "witness.example/w").1];
    trust.threshold = 1;
    assert_eq!(Trust::parse(&trust.to_string()), Ok(trust.clone()));
    let text = trust.to_string();
    let without = |word: &str| -> String {
        text.lines().filter(|line| !line.starts_with(word)).flat_map(|line| [line, "\n"]).collect()
    };
    assert_eq!(Trust::parse(&without("origin")), Err(TrustError::Missing("origin")));
    assert_eq!(Trust::parse(&without("checkpoint")), Err(TrustError::Missing("checkpoint")));
    assert_eq!(Trust::parse(&without("producer")), Err(TrustError::Missing("producer")));
    assert_eq!(Trust::parse("# mine\n\nwitness"), Err(TrustError::Line(3)));
    assert_eq!(Trust::parse(&(text.clone() + "colour 3\n")), Err(TrustError::Line(text.lines().count() + 1)));
    assert!(matches!(Trust::parse("checkpoint x+y+z\n"), Err(TrustError::Key(1, _))));
}

/// What is on its way is no fault; the same later is one.
#[test]
fn a_hole_and_an_open_attempt_are_faults_only_after_their_time() {
    for (forge, class) in [
        (forged::lost_before_the_log as forged::Forge, Class::ProducerGap),
        (forged::attempt_alone as forged::Forge, Class::Unpaired),
    ] {
        let mut random = Random::new(7);
        let mut files = forge(&mut random);
        assert_eq!(files.verify().first(), Some(class));
        files.as_of = files.last;
        let report = files.verify();
        assert_eq!((report.first(), report.in_flight), (None, 1), "{class:?}");
    }
}

/// Nothing was done, and the outcome says why: there is no attempt to look for.
#[test]
fn an_outcome_that_says_its_attempt_was_not_recorded_stands_alone() {
    let mut world = World::honest(&mut Random::new(4));
    let mut sending = world::honest_producer(3);
    let mut record = crate::sample::record(1, 1, 5_000);
    record.phase = domain::Phase::Outcome;
    record.action_id = Some(world::action(1, 5_000));
    record.reason = domain::Code::literal("audit_unavailable");
    world.append(1, vec![sending.sign(record).unwrap()]);
    world.interval();
    assert_eq!(world.files().verify().findings, []);
}

#[test]
fn a_witness_counts_once_it_has_signed() {
    let mut random = Random::new(3);
    let mut files = World::honest(&mut random).files();
    let (key, witness) = crate::sample::kms(21, "witness.example/w");
    files.trust.witnesses = vec![witness.clone()];
    files.trust.threshold = 1;
    assert_eq!(files.verify().first(), Some(Class::Witness));
    files.cosign(&key, &witness);
    assert_eq!(files.verify().first(), None);
}

#[test]
fn a_flood_of_findings_is_told_in_part_and_counted_whole() {
    let mut report = Report::default();
    (0..100).for_each(|n| report.add(Class::Gap, "a", n.to_string()));
    (0..3).for_each(|n| report.add(Class::Gap, "b", n.to_string()));
    assert_eq!((report.findings.len(), report.untold), (23, 80));
    assert_eq!(report.exit_code(), 17);
}
