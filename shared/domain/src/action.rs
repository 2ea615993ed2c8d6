//! What an agent wants a tool to do, as the one digest that everything else is bound to; and what became of it.

use std::fmt;
use std::str::FromStr;

use crate::event::{NotInCatalogue, catalogue};
use crate::id::text_serde;
use crate::{AgentId, ApprovalId, Digest, InEpoch, Name, Opaque, PermitId, TenantId, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// 2^53 - 1: beyond it an IEEE double, and with it RFC 8785 (section 3.2.2.3), rounds.
const MAX_SAFE: f64 = 9_007_199_254_740_991.0;

/// An action as it is canonicalized: all of what is decided, and nothing that changes from try to try.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct ActionForm<'a> {
    v: u8,
    pub tenant_id: &'a TenantId,
    pub agent_id: &'a AgentId,
    pub tool: &'a Name,
    pub arguments: &'a Value,
    /// `null` where there is none.
    pub target: Option<&'a str>,
}

/// SHA-256 over the JCS form (RFC 8785) of an [`ActionForm`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActionDigest([u8; 32]);

/// Arguments on which two implementations of RFC 8785 could disagree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a number is not exact in a double: send what is beyond 2^53 - 1 as text")]
pub struct ActionError;

impl<'a> ActionForm<'a> {
    /// The version of the form is among what is digested.
    pub const fn new(
        tenant_id: &'a TenantId,
        agent_id: &'a AgentId,
        tool: &'a Name,
        arguments: &'a Value,
        target: Option<&'a str>,
    ) -> Self {
        Self { v: 1, tenant_id, agent_id, tool, arguments, target }
    }

    /// # Errors
    /// The arguments hold a number that a double has not.
    pub fn canonical(&self) -> Result<String, ActionError> {
        exact(self.arguments)?;
        serde_json_canonicalizer::to_string(self).map_err(|_| ActionError)
    }

    /// # Errors
    /// As [`ActionForm::canonical`].
    pub fn digest(&self) -> Result<ActionDigest, ActionError> {
        Ok(ActionDigest(Sha256::digest(self.canonical()?).into()))
    }
}

fn exact(value: &Value) -> Result<(), ActionError> {
    match value {
        Value::Number(number) => {
            if number.as_f64().is_some_and(is_exact) {
                Ok(())
            } else {
                Err(ActionError)
            }
        }
        Value::Array(items) => items.iter().try_for_each(exact),
        Value::Object(fields) => fields.values().try_for_each(exact),
        Value::Null | Value::Bool(_) | Value::String(_) => Ok(()),
    }
}

/// Written as digits (below 10^21, RFC 8785 section 3.2.2.3) and read again, a whole number beyond 2^53 - 1 could be another.
fn is_exact(number: f64) -> bool {
    number.fract() != 0.0 || number.abs() <= MAX_SAFE || number.abs() >= 1e21
}

impl ActionDigest {
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// As rows and records hold it.
    pub fn to_digest(self) -> Digest {
        Digest::from_bytes(&self.0)
    }
}

impl fmt::Display for ActionDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.to_digest().as_str())
    }
}

catalogue! {
    /// What became of an approved or permitted action. CANCELLED is what a failed check at its consumption yields.
    Run {
        /// Somebody may act, and has not said what came of it.
        Consumed = "consumed",
        Executed = "executed",
        Failed = "failed",
        /// Nobody said anything in time: it may have happened.
        Unknown = "unknown",
        Cancelled = "cancelled",
    }
}

impl Run {
    /// Whether it is for good.
    pub const fn is_over(self) -> bool {
        !matches!(self, Self::Consumed)
    }
}

/// The consumption of a permit: written once, whoever else asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRow {
    pub tenant: TenantId,
    pub agent: AgentId,
    pub permit: PermitId,
    pub approval: Option<ApprovalId>,
    pub tool: Name,
    pub digest: Digest,
    pub state: Run,
    /// SHA-256 of what the consumer chose: whoever has it may ask again, and says what became of it.
    pub consumer: Opaque,
    pub consumed_at: Timestamp,
    /// Silence past it is UNKNOWN.
    pub due_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    /// Who answers for the agent, as they were when it was consumed.
    pub answers: Option<InEpoch>,
}

/// That the outcome of a consumption is awaited, by when it is due: what goes by the clock finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueRow {
    pub tenant: TenantId,
    pub approval: Option<ApprovalId>,
    pub permit: PermitId,
}

