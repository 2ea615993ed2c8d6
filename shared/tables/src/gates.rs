//! Budgets: the worst case is held before a call and settled once after it. Never exceeded, never counted twice.
//!
//! One item holds a tenant's budget: `avail` (what may still be held), `spent`, the map `holds` of open holds by
//! action id, and `admitted`, the number of settled calls per day, against which the ledger is reconciled.
//! A hold and a settlement are one conditional update each. An action id carries its own time (UUIDv7), so an
//! orphaned hold tells its age without another field.
//!
//! DynamoDB conditions have no arithmetic, hence `avail` instead of `limit - spent - held`; `ADD` works on
//! top-level attributes only (API reference, UpdateItem), hence `SET` with `if_not_exists` for `admitted`.

pub mod breaker;
mod window;

use std::future::Future;

use domain::ActionId;

use crate::item::{VERSION, VERSION_FIELD};
use crate::{Attr, Item, Key};

pub use window::{NotTaken, take};

/// One conditional update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GateOp {
    /// Takes `tokens` out of `avail`, unless the action holds already.
    Hold { budget: Key, action: ActionId, tokens: u64 },
    /// Ends the action's hold of `held` tokens: `used` are spent, the rest is available again.
    Settle { budget: Key, action: ActionId, held: u64, used: u64, admitted_on: Option<String> },
    /// Takes `count` out of a window of `limit`, which DynamoDB may forget after `expires`, in Unix seconds.
    Take { window: Key, count: u64, limit: u64, expires: u64 },
}

/// An `UpdateItem` call, without a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    pub key: Key,
    pub update: &'static str,
    pub condition: Option<&'static str>,
    pub names: Vec<(&'static str, String)>,
    pub values: Vec<(&'static str, Attr)>,
}

impl GateOp {
    pub fn to_update(&self) -> Update {
        match self {
            Self::Hold { budget, action, tokens } => Update {
                key: budget.clone(),
                update: "SET avail = avail - :tokens, holds.#action = :tokens",
                condition: Some("avail >= :tokens AND attribute_not_exists(holds.#action)"),
                names: vec![("#action", action.to_string())],
                values: vec![(":tokens", Attr::number(*tokens))],
            },
            Self::Settle { budget, action, held, used, admitted_on } => {
                let mut names = vec![("#action", action.to_string())];
                let mut values = vec![
                    (":held", Attr::number(*held)),
                    (":back", Attr::number(held.saturating_sub(*used))),
                    (":used", Attr::number(*used.min(held))),
                ];
                let mut update = "SET avail = avail + :back, spent = spent + :used REMOVE holds.#action";
                if let Some(day) = admitted_on {
                    names.push(("#day", day.clone()));
                    values.extend([(":zero", Attr::number(0)), (":one", Attr::number(1))]);
                    update = "SET avail = avail + :back, spent = spent + :used, \
                              admitted.#day = if_not_exists(admitted.#day, :zero) + :one REMOVE holds.#action";
                }
                let condition = Some("holds.#action = :held");
                Update { key: budget.clone(), update, condition, names, values }
            }
            Self::Take { window, count, limit, expires } => Update {
                key: window.clone(),
                update: "SET taken = if_not_exists(taken, :zero) + :count, expires = :expires, #v = :v",
                condition: Some("attribute_not_exists(taken) OR taken <= :room"),
                names: vec![("#v", VERSION_FIELD.to_owned())],
                values: vec![
                    (":zero", Attr::number(0)),
                    (":count", Attr::number(*count)),
                    (":expires", Attr::number(*expires)),
                    (":room", Attr::number(limit.saturating_sub(*count))),
                    (":v", Attr::number(VERSION)),
                ],
            },
        }
    }
}

/// The number of settled calls per day, of a budget's item.
///
/// # Errors
/// The item has another form.
pub fn admitted(item: &Item) -> Result<std::collections::BTreeMap<String, u64>, crate::CodecError> {
    let days = crate::Reader::new(item)?.map("admitted")?;
    let day = |(day, count): (&String, &Attr)| match count {
        Attr::N(count) => count.parse().ok().map(|count| (day.clone(), count)),
        _ => None,
    };
    days.iter().map(day).collect::<Option<_>>().ok_or(crate::CodecError::Form("admitted"))
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
    fn apply(&self, op: &GateOp) -> impl Future<Output = Result<(), GateFault>> + Send;
}

/// The proof that an action's worst case is held. Only [`hold`] makes one.
#[derive(Debug)]
pub struct Held(HoldReceipt);

/// What was held: enough to settle it, no proof of anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldReceipt {
    pub budget: Key,
    pub action: ActionId,
    pub tokens: u64,
}

