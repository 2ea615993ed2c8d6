//! Once: a call that its client sends again is not made again.
//!
//! **With an idempotency key** one item per gateway key and idempotency key says which action took the call on, and what its body was, as a keyed digest.
//! It is written with the hold, before anything is sent; a second call finds it and is refused. An action that ended without
//! any effect lets go of it, so that the client's next try is made. A process that dies keeps it until it expires: refusing
//! too much charges nobody twice.
//!
//! **Without one**, SDKs count their tries. One item per gateway key and body counts what was seen, and how much of it ended
//! without any effect. A try that is not the first is made if such an end is left over for it, or if nothing was seen; else
//! its first try runs or has run. The same words sent twice on purpose are two first tries, and both are made.

use domain::{ActionId, Opaque, Timestamp};

use super::{GateFault, GateOp, GateStore, TRIES, Update};
use crate::item::{VERSION, VERSION_FIELD};
use crate::{Attr, Item, Key};

/// Which call is made once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Once {
    pub row: Key,
    /// Keyed digest of path and body.
    pub body: Opaque,
    /// From this moment on the same key is another call's.
    pub until: Timestamp,
}

/// One write of such an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OnceOp {
    /// Takes the call on, unless another action has.
    Claim { once: Once, action: ActionId, now: Timestamp },
    /// Lets go of a call that had no effect, if it is this action's.
    Release { row: Key, action: ActionId },
    /// A first try of a body was seen.
    Seen { row: Key, until: Timestamp },
    /// A further try of it: takes one of those that ended without effect.
    Again { row: Key, until: Timestamp },
    /// A try of it ended without effect.
    Free { row: Key },
}

impl OnceOp {
    pub fn to_update(&self) -> Update {
        match self {
            Self::Claim { once, action, now } => Update {
                key: once.row.clone(),
                update: "SET #action = :action, #body = :body, #until = :until, expires = :expires, #v = :v",
                condition: Some("attribute_not_exists(#action) OR #until <= :now OR #action = :action"),
                names: vec![
                    ("#action", "action".to_owned()),
                    ("#body", "body".to_owned()),
                    ("#until", "until".to_owned()),
                    ("#v", VERSION_FIELD.to_owned()),
                ],
                values: vec![
                    (":action", Attr::text(action)),
                    (":body", Attr::text(&once.body)),
                    (":until", Attr::number(once.until.unix_millis())),
                    (":now", Attr::number(now.unix_millis())),
                    (":expires", Attr::number(once.until.unix_millis().div_ceil(1_000))),
                    (":v", Attr::number(VERSION)),
                ],
            },
            Self::Release { row, action } => Update {
                key: row.clone(),
                update: "REMOVE #action",
                condition: Some("#action = :action"),
                names: vec![("#action", "action".to_owned())],
                values: vec![(":action", Attr::text(action))],
            },
            Self::Seen { row, until } => counted(row, *until, SEEN, None),
            Self::Again { row, until } => counted(row, *until, AGAIN, Some(AGAIN_WHEN)),
            Self::Free { row } => Update {
                key: row.clone(),
                update: "SET #free = if_not_exists(#free, :zero) + :one",
                condition: Some("attribute_exists(seen)"),
                names: vec![free_name()],
                values: vec![(":zero", Attr::number(0)), (":one", Attr::number(1))],
            },
        }
    }
}

const SEEN: &str = "SET seen = if_not_exists(seen, :zero) + :one, #free = if_not_exists(#free, :zero), expires = :expires, #v = :v";
/// A further try of what was never seen counts as the first.
const AGAIN: &str = "SET seen = if_not_exists(seen, :one), #free = if_not_exists(#free, :one) - :one, expires = :expires, #v = :v";
const AGAIN_WHEN: &str = "attribute_not_exists(seen) OR #free >= :one";

fn counted(row: &Key, until: Timestamp, update: &'static str, condition: Option<&'static str>) -> Update {
    let mut values = vec![
        (":one", Attr::number(1)),
        (":expires", Attr::number(until.unix_millis().div_ceil(1_000))),
        (":v", Attr::number(VERSION)),
    ];
    if update == SEEN {
        values.push((":zero", Attr::number(0)));
    }
    Update {
        key: row.clone(),
        update,
        condition,
        names: vec![free_name(), ("#v", VERSION_FIELD.to_owned())],
        values,
    }
}

