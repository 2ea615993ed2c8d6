//! Budgets: the worst case is held before a call and settled once after it. Never exceeded, never counted twice.
//!
//! A shard's item holds `used`, what is spent or held on each meter; `holds`, the open holds by payer and action; `admitted`,
//! the number of settled calls per day, against which the ledger is reconciled; `carve`, its shares of limits that all shards
//! have together; and `alerted`. A hold and a settlement are one conditional update each. An action id carries its own time
//! (UUIDv7), so an orphaned hold tells its age without another field.
//!
//! Limits are no part of the item: they are read with the facts of each call, and the hold's condition compares what is used
//! with `limit - need`, since DynamoDB conditions have no arithmetic. `ADD` works on top-level attributes only (API reference,
//! UpdateItem), hence `SET` with `if_not_exists`.

mod alert;
pub mod breaker;
mod carve;
mod hold;
pub mod meter;
pub mod once;
mod shard;
mod sweep;
mod window;
mod write;

use std::future::Future;

use domain::{ActionId, LimitsRow};

use crate::item::{VERSION, VERSION_FIELD};
use crate::{Attr, Item, Key};

pub use alert::{Alert, THRESHOLDS, alerts};
pub use hold::{Ask, HoldRefused, Over, affordable, hold};
pub use meter::{Charge, Open, Payer, Spend, limited_in_money};
pub use once::{Once, OnceOp};
pub use shard::{Carve, OpenHold, Shard, admitted, fresh};
pub use sweep::{Orphan, Swept, sweep};
pub use window::{NotTaken, take};
pub use write::Write;

use write::Builder;
pub(crate) use write::builder as write_builder;

/// What a hold takes on one meter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draw {
    pub meter: String,
    pub need: u64,
    /// The most that may be used before; without a limit there is none.
    pub room: Option<u64>,
    pub share: Share,
}

/// What a hold says of its shard's share of a meter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// No other shard has the meter.
    Whole,
    /// All have it and none has a limit on it: a share of an older limit would count without this.
    Uncarved,
    /// What `room` was worked out from.
    Of(Carve),
}

/// A change of one share; without a new one there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    pub meter: String,
    pub old: Option<Carve>,
    pub new: Option<Carve>,
}

/// One conditional update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GateOp {
    /// Holds on every meter, unless one has no room or the action holds already.
    Hold { shard: Key, shards: u8, payer: String, action: ActionId, open: Open, draws: Vec<Draw> },
    /// Ends an action's hold: `back` is what each meter gets back.
    Settle {
        shard: Key,
        payer: String,
        action: ActionId,
        open: Open,
        back: Vec<(String, u64)>,
        admitted_on: Option<String>,
    },
    /// Makes the place where a payer's holds lie.
    Place { shard: Key, payer: String },
    /// Changes shares, where what is used fits the new ones.
    Carve { shard: Key, shards: u8, cuts: Vec<Cut> },
    /// Notes that an alert was told.
    Alert { shard: Key, mark: String, threshold: u64 },
    /// Forgets meters that stand at what is named here, with all that goes with them, and empty places of payers.
    Forget {
        shard: Key,
        meters: Vec<(String, u64)>,
        marks: Vec<String>,
        carves: Vec<String>,
        payers: Vec<String>,
    },
    /// Adds to what is kept of a month that is forgotten elsewhere.
    Keep { usage: Key, counts: Vec<(String, u64)> },
    /// Makes an unused shard one of `shards`, or makes it new.
    Reshard { shard: Key, shards: u8 },
    /// Writes a tenant's limits over the version before their own.
    Limits { row: Key, limits: Box<LimitsRow> },
    /// Takes `count` out of a window of `limit`, which DynamoDB may forget after `expires`, in Unix seconds.
    Take { window: Key, count: u64, limit: u64, expires: u64 },
    /// What lets a call be made once.
    Once(OnceOp),
}

