//! Kill switches: how a row is written, and the two writes that turn one on and off.
//!
//! Turning one on asks for nothing that was read before, so that it cannot lose a race. Turning one off names the version
//! that was seen: what was switched on again meanwhile stays on. Who has stopped something stands in the row until then, each in
//! an attribute of their own, so that whoever stops at the same moment is not lost. The platform's switch lies in [`PLATFORM_COPIES`] copies,
//! written in one transaction, so that no partition is read by everybody.

use domain::{AgentId, Code, KillLevel, KillRow, KillScope, KillWrite, OrgId, TenantId};

use std::collections::BTreeSet;

use crate::codec::Row;
use crate::gates::{Write, write_builder};
use crate::item::item;
use crate::{Attr, CodecError, Item, Key, Reader, Table};

/// Copies of the platform's switch.
pub const PLATFORM_COPIES: u8 = 16;

/// Before the name of each who has stopped something.
const STOPPER: &str = "stopper#";
const CROWDED: &str = "crowded";

fn stopper(who: &Code) -> String {
    format!("{STOPPER}{who}")
}

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
        row.extend(self.stoppers.iter().map(|who| (stopper(who), Attr::Bool(true))));
        row.extend(self.crowded.then(|| (CROWDED.to_owned(), Attr::Bool(true))));
        row
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        let row = Reader::new(item)?;
        let mut stopped = BTreeSet::new();
        for scope in KillScope::ALL {
            if row.flag(scope.as_str())? {
                stopped.insert(*scope);
            }
        }
        let last = match row.optional::<Code>("by")? {
            Some(by) => Some(KillWrite { by, reason: row.parse("reason")?, at: row.parse("at")? }),
            None => None,
        };
        // Rows from before these were kept hold none.
        let stoppers = item.keys().filter_map(|name| name.strip_prefix(STOPPER));
        let stoppers = stoppers.map(|who| who.parse().map_err(|_| CodecError::Form(STOPPER)));
        let crowded = row.has(CROWDED) && row.flag(CROWDED)?;
        Ok(Self {
            version: row.number("version")?,
            stopped,
            last,
            stoppers: stoppers.collect::<Result<_, _>>()?,
            crowded,
        })
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KillOp {
    /// Stops a scope, and leaves stopped what was. Makes the row where there is none.
    Stop {
        scope: KillScope,
        /// Who is kept for it.
        stoppers: BTreeSet<Code>,
        /// They are more than are told apart.
        crowded: bool,
    },
    /// Stops nothing any more, if the switch is still as it was seen; with it those who stopped are forgotten.
    Recover { version: u64, stoppers: BTreeSet<Code> },
}

impl KillOp {
    /// Stops a scope, by these: somebody, or a program and the person who answers for it. `seen`: the row, as far as it could be
    /// read; nothing depends on it but who else is kept.
    pub fn stop(scope: KillScope, seen: Option<&KillRow>, by: impl IntoIterator<Item = Code>) -> Self {
        let mut stoppers: BTreeSet<Code> = by.into_iter().collect();
        let nobody = BTreeSet::new();
        let kept = seen.map_or(&nobody, |row| &row.stoppers);
        // A row from before all were kept names its last one.
        let older = seen.filter(|row| kept.is_empty() && !row.stopped.is_empty());
        stoppers.extend(older.and_then(|row| row.last.as_ref()).map(|last| last.by.clone()));
        let crowded = kept.union(&stoppers).count() > KillRow::STOPPERS;
        Self::Stop { scope, stoppers: if crowded { nobody } else { stoppers }, crowded }
    }

    /// Recovers the switch as it was seen.
    pub fn recover(seen: &KillRow) -> Self {
        Self::Recover { version: seen.version, stoppers: seen.stoppers.clone() }
    }

    /// The writes of a switch's rows, for one transaction.
    pub fn to_writes(&self, switch: &Switch, written: &KillWrite) -> Vec<Write> {
        switch.keys().iter().map(|key| self.to_write(key, written)).collect()
    }

