//! What the records of a call say beside who made it, and the scribe that writes them.

use std::collections::BTreeMap;

use domain::{ActionId, AuditRecord, Authority, Code, MetaValue, Name, Region};
use redact::Findings;

pub use caller::{Entry, Said, Scribe, SealRandom};

/// What becomes known of a call while it is decided. Added to every record from then on.
#[derive(Debug, Clone, Default)]
pub struct Known {
    pub authority: Option<Authority>,
    pub model: Option<Name>,
    pub provider: Option<Name>,
    pub provider_region: Option<Region>,
    pub dlp: Option<BTreeMap<Code, u64>>,
    /// Providers that were passed over: outside the region, and behind an open breaker.
    pub skipped_residency: u64,
    pub skipped_open: u64,
    /// The try of the same request that this one comes after.
    pub after: Option<ActionId>,
}

impl Known {
    pub fn findings(&mut self, findings: &Findings) {
        self.dlp = Some(findings.iter().filter_map(|(id, count)| Some((id.parse().ok()?, count))).collect());
    }

    pub fn add_to(&self, record: &mut AuditRecord) {
        if let Some(authority) = &self.authority {
            record.authority = Some(authority.clone());
        }
        record.model.clone_from(&self.model);
        record.provider.clone_from(&self.provider);
        record.provider_region = self.provider_region;
        record.dlp.clone_from(&self.dlp);
        let mut metadata = std::mem::take(&mut record.metadata);
        for (name, count) in
            [("skipped_residency", self.skipped_residency), ("skipped_open", self.skipped_open)]
        {
            metadata = if count > 0 { metadata.count(name, count) } else { metadata };
        }
        if let Some(Ok(after)) = self.after.map(|action| action.to_string().parse()) {
            metadata = metadata.with("after_action", MetaValue::Code(after));
        }
        record.metadata = metadata;
        record.resource = self.model.as_ref().and_then(|model| format!("model:{model}").parse().ok());
    }
}