/// An `UpdateItem` call with fixed expressions, without a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    pub key: Key,
    pub update: &'static str,
    pub condition: Option<&'static str>,
    pub names: Vec<(&'static str, String)>,
    pub values: Vec<(&'static str, Attr)>,
}

impl GateOp {
    /// Whether anybody looks at the item as it is afterwards: what is taken is taken, and said by no answer.
    pub const fn is_looked_at(&self) -> bool {
        !matches!(self, Self::Hold { .. } | Self::Take { .. })
    }

    pub fn to_write(&self) -> Write {
        match self {
            Self::Once(op) => op.to_update().into(),
            Self::Hold { shard, shards, payer, action, open, draws } => {
                let mut write = Builder::new(shard);
                let place = place(&mut write, payer);
                let hold = format!("{place}.{}", write.name(&meter::short(*action)));
                write.when(format!("attribute_exists({place}) AND attribute_not_exists({hold})"));
                of_shards(&mut write, *shards);
                draws.iter().for_each(|draw| draw_on(&mut write, draw));
                let open = write.value(open.to_attr());
                write.set(format!("{hold} = {open}"));
                write.build()
            }
            Self::Settle { shard, payer, action, open, back, admitted_on } => {
                let mut write = Builder::new(shard);
                let hold = format!("{}.{}", place(&mut write, payer), write.name(&meter::short(*action)));
                let open = write.value(open.to_attr());
                write.when(format!("{hold} = {open}"));
                for (meter, back) in back.iter().filter(|(_, back)| *back > 0) {
                    let (used, back) = (at(&mut write, "used", meter), write.number(*back));
                    write.set(format!("{used} = {used} - {back}"));
                }
                if let Some(day) = admitted_on {
                    let day = at(&mut write, "admitted", day);
                    write.add(&day, 1);
                }
                write.remove(hold);
                write.build()
            }
            Self::Place { shard, payer } => {
                let mut write = Builder::new(shard);
                let place = place(&mut write, payer);
                let empty = write.value(Attr::M(Item::new()));
                // Never makes an item: a shard that is not there refuses.
                write.when(format!("attribute_exists(pk) AND attribute_not_exists({place})"));
                write.set(format!("{place} = {empty}"));
                write.build()
            }
            Self::Carve { shard, shards, cuts } => {
                let mut write = Builder::new(shard);
                of_shards(&mut write, *shards);
                cuts.iter().for_each(|cut| cut_out(&mut write, cut));
                write.build()
            }
            Self::Alert { shard, mark, threshold } => {
                let mut write = Builder::new(shard);
                let (mark, threshold) = (at(&mut write, "alerted", mark), write.number(*threshold));
                write.when("attribute_exists(pk)".to_owned());
                write.when(format!("(attribute_not_exists({mark}) OR {mark} < {threshold})"));
                write.set(format!("{mark} = {threshold}"));
                write.build()
            }
            Self::Forget { shard, meters, marks, carves, payers } => {
                forget(shard, meters, [marks, carves], payers)
            }
            Self::Keep { usage, counts } => {
                let mut write = Builder::new(usage);
                for (meter, count) in counts {
                    let meter = write.name(meter);
                    write.add(&meter, *count);
                }
                write.versioned();
                write.build()
            }
            Self::Reshard { shard, shards } => reshard(shard, *shards),
            Self::Limits { row, limits } => crate::limits::write(row.clone(), limits).into(),
            Self::Take { window, count, limit, expires } => taken(window, *count, *limit, *expires).into(),
        }
    }
}

fn at(write: &mut Builder, map: &str, name: &str) -> String {
    format!("{map}.{}", write.name(name))
}

fn place(write: &mut Builder, payer: &str) -> String {
    at(write, "holds", payer)
}

/// Whoever counts by another number of shards looks in another place.
fn of_shards(write: &mut Builder, shards: u8) {
    let shards = write.number(shards.into());
    write.when(format!("shards = {shards}"));
}

fn draw_on(write: &mut Builder, draw: &Draw) {
    let used = at(write, "used", &draw.meter);
    if let Some(room) = draw.room {
        let room = write.number(room);
        write.when(format!("(attribute_not_exists({used}) OR {used} <= {room})"));
    }
    match draw.share {
        Share::Whole => {}
        Share::Uncarved => {
            let share = at(write, "carve", &draw.meter);
            write.when(format!("attribute_not_exists({share})"));
        }
        Share::Of(carve) => {
            let (share, as_read) = (at(write, "carve", &draw.meter), write.value(carve.to_attr()));
            write.when(format!("{share} = {as_read}"));
        }
    }
    write.add(&used, draw.need);
}

fn cut_out(write: &mut Builder, cut: &Cut) {
    let share = at(write, "carve", &cut.meter);
    match cut.old {
        Some(old) => {
            let old = write.value(old.to_attr());
            write.when(format!("{share} = {old}"));
        }
        None => write.when(format!("attribute_not_exists({share})")),
    }
    let Some(new) = cut.new else { return write.remove(share) };
    let (used, most, new) =
        (at(write, "used", &cut.meter), write.number(new.share), write.value(new.to_attr()));
    write.when(format!("(attribute_not_exists({used}) OR {used} <= {most})"));
    write.set(format!("{share} = {new}"));
}

fn forget(shard: &Key, meters: &[(String, u64)], others: [&[String]; 2], payers: &[String]) -> Write {
    let mut write = Builder::new(shard);
    for (meter, count) in meters {
        let (used, count) = (at(&mut write, "used", meter), write.number(*count));
        write.when(format!("{used} = {count}"));
        write.remove(used);
    }
    for (map, names) in ["alerted", "carve"].into_iter().zip(others) {
        for name in names {
            let path = at(&mut write, map, name);
            write.remove(path);
        }
    }
    for payer in payers {
        let (place, empty) = (place(&mut write, payer), write.value(Attr::M(Item::new())));
        write.when(format!("{place} = {empty}"));
        write.remove(place);
    }
    write.build()
}

fn reshard(shard: &Key, shards: u8) -> Write {
    let mut write = Builder::new(shard);
    let (empty, shards) = (write.value(Attr::M(Item::new())), write.number(shards.into()));
    write.when(format!("(attribute_not_exists(pk) OR used = {empty})"));
    write.when(format!("(attribute_not_exists(pk) OR holds = {empty})"));
    write.set(format!("shards = {shards}"));
    for map in ["used", "holds", "carve", "alerted"] {
        let fresh = write.value_of_its_own(Attr::M(Item::new()));
        write.set(format!("{map} = {fresh}"));
    }
    let fresh = write.value_of_its_own(Attr::M(Item::new()));
    write.set(format!("admitted = if_not_exists(admitted, {fresh})"));
    write.versioned();
    write.build()
}

fn taken(window: &Key, count: u64, limit: u64, expires: u64) -> Update {
    Update {
        key: window.clone(),
        update: "SET taken = if_not_exists(taken, :zero) + :count, expires = :expires, #v = :v",
        condition: Some("attribute_not_exists(taken) OR taken <= :room"),
        names: vec![("#v", VERSION_FIELD.to_owned())],
        values: vec![
            (":zero", Attr::number(0)),
            (":count", Attr::number(count)),
            (":expires", Attr::number(expires)),
            (":room", Attr::number(limit.saturating_sub(count))),
            (":v", Attr::number(VERSION)),
        ],
    }
}

/// How a write ended when it did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GateFault {
    /// The condition did not hold; the item as it was, if there is one. Nothing was written.
    Condition(Option<Item>),
    /// Not written: throttled or refused before any effect.
    NotWritten,
    /// No answer, or an error after which it may have been written.
    Unknown,
}