    fn to_write(&self, key: &Key, written: &KillWrite) -> Write {
        let mut write = write_builder(key);
        let version = write.name("version");
        match self {
            Self::Stop { scope, stoppers, crowded } => {
                for one in KillScope::ALL {
                    let (place, value) = (write.name(one.as_str()), write.value(Attr::Bool(one == scope)));
                    // One flag is set; the others stay as they are, and are made where there is no row.
                    let others = format!("{place} = if_not_exists({place}, {value})");
                    write.set(if one == scope { format!("{place} = {value}") } else { others });
                }
                let crowded = crowded.then(|| CROWDED.to_owned());
                for name in stoppers.iter().map(stopper).chain(crowded) {
                    let (place, value) = (write.name(&name), write.value(Attr::Bool(true)));
                    write.set(format!("{place} = {value}"));
                }
                write.add(&version, 1);
            }
            Self::Recover { version: seen, stoppers } => {
                for one in KillScope::ALL {
                    let (place, value) = (write.name(one.as_str()), write.value(Attr::Bool(false)));
                    write.set(format!("{place} = {value}"));
                }
                for name in stoppers.iter().map(stopper).chain([CROWDED.to_owned()]) {
                    let place = write.name(&name);
                    write.remove(place);
                }
                let (seen, one) = (write.number(*seen), write.number(1));
                write.when(format!("{version} = {seen}"));
                write.set(format!("{version} = {version} + {one}"));
            }
        }
        let last = [
            ("by", Attr::text(&written.by)),
            ("reason", Attr::text(&written.reason)),
            ("at", Attr::text(written.at)),
        ];
        for (name, value) in last {
            let (place, value) = (write.name(name), write.value(value));
            write.set(format!("{place} = {value}"));
        }
        write.versioned();
        write.build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::evaluate;
    use domain::Timestamp;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

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
        let row = KillRow {
            version: 7,
            stopped: [KillScope::Llm].into(),
            last: Some(written()),
            stoppers: [Code::literal("usr_a"), Code::literal("usr_b")].into(),
            crowded: true,
        };
        assert_eq!(KillRow::from_item(&row.to_item()), Ok(row.clone()));
        assert_eq!(KillRow::from_item(&KillRow::new().to_item()), Ok(KillRow::new()));
        for scope in KillScope::ALL {
            let mut item = row.to_item();
            item.remove(scope.as_str());
            assert_eq!(KillRow::from_item(&item), Err(CodecError::Missing(scope.as_str())));
        }
        let mut item = row.to_item();
        item.insert("stopper#NOBODY?".to_owned(), Attr::Bool(true));
        assert!(KillRow::from_item(&item).is_err(), "whom nobody can read is not passed over");
    }

    fn ops() -> Vec<KillOp> {
        let by = || [Code::literal("usr_a"), Code::literal("usr_b")];
        let stops = KillScope::ALL.iter().map(|scope| KillOp::stop(*scope, None, by()));
        stops.chain([KillOp::Recover { version: 3, stoppers: by().into() }]).collect()
    }

    /// DynamoDB refuses names and values that no expression uses, and those that are missing.
    #[test]
    fn the_writes_name_what_they_use() {
        for op in ops() {
            let writes = op.to_writes(&Switch::Platform, &written());
            assert_eq!(writes.len(), usize::from(PLATFORM_COPIES));
            let write = &writes[0];
            let text = format!("{} {}", write.update, write.condition.as_deref().unwrap_or_default());
            let words: BTreeSet<_> =
                text.split([' ', ',', '(', ')', '=']).filter(|word| word.starts_with([':', '#'])).collect();
            let given = write.values.iter().map(|(name, _)| name.as_ref());
            let given: BTreeSet<_> = given.chain(write.names.iter().map(|(name, _)| name.as_ref())).collect();
            assert_eq!(words, given, "{op:?}");
        }
    }

    #[test]
    fn stopping_asks_for_nothing_and_recovering_for_what_was_seen() {
        for op in ops() {
            let write = &op.to_writes(&Switch::Platform, &written())[0];
            assert_eq!(write.condition.is_none(), matches!(op, KillOp::Stop { .. }), "{op:?}");
        }
    }

