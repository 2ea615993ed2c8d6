//! The region log: intervals, checkpoints, and what they sign of each tenant.

use std::collections::BTreeMap;

use domain::{TenantId, Timestamp};
use serde::{Deserialize, Serialize};

use super::listing::Named;
use super::{Class, Evidence, Report, Trust};
use crate::{
    Checkpoint, Frontier, Hash, Heads, Interval, IntervalObject, Note, TenantHead, checkpoint_name,
    verify_inclusion,
};

/// What shows one tenant's head without telling of others: every interval's hash, the newest interval, and a path in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shown {
    /// The newest checkpoint.
    pub checkpoint: String,
    /// Leaf hashes of all intervals.
    pub leaves: Vec<Hash>,
    pub newest: Interval,
    pub head: TenantHead,
    /// The head's number among all heads, and its path to their root.
    pub index: u64,
    pub path: Vec<Hash>,
}

/// What is signed.
#[derive(Debug, Default)]
pub(crate) struct Signed {
    pub newest: Heads,
    /// The root over them, once it was made.
    last: Option<Hash>,
    /// Every head of every tenant that any interval names: the root at each size.
    pub roots: BTreeMap<TenantId, BTreeMap<u64, Hash>>,
}

const PLACE: &str = "region log";

/// The roots over the first so many leaves, for those sizes that are asked for.
fn roots(leaves: &[Hash]) -> Vec<Hash> {
    let mut tree = Frontier::default();
    let mut roots = vec![tree.root()];
    for leaf in leaves {
        tree.append(*leaf);
        roots.push(tree.root());
    }
    roots
}

/// What is behind the newest checkpoint is read too, and believed in nothing: neither its time nor its heads are signed.
pub(crate) fn whole(evidence: &Evidence<'_>, trust: &Trust, named: &Named, report: &mut Report) -> Signed {
    let opened = opened(evidence, trust, named, report);
    let covered = opened.last().map_or(0, |(_, newest)| newest.size);
    let (mut signed, mut leaves, mut at) = (Signed::default(), Vec::new(), None);
    for n in &named.intervals {
        if usize::try_from(*n) != Ok(leaves.len()) {
            report.add(Class::RegionGap, PLACE, format!("interval {} is missing", leaves.len()));
            break;
        }
        let bytes = (evidence.read)(&IntervalObject::name_at(*n)).unwrap_or_default();
        let read = IntervalObject::from_bytes(&bytes).ok().filter(|one| one.interval.n == *n);
        let Some((one, leaf)) = read.and_then(|one| one.interval.leaf_hash().ok().map(|leaf| (one, leaf)))
        else {
            report.add(Class::RegionHeads, PLACE, format!("interval {n} cannot be read"));
            break;
        };
        leaves.push(leaf);
        report.intervals += 1;
        if *n >= covered {
            report.in_flight += 1;
            continue;
        }
        if at.is_some_and(|before| one.interval.at < before) {
            report.add(Class::TimeBack, PLACE, format!("interval {n} is earlier than the one before"));
        }
        at = Some(one.interval.at);
        signed.interval(&one, report);
    }
    let roots = roots(&leaves);
    checkpoints(&opened, named, &roots, report);
    if opened.is_empty() {
        report.add(Class::Checkpoint, PLACE, "there is no checkpoint that the region's key signed");
    }
    judge(opened.into_iter().next_back(), at, &roots, evidence, trust, report);
    gone(named, &signed.newest, report);
    signed
}

impl Signed {
    fn interval(&mut self, one: &IntervalObject, report: &mut Report) {
        let n = one.interval.n;
        // Idle minutes cost nothing: the same heads have the same root, which was made from them once.
        let idle = !one.full && one.heads.is_empty() && self.last == Some(one.interval.heads_root);
        if idle && u64::try_from(self.newest.len()) == Ok(one.interval.tenants) {
            return;
        }
        let Ok(heads) = one.after(&self.newest) else {
            report.add(Class::RegionHeads, PLACE, format!("the heads of interval {n} have another root"));
            return;
        };
        shrunk(&self.newest, &heads, n, report);
        for head in &one.heads {
            let of_tenant = self.roots.entry(head.tenant_id.clone()).or_default();
            of_tenant.insert(head.size, head.root);
        }
        self.newest = heads;
        self.last = Some(one.interval.heads_root);
    }
}

fn shrunk(before: &Heads, now: &Heads, n: u64, report: &mut Report) {
    for head in before.iter() {
        let place = || format!("tenant {}", head.tenant_id);
        match now.get(&head.tenant_id) {
            None => report.add(Class::TenantRemoved, place(), format!("interval {n} names it no more")),
            Some(later) if later.size < head.size || (later.size == head.size && later.root != head.root) => {
                report.add(
                    Class::HeadShrank,
                    place(),
                    format!("interval {n} names {} after {}", later.size, head.size),
                );
            }
            Some(_) => {}
        }
    }
}

/// A tenant that is signed for and has no object at all.
fn gone(named: &Named, newest: &Heads, report: &mut Report) {
    for head in newest.iter().filter(|head| !named.tenants.contains_key(&head.tenant_id)) {
        report.add(
            Class::TenantRemoved,
            format!("tenant {}", head.tenant_id),
            format!("{} leaves are signed, none is here", head.size),
        );
    }
}

