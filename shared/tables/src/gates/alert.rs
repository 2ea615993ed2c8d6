//! Alerts: a limit is used up to 80, 90 or 100 percent. Each is told once for a meter, so once for a period: by whoever
//! raises its mark, which is a conditional write. A process that dies between the mark and the telling tells nothing.
//!
//! Whether a limit that shards have together is used so far is judged by the sum, when a shard passes its own share: the last
//! to pass finds all others past theirs.

use domain::Place;

use super::meter::Charge;
use super::{GateOp, GateStore, HoldReceipt, Shard};
use crate::Key;

/// In percent of a limit.
pub const THRESHOLDS: [u64; 3] = [80, 90, 100];

/// Something to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    pub place: Place,
    pub meter: String,
    pub threshold: u64,
    pub used: u64,
    pub limit: u64,
}

/// The highest threshold that is reached.
fn reached(used: u64, limit: u64) -> Option<u64> {
    let percent = u128::from(used) * 100;
    THRESHOLDS.into_iter().rev().find(|one| limit > 0 && percent >= u128::from(*one) * u128::from(limit))
}

/// What is to be told after a settlement, from the shard as it is then. Marked when this returns.
pub async fn alerts<S: GateStore>(
    store: &S,
    tenant: &domain::TenantId,
    receipt: &HoldReceipt,
    after: &Shard,
) -> Vec<Alert> {
    let mut alerts = Vec::new();
    for charge in &receipt.charges {
        let Some(limit) = charge.most else { continue };
        let shared = receipt.shards > 1 && charge.shared();
        let own = after.carve.get(&charge.meter).filter(|_| shared).map_or(limit, |carve| carve.share);
        let used = after.used(&charge.meter);
        let Some(threshold) = reached(used, own) else { continue };
        let marked = after.alerted.get(&charge.meter).is_some_and(|marked| *marked >= threshold);
        if marked || !mark(store, &receipt.shard, charge.meter.clone(), threshold).await {
            continue;
        }
        let told = |threshold, used| Alert {
            place: charge.place.clone(),
            meter: charge.meter.clone(),
            threshold,
            used,
            limit,
        };
        if !shared {
            alerts.push(told(threshold, used));
        } else if let Some((threshold, used)) = together(store, tenant, receipt.shards, charge, limit).await {
            alerts.push(told(threshold, used));
        }
    }
    alerts
}

async fn mark<S: GateStore>(store: &S, shard: &Key, mark: String, threshold: u64) -> bool {
    store.apply(&GateOp::Alert { shard: shard.clone(), mark, threshold }).await.is_ok()
}

/// What all shards used, if that is worth telling and nobody told it yet. The first shard keeps the mark.
async fn together<S: GateStore>(
    store: &S,
    tenant: &domain::TenantId,
    shards: u8,
    charge: &Charge,
    limit: u64,
) -> Option<(u64, u64)> {
    let keys: Vec<Key> = (0..shards).map(|shard| Key::budget(tenant, shard)).collect();
    let items = store.snapshot(&keys).await.ok()?;
    let used = |item: Option<crate::Item>| Some(Shard::read(&item?).ok()?.used(&charge.meter));
    let used = items.into_iter().map(used).try_fold(0_u64, |sum, used| sum.checked_add(used?))?;
    let threshold = reached(used, limit)?;
    let sum = format!("{}+", charge.meter);
    mark(store, keys.first()?, sum, threshold).await.then_some((threshold, used))
}
