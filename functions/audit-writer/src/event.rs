//! The edge: a message's text in, a record out.

use domain::AuditRecord;

/// # Errors
/// Not a record. The code goes to the log; the message goes to the dead-letter queue after its last delivery.
pub fn parse(body: &str) -> Result<AuditRecord, &'static str> {
    AuditRecord::from_text(body).map_err(|error| {
        tracing::error!(%error, "record.unreadable");
        "not_a_record"
    })
}
