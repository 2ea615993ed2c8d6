//! A hold: every meter that a call bears on, in one conditional update.

use domain::{ActionId, LimitsRow, Place, TenantId, Timestamp};

use super::meter::{self, Charge, Open, Payer, Spend};
use super::{Carve, Draw, GateFault, GateOp, GateStore, Held, HoldReceipt, Shard, Share, TRIES, carve};
use crate::{Item, Key};

/// A call that wants to hold.
#[derive(Debug, Clone)]
pub struct Ask<'a> {
    pub tenant: &'a TenantId,
    /// As they were read with the facts of the call.
    pub limits: &'a LimitsRow,
    pub payer: &'a Payer,
    pub action: ActionId,
    /// The worst case.
    pub spend: Spend,
    /// Whether anybody knows the price: else nothing is measured in money.
    pub priced: bool,
    pub now: Timestamp,
}

/// A limit that does not cover a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Over {
    pub place: Place,
    pub available: u64,
    pub needed: u64,
}

/// Why nothing is held.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HoldRefused {
    #[error("the limit {} has {} left, the call may need {}", .0.place, .0.available, .0.needed)]
    OverBudget(Over),
    #[error("the tenant has no budget")]
    NoBudget,
    #[error("the budget could not be written")]
    Unavailable,
}

/// How often a hold begins again because others were faster. After that the call is told to try again.
const ROUNDS: u32 = 12;

/// What a failed condition of a hold means, from the item as it was.
enum Judged {
    Held,
    Refused(HoldRefused),
    NoPlace,
    /// A share is missing, of another limit, short, or left from a limit that is gone.
    Carve,
    /// It would hold now.
    Fits,
}

/// A call on its way to a hold.
pub(super) struct Bill<'a> {
    pub(super) ask: &'a Ask<'a>,
    pub(super) receipt: HoldReceipt,
}

impl<'a> Bill<'a> {
    fn of(ask: &'a Ask<'a>) -> Self {
        let day = ask.limits.zone().day(ask.now);
        let charges = meter::charges(ask.limits, ask.payer, day, ask.priced);
        let spend = if ask.priced { ask.spend } else { Spend { usd_micros: 0, ..ask.spend } };
        let shards = ask.limits.shards();
        let receipt = HoldReceipt {
            shard: Key::budget(ask.tenant, ask.payer.shard(shards)),
            shards,
            action: ask.action,
            payer: ask.payer.text(),
            spend,
            open: Open::of(spend, day, &charges),
            charges,
        };
        Self { ask, receipt }
    }

    pub(super) fn is_shared(&self, charge: &Charge) -> bool {
        self.receipt.shards > 1 && charge.shared()
    }

    pub(super) fn need(&self, charge: &Charge) -> u64 {
        self.receipt.spend.of(charge.place.unit)
    }

    /// The meters that it takes something on: where it takes nothing, no limit is in its way.
    pub(super) fn drawn(&self) -> impl Iterator<Item = &Charge> {
        self.receipt.charges.iter().filter(|charge| self.need(charge) > 0)
    }

    pub(super) fn over(&self, charge: &Charge, used: u64) -> Option<Over> {
        let needed = self.need(charge);
        let available = charge.most?.saturating_sub(used);
        (needed > available).then(|| Over { place: charge.place.clone(), available, needed })
    }

    /// A limit that the call passes whatever was used before.
    fn never(&self) -> Result<(), HoldRefused> {
        let over = self.receipt.charges.iter().find_map(|charge| self.over(charge, 0));
        over.map_or(Ok(()), |over| Err(HoldRefused::OverBudget(over)))
    }

    fn judge(&self, before: &Item) -> Judged {
        let Ok(shard) = Shard::read(before) else { return Judged::Refused(HoldRefused::NoBudget) };
        if shard.shards != u64::from(self.receipt.shards) {
            return Judged::Refused(HoldRefused::Unavailable);
        }
        let Some(holds) = shard.of_payer(&self.receipt.payer) else { return Judged::NoPlace };
        match holds.get(&meter::short(self.receipt.action)) {
            // An earlier try of this very hold was written after all.
            Some(open) if *open == self.receipt.open.to_attr() => return Judged::Held,
            Some(_) => return Judged::Refused(HoldRefused::Unavailable),
            None => {}
        }
        self.room(&shard)
    }

    fn room(&self, shard: &Shard) -> Judged {
        let mut short = false;
        for charge in self.drawn() {
            let used = shard.used(&charge.meter);
            if self.is_shared(charge) && charge.most.is_none() {
                short |= shard.carve.contains_key(&charge.meter);
            } else if self.is_shared(charge) {
                let share = self.share(shard, charge);
                short |= share.is_none_or(|share| used.saturating_add(self.need(charge)) > share.share);
            } else if let Some(over) = self.over(charge, used) {
                return Judged::Refused(HoldRefused::OverBudget(over));
            }
        }
        if short { Judged::Carve } else { Judged::Fits }
    }

