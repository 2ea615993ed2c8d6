//! What the platform is given back. Errors are problem details (RFC 9457), whose `code` is the reason in the audit trail.

pub use caller::{Refused, Whole as Response};

use crate::refusal;

/// The API's own description.
const DOCUMENT: &str = include_str!("../openapi.json");

/// The OpenAPI document.
pub fn document() -> Response {
    Response::answer(200, DOCUMENT.to_owned())
}

pub fn error(refused: &Refused) -> Response {
    refused.answer(refusal::OWN)
}

#[cfg(test)]
mod tests;
