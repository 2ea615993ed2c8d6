//! Kill switches: how a row is written, and the two writes that turn one on and off.
//!
//! Turning one on asks for nothing that was read before, so that it cannot lose a race. Turning one off names the version
//! that was seen: what was switched on again meanwhile stays on. The platform's switch lies in [`PLATFORM_COPIES`] copies,
//! written in one transaction, so that no partition is read by everybody.

use domain::{AgentId, Code, KillLevel, KillRow, KillScope, KillWrite, OrgId, TenantId};

use crate::codec::Row;
use crate::gates::Update;
use crate::item::{VERSION, VERSION_FIELD, item};
use crate::{Attr, CodecError, Item, Key, Reader, Table};

/// Copies of the platform's switch.
pub const PLATFORM_COPIES: u8 = 16;

impl Row for KillRow {
    fn to_item(&self) -> Item {
        let mut row = item([("version", Attr::number(self.version))]);
        let flag = |scope: &KillScope| (scope.to_string(), Attr::Bool(self.stopped.contains(scope)));
        row.extend(KillScope::ALL.iter().map(flag));
        if let Some(last) = &self.last {
            let fields = [
                ("by", Attr::text(&last.by)),
                ("reason", Attr::text(&last.reason)),
                ("at", Attr::text(last.at)),
            ];
            row.extend(fields.map(|(name, value)| (name.to_owned(), value)));
        }
        row
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        let row = Reader::new(item)?;
        let mut stopped = std::collections::BTreeSet::new();
        for scope in KillScope::ALL {
            if row.flag(scope.as_str())? {
                stopped.insert(*scope);
            }
        }
        let last = match row.optional::<Code>("by")? {
            Some(by) => Some(KillWrite { by, reason: row.parse("reason")?, at: row.parse("at")? }),
            None => None,
        };
        Ok(Self { version: row.number("version")?, stopped, last })
    }
}

/// Which switch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Switch {
    Platform,
    Org(OrgId),
    Tenant(TenantId),
    Agent(TenantId, AgentId),
}

impl Switch {
    pub const fn level(&self) -> KillLevel {
        match self {
            Self::Platform => KillLevel::Platform,
            Self::Org(_) => KillLevel::Org,
            Self::Tenant(_) => KillLevel::Tenant,
            Self::Agent(..) => KillLevel::Agent,
        }
    }

    /// What records name it by.
    pub fn resource(&self) -> String {
        match self {
            Self::Platform => "kill:platform".to_owned(),
            Self::Org(org) => format!("kill:{org}"),
            Self::Tenant(tenant) => format!("kill:{tenant}"),
            Self::Agent(_, agent) => format!("kill:{agent}"),
        }
    }

    /// The rows that hold it, all alike.
    pub fn keys(&self) -> Vec<Key> {
        match self {
            Self::Platform => (0..PLATFORM_COPIES).map(platform).collect(),
            Self::Org(org) => vec![Key::new(Table::Kill, format!("ORG#{org}"), "KILL")],
            Self::Tenant(tenant) => vec![Key::new(Table::Kill, format!("T#{tenant}"), "KILL")],
            Self::Agent(tenant, agent) => {
                vec![Key::new(Table::Kill, format!("T#{tenant}"), format!("KILL#{agent}"))]
            }
        }
    }
}

fn platform(copy: u8) -> Key {
    Key::new(Table::Kill, format!("PLATFORM#{}", copy % PLATFORM_COPIES), "KILL")
}

/// The switches above one agent, each in the copy that this reader reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KillKeys {
    pub platform: Key,
    pub org: Key,
    pub tenant: Key,
    pub agent: Key,
}

impl KillKeys {
    pub fn above(org: &OrgId, tenant: &TenantId, agent: &AgentId, copy: u8) -> Self {
        let only = |switch: Switch| switch.keys().into_iter().next().unwrap_or_else(|| platform(copy));
        Self {
            platform: platform(copy),
            org: only(Switch::Org(org.clone())),
            tenant: only(Switch::Tenant(tenant.clone())),
            agent: only(Switch::Agent(tenant.clone(), agent.clone())),
        }
    }

    pub fn all(&self) -> [Key; 4] {
        [self.platform.clone(), self.org.clone(), self.tenant.clone(), self.agent.clone()]
    }
}

/// One write of a switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KillOp {
    /// Stops a scope, and leaves stopped what was. Makes the row where there is none.
    Stop(KillScope),
    /// Stops nothing any more, if the switch is still as it was seen.
    Recover { version: u64 },
}

