//! Roles that somebody takes by invitations as they sign in, told in each tenant's own log: who, which, and by whose word.

use domain::{ActionId, AuditRecord, Code, EventType, MetaValue, Metadata, Phase, Timestamp};

use crate::decide::admit::Admitted;
use crate::decide::invitations::{self, Taken};
use crate::records::{Entry, Scribe};
use crate::refusal::Why;
use crate::signin::random;

/// One of them, as an action of its own.
pub struct Told {
    scribe: Scribe,
    taken: Taken,
}

/// # Errors
/// The operating system has no random bytes.
pub fn all(scribe: &Scribe, admitted: &Admitted, now: Timestamp) -> Result<Vec<Told>, Why> {
    let told = |taken: &Taken| {
        let scribe = scribe.clone().in_log_of(scribe.org.clone(), taken.tenant.clone());
        let action_id = ActionId::new(now, random()?);
        let (action, event) = ("invitations.take", EventType::AdminBinding);
        Ok(Told { scribe: Scribe { action_id, action, event, ..scribe }, taken: taken.clone() })
    };
    admitted.taken.iter().map(told).collect()
}

impl Told {
    /// # Errors
    /// As [`all`].
    pub fn attempt(&self, at: Timestamp) -> Result<AuditRecord, Why> {
        let code = |text: &str| text.parse().map(MetaValue::Code).ok();
        let metadata =
            Metadata::default().with("role", MetaValue::Code(Code::literal(self.taken.role.as_str())));
        let inviter = self.taken.inviter.as_ref().and_then(|inviter| code(inviter.as_str()));
        let metadata = match inviter {
            Some(inviter) => metadata.with("invited_by", inviter),
            None => metadata,
        };
        let entry = Scribe::entry(at, random()?, Phase::Attempt, Code::literal("allowed"));
        Ok(self.scribe.record(Entry { metadata, ..self.about(entry) }))
    }

    /// # Errors
    /// As [`all`].
    pub fn outcome(&self, ended: Result<(), Why>, at: Timestamp) -> Result<AuditRecord, Why> {
        let entry = Scribe::entry(at, random()?, Phase::Outcome, Why::ended(ended));
        Ok(self.scribe.record(self.about(entry)))
    }

    fn about(&self, entry: Entry) -> Entry {
        Entry { resource: Some(invitations::resource(&self.taken.invitation)), ..entry }
    }
}
