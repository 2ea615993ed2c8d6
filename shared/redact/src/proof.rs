//! The proof type of this crate.

use core::fmt;
use domain::ActionId;

/// A value out of which every detected datum has been taken, for the action it belongs to.
///
/// Only this crate builds one, so a function that asks for a `Redacted` cannot be handed a raw body:
///
/// ```compile_fail,E0451
/// use countersign_redact::Redacted;
/// fn forge(action_id: domain::ActionId) -> Redacted<String> {
///     Redacted { action_id, value: String::new() }
/// }
/// ```
///
/// The same lines without the forgery compile:
///
/// ```
/// use countersign_redact::Redacted;
/// fn pass(action_id: domain::ActionId, redacted: Redacted<String>) -> Option<Redacted<String>> {
///     (action_id == redacted.action_id()).then_some(redacted)
/// }
/// ```
///
/// Its `Debug` shows nothing of the value. It is no `Clone`: one redaction, one use.
pub struct Redacted<T> {
    action_id: ActionId,
    value: T,
}

impl<T> Redacted<T> {
    pub(crate) fn new(action_id: ActionId, value: T) -> Self {
        Self { action_id, value }
    }

    /// The action this value was redacted for.
    pub fn action_id(&self) -> ActionId {
        self.action_id
    }

    /// The redacted value.
    pub fn get(&self) -> &T {
        &self.value
    }

    /// Both parts, for the one who combines the proofs.
    pub fn into_parts(self) -> (ActionId, T) {
        (self.action_id, self.value)
    }
}

impl<T> fmt::Debug for Redacted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redacted(..)")
    }
}
