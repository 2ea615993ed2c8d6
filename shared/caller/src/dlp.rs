//! The DLP documents in force for a call, read with its other facts.

use domain::DlpPolicyRow;
use tables::Key;

use crate::{Address, Loaded, Unreadable};

/// As they are stored; which is absent says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Documents {
    pub floor: Option<DlpPolicyRow>,
    pub tenant: Option<DlpPolicyRow>,
    pub agent: Option<DlpPolicyRow>,
}

impl Documents {
    /// Where the documents for an address lie.
    pub fn keys(address: &Address) -> [Key; 3] {
        let tenant = address.tenant();
        [
            Key::dlp_floor(address.org()),
            Key::dlp_policy(tenant, None),
            Key::dlp_policy(tenant, Some(address.agent())),
        ]
    }

    /// Those that were read.
    ///
    /// # Errors
    /// A row is there and has another form.
    pub fn of(loaded: &Loaded) -> Result<Self, Unreadable> {
        let row = loaded.caller.row();
        Ok(Self {
            floor: loaded.written(&Key::dlp_floor(&row.org))?,
            tenant: loaded.written(&Key::dlp_policy(&row.tenant, None))?,
            agent: loaded.written(&Key::dlp_policy(&row.tenant, Some(&row.agent)))?,
        })
    }

    /// Their texts: floor, tenant, agent.
    pub fn texts(&self) -> [Option<&str>; 3] {
        [&self.floor, &self.tenant, &self.agent].map(|row| row.as_ref().map(|row| row.document.as_str()))
    }
}
