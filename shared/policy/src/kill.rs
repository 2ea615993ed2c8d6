//! Kill switches: whether one above a caller is on, and who may turn one off.

use domain::{Code, KillRow, KillScope, Reason};

/// The switches above a caller, as they were read in one trip. An absent or unreadable one refuses.
#[derive(Debug, Clone, Default)]
pub struct Kills {
    pub platform: Option<KillRow>,
    pub org: Option<KillRow>,
    pub tenant: Option<KillRow>,
    pub agent: Option<KillRow>,
}

impl Kills {
    /// Four switches that stop nothing.
    pub fn none() -> Self {
        let off = || Some(KillRow::new());
        Self { platform: off(), org: off(), tenant: off(), agent: off() }
    }

    /// # Errors
    /// The highest switch that stops `scope`, or that one could not be read.
    pub fn check(&self, scope: KillScope) -> Result<(), Reason> {
        let switches = [
            (&self.platform, Reason::KilledPlatform),
            (&self.org, Reason::KilledOrg),
            (&self.tenant, Reason::KilledTenant),
            (&self.agent, Reason::KilledAgent),
        ];
        for (switch, reason) in switches {
            let switch = switch.as_ref().ok_or(Reason::FactsUnavailable)?;
            if switch.stops(scope) {
                return Err(reason);
            }
        }
        Ok(())
    }
}

/// Whoever turned a switch on does not turn it off, once people have identities. The role `operator` is nobody in
/// particular, so it is taken for another person: what it did is in the ledger.
///
/// # Errors
/// It is the same person.
pub fn may_recover(stopped_by: &Code, recovering: &Code) -> Result<(), SamePerson> {
    if stopped_by == recovering && stopped_by.as_str() != OPERATOR { Err(SamePerson) } else { Ok(()) }
}

/// How a switch names the role `operator`.
pub const OPERATOR: &str = "operator";

/// A recovery needs a second person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("whoever stopped it cannot recover it: a second person must")]
pub struct SamePerson;

#[cfg(test)]
mod tests {
    use super::*;

    fn on(scope: KillScope) -> Option<KillRow> {
        Some(KillRow { stopped: [scope].into(), ..KillRow::new() })
    }

    #[test]
    fn each_switch_stops_its_scopes_and_the_highest_is_named() {
        let none = Kills::none;
        for (kills, scope, expected) in [
            (none(), KillScope::Llm, Ok(())),
            (Kills { agent: on(KillScope::Llm), ..none() }, KillScope::Llm, Err(Reason::KilledAgent)),
            (Kills { agent: on(KillScope::All), ..none() }, KillScope::Actions, Err(Reason::KilledAgent)),
            (Kills { agent: on(KillScope::Actions), ..none() }, KillScope::Llm, Ok(())),
            (Kills { tenant: on(KillScope::Llm), ..none() }, KillScope::All, Ok(())),
            (Kills { tenant: on(KillScope::All), ..none() }, KillScope::All, Err(Reason::KilledTenant)),
            (Kills { org: on(KillScope::NewKeys), ..none() }, KillScope::NewKeys, Err(Reason::KilledOrg)),
            (
                Kills { platform: on(KillScope::All), agent: on(KillScope::All), ..none() },
                KillScope::Llm,
                Err(Reason::KilledPlatform),
            ),
            (Kills { org: None, ..none() }, KillScope::Llm, Err(Reason::FactsUnavailable)),
            (
                Kills { platform: on(KillScope::Llm), org: None, ..none() },
                KillScope::Llm,
                Err(Reason::KilledPlatform),
            ),
            (Kills::default(), KillScope::Llm, Err(Reason::FactsUnavailable)),
        ] {
            assert_eq!(kills.check(scope), expected, "{scope} {kills:?}");
        }
    }

    #[test]
    fn a_second_person_recovers() {
        let code = |text: &'static str| Code::literal(text);
        assert_eq!(may_recover(&code("usr_a"), &code("usr_a")), Err(SamePerson));
        assert_eq!(may_recover(&code("usr_a"), &code("usr_b")), Ok(()));
        assert_eq!(may_recover(&code("operator"), &code("operator")), Ok(()));
        assert_eq!(may_recover(&code("usr_a"), &code("operator")), Ok(()));
    }
}
