//! What the records of a call say beside who made it, and the scribe that writes them.

use std::collections::BTreeMap;

use domain::{AuditRecord, Authority, Code, Name, Region};
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
        record.resource = self.model.as_ref().and_then(|model| format!("model:{model}").parse().ok());
    }
}
