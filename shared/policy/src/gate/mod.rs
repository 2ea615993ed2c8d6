//! Which actions of a tenant's agents need whom: the tenant's document, and what it makes of one action.
//!
//! ```text
//! document ──parse──▶ Gate ──decide(action, time)──▶ Permit | Hold (whose word) | Forbid | Unmatched | Failed
//!
//! gate/<template>.cedar         what stops an action: a policy that forbids, read by an auditor
//! gate/<template>.json          examples of it: what is stopped, what passes, what cannot be read
//! gate/schema.cedarschema       what these policies are told
//! ```
//!
//! # What passes
//! A tool passes if a pattern of `allow` matches it or a `permit` of the tenant's own Cedar is satisfied; nothing else
//! does ([`Verdict::Unmatched`]). Whatever passes is stopped by each gate that means the tool and whose template is
//! satisfied, and by each satisfied `forbid` of the tenant's own Cedar: refused, or held for the approval that it names.
//! A refusal goes before an approval. Nothing undoes a stop.
//!
//! # What is not known
//! A fact that a gate asks for and that is absent, or that two readers could read in two ways, stops the action as if it
//! were the worst. Where the tenant's own Cedar fails on an action, it is refused ([`Verdict::Failed`]).
//!
//! # The tenant's own Cedar
//! Told of `Agent::"agt_…"` (in `Team::"…"`), `Action::"call"`, `Tool::"…"`, and a context of
//! - `arguments`: integers are `Long`, fractions of up to four places `decimal`, lists sets, objects records; members that
//!   are `null` are left out. Arguments that have no such form fail,
//! - `target`: text, where the action has one. It is as the agent wrote it, like all texts here: only templates know that
//!   `dev/../prod` is odd,
//! - `now` (Unix seconds), `hour` (0 to 23) and `weekday` (`"mon"` to `"sun"`), in UTC.
//!
//! Every policy has an `@id` of its own; a `forbid` with `@approval("rule")` holds, one without refuses.
//!
//! # Out of scope
//! - Who is asked, and votes: `domain`'s `ApprovalRow`.
//! - The digest of an action, permits and rows: the function that gates actions.
//! - Amounts are compared as they are written: a gate that shall not take yen for euros names `currencies`.

mod approval;
mod cache;
mod compare;
mod context;
mod decide;
mod document;
mod fault;
mod hours;
mod mail;
mod own;
mod parse;
mod path;
mod quantity;
mod risk;
mod template;
#[cfg(test)]
mod tests;

pub use cache::Gates;
pub use compare::weaker;
pub use decide::{Asking, Verdict};
pub use fault::{Fault, Faults};
pub use parse::Gate;
pub use template::Template;
