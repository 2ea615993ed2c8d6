//! How a call ended, from what the provider answered: pure. Every attempt has an outcome.

use bytes::Bytes;
use domain::{AuditRecord, Decided, Digest, EventId, EventType, Metadata, Phase, Reason, Timestamp};
use egress::{Answer, EgressError};
use policy::gate_names::Answers;
use serde_json::Value;
use tables::gates::{Alert, Spend};

use crate::answer::{self, Cached, ToolCall};
use crate::dialect::Dialect;
use crate::gated::Guard;
use crate::plan::Call;
use crate::records::Entry;
use crate::response::Refused;

/// What of the held tokens is spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spent {
    /// The provider certainly did no work.
    Nothing,
    /// As the provider reported, at most what was held.
    Reported { input: u64, output: u64, total: u64, cached: Cached },
    /// It may have worked and did not say how much: the worst case counts.
    Everything,
}

impl Spent {
    /// What the provider says it used, which may be more than it may.
    fn reported(self) -> u64 {
        match self {
            Self::Reported { input, output, total, .. } => input.saturating_add(output).max(total),
            Self::Nothing | Self::Everything => 0,
        }
    }

    pub fn tokens(self, held: u64) -> u64 {
        match self {
            Self::Nothing => 0,
            Self::Reported { .. } => self.reported().min(held),
            Self::Everything => held,
        }
    }
}

/// A call's end.
#[derive(Debug)]
pub struct Ended {
    pub reason: Reason,
    pub spent: Spent,
    pub status: Option<u16>,
    pub retry_after: Option<u32>,
    /// The answer, when there is a good one that is whole.
    pub answer: Option<Good>,
    /// The tools that the model asked for, as its caller is told.
    pub calls: Vec<ToolCall>,
    /// Keyed digest of what the provider answered, if that is known already.
    pub commitment: Option<Digest>,
}

/// A good answer: as bytes, for its commitment, and as a value, for its caller.
pub struct Good {
    pub bytes: Bytes,
    pub value: Value,
}

/// A debug form reaches logs.
impl std::fmt::Debug for Good {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Good({} bytes)", self.bytes.len())
    }
}

impl Ended {
    pub fn without_answer(reason: Reason, spent: Spent) -> Self {
        Self {
            reason,
            spent,
            status: None,
            retry_after: None,
            answer: None,
            calls: Vec::new(),
            commitment: None,
        }
    }

    /// With the seconds that the provider asks to wait: never longer than a day.
    #[must_use]
    pub fn retrying(self, seconds: Option<u32>) -> Self {
        Self { retry_after: seconds.map(|seconds| seconds.min(MAX_RETRY_AFTER_S)), ..self }
    }

    pub fn refused(&self) -> Refused {
        Refused { retry_after: self.retry_after, ..Refused::from(self.reason) }
    }
}

/// Reads the provider's answer.
pub fn conclude(wire: Dialect, answered: Result<Answer, EgressError>) -> Ended {
    match answered {
        Err(error) => failed(&error),
        Ok(answer) => {
            let mut ended = match &answer.body {
                Ok(body) => success(wire, body),
                Err(_) => rejected(answer.status),
            };
            ended.status = Some(answer.status);
            ended.retrying(answer.retry_after)
        }
    }
}

/// A provider cannot tell a caller to stay away for longer than a day.
const MAX_RETRY_AFTER_S: u32 = 86_400;

pub fn failed(error: &EgressError) -> Ended {
    let reason = match error {
        EgressError::NotSent(_) => Reason::ProviderUnreachable,
        EgressError::TimedOut { .. } => Reason::ProviderTimeout,
        EgressError::Broken { .. } => Reason::ProviderBroken,
        EgressError::TooLarge { .. } => Reason::ProviderTooLarge,
    };
    let spent = if error.may_have_been_processed() { Spent::Everything } else { Spent::Nothing };
    let status = match error {
        EgressError::NotSent(_) => None,
        EgressError::TimedOut { status } | EgressError::Broken { status } => *status,
        EgressError::TooLarge { status, .. } => Some(*status),
    };
    Ended { status, ..Ended::without_answer(reason, spent) }
}