impl KillOp {
    /// The updates of a switch's rows, for one transaction.
    pub fn to_updates(self, switch: &Switch, written: &KillWrite) -> Vec<Update> {
        switch.keys().into_iter().map(|key| self.to_update(key, written)).collect()
    }

    fn to_update(self, key: Key, written: &KillWrite) -> Update {
        let mut values = vec![
            (":v", Attr::number(VERSION)),
            (":one", Attr::number(1)),
            (":off", Attr::Bool(false)),
            (":by", Attr::text(&written.by)),
            (":reason", Attr::text(&written.reason)),
            (":at", Attr::text(written.at)),
        ];
        let (update, condition) = match self {
            Self::Stop(scope) => {
                values.extend([(":none", Attr::number(0)), (":on", Attr::Bool(true))]);
                (stopping(scope), None)
            }
            Self::Recover { version } => {
                values.push((":seen", Attr::number(version)));
                (RECOVERING, Some("#version = :seen"))
            }
        };
        let names = NAMES.map(|(name, field)| (name, field.to_owned())).to_vec();
        Update { key, update, condition, names, values }
    }
}

const NAMES: [(&str, &str); 9] = [
    ("#all", "all"),
    ("#llm", "llm"),
    ("#actions", "actions"),
    ("#new_keys", "new_keys"),
    ("#v", VERSION_FIELD),
    ("#version", "version"),
    ("#by", "by"),
    ("#reason", "reason"),
    ("#at", "at"),
];

const RECOVERING: &str = "SET #all = :off, #llm = :off, #actions = :off, #new_keys = :off, #v = :v, #by = :by, \
                          #reason = :reason, #at = :at, #version = #version + :one";

/// One flag is set; the others stay as they are, and are made where there is no row.
macro_rules! stopping {
    ($scope:literal, $($other:literal),+) => {
        concat!(
            "SET #", $scope, " = :on, ",
            $("#", $other, " = if_not_exists(#", $other, ", :off), ",)+
            "#v = :v, #by = :by, #reason = :reason, #at = :at, #version = if_not_exists(#version, :none) + :one"
        )
    };
}