/// The checkpoints that the region's key signed, under their own names, in the order of their sizes.
fn opened(
    evidence: &Evidence<'_>,
    trust: &Trust,
    named: &Named,
    report: &mut Report,
) -> Vec<(String, Checkpoint)> {
    let mut all = Vec::new();
    for size in &named.checkpoints {
        let bytes = (evidence.read)(&checkpoint_name(*size)).unwrap_or_default();
        let note = String::from_utf8(bytes).unwrap_or_default();
        match Checkpoint::open(&note, &trust.checkpoint, &trust.origin) {
            Ok(found) if found.size == *size => all.push((note, found)),
            Ok(_) => report.add(Class::Checkpoint, PLACE, format!("checkpoint {size} is of another size")),
            Err(error) => report.add(Class::Checkpoint, PLACE, format!("checkpoint {size}: {error}")),
        }
    }
    all
}

/// Every checkpoint must be over the intervals before it, and each interval must have one.
fn checkpoints(opened: &[(String, Checkpoint)], named: &Named, roots: &[Hash], report: &mut Report) {
    for (_, checkpoint) in opened {
        let size = checkpoint.size;
        match usize::try_from(size).ok().and_then(|size| roots.get(size)) {
            None => {
                report.add(
                    Class::RegionGap,
                    PLACE,
                    format!("interval {} is missing", size.saturating_sub(1)),
                );
            }
            Some(root) if *root != checkpoint.root => {
                report.add(Class::RegionRoot, PLACE, format!("checkpoint {size} is over other intervals"));
            }
            Some(_) => {}
        }
    }
    for size in 1..=u64::try_from(roots.len().saturating_sub(1)).unwrap_or(u64::MAX) {
        // The newest interval's checkpoint may be about to be written.
        let last = usize::try_from(size).is_ok_and(|size| size + 1 == roots.len());
        if !named.checkpoints.contains(&size) && !last {
            report.add(Class::RegionGap, PLACE, format!("checkpoint {size} is missing"));
        }
    }
}

pub(crate) fn shown(
    shown: &Shown,
    evidence: &Evidence<'_>,
    trust: &Trust,
    named: &Named,
    report: &mut Report,
) -> Signed {
    report.intervals = u64::try_from(shown.leaves.len()).unwrap_or(u64::MAX);
    let roots = roots(&shown.leaves);
    let opened = Checkpoint::open(&shown.checkpoint, &trust.checkpoint, &trust.origin);
    let newest = match opened {
        Ok(found) => Some((shown.checkpoint.clone(), found)),
        Err(error) => {
            report.add(Class::Checkpoint, PLACE, format!("the newest checkpoint: {error}"));
            None
        }
    };
    if let Some((_, found)) = &newest {
        let over = usize::try_from(found.size).ok().and_then(|size| roots.get(size)) == Some(&found.root);
        if !over || roots.last() != Some(&found.root) {
            report.add(Class::RegionRoot, PLACE, "the newest checkpoint is over other intervals");
        }
    }
    let leaf = shown.newest.leaf_hash().ok();
    if leaf.is_none() || leaf.as_ref() != shown.leaves.last() {
        report.add(Class::RegionRoot, PLACE, "the newest interval is not the last leaf");
    }
    if evidence.tenant.as_ref() != Some(&shown.head.tenant_id) {
        report.add(Class::RegionHeads, PLACE, "the head that is shown is another tenant's");
    }
    let tree = (&shown.newest.heads_root, shown.newest.tenants);
    if verify_inclusion(&shown.head.leaf(), shown.index, tree, &shown.path).is_err() {
        report.add(Class::RegionHeads, PLACE, "the tenant's head is not shown to be in the newest interval");
    }
    judge(newest, Some(shown.newest.at), &roots, evidence, trust, report);
    let mut signed = Signed::default();
    let of_tenant = BTreeMap::from([(shown.head.size, shown.head.root)]);
    signed.roots.insert(shown.head.tenant_id.clone(), of_tenant);
    signed.newest.put([shown.head.clone()]);
    gone(named, &signed.newest, report);
    signed
}

/// The newest checkpoint against the auditor's own, the witnesses, and the time.
fn judge(
    newest: Option<(String, Checkpoint)>,
    at: Option<Timestamp>,
    roots: &[Hash],
    evidence: &Evidence<'_>,
    trust: &Trust,
    report: &mut Report,
) {
    let Some((note, checkpoint)) = newest else { return };
    pinned(&checkpoint, roots, evidence, trust, report);
    let signed = Note::parse(&note)
        .map_or(0, |note| trust.witnesses.iter().filter(|witness| note.cosigned(witness).is_some()).count());
    if signed < trust.threshold {
        report.add(Class::Witness, PLACE, format!("{signed} of {} witnesses have signed", trust.threshold));
    }
    let age = at.map_or(u64::MAX, |at| evidence.as_of.millis_since(at)) / 60_000;
    if age > trust.max_age_minutes {
        report.add(Class::Stale, PLACE, format!("the newest checkpoint is {age} minutes old"));
    }
    report.checkpoint = Some(note);
}

fn pinned(newest: &Checkpoint, roots: &[Hash], evidence: &Evidence<'_>, trust: &Trust, report: &mut Report) {
    let Some(note) = &evidence.pinned else { return };
    match Checkpoint::open(note, &trust.checkpoint, &trust.origin) {
        Err(error) => report.add(Class::Checkpoint, "pinned checkpoint", error.to_string()),
        Ok(before) if before.size > newest.size => {
            let says = format!("it covers {} intervals, and {} are here", before.size, newest.size);
            report.add(Class::PinnedAhead, PLACE, says);
        }
        Ok(before) => {
            let root = usize::try_from(before.size).ok().and_then(|size| roots.get(size));
            if root != Some(&before.root) {
                report.add(Class::PinnedContradicts, PLACE, format!("at {} intervals", before.size));
            }
        }
    }
}
