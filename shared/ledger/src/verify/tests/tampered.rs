//! What somebody does to the files of an honest ledger, without its keys.

use super::world::{Files, ORIGIN, Random, World, note, region_key};
use super::*;
use crate::sample::{at, kms, tenant};
use crate::{Bundle, Frontier, IntervalObject, checkpoint_name};

pub type Tamper = fn(&mut Files, &mut Random);

fn tenant_of(random: &mut Random) -> u8 {
    *random.one_of(&[1, 2])
}

fn some_bundle(files: &Files, random: &mut Random) -> String {
    let names = files.bundles(tenant_of(random));
    random.one_of(&names).clone()
}

fn some_object(files: &Files, random: &mut Random) -> usize {
    random.below(files.versions.len())
}

fn remove(files: &mut Files, name: &str) {
    files.objects.remove(name);
    files.versions.retain(|one| one.name != name);
}

fn drop_rows(files: &mut Files) {
    // The rows are not what these are about.
    let kept: Vec<_> = [1, 2].into_iter().map(|of| (of, files.entries(of))).collect();
    for (of, entries) in kept {
        let rows = entries.iter().map(|one| crate::row::row(one).unwrap().trim_end().to_owned());
        files.rows.insert(tenant(of), rows.collect());
    }
}

pub fn second_version(files: &mut Files, random: &mut Random) {
    let at = some_object(files, random);
    let again = Version { version_id: "v2".to_owned(), ..files.versions[at].clone() };
    files.versions.insert(at, again);
}

pub fn delete_marker(files: &mut Files, random: &mut Random) {
    let place = some_object(files, random);
    let marker = Version {
        version_id: "m".to_owned(),
        delete_marker: true,
        locked_until: None,
        ..files.versions[place].clone()
    };
    files.versions.insert(place, marker);
}

/// A delete marker, and then a put that `If-None-Match: *` lets pass: S3 looks at the current version alone.
pub fn marker_and_put(files: &mut Files, random: &mut Random) {
    let place = some_object(files, random);
    let old = files.versions[place].clone();
    let marker =
        Version { version_id: "m".to_owned(), delete_marker: true, locked_until: None, ..old.clone() };
    let forged = Version { version_id: "v2".to_owned(), ..old };
    files.versions.splice(place..place, [forged, marker]);
}

pub fn shorter_retention(files: &mut Files, random: &mut Random) {
    let place = some_object(files, random);
    let until = files.versions[place].modified.plus_millis(random.below(364 * 86_400_000) as u64);
    files.versions[place].locked_until = Some(until);
}

pub fn no_lock(files: &mut Files, random: &mut Random) {
    let place = some_object(files, random);
    files.versions[place].locked_until = None;
}

pub fn strange_object(files: &mut Files, random: &mut Random) {
    let names = [
        "t/ten_040g2081040g2081/bundle/5",
        "t/ten_040g2081040g2081/large/1",
        "t/nobody/bundle/00000000000000000000",
        "region/leaf/x",
        "region/other",
        "note.txt",
        "region/checkpoint/00000000000000000001.bak",
    ];
    let place = some_object(files, random);
    let one = Version { name: (*random.one_of(&names)).to_owned(), ..files.versions[place].clone() };
    files.versions.push(one);
}

pub fn put_later_than_exported(files: &mut Files, random: &mut Random) {
    let place = some_object(files, random);
    let later = files.as_of.plus_millis(86_400_001 + random.below(1_000_000) as u64);
    files.versions[place].modified = later;
    files.versions[place].locked_until = Some(later.plus_millis(366 * 86_400_000));
}

/// Any bit of the frame: magic, number, count, or a length.
pub fn flip_in_frame(files: &mut Files, random: &mut Random) {
    let name = some_bundle(files, random);
    let bytes = files.objects.get_mut(&name).unwrap();
    bytes[random.below(18)] ^= 1 << random.below(8);
}

pub fn cut_object(files: &mut Files, random: &mut Random) {
    let name = some_bundle(files, random);
    let bytes = files.objects.get_mut(&name).unwrap();
    let keep = random.below(bytes.len());
    bytes.truncate(keep);
}