const fn stopping(scope: KillScope) -> &'static str {
    match scope {
        KillScope::All => stopping!("all", "llm", "actions", "new_keys"),
        KillScope::Llm => stopping!("llm", "all", "actions", "new_keys"),
        KillScope::Actions => stopping!("actions", "all", "llm", "new_keys"),
        KillScope::NewKeys => stopping!("new_keys", "all", "llm", "actions"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gates::tests::store::evaluate;
    use domain::Timestamp;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    fn ids() -> (OrgId, TenantId, AgentId) {
        (OrgId::from_random([1; 10]), TenantId::from_random([2; 10]), AgentId::from_random([3; 10]))
    }

    fn written() -> KillWrite {
        KillWrite {
            by: Code::literal("operator"),
            reason: Code::literal("incident"),
            at: Timestamp::from_unix_millis(1_795_430_530_120).unwrap(),
        }
    }

    #[test]
    fn a_switch_lies_in_rows_of_its_own() {
        let (org, tenant, agent) = ids();
        let place = |key: &Key| format!("{} {} {}", key.table, key.pk, key.sk);
        let keys = KillKeys::above(&org, &tenant, &agent, 19);
        assert_eq!(place(&keys.platform), "kill PLATFORM#3 KILL");
        assert_eq!(place(&keys.org), format!("kill ORG#{org} KILL"));
        assert_eq!(place(&keys.tenant), format!("kill T#{tenant} KILL"));
        assert_eq!(place(&keys.agent), format!("kill T#{tenant} KILL#{agent}"));
        let copies: BTreeSet<_> = Switch::Platform.keys().into_iter().collect();
        assert_eq!(copies.len(), 16);
        assert!(copies.contains(&keys.platform));
        assert_eq!(Switch::Agent(tenant, agent).keys(), [keys.agent]);
    }

    #[test]
    fn a_row_reads_back_and_every_flag_must_be_there() {
        let row = KillRow { version: 7, stopped: [KillScope::Llm].into(), last: Some(written()) };
        assert_eq!(KillRow::from_item(&row.to_item()), Ok(row.clone()));
        assert_eq!(KillRow::from_item(&KillRow::new().to_item()), Ok(KillRow::new()));
        for scope in KillScope::ALL {
            let mut item = row.to_item();
            item.remove(scope.as_str());
            assert_eq!(KillRow::from_item(&item), Err(CodecError::Missing(scope.as_str())));
        }
    }

    /// DynamoDB refuses names and values that no expression uses, and those that are missing.
    #[test]
    fn the_writes_name_what_they_use() {
        let ops = KillScope::ALL.iter().map(|scope| KillOp::Stop(*scope));
        for op in ops.chain([KillOp::Recover { version: 3 }]) {
            let updates = op.to_updates(&Switch::Platform, &written());
            assert_eq!(updates.len(), usize::from(PLATFORM_COPIES));
            let update = &updates[0];
            let text = format!("{} {}", update.update, update.condition.unwrap_or_default());
            let words: BTreeSet<_> =
                text.split([' ', ',', '(', ')', '=']).filter(|word| word.starts_with([':', '#'])).collect();
            let given = update.values.iter().map(|(name, _)| *name);
            let given: BTreeSet<_> = given.chain(update.names.iter().map(|(name, _)| *name)).collect();
            assert_eq!(words, given, "{op:?}");
        }
    }

    #[test]
    fn stopping_asks_for_nothing_and_recovering_for_what_was_seen() {
        let stop = &KillOp::Stop(KillScope::Llm).to_updates(&Switch::Platform, &written())[0];
        assert_eq!(stop.condition, None);
        assert!(
            stop.update.contains("SET #llm = :on, #all = if_not_exists(#all, :off), "),
            "{}",
            stop.update
        );
        let recover = &KillOp::Recover { version: 9 }.to_updates(&Switch::Platform, &written())[0];
        assert_eq!(recover.condition, Some("#version = :seen"));
        assert!(recover.values.contains(&(":seen", Attr::number(9))));
    }

    #[derive(Debug, Clone, Copy)]
    enum Step {
        Stop(usize),
        /// Names the version before so many writes.
        Recover(u64),
    }

    /// What becomes of a write: done, never done, or done without an answer.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum Fate {
        Done,
        Lost,
        Unanswered,
    }

    fn step() -> impl Strategy<Value = (Step, Fate)> {
        let step = prop_oneof![
            2 => (0..KillScope::ALL.len()).prop_map(Step::Stop),
            1 => (0_u64..3).prop_map(Step::Recover),
        ];
        let fate = prop_oneof![4 => Just(Fate::Done), 1 => Just(Fate::Lost), 1 => Just(Fate::Unanswered)];
        (step, fate)
    }

    /// All rows of the switch, or none. The expressions are evaluated as DynamoDB does.
    fn transact(rows: &mut BTreeMap<Key, Item>, updates: Vec<Update>) -> bool {
        let news: Result<Vec<_>, ()> = updates
            .into_iter()
            .map(|update| {
                let key = update.key.clone();
                evaluate(&update.into(), rows.get(&key)).map(|item| (key, item))
            })
            .collect();
        news.map(|news| rows.extend(news)).is_ok()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

        /// Whoever stops and recovers in whatever order, with whatever becomes of the writes: every reader of every copy sees
        /// the same, a stop that was written is seen by every later read, and only a recovery that names what it saw ends it.
        #[test]
        fn a_stop_is_seen_by_all_until_somebody_who_saw_it_ends_it(
            there in any::<bool>(), steps in prop::collection::vec(step(), 1..40)
        ) {
            let new = |key| (key, KillRow::new().to_item());
            let mut rows: BTreeMap<Key, Item> = Switch::Platform.keys().into_iter().map(new).collect();
            let (mut stopped, mut version) = (BTreeSet::new(), 1);
            if !there {
                rows.clear();
            }
            for (step, fate) in steps {
                let op = match step {
                    Step::Stop(which) => KillOp::Stop(KillScope::ALL[which]),
                    Step::Recover(before) => KillOp::Recover { version: version - before.min(version) },
                };
                if fate == Fate::Lost {
                    continue;
                }
                let before = rows.len();
                let written = transact(&mut rows, op.to_updates(&Switch::Platform, &written()));
                match op {
                    KillOp::Stop(scope) => {
                        prop_assert!(written, "a stop asks for nothing");
                        version = if before == 0 { 1 } else { version + 1 };
                        stopped.insert(scope);
                    }
                    KillOp::Recover { version: seen } => {
                        prop_assert_eq!(written, before > 0 && seen == version);
                        if written {
                            version += 1;
                            stopped.clear();
                        }
                    }
                }
                for key in Switch::Platform.keys() {
                    // An absent switch refuses: nobody is let through by it.
                    let Some(item) = rows.get(&key) else { continue };
                    let row = KillRow::from_item(item).unwrap();
                    prop_assert_eq!((&row.stopped, row.version), (&stopped, version));
                }
            }
        }
    }
}