    /// From so many on the row does not grow: it says that there are more, and one whom it names stays in it.
    #[test]
    fn more_than_are_told_apart_are_not_forgotten() {
        let switch = Switch::Tenant(ids().1);
        let mut item = KillRow::new().to_item();
        let who = |n: usize| -> Code { format!("usr_{n}").parse().unwrap() };
        for n in 0..KillRow::STOPPERS + 3 {
            let seen = KillRow::from_item(&item).unwrap();
            let op = KillOp::stop(KillScope::All, Some(&seen), [who(n)]);
            item = evaluate(&op.to_writes(&switch, &written())[0], Some(&item)).unwrap();
        }
        let row = KillRow::from_item(&item).unwrap();
        assert_eq!((row.stoppers.len(), row.crowded), (KillRow::STOPPERS, true));
        let op = KillOp::recover(&row);
        let row = KillRow::from_item(&evaluate(&op.to_writes(&switch, &written())[0], Some(&item)).unwrap());
        let row = row.unwrap();
        assert!(row.stoppers.is_empty() && !row.crowded && row.stopped.is_empty(), "{row:?}");
    }

    /// Whoever is the only one that an older row names is kept by the next stop.
    #[test]
    fn an_older_row_s_last_one_is_kept() {
        let older =
            KillRow { version: 2, stopped: [KillScope::Llm].into(), last: Some(written()), ..KillRow::new() };
        let KillOp::Stop { stoppers, .. } =
            KillOp::stop(KillScope::All, Some(&older), [Code::literal("usr_b")])
        else {
            panic!()
        };
        assert_eq!(stoppers, [Code::literal("operator"), Code::literal("usr_b")].into());
        let off = KillRow { stopped: [].into(), ..older };
        let KillOp::Stop { stoppers, .. } =
            KillOp::stop(KillScope::All, Some(&off), [Code::literal("usr_b")])
        else {
            panic!()
        };
        assert_eq!(stoppers, [Code::literal("usr_b")].into(), "whoever recovered has not stopped");
    }

    const PEOPLE: [&str; 3] = ["usr_a", "usr_b", "operator"];

    #[derive(Debug, Clone, Copy)]
    enum Step {
        /// A scope, by one of some people, who saw the row as it was so many writes ago or not at all.
        Stop(usize, usize, bool),
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
            2 => (0..KillScope::ALL.len(), 0..PEOPLE.len(), any::<bool>()).prop_map(|(a, b, c)| Step::Stop(a, b, c)),
            1 => (0_u64..3).prop_map(Step::Recover),
        ];
        let fate = prop_oneof![4 => Just(Fate::Done), 1 => Just(Fate::Lost), 1 => Just(Fate::Unanswered)];
        (step, fate)
    }

    /// All rows of the switch, or none. The expressions are evaluated as DynamoDB does.
    fn transact(rows: &mut BTreeMap<Key, Item>, writes: &[Write]) -> bool {
        let one = |write: &Write| evaluate(write, rows.get(&write.key)).map(|item| (write.key.clone(), item));
        let news: Result<Vec<_>, _> = writes.iter().map(one).collect();
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
            let (mut stoppers, mut last): (BTreeSet<Code>, _) = (BTreeSet::new(), KillRow::new());
            if !there {
                rows.clear();
            }
            for (step, fate) in steps {
                let op = match step {
                    Step::Stop(which, who, seen) => {
                        let by = [Code::literal(PEOPLE[who])];
                        KillOp::stop(KillScope::ALL[which], seen.then_some(&last), by)
                    }
                    Step::Recover(before) => {
                        KillOp::Recover { version: version - before.min(version), stoppers: last.stoppers.clone() }
                    }
                };
                if fate == Fate::Lost {
                    continue;
                }
                let before = rows.len();
                let written = transact(&mut rows, &op.to_writes(&Switch::Platform, &written()));
                match op {
                    KillOp::Stop { scope, stoppers: by, .. } => {
                        stoppers.extend(by);
                        prop_assert!(written, "a stop asks for nothing");
                        version = if before == 0 { 1 } else { version + 1 };
                        stopped.insert(scope);
                    }
                    KillOp::Recover { version: seen, .. } => {
                        prop_assert_eq!(written, before > 0 && seen == version);
                        if written {
                            version += 1;
                            stopped.clear();
                            stoppers.clear();
                        }
                    }
                }
                for key in Switch::Platform.keys() {
                    // An absent switch refuses: nobody is let through by it.
                    let Some(item) = rows.get(&key) else { continue };
                    let row = KillRow::from_item(item).unwrap();
                    prop_assert_eq!((&row.stopped, row.version, &row.stoppers), (&stopped, version, &stoppers));
                    last = row;
                }
            }
        }
    }
}
