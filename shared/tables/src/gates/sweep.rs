//! The sweep of a shard: holds that nobody will settle any more count in full, and meters of periods that are over are
//! forgotten. What a statement needs of them is kept in a row of its own, in the same transaction.

use domain::{ActionId, Day, TenantId, Timestamp};

use super::meter::{Payer, Spend};
use super::shard::OpenHold;
use super::{GateFault, GateOp, GateStore, Shard, TRIES};
use crate::{CodecError, Item, Key};

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
    /// A write was not confirmed: the next sweep does the rest.
    pub unfinished: bool,
}

/// Days that a period is kept beyond its end: more than time zones are apart.
const KEPT_DAYS: u32 = 2;
/// Expressions have at most 300 operands (API reference): several to a meter.
const AT_ONCE: usize = 40;

/// Settles what is older than `before` at its full size, and forgets what was over two days before `today`.
///
/// # Errors
/// The item does not read: nothing was done.
pub async fn sweep<S: GateStore>(
    store: &S,
    tenant: &TenantId,
    shard: &Key,
    item: &Item,
    before: Timestamp,
    today: Day,
) -> Result<Swept, CodecError> {
    let read = Shard::read(item)?;
    let open = read.open()?;
    let old = |hold: &&OpenHold| hold.action.created_at().is_some_and(|at| at < before);
    let mut swept = Swept::default();
    for hold in open.iter().filter(old) {
        let payer = Payer::parse(&hold.payer).ok_or(CodecError::Form("holds"))?;
        match end(store, shard, hold).await {
            Ok(true) => {
                swept.orphans.push(Orphan { action: hold.action, payer, spend: hold.open.spend });
            }
            Ok(false) => {}
            Err(_) => swept.unfinished = true,
        }
    }
    let over = today.before(KEPT_DAYS);
    let young: Vec<_> = open.iter().filter(|hold| !old(hold)).collect();
    // A hold of such a day is one whose clock was wrong: it is waited for.
    if !swept.unfinished && young.iter().all(|hold| hold.open.day > over) {
        let busy = |payer: &str| young.iter().any(|hold| hold.payer == payer);
        match forget(store, tenant, shard, &read, over, &busy).await {
            Ok(forgotten) => swept.forgotten = forgotten,
            Err(_) => swept.unfinished = true,
        }
    }
    Ok(swept)
}

/// Settles a hold at its full size: whether that was us.
async fn end<S: GateStore>(store: &S, shard: &Key, hold: &OpenHold) -> Result<bool, GateFault> {
    let op = GateOp::Settle {
        shard: shard.clone(),
        payer: hold.payer.clone(),
        action: hold.action,
        open: hold.open.clone(),
        back: Vec::new(),
        admitted_on: None,
    };
    let mut perhaps = false;
    let mut ended = GateFault::NotWritten;
    for _ in 0..TRIES {
        match store.apply(&op).await {
            Ok(_) => return Ok(true),
            // An earlier try was written after all, or somebody else settled it: it is told once too often at most.
            Err(GateFault::Condition(_)) => return Ok(perhaps),
            Err(fault) => {
                perhaps |= fault == GateFault::Unknown;
                ended = fault;
            }
        }
    }
    Err(ended)
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