    /// The shard's share, if it is one of the limit that the call has read.
    pub(super) fn share(&self, shard: &Shard, charge: &Charge) -> Option<Carve> {
        shard.carve.get(&charge.meter).copied().filter(|carve| Some(carve.most) == charge.most)
    }

    fn op(&self, seen: Option<&Shard>) -> GateOp {
        let draw = |charge: &Charge| {
            let need = self.need(charge);
            let carve = seen.and_then(|shard| self.share(shard, charge));
            let share = match carve {
                _ if !self.is_shared(charge) => Share::Whole,
                Some(carve) => Share::Of(carve),
                None => Share::Uncarved,
            };
            let most = if let Share::Of(carve) = share { Some(carve.share) } else { charge.most };
            Draw {
                meter: charge.meter.clone(),
                need,
                room: most.map(|most| most.saturating_sub(need)),
                share,
            }
        };
        let HoldReceipt { shard, shards, action, payer, open, .. } = &self.receipt;
        GateOp::Hold {
            shard: shard.clone(),
            shards: *shards,
            payer: payer.clone(),
            action: *action,
            open: open.clone(),
            draws: self.drawn().map(draw).collect(),
        }
    }
}

/// Saves an attempt that cannot succeed, from the one shard as it was read with the facts. With several shards nothing can be
/// said before the hold. The exact check is the hold's condition.
///
/// # Errors
/// As [`hold`].
pub fn affordable(ask: &Ask<'_>, shard: Option<&Item>) -> Result<(), HoldRefused> {
    let bill = Bill::of(ask);
    if bill.receipt.shards > 1 {
        return bill.never();
    }
    let shard = shard.and_then(|item| Shard::read(item).ok()).ok_or(HoldRefused::NoBudget)?;
    match bill.room(&shard) {
        Judged::Refused(refused) => Err(refused),
        Judged::Held | Judged::NoPlace | Judged::Carve | Judged::Fits => Ok(()),
    }
}

impl Ask<'_> {
    /// What would be held, to be settled when it is not known whether it is.
    pub fn receipt(&self) -> HoldReceipt {
        Bill::of(self).receipt
    }
}

/// Holds the worst case of an action. One action holds one size: another size for the same action is refused.
///
/// # Errors
/// Over budget, no budget, or the store did not confirm. In the last case a hold may exist: settle it with nothing.
pub async fn hold<S: GateStore>(store: &S, ask: &Ask<'_>) -> Result<Held, HoldRefused> {
    let bill = Bill::of(ask);
    bill.never()?;
    let mut faults = 0;
    // One shard needs no look before: its condition says all.
    let mut seen = if bill.receipt.shards > 1 { Some(look(store, &bill).await?) } else { None };
    for round in 0..ROUNDS {
        if round > 1 {
            store.pause(round).await;
        }
        let judged = seen.as_ref().map_or(Judged::Fits, |item| bill.judge(item));
        let done = match judged {
            Judged::Held => return Ok(Held(bill.receipt)),
            Judged::Refused(refused) => return Err(refused),
            Judged::NoPlace => {
                let HoldReceipt { shard, payer, .. } = bill.receipt.clone();
                store.apply(&GateOp::Place { shard, payer }).await.map(Some)
            }
            Judged::Carve => carve::make_room(store, &bill).await?.map(|()| None),
            Judged::Fits => {
                let shard = seen.as_ref().and_then(|item| Shard::read(item).ok());
                match store.apply(&bill.op(shard.as_ref())).await {
                    Ok(_) => return Ok(Held(bill.receipt)),
                    Err(fault) => Err(fault),
                }
            }
        };
        seen = match done {
            Ok(Some(after)) => Some(after),
            Err(GateFault::Condition(Some(before))) => Some(before),
            Ok(None) => Some(look(store, &bill).await?),
            Err(GateFault::Condition(None)) if bill.receipt.shards == 1 => return Err(HoldRefused::NoBudget),
            Err(GateFault::Condition(None)) => Some(look(store, &bill).await?),
            Err(GateFault::NotWritten | GateFault::Unknown) => {
                faults += 1;
                if faults == TRIES {
                    break;
                }
                seen
            }
        };
    }
    Err(HoldRefused::Unavailable)
}

/// The payer's shard as it is now.
async fn look<S: GateStore>(store: &S, bill: &Bill<'_>) -> Result<Item, HoldRefused> {
    for round in 0..ROUNDS {
        match store.snapshot(std::slice::from_ref(&bill.receipt.shard)).await {
            Ok(items) => return items.into_iter().flatten().next().ok_or(HoldRefused::NoBudget),
            Err(_) => store.pause(round).await,
        }
    }
    Err(HoldRefused::Unavailable)
}
