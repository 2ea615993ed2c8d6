//! Additional authenticated data: where a sealed value belongs.

use domain::{ApprovalId, EventId, TenantId};
use serde_json::json;

/// The place of a sealed value, as canonical JSON (RFC 8785): the fields below are written in sorted order. Not secret; any difference keeps the value shut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aad(String);

impl Aad {
    /// A field of a table's row: `{tenant, table, pk, sk, field, v}`.
    pub fn row(tenant: &TenantId, table: &str, pk: &str, sk: &str, field: &str) -> Self {
        Self(
            json!({"field": field, "pk": pk, "sk": sk, "table": table, "tenant": tenant, "v": 1}).to_string(),
        )
    }

    /// A provider credential: as [`Aad::row`], with the host that alone may ever receive it.
    pub fn credential(tenant: &TenantId, table: &str, pk: &str, sk: &str, field: &str, host: &str) -> Self {
        let place = json!({
            "field": field, "host": host, "pk": pk, "sk": sk, "table": table, "tenant": tenant, "v": 1,
        });
        Self(place.to_string())
    }

    /// A personal field of an audit record: `{tenant, event_id, field}`.
    pub fn record(tenant: &TenantId, event: EventId, field: &str) -> Self {
        Self(json!({"event_id": event, "field": field, "tenant": tenant}).to_string())
    }

    /// What an agent asks people for: `{approval_id, field, tenant}`. It names no row: the same bytes lie beside the next request
    /// too, as what was approved last.
    pub fn action(tenant: &TenantId, approval: &ApprovalId) -> Self {
        Self(json!({"approval_id": approval, "field": "asked", "tenant": tenant, "v": 1}).to_string())
    }

    #[cfg(test)]
    pub(crate) fn with_changed_character(&self, at: usize, to: &str) -> Self {
        let mut text = self.0.clone();
        text.replace_range(at..=at, to);
        Self(text)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Timestamp;

    /// Pinned: another implementation must build the same bytes.
    #[test]
    fn the_forms_are_pinned() {
        let tenant = TenantId::from_random([0; 10]);
        let event = EventId::new(Timestamp::from_unix_millis(0).unwrap(), [0; 10]);
        let forms = [
            Aad::row(&tenant, "control", "T#1", "S", "f").0,
            Aad::credential(&tenant, "control", "T#1", "S", "f", "h:1").0,
            Aad::record(&tenant, event, "source_ip").0,
            Aad::action(&tenant, &ApprovalId::from_bytes([0; 16])).0,
        ];
        assert_eq!(
            forms,
            [
                r#"{"field":"f","pk":"T#1","sk":"S","table":"control","tenant":"ten_0000000000000000","v":1}"#,
                r#"{"field":"f","host":"h:1","pk":"T#1","sk":"S","table":"control","tenant":"ten_0000000000000000","v":1}"#,
                r#"{"event_id":"00000000-0000-7000-8000-000000000000","field":"source_ip","tenant":"ten_0000000000000000"}"#,
                r#"{"approval_id":"apr_00000000000000000000000000000000","field":"asked","tenant":"ten_0000000000000000","v":1}"#,
            ]
        );
    }
}