fn change_leaves(files: &mut Files, random: &mut Random, change: impl Fn(&mut Vec<Vec<u8>>, &mut Random)) {
    let name = some_bundle(files, random);
    let bundle = Bundle::from_bytes(&files.objects[&name]).unwrap();
    let mut leaves = bundle.leaves().to_vec();
    change(&mut leaves, random);
    let changed = Bundle::new(bundle.first(), leaves).unwrap();
    files.objects.insert(name, changed.to_bytes());
    drop_rows(files);
}

fn replace(leaf: &mut Vec<u8>, from: &str, to: &str) {
    let text = String::from_utf8(leaf.clone()).unwrap();
    assert!(text.contains(from), "{from} in {text}");
    *leaf = text.replacen(from, to, 1).into_bytes();
}

/// A bit of a leaf: it is no longer JSON, no longer canonical, or says something else.
pub fn flip_in_leaf(files: &mut Files, random: &mut Random) {
    change_leaves(files, random, |leaves, random| {
        let n = random.below(leaves.len());
        let at = random.below(leaves[n].len());
        leaves[n][at] ^= 1 << random.below(8);
    });
}

/// A leaf that reads, and says something else.
pub fn change_content(files: &mut Files, random: &mut Random) {
    change_leaves(files, random, |leaves, random| {
        let n = random.below(leaves.len() - 1);
        let to = *random.one_of(&[
            (r#""decision":"allow""#, r#""decision":"deny""#),
            ("held_tokens\\\":7", "held_tokens\\\":9"),
            ("An agent", "No agent"),
        ]);
        replace(&mut leaves[n], to.0, to.1);
    });
}

pub fn not_canonical(files: &mut Files, random: &mut Random) {
    change_leaves(files, random, |leaves, random| {
        let n = random.below(leaves.len());
        leaves[n].insert(1, b' ');
    });
}

pub fn unknown_field(files: &mut Files, random: &mut Random) {
    change_leaves(files, random, |leaves, random| {
        let n = random.below(leaves.len());
        replace(&mut leaves[n], "\"v\":1", "\"v\":1,\"z\":1");
    });
}

pub fn swap_leaves(files: &mut Files, random: &mut Random) {
    change_leaves(files, random, |leaves, random| {
        let (one, other) = (random.below(leaves.len() - 1), leaves.len() - 1);
        leaves.swap(one, other);
    });
}

pub fn drop_leaf_in_the_middle(files: &mut Files, random: &mut Random) {
    // Not of the last bundle: what follows then begins too late.
    let names = files.bundles(tenant_of(random));
    let name = random.one_of(&names[..names.len() - 1]).clone();
    let bundle = Bundle::from_bytes(&files.objects[&name]).unwrap();
    let leaves = bundle.leaves()[..bundle.leaves().len() - 1].to_vec();
    files.objects.insert(name, Bundle::new(bundle.first(), leaves).unwrap().to_bytes());
    drop_rows(files);
}

pub fn remove_bundle(files: &mut Files, random: &mut Random) {
    let names = files.bundles(tenant_of(random));
    let name = random.one_of(&names[..names.len() - 1]).clone();
    remove(files, &name);
    drop_rows(files);
}

pub fn bundle_inside_another(files: &mut Files, random: &mut Random) {
    let name = some_bundle(files, random);
    let bundle = Bundle::from_bytes(&files.objects[&name]).unwrap();
    let inside = bundle.first() + 1;
    let copy = Bundle::new(inside, bundle.leaves().to_vec()).unwrap();
    let (place, _) = name.rsplit_once('/').unwrap();
    files.objects.insert(format!("{place}/{}", copy.name()), copy.to_bytes());
    files.list();
}

pub fn cut_the_tail(files: &mut Files, random: &mut Random) {
    let names = files.bundles(tenant_of(random));
    let from = 1 + random.below(names.len() - 1);
    names[from..].iter().for_each(|name| remove(files, name));
    drop_rows(files);
}

pub fn remove_a_tenant(files: &mut Files, random: &mut Random) {
    let of = tenant_of(random);
    files.bundles(of).iter().for_each(|name| remove(files, name));
    files.rows.remove(&tenant(of));
    files.admitted.remove(&tenant(of));
}

/// One tenant's whole log under the other's name.
pub fn cross_tenants(files: &mut Files, random: &mut Random) {
    let of = tenant_of(random);
    let (from, to) = (tenant(of), tenant(3 - of));
    files.bundles(3 - of).iter().for_each(|name| remove(files, name));
    for name in files.bundles(of) {
        let copy = files.objects[&name].clone();
        files.objects.insert(name.replace(from.as_str(), to.as_str()), copy);
    }
    files.list();
}

fn some_checkpoint(files: &Files, random: &mut Random) -> u64 {
    1 + random.below(intervals(files)) as u64
}

fn intervals(files: &Files) -> usize {
    files.objects.keys().filter(|name| name.starts_with("region/leaf/")).count()
}

fn tree_of(files: &Files, size: u64) -> Frontier {
    let mut tree = Frontier::default();
    for n in 0..size {
        let one = IntervalObject::from_bytes(&files.objects[&IntervalObject::name_at(n)]).unwrap();
        tree.append(one.interval.leaf_hash().unwrap());
    }
    tree
}

pub fn signed_by_another_key(files: &mut Files, random: &mut Random) {
    let size = some_checkpoint(files, random);
    let key = kms(77 + u8::try_from(random.below(9)).unwrap(), ORIGIN).0;
    let note = note(size, &tree_of(files, size), &key);
    files.objects.insert(checkpoint_name(size), note.into_bytes());
}

pub fn damaged_checkpoint(files: &mut Files, random: &mut Random) {
    let size = some_checkpoint(files, random);
    let bytes = files.objects.get_mut(&checkpoint_name(size)).unwrap();
    let at = random.below(bytes.len());
    bytes[at] ^= 1 << random.below(8);
}

pub fn checkpoint_under_anothers_name(files: &mut Files, random: &mut Random) {
    let last = intervals(files) as u64;
    let size = 1 + random.below(intervals(files) - 1) as u64;
    let note = files.objects[&checkpoint_name(last)].clone();
    files.objects.insert(checkpoint_name(size), note);
}

pub fn no_checkpoint_at_all(files: &mut Files, random: &mut Random) {
    let n = intervals(files) as u64;
    (1..=n).for_each(|size| remove(files, &checkpoint_name(size)));
    let _ = random.below(2);
}

pub fn remove_interval(files: &mut Files, random: &mut Random) {
    let n = random.below(intervals(files) - 1) as u64;
    remove(files, &IntervalObject::name_at(n));
    drop_rows(files);
}

pub fn remove_checkpoint(files: &mut Files, random: &mut Random) {
    let size = 1 + random.below(intervals(files) - 1) as u64;
    remove(files, &checkpoint_name(size));
}

/// The newest intervals are gone, their checkpoints are not.
pub fn cut_intervals(files: &mut Files, _: &mut Random) {
    let last = intervals(files) as u64 - 1;
    remove(files, &IntervalObject::name_at(last));
}

fn change_interval(files: &mut Files, random: &mut Random, change: impl Fn(&mut IntervalObject)) {
    let name = IntervalObject::name_at(random.below(intervals(files)) as u64);
    let mut one = IntervalObject::from_bytes(&files.objects[&name]).unwrap();
    change(&mut one);
    files.objects.insert(name, one.to_text().unwrap().into_bytes());
}

pub fn change_interval_time(files: &mut Files, random: &mut Random) {
    change_interval(files, random, |one| one.interval.at = one.interval.at.plus_millis(1));
}

pub fn change_interval_heads(files: &mut Files, random: &mut Random) {
    change_interval(files, random, |one| {
        one.full = true;
        one.heads.truncate(one.heads.len().saturating_sub(1));
    });
}

fn remove_checkpoints_from(files: &mut Files, n: u64) {
    let all = intervals(files) as u64 + 1;
    (n + 1..=all).for_each(|size| remove(files, &checkpoint_name(size)));
}

/// An interval, and every checkpoint over it.
pub fn remove_interval_and_later_checkpoints(files: &mut Files, random: &mut Random) {
    let n = 1 + random.below(intervals(files) - 2) as u64;
    remove_checkpoints_from(files, n);
    remove(files, &IntervalObject::name_at(n));
}

pub fn unreadable_interval_that_is_not_signed(files: &mut Files, random: &mut Random) {
    let n = 1 + random.below(intervals(files) - 1) as u64;
    remove_checkpoints_from(files, n);
    let bytes = files.objects.get_mut(&IntervalObject::name_at(n)).unwrap();
    let keep = random.below(bytes.len());
    bytes.truncate(keep);
}

pub fn unreadable_interval(files: &mut Files, random: &mut Random) {
    let name = IntervalObject::name_at(random.below(intervals(files)) as u64);
    let bytes = files.objects.get_mut(&name).unwrap();
    let keep = random.below(bytes.len());
    bytes.truncate(keep);
}

/// An earlier state of everything, whole in itself, against a checkpoint that the auditor has.
pub fn replay_old_state(files: &mut Files, random: &mut Random) {
    files.pinned = Some(files.newest_checkpoint());
    let mut old = World::honest(&mut Random::new(random.below(1 << 30) as u64 + 1));
    let rounds = 1 + random.below(old.rounds.len() - 1);
    old.rounds.truncate(rounds);
    for (of, bundles) in &mut old.logs {
        bundles.truncate(*old.rounds.last().unwrap().get(of).unwrap_or(&0));
    }
    old.logs.retain(|_, bundles| !bundles.is_empty());
    old.minutes = rounds as u64;
    let pinned = files.pinned.clone();
    *files = old.files();
    let ahead = intervals(files) as u64 + 1 + random.below(9) as u64;
    // Whatever the newer state was: a checkpoint of a larger size that the region's key signed.
    let mut tree = tree_of(files, intervals(files) as u64);
    while tree.size() < ahead {
        tree.append(crate::Hash::of(pinned.clone().unwrap().as_bytes()));
    }
    files.pinned = Some(note(ahead, &tree, &region_key()));
    // Attempts without their outcomes are the state's own.
    files.as_of = files.last;
}

/// Another history under the same key, of the same size.
pub fn split_view(files: &mut Files, random: &mut Random) {
    let size = some_checkpoint(files, random);
    let mut tree = tree_of(files, size - 1);
    tree.append(crate::Hash::of(&random.below(1 << 30).to_be_bytes()));
    files.pinned = Some(note(size, &tree, &region_key()));
}

pub fn pinned_by_another_key(files: &mut Files, random: &mut Random) {
    let size = some_checkpoint(files, random);
    files.pinned = Some(note(size, &tree_of(files, size), &kms(55, ORIGIN).0));
}

pub fn no_witness(files: &mut Files, random: &mut Random) {
    let (key, witness) = kms(21, "witness.example/w");
    files.trust.witnesses = vec![witness.clone()];
    files.trust.threshold = 1;
    // Nobody signed, somebody else did, or the witness signed something else.
    match random.below(3) {
        0 => {}
        1 => files.cosign(&kms(22, "witness.example/w").0, &witness),
        _ => {
            files.cosign(&key, &witness);
            let name =
                files.objects.keys().rfind(|name| name.starts_with("region/checkpoint/")).unwrap().clone();
            let text = String::from_utf8(files.objects[&name].clone()).unwrap();
            let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
            let last = lines.pop().unwrap();
            let wrong = last.replace(' ', "  ").replacen("  ", " ", 2);
            let forged: String = wrong
                .chars()
                .rev()
                .enumerate()
                .map(|(n, c)| if n == 9 { if c == 'A' { 'B' } else { 'A' } } else { c })
                .collect::<Vec<_>>()
                .into_iter()
                .rev()
                .collect();
            lines.push(forged);
            files.objects.insert(name, (lines.join("\n") + "\n").into_bytes());
        }
    }
}

pub fn stale(files: &mut Files, random: &mut Random) {
    files.trust.max_age_minutes = 10 + random.below(100) as u64;
    files.as_of = files.last.plus_millis(600 * 60_000);
}

fn some_row<'a>(files: &'a mut Files, random: &mut Random) -> (&'a mut Vec<String>, usize) {
    let of = tenant(tenant_of(random));
    let rows = files.rows.get_mut(&of).unwrap();
    let n = random.below(rows.len());
    (rows, n)
}

