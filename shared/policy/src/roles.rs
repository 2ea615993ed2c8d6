//! The role table: data with a reviewed test beside it.

use std::collections::BTreeMap;

use domain::{Code, Role};
use serde::Deserialize;

/// What a gateway key can be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    LlmCall,
    ModelsList,
    DlpDetect,
    DlpRedact,
    DlpRestore,
    ActionsRequest,
}

impl Action {
    pub const ALL: [Self; 6] = [
        Self::LlmCall,
        Self::ModelsList,
        Self::DlpDetect,
        Self::DlpRedact,
        Self::DlpRestore,
        Self::ActionsRequest,
    ];

    /// The name in the role table, in key scopes and in the audit record.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LlmCall => "llm.call",
            Self::ModelsList => "models.list",
            Self::DlpDetect => "dlp.detect",
            Self::DlpRedact => "dlp.redact",
            Self::DlpRestore => "dlp.restore",
            Self::ActionsRequest => "actions.request",
        }
    }
}

/// `roles.toml`, read.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleTable {
    actions: BTreeMap<Code, Vec<String>>,
}

/// The table does not parse or names a role that does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the role table is not valid")]
pub struct RoleTableError;

const TENANT: &str = "tenant";

impl RoleTable {
    /// The table that this version was reviewed with.
    ///
    /// # Errors
    /// Never for a tested build; the caller refuses to start.
    pub fn builtin() -> Result<Self, RoleTableError> {
        Self::parse(include_str!("../roles.toml"))
    }

    /// # Errors
    /// Not TOML of the right shape, or an unknown role.
    pub fn parse(text: &str) -> Result<Self, RoleTableError> {
        let table: Self = toml::from_str(text).map_err(|_| RoleTableError)?;
        let known = |role: &String| role == TENANT || role.parse::<Role>().is_ok();
        if table.actions.values().flatten().all(known) { Ok(table) } else { Err(RoleTableError) }
    }

    /// `role`: `None` when the tenant itself acts.
    pub fn allows(&self, action: Action, role: Option<Role>) -> bool {
        let name = role.map_or(TENANT, Role::as_str);
        self.actions
            .iter()
            .any(|(row, roles)| row.as_str() == action.as_str() && roles.iter().any(|one| one == name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reviewed: judge a change of the role table by this table's diff.
    #[test]
    fn the_role_table() {
        let table = RoleTable::builtin().unwrap();
        let columns: Vec<Option<Role>> = Role::ALL.iter().copied().map(Some).chain([None]).collect();
        let row = |action: Action| {
            let cells = columns.iter().map(|role| if table.allows(action, *role) { " Y" } else { " -" });
            format!("{:<16}{}", action.as_str(), cells.collect::<String>())
        };
        assert_eq!(
            Action::ALL.map(row),
            [
                // own adm dev ope mem vie ten
                "llm.call         Y Y Y Y Y - Y",
                "models.list      Y Y Y Y Y Y Y",
                "dlp.detect       Y Y Y Y Y - Y",
                "dlp.redact       Y Y Y Y Y - Y",
                "dlp.restore      Y Y Y Y Y - Y",
                "actions.request  Y Y Y Y Y - Y",
            ]
        );
    }

    #[test]
    fn a_table_with_a_mistake_is_no_table() {
        for bad in ["", "[actions]\n\"llm.call\" = [\"root\"]", "[actions]\n\"LLM CALL\" = []", "[extra]"] {
            assert_eq!(RoleTable::parse(bad).map(|_| ()), Err(RoleTableError), "{bad}");
        }
    }
}
