//! What is wrong with a request's form.

use domain::Reason;

use crate::json::JsonFault;

/// A fault of the request's form: a reason, and where. The place is built from names and indexes that we know, never from
/// the caller's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub reason: Reason,
    pub param: Option<String>,
    pub hint: Option<String>,
}

impl Fault {
    pub fn new(reason: Reason) -> Self {
        Self { reason, param: None, hint: None }
    }

    pub fn at(reason: Reason, param: impl Into<String>, hint: &str) -> Self {
        Self { reason, param: Some(param.into()), hint: Some(hint.to_owned()) }
    }
}

impl From<JsonFault> for Fault {
    fn from(fault: JsonFault) -> Self {
        let reason = match fault {
            JsonFault::Syntax { .. } => Reason::InvalidJson,
            JsonFault::DuplicateKey { .. } => Reason::DuplicateKey,
            JsonFault::TooDeep | JsonFault::TooMany => Reason::NestedTooDeep,
        };
        Self { hint: Some(fault.to_string()), ..Self::new(reason) }
    }
}