/// The provider's statuses: what they mean here, and whether it may have worked before it said so.
/// Its own words are not passed on: they can quote the prompt or the credential.
pub fn rejected(status: u16) -> Ended {
    let (reason, spent) = match status {
        401 | 403 => (Reason::ProviderCredential, Spent::Nothing),
        429 => (Reason::ProviderThrottled, Spent::Nothing),
        400..=499 => (Reason::ProviderRejected, Spent::Nothing),
        503 => (Reason::ProviderUnavailable, Spent::Nothing),
        500..=599 => (Reason::ProviderError, Spent::Everything),
        // Redirects are not followed: the credential belongs to one host.
        _ => (Reason::ProviderMalformed, Spent::Nothing),
    };
    Ended::without_answer(reason, spent)
}

fn success(wire: Dialect, bytes: &Bytes) -> Ended {
    let value = std::str::from_utf8(bytes).ok().and_then(|text| caller::json::parse(text).ok());
    let Some(mut value) = value else {
        return Ended::without_answer(Reason::ProviderMalformed, Spent::Everything);
    };
    let spent = answer::spent(wire, &mut value);
    match answer::check(wire, &value) {
        Ok(()) => {
            let answer = Some(Good { bytes: bytes.clone(), value });
            Ended { answer, ..Ended::without_answer(Reason::Completed, spent) }
        }
        Err(reason) => Ended::without_answer(reason, spent),
    }
}

/// What an ending settles, and the day on which it counts against the ledger: only a call that reached a provider does.
pub fn settlement(call: &Call, ended: &Ended, now: Timestamp) -> (Spend, Option<String>) {
    let sent = ended.spent != Spent::Nothing || ended.status.is_some();
    (call.bill.spent(ended.spent), sent.then(|| now.date()))
}

/// The record of the outcome.
pub fn record(call: &Call, ended: &Ended, began: Timestamp, now: Timestamp) -> AuditRecord {
    let spent = ended.spent.tokens(call.worst_case);
    let mut metadata = Metadata::default()
        .count("held_tokens", call.worst_case)
        .count("settled_tokens", spent)
        .count("duration_ms", now.millis_since(began))
        .count("tool_calls", u64::try_from(ended.calls.len()).unwrap_or(u64::MAX))
        .flag("streamed", call.stream)
        .flag("usage_reported", matches!(ended.spent, Spent::Reported { .. }));
    let over = ended.spent.reported().saturating_sub(call.worst_case);
    if over > 0 {
        // The worst case was not one: the budget is kept, and the fault is told.
        tracing::error!(action_id = %call.action_id, over, "budget.worst_case_exceeded");
        metadata = metadata.count("reported_over_hold", over.min(MAX_REPORTED));
    }
    metadata = told(metadata, &call.tools.guard, &ended.calls);
    if let Some(status) = ended.status {
        metadata = metadata.count("provider_status", status.into());
    }
    let good = ended.reason == Reason::Completed;
    let denied = DENIED.contains(&ended.reason);
    let entry = Entry {
        at: now,
        event_id: call.outcome_event,
        seal_random: Some(call.outcome_seal),
        event: if denied { crate::refusal::row(ended.reason).event } else { EventType::LlmCall },
        phase: Phase::Outcome,
        decision: if denied { Decided::Deny } else { Decided::Allow },
        reason: ended.reason,
        description: if good { "The model answered." } else { "The call ended without a whole answer." },
        metadata,
    };
    let action_id = call.action_id;
    let mut record = call.scribe.record(action_id, entry);
    call.known.add_to(&mut record);
    record.cost_usd_micros = call.bill.cost(ended.spent).map(|cost| cost.min(MAX_REPORTED));
    if let Spent::Reported { input, output, .. } = ended.spent {
        record.input_tokens = Some(input.min(MAX_REPORTED));
        record.output_tokens = Some(output.min(MAX_REPORTED));
    }
    let committed = call.scribe.audit_key.as_ref().zip(ended.answer.as_ref());
    let whole =
        committed.map(|(key, answer)| key.commitment("response", action_id.as_bytes(), &answer.bytes));
    record.response_commitment = whole.or_else(|| ended.commitment.clone());
    record
}

/// What a gate means for the calls of the answer, where there is one that means anything.
fn told(metadata: Metadata, guard: &Guard, calls: &[ToolCall]) -> Metadata {
    let name = match guard.gate.answers() {
        Answers::Leave => return metadata,
        Answers::Mark => "tool_calls_marked",
        Answers::Withhold => "tool_calls_withheld",
    };
    let metadata = metadata.count(name, guard.count(calls));
    if guard.gate.is_unreadable() { metadata.flag("gate_unreadable", true) } else { metadata }
}

