//! The matrix: every forgery a thousand times, each with its own code. Prints its counts and leaves them for the report.

use std::collections::BTreeMap;

use super::forged::{self, Forge};
use super::tampered::{self, Tamper};
use super::world::{Files, Random, World};
use super::*;

/// For the first kind of each class; further kinds of the same class, and those that build a ledger anew, run fewer.
const CASES: u64 = 1_000;
const FEWER: u64 = 150;

macro_rules! table {
    ($($module:ident::$name:ident => $($class:ident)|+,)+) => {
        &[$((stringify!($name), $module::$name, &[$(Class::$class),+])),+]
    };
}

const TAMPERED: &[(&str, Tamper, &[Class])] = table! {
    tampered::second_version => SecondVersion,
    tampered::delete_marker => DeleteMarker,
    tampered::marker_and_put => SecondVersion,
    tampered::shorter_retention => Retention,
    tampered::no_lock => Retention,
    tampered::strange_object => UnknownObject,
    tampered::put_later_than_exported => TimeBack,
    tampered::flip_in_frame => BundleForm,
    tampered::cut_object => BundleForm,
    // Where it falls decides: no JSON, another number, another tenant, or just another content.
    tampered::flip_in_leaf => LeafForm | Sequence | WrongTenant | RootMismatch,
    tampered::change_content => RootMismatch,
    tampered::not_canonical => LeafForm,
    tampered::unknown_field => LeafForm,
    tampered::swap_leaves => Sequence,
    tampered::drop_leaf_in_the_middle => Gap,
    tampered::remove_bundle => Gap,
    tampered::bundle_inside_another => Overlap,
    tampered::cut_the_tail => TailCut,
    tampered::remove_a_tenant => TenantRemoved,
    tampered::cross_tenants => WrongTenant,
    tampered::signed_by_another_key => Checkpoint,
    tampered::damaged_checkpoint => Checkpoint,
    tampered::checkpoint_under_anothers_name => Checkpoint,
    tampered::no_checkpoint_at_all => Checkpoint,
    tampered::remove_interval => RegionGap,
    tampered::remove_checkpoint => RegionGap,
    tampered::cut_intervals => RegionGap,
    tampered::change_interval_time => RegionRoot,
    tampered::change_interval_heads => RegionHeads,
    tampered::remove_interval_and_later_checkpoints => RegionGap,
    tampered::unreadable_interval => RegionGap | RegionHeads,
    tampered::unreadable_interval_that_is_not_signed => RegionHeads,
    tampered::replay_old_state => PinnedAhead,
    tampered::split_view => PinnedContradicts,
    tampered::pinned_by_another_key => Checkpoint,
    tampered::no_witness => Witness,
    tampered::stale => Stale,
    tampered::change_row => RowDiffers,
    tampered::row_twice => RowDiffers,
    tampered::row_of_nothing => RowDiffers,
    tampered::drop_row => RowMissing,
    tampered::settled_more => Admitted,
    tampered::one_tenants_tail => TailCut | TenantRemoved,
    tampered::one_tenants_everything => TenantRemoved,
    tampered::another_tenants_proof => RegionHeads,
    tampered::another_tenants_object => UnknownObject,
    tampered::unsigned_interval_of_today => Stale,
    tampered::one_tenants_head => RegionHeads,
    tampered::one_tenants_interval => RegionRoot,
    tampered::one_tenants_leaves => RegionRoot,
    tampered::one_tenants_checkpoint => Checkpoint,
};

const FORGED: &[(&str, Forge, &[Class])] = table! {
    forged::same_event_twice => DuplicateEvent,
    forged::agent_number_skipped => AgentChain,
    forged::agent_chain_broken => AgentChain,
    forged::producer_of_another => Certificate,
    forged::certificate_of_another_producer => Certificate,
    forged::operators_key_for_an_agent => Certificate,
    forged::changed_after_signing => Signature,
    forged::number_twice => ProducerRepeat,
    forged::names_another_before_it => ProducerRepeat,
    forged::lost_before_the_log => ProducerGap,
    forged::outcome_alone => OutcomeAlone,
    forged::attempt_alone => Unpaired,
    forged::ended_twice => PairTwice,
    forged::trailer_counts_wrong => Trailer,
    forged::trailer_hides_an_agent => Trailer,
    forged::trailer_says_other_times => Trailer,
    forged::no_trailer => Trailer,
    forged::record_behind_the_trailer => Trailer,
    forged::leaves_out_of_order => Sequence,
    forged::leaf_not_canonical => LeafForm,
    forged::leaf_of_another_tenant => WrongTenant,
    forged::written_in_the_past => TimeBack,
    forged::tenant_no_longer_named => TenantRemoved,
    forged::shorter_head_signed => HeadShrank,
    // Where its size was signed before, the two contradict each other.
    forged::other_root_signed => RootMismatch | HeadShrank,
    forged::head_inside_a_bundle_signed => RootMismatch,
    forged::interval_in_the_past => TimeBack,
};

#[test]
fn what_is_forged_is_told_from_what_is_not() {
    let report = forged::nothing(&mut Random::new(5)).verify();
    assert_eq!(report.findings, []);
}