/// A word that DynamoDB keeps for itself.
fn free_name() -> (&'static str, String) {
    ("#free", "free".to_owned())
}

/// Why a call is not taken on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotOnce {
    #[error("another action has taken this call on")]
    Repeated { first: Option<ActionId> },
    #[error("another call was sent under the same idempotency key")]
    Mismatch,
    #[error("whether the call was taken on before is not known")]
    Unavailable,
}

/// Takes a call on for `action`. A write of unknown outcome is safe to try again.
///
/// # Errors
/// See [`NotOnce`].
pub async fn claim<S: GateStore>(
    store: &S,
    once: &Once,
    action: ActionId,
    now: Timestamp,
) -> Result<(), NotOnce> {
    let op = GateOp::Once(OnceOp::Claim { once: once.clone(), action, now });
    for _ in 0..TRIES {
        match store.apply(&op).await {
            Ok(_) => return Ok(()),
            Err(GateFault::Condition(before)) => return Err(judge(before, once)),
            Err(GateFault::NotWritten | GateFault::Unknown) => {}
        }
    }
    Err(NotOnce::Unavailable)
}

fn judge(before: Option<Item>, once: &Once) -> NotOnce {
    let text = |name: &str| match before.as_ref().and_then(|item| item.get(name)) {
        Some(Attr::S(text)) => Some(text.as_str()),
        _ => None,
    };
    if text("body").is_some_and(|body| body != once.body.as_str()) {
        return NotOnce::Mismatch;
    }
    NotOnce::Repeated { first: text("action").and_then(|action| action.parse().ok()) }
}

/// Notes a try of a body, the first or a further one. A write of unknown outcome that is tried again refuses too much at
/// most.
///
/// # Errors
/// A further try whose first runs or has run; or the store did not confirm.
pub async fn tried<S: GateStore>(store: &S, row: &Key, first: bool, until: Timestamp) -> Result<(), NotOnce> {
    let row = row.clone();
    let op = GateOp::Once(if first { OnceOp::Seen { row, until } } else { OnceOp::Again { row, until } });
    for _ in 0..TRIES {
        match store.apply(&op).await {
            Ok(_) => return Ok(()),
            Err(GateFault::Condition(_)) => return Err(NotOnce::Repeated { first: None }),
            Err(GateFault::NotWritten | GateFault::Unknown) => {}
        }
    }
    Err(NotOnce::Unavailable)
}

/// Notes that a try ended without effect. Written once: counted twice it would let two further tries through.
pub async fn free<S: GateStore>(store: &S, row: &Key) {
    // Unconfirmed, a further try is refused, which charges nobody.
    let _ = store.apply(&GateOp::Once(OnceOp::Free { row: row.clone() })).await;
}

