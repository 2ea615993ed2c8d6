//! The four proofs, joined. A provider can be called with nothing less.

use domain::ActionId;
use policy::Permit;
use redact::Redacted;
use serde_json::Value;
use tables::Held;

use aws::Recorded;

/// A call that was authorized, redacted, held and recorded: one and the same action.
///
/// There is no other constructor, and the provider takes it by value, so a control cannot be skipped and a
/// clearance cannot be used twice:
///
/// ```compile_fail
/// let cleared = countersign_gateway::Cleared { action_id: todo!(), body: todo!() };
/// ```
#[derive(Debug)]
pub struct Cleared {
    action_id: ActionId,
    body: Redacted<Value>,
}

/// Proofs of different actions were brought together: a fault in our own code, never the caller's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the proofs belong to different actions")]
pub struct Mismatch;

impl Cleared {
    /// # Errors
    /// The proofs do not belong to one action.
    #[expect(clippy::needless_pass_by_value, reason = "proofs are spent: each clears one call")]
    pub fn new(
        permit: Permit,
        body: Redacted<Value>,
        held: &Held,
        recorded: Recorded,
    ) -> Result<Self, Mismatch> {
        let action_id = permit.action_id();
        let same =
            [body.action_id(), held.action_id(), recorded.action_id()].iter().all(|id| *id == action_id);
        if same { Ok(Self { action_id, body }) } else { Err(Mismatch) }
    }

    pub const fn action_id(&self) -> ActionId {
        self.action_id
    }

    /// The body as it leaves. Spends the clearance.
    pub fn into_body(self) -> Value {
        self.body.into_parts().1
    }
}
