//! What the records of a call say beside who made it.

use std::collections::BTreeMap;

use caller::{Entry, Scribe, SealRandom};
use domain::{
    ActionId, AuditRecord, Authority, Code, Decided, Digest, EventId, EventType, Metadata, Phase, Reason,
    Timestamp,
};
use policy::Action;

use crate::decide::{Moment, Random};
use crate::refusal;
use crate::response::Refused;

/// What becomes known of a call while it is decided and done. Added to every record from then on.
#[derive(Debug, Clone, Default)]
pub struct Known {
    pub authority: Option<Authority>,
    /// Type, and what was done with it where that was not to redact, and how often. Never a value.
    pub dlp: Option<BTreeMap<Code, u64>>,
    pub request_commitment: Option<Digest>,
    pub response_commitment: Option<Digest>,
}

impl Known {
    /// Counts by names; what is no name of a type is not counted.
    pub fn counts<'a>(&mut self, counts: impl Iterator<Item = (&'a str, u64)>) {
        self.dlp = Some(counts.filter_map(|(id, count)| Some((id.parse().ok()?, count))).collect());
    }

    fn add_to(&self, record: &mut AuditRecord) {
        if let Some(authority) = &self.authority {
            record.authority = Some(authority.clone());
        }
        record.dlp.clone_from(&self.dlp);
        record.request_commitment.clone_from(&self.request_commitment);
        record.response_commitment.clone_from(&self.response_commitment);
    }
}

/// One part of an action, and how it ended.
#[derive(Debug)]
pub struct Told {
    pub phase: Phase,
    pub reason: Reason,
    pub metadata: Metadata,
}

/// Who writes a call's records.
#[derive(Debug, Clone)]
pub struct Writer {
    pub scribe: Scribe,
    pub action_id: ActionId,
    /// None where the route is none of ours.
    pub action: Option<Action>,
    pub second_event: EventId,
    pub second_seal: SealRandom,
    pub first_event: EventId,
    pub first_seal: SealRandom,
}

impl Writer {
    pub fn new(scribe: Scribe, action_id: ActionId, action: Option<Action>, moment: &Moment) -> Self {
        let Random { first_event, second_event, first_seal, second_seal, .. } = &moment.random;
        Self {
            scribe,
            action_id,
            action,
            first_event: EventId::new(moment.now, *first_event),
            second_event: EventId::new(moment.now, *second_event),
            first_seal: *first_seal,
            second_seal: *second_seal,
        }
    }

    pub fn record(&self, at: Timestamp, told: Told, known: &Known) -> AuditRecord {
        let Told { phase, reason, metadata } = told;
        let good = matches!(reason, Reason::Allowed | Reason::Completed);
        let (event_id, seal) = match phase {
            Phase::Outcome => (self.second_event, self.second_seal),
            Phase::Attempt | Phase::Single => (self.first_event, self.first_seal),
        };
        let row = (!good).then(|| refusal::row(reason));
        let entry = Entry {
            at,
            event_id,
            seal_random: Some(seal),
            event: row.and_then(|row| row.event).unwrap_or_else(|| self.event()),
            phase,
            decision: if good { Decided::Allow } else { Decided::Deny },
            reason,
            description: description(good, phase, self.action),
            metadata: match row {
                Some(row) => metadata.count("status", row.status.into()),
                None => metadata,
            },
        };
        let mut record = self.scribe.record(self.action_id, entry);
        known.add_to(&mut record);
        record
    }

    /// A refusal before anything was done.
    pub fn refusal(&self, at: Timestamp, refused: &Refused, known: &Known) -> AuditRecord {
        let told = Told { phase: Phase::Single, reason: refused.reason, metadata: Metadata::default() };
        self.record(at, told, known)
    }

    fn event(&self) -> EventType {
        match self.action {
            Some(Action::DlpDetect) => EventType::DlpDetect,
            Some(Action::DlpRedact) => EventType::DlpRedact,
            Some(Action::DlpRestore) => EventType::DlpRestore,
            Some(Action::LlmCall | Action::ModelsList | Action::ActionsRequest) | None => {
                EventType::PolicyViolation
            }
        }
    }
}

const fn description(good: bool, phase: Phase, action: Option<Action>) -> &'static str {
    if !good {
        return "A call for detection, redaction or restoring was refused: nothing was given back.";
    }
    match (phase, action) {
        (Phase::Single, Some(Action::DlpDetect)) => {
            "An agent was told where a text holds data of detected types."
        }
        (Phase::Single, Some(Action::DlpRedact)) => {
            "An agent had data of detected types taken out of a text."
        }
        (Phase::Single, _) => "An agent asked for nothing that could be restored.",
        (Phase::Attempt, Some(Action::DlpRedact)) => {
            "An agent has data taken out of a text; what its tokens stand for is being kept, sealed."
        }
        (Phase::Attempt, _) => "An agent asks for what tokens stand for: the controls allow it.",
        (Phase::Outcome, Some(Action::DlpRedact)) => {
            "Tokens and what they stand for were kept, and the text was given back."
        }
        (Phase::Outcome, _) => "Tokens of the agent's own were put back into what they stand for.",
    }
}