impl Held {
    pub const fn action_id(&self) -> ActionId {
        self.0.action
    }

    pub const fn receipt(&self) -> &HoldReceipt {
        &self.0
    }
}

/// Why nothing is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HoldRefused {
    #[error("the budget has {avail} tokens left, the call may need {wanted}")]
    OverBudget { avail: u64, wanted: u64 },
    #[error("the tenant has no budget")]
    NoBudget,
    #[error("the budget could not be written")]
    Unavailable,
}

/// How often a write of unknown outcome is tried. Each try is safe: the conditions make both writes idempotent.
const TRIES: usize = 3;

/// Holds `tokens` for `action`. One action holds one size: another size for the same action is refused.
///
/// # Errors
/// Over budget, no budget, or the store did not confirm. In the last case a hold may exist: settle it with zero.
pub async fn hold<S: GateStore>(
    store: &S,
    budget: &Key,
    action: ActionId,
    tokens: u64,
) -> Result<Held, HoldRefused> {
    let op = GateOp::Hold { budget: budget.clone(), action, tokens };
    let held = Held(HoldReceipt { budget: budget.clone(), action, tokens });
    for _ in 0..TRIES {
        match store.apply(&op).await {
            Ok(()) => return Ok(held),
            Err(GateFault::Condition(before)) => return judge(before, action, tokens).map(|()| held),
            Err(GateFault::NotWritten | GateFault::Unknown) => {}
        }
    }
    Err(HoldRefused::Unavailable)
}

/// What a failed condition of a hold means, from the item as it was.
fn judge(before: Option<Item>, action: ActionId, wanted: u64) -> Result<(), HoldRefused> {
    let before = before.ok_or(HoldRefused::NoBudget)?;
    let open = match before.get("holds") {
        Some(Attr::M(holds)) => holds.get(&action.to_string()),
        _ => return Err(HoldRefused::NoBudget),
    };
    match open {
        // An earlier try of this very hold was written after all.
        Some(tokens) if *tokens == Attr::number(wanted) => return Ok(()),
        Some(_) => return Err(HoldRefused::Unavailable),
        None => {}
    }
    match before.get("avail") {
        Some(Attr::N(avail)) => {
            let avail = avail.parse().map_err(|_| HoldRefused::NoBudget)?;
            Err(HoldRefused::OverBudget { avail, wanted })
        }
        _ => Err(HoldRefused::NoBudget),
    }
}

/// A settlement that the store did not confirm. The hold stays, at its full size, until it is swept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the settlement was not confirmed")]
pub struct NotSettled;

/// Settles a hold: `used` tokens are spent, at most what was held. Doing it again changes nothing.
///
/// # Errors
/// The store did not confirm within [`TRIES`].
pub async fn settle<S: GateStore>(
    store: &S,
    receipt: &HoldReceipt,
    used: u64,
    admitted_on: Option<String>,
) -> Result<(), NotSettled> {
    let HoldReceipt { budget, action, tokens } = receipt.clone();
    let op = GateOp::Settle { budget, action, held: tokens, used: used.min(tokens), admitted_on };
    for _ in 0..TRIES {
        match store.apply(&op).await {
            // No such hold: an earlier try of this settlement was written after all.
            Ok(()) | Err(GateFault::Condition(_)) => return Ok(()),
            Err(GateFault::NotWritten | GateFault::Unknown) => {}
        }
    }
    Err(NotSettled)
}

#[cfg(test)]
mod tests;
