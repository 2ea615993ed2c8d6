//! Limits of a tenant, an organization or a team, when several shards have them together: each shard has a share, and the
//! shares make the limit. A share names the limit that it is a share of, so a shard that another limit was written for
//! admits nothing until all are carved again, or all shares are gone where the limit is; and no carving leaves a shard with more used than its share.
//!
//! A short shard takes from the sibling with the most to spare, from as few as it needs. Both ways are one transaction that
//! asserts every share that it changes, so their sum stays what it was.

use super::hold::{Bill, HoldRefused};
use super::meter::Charge;
use super::{Carve, Cut, GateFault, GateOp, GateStore, Shard};
use crate::Key;

/// Carves what the call is short of. `Ok(Err(..))`: others were at it, to be tried again.
pub(super) async fn make_room<S: GateStore>(
    store: &S,
    bill: &Bill<'_>,
) -> Result<Result<(), GateFault>, HoldRefused> {
    let keys: Vec<Key> = (0..bill.receipt.shards).map(|shard| Key::budget(bill.ask.tenant, shard)).collect();
    let items = match store.snapshot(&keys).await {
        Ok(items) => items,
        // Not read: as good as not written.
        Err(_) => return Ok(Err(GateFault::NotWritten)),
    };
    let shards: Option<Vec<Shard>> =
        items.into_iter().map(|item| item.and_then(|item| Shard::read(&item).ok())).collect();
    let shards = shards.ok_or(HoldRefused::NoBudget)?;
    let ours = keys.iter().position(|key| *key == bill.receipt.shard).unwrap_or_default();
    let cuts = cuts(bill, &shards, ours)?;
    let op = |(shard, cuts): (Key, Vec<Cut>)| GateOp::Carve { shard, shards: bill.receipt.shards, cuts };
    let ops: Vec<_> = keys.into_iter().zip(cuts).filter(|(_, cuts)| !cuts.is_empty()).map(op).collect();
    if ops.is_empty() {
        return Ok(Ok(()));
    }
    Ok(match store.transact(&ops).await {
        // Nobody's item comes with it: look again.
        Err(GateFault::Condition(_)) => Ok(()),
        other => other,
    })
}

/// What changes in each shard.
fn cuts(bill: &Bill<'_>, shards: &[Shard], ours: usize) -> Result<Vec<Vec<Cut>>, HoldRefused> {
    let mut cuts = vec![Vec::new(); shards.len()];
    for charge in bill.drawn().filter(|charge| bill.is_shared(charge)) {
        let used: Vec<u64> = shards.iter().map(|shard| shard.used(&charge.meter)).collect();
        let total = used.iter().copied().fold(0, u64::saturating_add);
        if let Some(over) = bill.over(charge, total) {
            return Err(HoldRefused::OverBudget(over));
        }
        let carve = |share| charge.most.map(|most| Carve { most, share });
        let news = shares(bill, shards, charge, &used, ours).into_iter().map(carve);
        for ((shard, new), cuts) in shards.iter().zip(news).zip(&mut cuts) {
            let old = shard.carve.get(&charge.meter).copied();
            if old != new {
                cuts.push(Cut { meter: charge.meter.clone(), old, new });
            }
        }
    }
    Ok(cuts)
}

/// The new shares of one limit, whose sum is the limit. What is used and needed fits it.
fn shares(bill: &Bill<'_>, shards: &[Shard], charge: &Charge, used: &[u64], ours: usize) -> Vec<u64> {
    let need = bill.need(charge);
    let olds: Option<Vec<u64>> =
        shards.iter().map(|shard| bill.share(shard, charge).map(|carve| carve.share)).collect();
    match olds {
        Some(olds) => taken(olds, used, ours, need),
        None => dealt(charge.most.unwrap_or_default(), used, ours, need),
    }
}

/// Everybody keeps what is used, we get what we need, and the rest is dealt out evenly, the remainder to the first.
fn dealt(most: u64, used: &[u64], ours: usize, need: u64) -> Vec<u64> {
    let needed = used.iter().copied().fold(need, u64::saturating_add);
    let rest = most.saturating_sub(needed);
    let count = u64::try_from(used.len()).unwrap_or(1).max(1);
    let share = |(at, used): (usize, &u64)| {
        let odd = u64::from(u64::try_from(at).is_ok_and(|at| at < rest % count));
        used + rest / count + odd + if at == ours { need } else { 0 }
    };
    used.iter().enumerate().map(share).collect()
}

/// Takes what is missing from the siblings, the richest first: half of what it can spare, or more if that is not enough.
fn taken(mut shares: Vec<u64>, used: &[u64], ours: usize, need: u64) -> Vec<u64> {
    let of = |list: &[u64], at: usize| list.get(at).copied().unwrap_or_default();
    let wanted = of(used, ours).saturating_add(need);
    let mut siblings: Vec<usize> = (0..shares.len()).filter(|at| *at != ours).collect();
    siblings.sort_by_key(|at| std::cmp::Reverse(of(&shares, *at).saturating_sub(of(used, *at))));
    for sibling in siblings {
        let short = wanted.saturating_sub(of(&shares, ours));
        if short == 0 {
            break;
        }
        let spare = of(&shares, sibling).saturating_sub(of(used, sibling));
        let given = spare.min(short.max(spare / 2));
        for (at, share) in shares.iter_mut().enumerate() {
            match at {
                at if at == ours => *share += given,
                at if at == sibling => *share -= given,
                _ => {}
            }
        }
    }
    shares
}