pub fn change_row(files: &mut Files, random: &mut Random) {
    let (rows, n) = some_row(files, random);
    rows[n] = rows[n].replace("allow", "deny");
}

pub fn row_twice(files: &mut Files, random: &mut Random) {
    let (rows, n) = some_row(files, random);
    rows.push(rows[n].clone());
}

pub fn row_of_nothing(files: &mut Files, random: &mut Random) {
    let (rows, n) = some_row(files, random);
    rows.insert(n, "{}".to_owned());
}

pub fn drop_row(files: &mut Files, random: &mut Random) {
    let (rows, n) = some_row(files, random);
    rows.remove(n);
}

pub fn settled_more(files: &mut Files, random: &mut Random) {
    // The day must be over.
    files.trust.max_age_minutes = 10_000;
    files.as_of = files.as_of.plus_millis(86_400_000);
    let of = tenant(tenant_of(random));
    let days = files.admitted.get_mut(&of).unwrap();
    *days.entry(at(0).date()).or_default() += 1 + random.below(5) as u64;
}

fn only_one(files: &mut Files, random: &mut Random) -> u8 {
    let of = tenant_of(random);
    *files = files.for_one(&tenant(of));
    of
}

pub fn one_tenants_tail(files: &mut Files, random: &mut Random) {
    let of = only_one(files, random);
    let names = files.bundles(of);
    remove(files, names.last().unwrap());
    let rows =
        files.entries(of).iter().map(|one| crate::row::row(one).unwrap().trim_end().to_owned()).collect();
    files.rows.insert(tenant(of), rows);
    files.admitted.clear();
}