/// Every class but the manifest's, which the command checks, is some forgery's.
#[test]
fn every_class_is_tested() {
    let tampered = TAMPERED.iter().flat_map(|row| row.2);
    let tested: std::collections::BTreeSet<_> = tampered.chain(FORGED.iter().flat_map(|row| row.2)).collect();
    let untested: Vec<_> =
        Class::ALL.iter().filter(|class| **class != Class::Manifest && !tested.contains(class)).collect();
    assert!(untested.is_empty(), "{untested:?}");
}

fn half(rows: std::ops::Range<usize>) -> BTreeMap<&'static str, u64> {
    let pool: Vec<_> = (1..=12).map(|seed| World::honest(&mut Random::new(seed)).files()).collect();
    let mut counts = BTreeMap::new();
    for (n, (name, tamper, classes)) in TAMPERED.iter().enumerate().take(rows.end).skip(rows.start) {
        let first = TAMPERED.iter().position(|row| row.2.first() == classes.first()) == Some(n);
        let cases = if first { CASES } else { FEWER };
        for seed in 1..=cases {
            let mut random = Random::new(seed);
            let mut files = random.one_of(&pool).clone();
            tamper(&mut files, &mut random);
            expect(name, seed, &files, classes);
        }
        counts.insert(*name, cases);
    }
    tell(&counts);
    counts
}

/// Adds counts to `target/bench/ledger.json`, which `make bench` completes.
fn tell(counts: &BTreeMap<&'static str, u64>) {
    static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/bench");
    let file = format!("{folder}/ledger.json");
    std::fs::create_dir_all(folder).unwrap();
    let text = std::fs::read_to_string(&file).unwrap_or_default();
    let mut all: serde_json::Value = serde_json::from_str(&text).unwrap_or_else(|_| serde_json::json!({}));
    for (name, cases) in counts {
        all["forgeries"][*name] = (*cases).into();
    }
    std::fs::write(&file, serde_json::to_string_pretty(&all).unwrap()).unwrap();
    println!("verification: {} kinds of forgery, {} cases", counts.len(), counts.values().sum::<u64>());
}

fn expect(name: &str, seed: u64, files: &Files, classes: &[Class]) {
    let report = files.verify();
    let first = report.first();
    assert!(
        first.is_some_and(|first| classes.contains(&first)),
        "{name} {seed}: {first:?} {:#?}",
        report.findings
    );
}

#[test]
fn every_tampering_is_found_first_half() {
    assert!(half(0..TAMPERED.len() / 2).values().sum::<u64>() >= 10_000);
}

#[test]
fn every_tampering_is_found_second_half() {
    assert!(half(TAMPERED.len() / 2..TAMPERED.len()).values().sum::<u64>() >= 10_000);
}

/// At least twenty classes a thousand times.
#[test]
fn twenty_classes_run_in_full() {
    let classes: std::collections::BTreeSet<_> = TAMPERED.iter().filter_map(|row| row.2.first()).collect();
    assert!(classes.len() >= 20, "{}", classes.len());
}

#[test]
fn every_forgery_with_the_keys_is_found() {
    let mut counts = BTreeMap::new();
    for (name, forge, classes) in FORGED {
        for seed in 1..=FEWER {
            expect(name, seed, &forge(&mut Random::new(seed)), classes);
        }
        counts.insert(*name, FEWER);
    }
    tell(&counts);
}

/// Every place that tells of a fault, by file and line.
fn checks() -> std::collections::BTreeSet<(String, u32)> {
    let sources = [
        ("listing.rs", include_str!("../listing.rs")),
        ("log.rs", include_str!("../log.rs")),
        ("pairs.rs", include_str!("../pairs.rs")),
        ("producers.rs", include_str!("../producers.rs")),
        ("region.rs", include_str!("../region.rs")),
        ("rows.rs", include_str!("../rows.rs")),
    ];
    let lines = |(file, text): (&str, &str)| {
        let told = text.lines().zip(1..).filter(|(line, _)| line.contains("report.add("));
        told.map(|(_, n)| (file.to_owned(), n)).collect::<Vec<_>>()
    };
    sources.into_iter().flat_map(lines).collect()
}

/// A check is needed if there is a forgery whose class no other check tells: without it, that forgery's test fails.
#[test]
fn every_check_is_needed_by_some_forgery() {
    let mut needed = std::collections::BTreeSet::new();
    let mut see = |files: &Files| {
        let report = files.verify();
        let first = report.first().unwrap();
        let sites: std::collections::BTreeSet<_> =
            report.sites.iter().filter(|site| site.0 == first).map(|site| (site.1, site.2)).collect();
        if let [(file, line)] = sites.into_iter().collect::<Vec<_>>()[..] {
            let (_, file) = file.rsplit_once('/').unwrap();
            needed.insert((file.to_owned(), line));
        }
    };
    let pool: Vec<_> = (1..=12).map(|seed| World::honest(&mut Random::new(seed)).files()).collect();
    for seed in 1..=60 {
        for (_, tamper, _) in TAMPERED {
            let mut random = Random::new(seed);
            let mut files = random.one_of(&pool).clone();
            tamper(&mut files, &mut random);
            see(&files);
        }
        if seed <= 12 {
            FORGED.iter().for_each(|(_, forge, _)| see(&forge(&mut Random::new(seed))));
        }
    }
    let checks = checks();
    assert!(checks.len() > 35, "{}", checks.len());
    let unneeded: Vec<_> = checks.difference(&needed).collect();
    assert!(unneeded.is_empty(), "no forgery needs the checks at {unneeded:?}");
    println!("verification: each of {} checks is needed by some forgery", checks.len());
}