/// The joint to the gates table. Production: DynamoDB. Tests: in memory, with faults.
///
/// `apply` is atomic per item and strongly consistent; two calls on one item are serialized by the store.
pub trait GateStore {
    /// The item as it is afterwards, where [`GateOp::is_looked_at`].
    fn apply(&self, op: &GateOp) -> impl Future<Output = Result<Item, GateFault>> + Send;

    /// All updates or none, each of another item. A condition that did not hold comes without an item.
    fn transact(&self, ops: &[GateOp]) -> impl Future<Output = Result<(), GateFault>> + Send;

    /// Items as they all were at one moment.
    fn snapshot(&self, keys: &[Key]) -> impl Future<Output = Result<Vec<Option<Item>>, GateFault>> + Send;

    /// Before another try, when others are at the same items.
    fn pause(&self, round: u32) -> impl Future<Output = ()> + Send;
}

/// The proof that an action's worst case is held. Only [`hold`] makes one.
#[derive(Debug)]
pub struct Held(HoldReceipt);

/// What was held: enough to settle it, no proof of anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldReceipt {
    pub shard: Key,
    pub shards: u8,
    pub action: ActionId,
    pub payer: String,
    pub spend: Spend,
    pub open: Open,
    pub charges: Vec<Charge>,
}

impl Held {
    pub const fn action_id(&self) -> ActionId {
        self.0.action
    }

    pub const fn receipt(&self) -> &HoldReceipt {
        &self.0
    }
}

/// How often a write of unknown outcome is tried. Each try is safe: the conditions make both writes idempotent.
const TRIES: usize = 3;

/// A settlement that the store did not confirm. The hold stays, at its full size, until it is swept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the settlement was not confirmed")]
pub struct NotSettled;

/// Settles a hold: `used` is spent, at most what was held. Doing it again changes nothing. Gives the shard as it is then,
/// unless an earlier try of this settlement was written after all.
///
/// # Errors
/// The store did not confirm within [`TRIES`].
pub async fn settle<S: GateStore>(
    store: &S,
    receipt: &HoldReceipt,
    used: Spend,
    admitted_on: Option<String>,
) -> Result<Option<Shard>, NotSettled> {
    let used = used.at_most(receipt.spend);
    let back = |charge: &Charge| {
        let unit = charge.place.unit;
        (charge.meter.clone(), receipt.spend.of(unit).saturating_sub(used.of(unit)))
    };
    let op = GateOp::Settle {
        shard: receipt.shard.clone(),
        payer: receipt.payer.clone(),
        action: receipt.action,
        open: receipt.open.clone(),
        back: receipt.charges.iter().map(back).collect(),
        admitted_on,
    };
    for _ in 0..TRIES {
        match store.apply(&op).await {
            Ok(after) => return Ok(Shard::read(&after).ok()),
            // No such hold: an earlier try of this settlement was written after all.
            Err(GateFault::Condition(_)) => return Ok(None),
            Err(GateFault::NotWritten | GateFault::Unknown) => {}
        }
    }
    Err(NotSettled)
}

#[cfg(test)]
pub(crate) mod tests;