/// Lets go of a call that had no effect. One that is not confirmed stays taken until it expires.
pub async fn release<S: GateStore>(store: &S, row: &Key, action: ActionId) {
    let op = GateOp::Once(OnceOp::Release { row: row.clone(), action });
    for _ in 0..TRIES {
        match store.apply(&op).await {
            Ok(_) | Err(GateFault::Condition(_)) => return,
            Err(GateFault::NotWritten | GateFault::Unknown) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gates::tests::store::{Fault, Memory, fault, run};

    use domain::{GatewayKey, KeyKind, Region, TenantId};
    use proptest::prelude::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_unix_millis(millis).unwrap()
    }

    fn action(byte: u8) -> ActionId {
        ActionId::new(at(0), [byte; 10])
    }

    fn once(body: &str) -> Once {
        let key = GatewayKey::mint(KeyKind::User, Region::Eu, &[1; 59]).unwrap();
        let row = Key::once(&TenantId::from_random([1; 10]), key.id(), &"psn_key".parse().unwrap());
        Once { row, body: body.parse().unwrap(), until: at(1_000) }
    }

    #[test]
    fn a_call_is_taken_on_once_until_it_is_let_go_or_expires() {
        let store = Memory::default();
        let claimed = |by: u8, body: &str, now: i64| run(claim(&store, &once(body), action(by), at(now)));
        assert_eq!(claimed(1, "psn_a", 0), Ok(()));
        assert_eq!(claimed(1, "psn_a", 0), Ok(()), "its own claim again");
        assert_eq!(claimed(2, "psn_a", 1), Err(NotOnce::Repeated { first: Some(action(1)) }));
        assert_eq!(claimed(2, "psn_b", 1), Err(NotOnce::Mismatch));
        run(release(&store, &once("psn_a").row, action(2)));
        assert_eq!(
            claimed(2, "psn_a", 2),
            Err(NotOnce::Repeated { first: Some(action(1)) }),
            "not its to let go"
        );
        run(release(&store, &once("psn_a").row, action(1)));
        assert_eq!(claimed(2, "psn_a", 3), Ok(()));
        assert_eq!(claimed(3, "psn_b", 1_000), Ok(()), "expired");
    }

    proptest! {
        /// Whatever fails when: of all who ask while nobody lets go, at most one is told yes.
        #[test]
        fn at_most_one_takes_it_on(
            callers in prop::collection::vec(1_u8..6, 1..20),
            faults in prop::collection::vec(fault(), 0..60),
        ) {
            let store = Memory::default();
            store.fail(faults);
            let took: std::collections::BTreeSet<u8> = callers
                .iter()
                .filter(|caller| run(claim(&store, &once("psn_a"), action(**caller), at(0))).is_ok())
                .copied()
                .collect();
            prop_assert!(took.len() <= 1, "{took:?}");
        }
    }

    #[test]
    fn a_further_try_is_made_when_an_earlier_one_had_no_effect() {
        let store = Memory::default();
        let row = once("psn_a").row;
        let tried = |first: bool| run(tried(&store, &row, first, at(9)));
        let refused = Err(NotOnce::Repeated { first: None });
        assert_eq!((tried(true), tried(true)), (Ok(()), Ok(())), "the same words twice on purpose");
        assert_eq!(tried(false), refused, "both run");
        run(free(&store, &row));
        assert_eq!((tried(false), tried(false)), (Ok(()), refused.clone()), "one ended without effect");
        let store = Memory::default();
        assert_eq!(run(super::tried(&store, &row, false, at(9))), Ok(()), "its first never came");
        assert_eq!(run(super::tried(&store, &row, false, at(9))), refused);
    }

    proptest! {
        /// Whatever fails when: no more tries are made than were first tries, and ends without effect.
        #[test]
        fn tries_never_outnumber_what_allows_them(
            steps in prop::collection::vec(0_u8..3, 1..40),
            faults in prop::collection::vec(fault(), 0..120),
        ) {
            let store = Memory::default();
            store.fail(faults);
            let row = once("psn_a").row;
            let (mut firsts, mut further, mut ends) = (0, 0, 0);
            for step in steps {
                match step {
                    0 => firsts += u32::from(run(tried(&store, &row, true, at(9))).is_ok()),
                    1 => further += u32::from(run(tried(&store, &row, false, at(9))).is_ok()),
                    // Only a try that was made can end.
                    _ if ends < firsts + further => { run(free(&store, &row)); ends += 1; }
                    _ => {}
                }
            }
            // One further try may be of a first that never came.
            prop_assert!(further <= ends + 1, "{firsts} {further} {ends}");
        }
    }

    #[test]
    fn a_store_that_does_not_answer_takes_nothing_on() {
        let store = Memory::default();
        store.fail([Some(Fault::Throttled); 3]);
        assert_eq!(run(claim(&store, &once("psn_a"), action(1), at(0))), Err(NotOnce::Unavailable));
    }

    #[test]
    fn the_writes_name_what_they_use() {
        let claim = OnceOp::Claim { once: once("psn_a"), action: action(1), now: at(0) };
        let (row, until) = (once("psn_a").row, at(9));
        let release = OnceOp::Release { row: row.clone(), action: action(1) };
        let seen = OnceOp::Seen { row: row.clone(), until };
        let again = OnceOp::Again { row: row.clone(), until };
        for op in [claim, release, seen, again, OnceOp::Free { row }] {
            let update = op.to_update();
            let text = format!("{} {}", update.update, update.condition.unwrap_or_default());
            let words: std::collections::BTreeSet<_> =
                text.split([' ', ',', '(', ')', '=']).filter(|word| word.starts_with([':', '#'])).collect();
            let given = update.values.iter().map(|(name, _)| *name);
            assert_eq!(words, given.chain(update.names.iter().map(|(name, _)| *name)).collect());
        }
    }
}
