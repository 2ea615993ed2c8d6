//! The sweep of a shard: holds that nobody will settle any more count in full, and meters of periods that are over are
//! forgotten. What a statement needs of them is kept in a row of its own, in the same transaction.

use domain::{ActionId, Day, TenantId, Timestamp};

use super::meter::{Payer, Spend};
use super::{GateFault, GateOp, GateStore, Shard};
use crate::{Item, Key};

/// A hold that outlived every call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orphan {
    pub action: ActionId,
    pub payer: Payer,
    pub spend: Spend,
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Swept {
    pub orphans: Vec<Orphan>,
    pub forgotten: u64,
}

/// Days that a period is kept beyond its end: more than time zones are apart.
const KEPT_DAYS: u32 = 2;
/// Expressions have at most 300 operands (API reference): several to a meter.
const AT_ONCE: usize = 40;

/// Settles what is older than `before` at its full size, and forgets.
///
/// # Errors
/// The item does not read, or a write was not confirmed: what was done is done, and the next sweep does the rest.
pub async fn sweep<S: GateStore>(
    store: &S,
    tenant: &TenantId,
    shard: &Key,
    item: &Item,
    before: Timestamp,
    today: Day,
) -> Result<Swept, GateFault> {
    let read = Shard::read(item).map_err(|_| GateFault::NotWritten)?;
    let open = read.open().map_err(|_| GateFault::NotWritten)?;
    let old = |action: &ActionId| action.created_at().is_some_and(|at| at < before);
    let mut swept = Swept::default();
    for hold in open.iter().filter(|hold| old(&hold.action)) {
        let Some(payer) = Payer::parse(&hold.payer) else { continue };
        let op = GateOp::Settle {
            shard: shard.clone(),
            payer: hold.payer.clone(),
            action: hold.action,
            open: hold.open.clone(),
            back: Vec::new(),
            admitted_on: None,
        };
        match store.apply(&op).await {
            Ok(_) => swept.orphans.push(Orphan { action: hold.action, payer, spend: hold.open.spend }),
            // Somebody settled it meanwhile.
            Err(GateFault::Condition(_)) => {}
            Err(fault) => return Err(fault),
        }
    }
    let over = today.before(KEPT_DAYS);
    let young: Vec<_> = open.iter().filter(|hold| !old(&hold.action)).collect();
    // A hold of such a day is one whose clock was wrong: it is waited for.
    if young.iter().all(|hold| hold.open.day > over) {
        let busy = |payer: &str| young.iter().any(|hold| hold.payer == payer);
        swept.forgotten = forget(store, tenant, shard, &read, over, &busy).await?;
    }
    Ok(swept)
}

/// Whether a meter's period was over at the end of `day`. Totals never are.
fn is_over(meter: &str, day: Day) -> bool {
    let period = meter.rsplit(':').next().unwrap_or_default().trim_end_matches('+');
    match period.len() {
        10 => period <= day.to_string().as_str(),
        7 => period < day.month().as_str(),
        _ => false,
    }
}

/// What a statement needs: the tenant's days.
fn is_kept(meter: &str) -> bool {
    meter.starts_with("t:") && meter.rsplit(':').next().is_some_and(|period| period.len() == 10)
}

async fn forget<S: GateStore>(
    store: &S,
    tenant: &TenantId,
    shard: &Key,
    read: &Shard,
    over: Day,
    busy: &(dyn Fn(&str) -> bool + Sync),
) -> Result<u64, GateFault> {
    let mut meters = read.used.iter().filter(|(meter, _)| is_over(meter, over));
    let meters: Vec<(String, u64)> =
        meters.by_ref().map(|(meter, used)| (meter.clone(), *used)).take(AT_ONCE).collect();
    let over_names = |names: &mut dyn Iterator<Item = &String>| -> Vec<String> {
        names.filter(|name| is_over(name, over)).take(AT_ONCE).cloned().collect()
    };
    let (marks, carves) = (over_names(&mut read.alerted.keys()), over_names(&mut read.carve.keys()));
    let payers = read.payers().map(|(payer, _)| payer.clone()).filter(|payer| !busy(payer));
    let payers: Vec<String> = payers.take(AT_ONCE).collect();
    if meters.is_empty() && marks.is_empty() && carves.is_empty() && payers.is_empty() {
        return Ok(0);
    }
    let forgotten = u64::try_from(meters.len()).unwrap_or(u64::MAX);
    let mut months: std::collections::BTreeMap<String, Vec<(String, u64)>> =
        std::collections::BTreeMap::new();
    for (meter, used) in meters.iter().filter(|(meter, _)| is_kept(meter)) {
        let month = meter.rsplit(':').next().unwrap_or_default().chars().take(7).collect();
        months.entry(month).or_default().push((meter.clone(), *used));
    }
    let keep = |(month, counts): (String, Vec<_>)| GateOp::Keep { usage: Key::usage(tenant, &month), counts };
    let mut ops: Vec<GateOp> = months.into_iter().map(keep).collect();
    ops.push(GateOp::Forget { shard: shard.clone(), meters, marks, carves, payers });
    match store.transact(&ops).await {
        Ok(()) => Ok(forgotten),
        // Somebody was at it: the next sweep.
        Err(GateFault::Condition(_)) => Ok(0),
        Err(fault) => Err(fault),
    }
}
