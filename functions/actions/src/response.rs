//! What the platform is given back. Errors are problem details (RFC 9457), whose `code` is the reason in the audit trail.

pub use caller::{Refused, Whole as Response};

use crate::refusal;

pub fn error(refused: &Refused) -> Response {
    refused.answer(refusal::OWN)
}
