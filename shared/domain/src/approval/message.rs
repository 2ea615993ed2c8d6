//! What the queue of approvals carries: that something happened to a request, and nothing of it. Whoever takes it reads the
//! request's row.
//!
//! ```text
//! {"v":1,"kind":"requested","tenant":"ten_…","approval":"apr_…"}
//! ```

use serde::{Deserialize, Serialize};

use crate::{ApprovalId, TenantId};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ApprovalStep {
    Requested,
    Reminded,
    Escalated,
    /// It ended, however.
    Decided,
}

impl ApprovalStep {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Reminded => "reminded",
            Self::Escalated => "escalated",
            Self::Decided => "decided",
        }
    }
}

/// The version of the message that this code writes and reads.
const VERSION: u8 = 1;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovalMessage {
    v: u8,
    pub kind: ApprovalStep,
    pub tenant: TenantId,
    pub approval: ApprovalId,
}

impl ApprovalMessage {
    pub const fn new(kind: ApprovalStep, tenant: TenantId, approval: ApprovalId) -> Self {
        Self { v: VERSION, kind, tenant, approval }
    }

    /// # Errors
    /// It is none, or of a version that is not known here.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let message: Self = serde_json::from_str(text).map_err(|_| "not_a_message")?;
        if message.v == VERSION { Ok(message) } else { Err("version_unknown") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_pinned_and_nothing_else_is_one() {
        let message = ApprovalMessage::new(
            ApprovalStep::Requested,
            TenantId::from_random([2; 10]),
            ApprovalId::from_bytes([7; 16]),
        );
        let text = r#"{"v":1,"kind":"requested","tenant":"ten_081040g2081040g2","approval":"apr_07070707070707070707070707070707"}"#;
        assert_eq!(serde_json::to_string(&message).unwrap(), text);
        assert_eq!(ApprovalMessage::parse(text), Ok(message));
        assert_eq!(ApprovalMessage::parse(&text.replace(":1,", ":2,")), Err("version_unknown"));
        for bad in ["", "{}", &text.replace("requested", "asked"), &text.replace("}", ",\"x\":1}")] {
            assert_eq!(ApprovalMessage::parse(bad), Err("not_a_message"), "{bad}");
        }
    }
}