/// The record of a limit that is used up so far.
pub fn alert(call: &Call, alert: &Alert, event_id: EventId, now: Timestamp) -> AuditRecord {
    let entry = Entry {
        at: now,
        event_id,
        seal_random: None,
        event: EventType::BudgetAlert,
        phase: Phase::Single,
        decision: Decided::Allow,
        reason: Reason::Allowed,
        description: "A limit is used up to a threshold, with what this call used.",
        metadata: Metadata::default()
            .count("threshold_percent", alert.threshold)
            .count("used", alert.used)
            .count("limit", alert.limit),
    };
    let mut record = call.scribe.record(call.action_id, entry);
    record.resource = format!("limit:{}", alert.place).parse().ok();
    record
}

/// Endings that are a control's doing.
const DENIED: [Reason; 17] = [
    Reason::BreakerOpen,
    Reason::BudgetExceeded,
    Reason::AuditUnavailable,
    Reason::BudgetUnavailable,
    Reason::KeysUnavailable,
    Reason::FactsUnavailable,
    Reason::TimeShort,
    Reason::ToolForbidden,
    Reason::RateExceeded,
    Reason::RateUnavailable,
    Reason::CallRepeated,
    Reason::IdempotencyMismatch,
    Reason::RepeatUnavailable,
    Reason::KilledPlatform,
    Reason::KilledOrg,
    Reason::KilledTenant,
    Reason::KilledAgent,
];

/// The record of the outcome, and one for each tool that the model asked for.
pub fn records(call: &Call, ended: &Ended, began: Timestamp, now: Timestamp) -> Vec<AuditRecord> {
    let mut records = vec![record(call, ended, began, now)];
    if ended.reason != Reason::ToolForbidden {
        let of = (call.action_id, now);
        records.extend(call.tools.requested(&call.scribe, &call.known, &call.pseudonym, of, &ended.calls));
    }
    records
}

/// Reported counts beyond this are a lie of the provider's; the record must stay canonical JSON (2^53 - 1).
const MAX_REPORTED: u64 = 1_000_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_and_what_they_cost() {
        for (status, reason, spent) in [
            (400, Reason::ProviderRejected, Spent::Nothing),
            (401, Reason::ProviderCredential, Spent::Nothing),
            (403, Reason::ProviderCredential, Spent::Nothing),
            (404, Reason::ProviderRejected, Spent::Nothing),
            (429, Reason::ProviderThrottled, Spent::Nothing),
            (500, Reason::ProviderError, Spent::Everything),
            (502, Reason::ProviderError, Spent::Everything),
            (503, Reason::ProviderUnavailable, Spent::Nothing),
            (302, Reason::ProviderMalformed, Spent::Nothing),
        ] {
            let ended = rejected(status);
            assert_eq!((ended.reason, ended.spent), (reason, spent), "{status}");
        }
    }

    #[test]
    fn answers_and_what_they_cost() {
        let reported = |input, output| Spent::Reported { input, output, total: 0, cached: Cached::default() };
        for (body, reason, spent) in [
            (
                r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}"#,
                Reason::Completed,
                reported(3, 4),
            ),
            (r#"{"choices":[]}"#, Reason::Completed, Spent::Everything),
            (
                r#"{"choices":[],"usage":{"prompt_tokens":-3,"completion_tokens":4}}"#,
                Reason::Completed,
                Spent::Everything,
            ),
            (r#"{"error":{"message":"no"}}"#, Reason::ProviderError, Spent::Everything),
            // Less than the text can have cost is no report.
            (
                r#"{"choices":[{"message":{"content":"x"}}],"usage":{"prompt_tokens":3,"completion_tokens":0}}"#,
                Reason::Completed,
                Spent::Everything,
            ),
            (r#"{"choices":"#, Reason::ProviderMalformed, Spent::Everything),
            ("", Reason::ProviderMalformed, Spent::Everything),
        ] {
            let ended = success(Dialect::Chat, &Bytes::from(body));
            assert_eq!((ended.reason, ended.spent), (reason, spent), "{body}");
            assert_eq!(ended.answer.is_some(), reason == Reason::Completed);
        }
        assert_eq!(reported(u64::MAX, 5).tokens(7), 7);
        assert_eq!(
            Spent::Reported { input: 1, output: 2, total: 9, cached: Cached::default() }.tokens(20),
            9
        );
        assert_eq!((Spent::Nothing.tokens(7), Spent::Everything.tokens(7)), (0, 7));
    }
}