impl RunRow {
    /// What waits for its outcome.
    pub fn due(&self) -> DueRow {
        DueRow { tenant: self.tenant.clone(), approval: self.approval.clone(), permit: self.permit.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn ids() -> (TenantId, AgentId, Name) {
        (TenantId::from_random([2; 10]), AgentId::from_random([3; 10]), "payments.send".parse().unwrap())
    }

    fn of(arguments: &Value, target: Option<&str>) -> Result<String, ActionError> {
        let (tenant, agent, tool) = ids();
        Ok(ActionForm::new(&tenant, &agent, &tool, arguments, target).digest()?.to_string())
    }

    /// Pinned: verifiers in other languages compute the same. The second is RFC 8785's own example (section 3.2.2).
    #[test]
    fn the_form_is_pinned() {
        let (tenant, agent, tool) = ids();
        let arguments = json!({"to": "DE89", "amount": 82_000, "note": "€\u{7f}", "rate": 1e21, "small": 0.1, "one": 1.0});
        let form = ActionForm::new(&tenant, &agent, &tool, &arguments, Some("prod/ledger"));
        assert_eq!(
            form.canonical().unwrap(),
            concat!(
                r#"{"agent_id":"agt_0c1g60r30c1g60r3","arguments":{"amount":82000,"note":"€"#,
                "\u{7f}",
                r#"","one":1,"rate":1e+21,"small":0.1,"to":"DE89"},"target":"prod/ledger","#,
                r#""tenant_id":"ten_081040g2081040g2","tool":"payments.send","v":1}"#
            )
        );
        let rfc = json!({"numbers": [333_333_333.333_333_3, 1E30, 4.50, 2e-3, 0.000_000_000_000_000_000_000_000_001],
            "string": "\u{20ac}$\u{f}\nA'B\"\\\\\"/", "literals": [null, true, false]});
        assert_eq!(
            serde_json_canonicalizer::to_string(&rfc).unwrap(),
            "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],\
             \"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}"
        );
        // By UTF-16 code units, not by bytes: U+FB33 comes after the surrogates of U+1F600.
        let keys = json!({"\u{fb33}": 1, "\u{1f600}": 2, "\u{20ac}": 3, "\r": 4});
        let text = serde_json_canonicalizer::to_string(&keys).unwrap();
        assert_eq!(text, "{\"\\r\":4,\"\u{20ac}\":3,\"\u{1f600}\":2,\"\u{fb33}\":1}");
    }

    #[test]
    fn another_action_is_another_digest() {
        let base = of(&json!({"amount": 82_000}), None).unwrap();
        for other in [
            of(&json!({"amount": 820_000}), None),
            of(&json!({"amount": "82000"}), None),
            of(&json!({"amount": 82_000, "x": null}), None),
            of(&json!({"amount": 82_000}), Some("")),
        ] {
            assert_ne!(other.unwrap(), base);
        }
        assert_eq!(of(&json!({"amount": 82_000.0}), None).unwrap(), base);
    }

    #[test]
    fn what_a_double_has_not_is_refused() {
        for bad in [
            json!(9_007_199_254_740_992_u64),
            json!({"a": [-9_007_199_254_740_992_i64]}),
            json!(u64::MAX),
            json!(1e20),
            json!(9_007_199_254_740_992.0),
        ] {
            assert_eq!(of(&bad, None), Err(ActionError), "{bad}");
        }
        assert!(of(&json!(9_007_199_254_740_991_u64), None).is_ok());
    }

    fn json_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-1_000_000_i64..1_000_000).prop_map(Value::from),
            any::<f64>().prop_filter("finite", |f| f.is_finite()).prop_map(Value::from),
            "\\PC{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("\\PC{0,3}", inner, 0..4).prop_map(|map| json!(map)),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Written down and read again, by whoever executes it, it is the same action.
        #[test]
        fn the_digest_outlives_another_parser(arguments in json_value()) {
            let again: Value = serde_json::from_str(&arguments.to_string()).unwrap();
            prop_assert_eq!(of(&arguments, None), of(&again, None));
            if let Ok((canonical, first)) = ids_form(&arguments) {
                let back: Value = serde_json::from_str(&canonical).unwrap();
                prop_assert_eq!(of(&back["arguments"], None).unwrap(), first);
            }
        }
    }

    fn ids_form(arguments: &Value) -> Result<(String, String), ActionError> {
        let (tenant, agent, tool) = ids();
        let form = ActionForm::new(&tenant, &agent, &tool, arguments, None);
        Ok((form.canonical()?, form.digest()?.to_string()))
    }
}
