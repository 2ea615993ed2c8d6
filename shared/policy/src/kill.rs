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

    /// Their versions, platform to agent: another one says that a switch was turned meanwhile. `None`: one could not be read.
    pub fn versions(&self) -> Option<[u64; 4]> {
        let version = |row: &Option<KillRow>| row.as_ref().map(|row| row.version);
        Some([version(&self.platform)?, version(&self.org)?, version(&self.tenant)?, version(&self.agent)?])
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

/// Whoever has stopped something by a switch since its last recovery does not turn it off, however often others have stopped it
/// after them. The role `operator` is nobody in particular, so it is taken for another person: what it did is in the ledger.
///
/// # Errors
/// It is one of them, or more have stopped it than are told apart.
pub fn may_recover(row: &KillRow, recovering: &Code) -> Result<(), SamePerson> {
    if recovering.as_str() == OPERATOR {
        return Ok(());
    }
    // Rows from before all were kept name the last one.
    let last = row.last.as_ref().filter(|_| !row.stopped.is_empty());
    let has_stopped = row.stoppers.contains(recovering) || last.is_some_and(|last| last.by == *recovering);
    if has_stopped || row.crowded { Err(SamePerson) } else { Ok(()) }
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
    use domain::KillWrite;
    use proptest::prelude::*;

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

    const PEOPLE: [&str; 4] = ["usr_a", "usr_b", "usr_c", OPERATOR];

    fn code(text: &str) -> Code {
        text.parse().unwrap()
    }

    fn turned(by: &str, stopped: &[KillScope], stoppers: &[&str]) -> KillRow {
        let at = domain::Timestamp::from_unix_millis(1).unwrap();
        let last = KillWrite { by: code(by), reason: Code::literal("incident"), at };
        KillRow {
            version: 2,
            stopped: stopped.iter().copied().collect(),
            last: Some(last),
            stoppers: stoppers.iter().map(|one| code(one)).collect(),
            crowded: false,
        }
    }

    #[test]
    fn a_second_person_recovers() {
        let all = [KillScope::All];
        for (row, by, expected) in [
            (turned("usr_a", &all, &["usr_a"]), "usr_a", Err(SamePerson)),
            (turned("usr_a", &all, &["usr_a"]), "usr_b", Ok(())),
            (turned("usr_b", &all, &["usr_a", "usr_b"]), "usr_a", Err(SamePerson)),
            (turned("usr_p", &all, &["usr_p", "usr_a"]), "usr_a", Err(SamePerson)),
            // A row from before the others were kept.
            (turned("usr_a", &all, &[]), "usr_a", Err(SamePerson)),
            (turned("usr_a", &[], &[]), "usr_a", Ok(())),
            (turned(OPERATOR, &all, &[OPERATOR]), OPERATOR, Ok(())),
            (KillRow { crowded: true, ..turned("usr_a", &all, &["usr_a"]) }, "usr_b", Err(SamePerson)),
            (KillRow { crowded: true, ..turned("usr_a", &all, &["usr_a"]) }, OPERATOR, Ok(())),
        ] {
            assert_eq!(may_recover(&row, &code(by)), expected, "{by} {row:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Whoever stops in whatever order: until somebody else recovers, nobody who has stopped may, and whoever has not may.
        #[test]
        fn nobody_recovers_what_they_stopped(stops in prop::collection::vec(0..PEOPLE.len(), 1..12), who in 0..PEOPLE.len()) {
            let mut row = KillRow::new();
            for one in &stops {
                let mut stoppers = row.stoppers.clone();
                stoppers.insert(code(PEOPLE[*one]));
                row = KillRow { stoppers, ..turned(PEOPLE[*one], &[KillScope::Llm], &[]) };
            }
            let allowed = !stops.contains(&who) || PEOPLE[who] == OPERATOR;
            prop_assert_eq!(may_recover(&row, &code(PEOPLE[who])).is_ok(), allowed);
        }
    }
}