/// Its whole log, and everything that tells of it.
pub fn one_tenants_everything(files: &mut Files, random: &mut Random) {
    only_one(files, random);
    files.objects.clear();
    files.versions.clear();
    files.rows.clear();
    files.admitted.clear();
}

/// Another's proof, so that nothing is signed about this one.
pub fn another_tenants_proof(files: &mut Files, random: &mut Random) {
    let of = tenant_of(random);
    let other = files.for_one(&tenant(3 - of));
    *files = files.for_one(&tenant(of));
    files.region = other.region;
    let names = files.bundles(of);
    remove(files, names.last().unwrap());
    drop_rows_of(files, of);
    files.admitted.clear();
}

fn drop_rows_of(files: &mut Files, of: u8) {
    let rows = files.entries(of);
    let rows = rows.iter().map(|one| crate::row::row(one).unwrap().trim_end().to_owned()).collect();
    files.rows.insert(tenant(of), rows);
}

pub fn another_tenants_object(files: &mut Files, random: &mut Random) {
    let of = only_one(files, random);
    let name = files.bundles(of)[0].replace(tenant(of).as_str(), tenant(3 - of).as_str());
    files.versions.push(Version { name, ..files.versions[0].clone() });
}

/// An old state with one more interval of today, which nobody signed.
pub fn unsigned_interval_of_today(files: &mut Files, random: &mut Random) {
    stale(files, random);
    let n = intervals(files) as u64;
    let last = IntervalObject::from_bytes(&files.objects[&IntervalObject::name_at(n - 1)]).unwrap();
    let mut forged = last.clone();
    forged.interval.n = n;
    forged.interval.at = files.as_of;
    forged.full = false;
    forged.heads.clear();
    files.objects.insert(IntervalObject::name_at(n), forged.to_text().unwrap().into_bytes());
    files.list();
}

pub fn one_tenants_head(files: &mut Files, random: &mut Random) {
    only_one(files, random);
    files.shown().head.size -= 1;
}

pub fn one_tenants_interval(files: &mut Files, random: &mut Random) {
    only_one(files, random);
    let shown = files.shown();
    shown.newest.at = shown.newest.at.plus_millis(1);
}

pub fn one_tenants_leaves(files: &mut Files, random: &mut Random) {
    only_one(files, random);
    let n = random.below(files.shown().leaves.len());
    let shown = files.shown();
    shown.leaves[n] = crate::Hash::of(b"another");
}

pub fn one_tenants_checkpoint(files: &mut Files, random: &mut Random) {
    only_one(files, random);
    let shown = files.shown();
    let mut tree = Frontier::default();
    shown.leaves.iter().for_each(|leaf| tree.append(*leaf));
    shown.checkpoint = note(tree.size(), &tree, &kms(66, ORIGIN).0);
}
