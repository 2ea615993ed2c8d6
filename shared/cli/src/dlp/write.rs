//! A new version of a policy: told, recorded, then written over the version that was read.

use domain::{ActionId, Code, EventType, MetaValue, Metadata};
use redact::{Document, Policy, PolicyError, Weaker};
use tables::codec::Row as _;
use tables::gates::GateFault;
use tables::{PolicyStore, WritePolicy};

use super::{Around, DlpError, Shown, Stored, Target, show};
use crate::keys::TRIES;
use crate::ops::{Bench, Told};
use crate::print;

/// What is to be written.
pub(crate) struct Change {
    pub(crate) target: Target,
    pub(crate) around: Around,
    pub(crate) text: String,
    pub(crate) document: Document,
    /// The version that the operator means to replace.
    pub(crate) previous: Option<u64>,
}

pub(crate) async fn run(benches: &[Bench], change: Change) -> Shown {
    let first = benches.first().ok_or(DlpError::OneTenant)?;
    let key = change.target.key(first);
    let stored = Stored::read(&first.store, &key).await?;
    let from = stored.as_ref().map_or(0, |stored| stored.version);
    if let Some(previous) = change.previous.filter(|previous| *previous != from) {
        return Err(DlpError::NotPrevious { found: from, previous }.into());
    }
    let weaker = weaker(&change, stored.as_ref())?;
    let write = WritePolicy::over(key, from, change.text.clone());
    let told = told(&change, &write, weaker.len());
    recorded(benches, &told, put(&first.store, &write)).await?;
    let name = change.target.as_str();
    print::line(&format!(
        "version {} of {name} is written: {}",
        write.row.version,
        show::counts(&change.document)
    ))?;
    for one in &weaker {
        print::line(&format!("weaker than version {from}: {}: {}", one.what, one.change))?;
    }
    print::table(&show::rows(&change.around.lines(&change.target, Some(&change.document))?))
}

/// What gets weaker. A first floor or policy is compared with what held without one.
fn weaker(change: &Change, stored: Option<&Stored>) -> Result<Vec<Weaker>, PolicyError> {
    let old = match stored.map(|stored| stored.document.as_ref()) {
        None => None,
        Some(Ok(document)) => Some(document),
        Some(Err(_)) => {
            print::error("warning: the version that is replaced does not read: calls were refused under it");
            return Ok(Vec::new());
        }
    };
    let before = change.around.lines(&change.target, old)?;
    let after = change.around.lines(&change.target, Some(&change.document))?;
    let mut weaker = Policy::weaker(&before, &after);
    weaker.extend(change.document.weaker_lists(old));
    Ok(weaker)
}

/// Counts and a digest. Which words and people it names stays in its row.
fn told(change: &Change, write: &WritePolicy, weaker: usize) -> Told {
    let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let mut metadata = Metadata::default().count("version", write.row.version).count("weaker", count(weaker));
    for (key, number) in change.document.counts() {
        metadata = metadata.count(key, count(number));
    }
    if let Ok(digest) = ledger::Hash::of(change.text.as_bytes()).to_string().parse::<Code>() {
        metadata = metadata.with("sha256", MetaValue::Code(digest));
    }
    Told {
        event: EventType::AdminPolicy,
        action: "ops.policy",
        description: match change.target {
            Target::Tenant => "An operator writes what is taken out of a tenant's calls.",
            Target::Agent(_) => "An operator writes what is taken out of an agent's calls.",
            Target::Floor => {
                "An operator writes what must be taken out of the calls of an organization's tenants."
            }
        },
        resource: change.target.resource(),
        subject: None,
        metadata,
    }
}

/// Records the attempt in every log, does the work, and records in each how it ended. One log that does not acknowledge
/// stops it all.
async fn recorded(
    benches: &[Bench],
    told: &Told,
    work: impl Future<Output = Result<(), DlpError>>,
) -> Result<(), DlpError> {
    let mut begun: Vec<(&Bench, ActionId)> = Vec::new();
    let mut all = Ok(());
    for bench in benches {
        match bench.attempt(told).await {
            Ok(action) => begun.push((bench, action)),
            Err(fault) => {
                all = Err(DlpError::from(fault));
                break;
            }
        }
    }
    let done = match all {
        Ok(()) => work.await,
        Err(fault) => Err(fault),
    };
    for (bench, action) in begun {
        bench.outcome(told, action, done.is_ok()).await?;
    }
    done
}

/// Writes once, however often it takes. Who finds another version there does not write over it.
///
/// # Errors
/// Another operator came first, or the table does not answer.
pub(crate) async fn put(store: &impl PolicyStore, write: &WritePolicy) -> Result<(), DlpError> {
    let version = write.row.version;
    let mut perhaps = false;
    for _ in 0..TRIES {
        match store.write_policy(write).await {
            Ok(()) => return Ok(()),
            Err(GateFault::NotWritten) => {}
            Err(GateFault::Unknown) => perhaps = true,
            Err(GateFault::Condition(_)) => {
                let found = store.read_policy(&write.key).await?;
                let found = found.and_then(|item| domain::DlpPolicyRow::from_item(&item).ok());
                // Ours, when an earlier try was written after all.
                return match found {
                    Some(row) if perhaps && row == write.row => Ok(()),
                    row => Err(DlpError::LostRace { found: row.map_or(0, |row| row.version) }),
                };
            }
        }
    }
    Err(DlpError::NotConfirmed { version })
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::TenantId;
    use std::collections::BTreeMap;
    use std::sync::Mutex;
    use tables::{Item, Key, ReadFault};

    /// Rows, and what the next writes meet: nothing, a fault before the effect, or one behind it.
    #[derive(Default)]
    struct Memory {
        rows: Mutex<BTreeMap<Key, Item>>,
        faults: Mutex<Vec<Option<(GateFault, bool)>>>,
    }

    impl PolicyStore for Memory {
        async fn read_policy(&self, key: &Key) -> Result<Option<Item>, ReadFault> {
            Ok(self.rows.lock().unwrap().get(key).cloned())
        }

        async fn write_policy(&self, write: &WritePolicy) -> Result<(), GateFault> {
            let fault = self.faults.lock().unwrap().pop().flatten();
            if let Some((fault, false)) = fault {
                return Err(fault);
            }
            let mut rows = self.rows.lock().unwrap();
            let before = rows.get(&write.key).cloned();
            let version =
                before.as_ref().map_or(0, |item| domain::DlpPolicyRow::from_item(item).unwrap().version);
            if version != write.from {
                return Err(GateFault::Condition(before));
            }
            rows.insert(write.key.clone(), write.row.to_item());
            fault.map_or(Ok(()), |(fault, _)| Err(fault))
        }
    }

    fn write(from: u64, document: &str) -> WritePolicy {
        WritePolicy::over(Key::dlp_policy(&TenantId::from_random([2; 10]), None), from, document.to_owned())
    }

    fn version(store: &Memory) -> u64 {
        let rows = store.rows.lock().unwrap();
        rows.values().map(|item| domain::DlpPolicyRow::from_item(item).unwrap().version).sum()
    }

    #[tokio::test]
    async fn a_version_follows_the_one_that_was_read() {
        let store = Memory::default();
        put(&store, &write(0, "one")).await.unwrap();
        put(&store, &write(1, "two")).await.unwrap();
        assert_eq!(version(&store), 2);
        for from in [0, 1, 3] {
            let lost = put(&store, &write(from, "late")).await;
            assert!(matches!(lost, Err(DlpError::LostRace { found: 2 })), "{lost:?}");
        }
        assert_eq!(version(&store), 2);
    }

    /// The same words from another operator are still another operator's.
    #[tokio::test]
    async fn the_same_document_of_another_operator_is_a_lost_race() {
        let store = Memory::default();
        put(&store, &write(0, "one")).await.unwrap();
        let lost = put(&store, &write(0, "one")).await;
        assert!(matches!(lost, Err(DlpError::LostRace { found: 1 })));
    }

    #[tokio::test]
    async fn every_fault_leaves_one_version_or_none() {
        for (fault, written) in
            [(GateFault::NotWritten, false), (GateFault::Unknown, false), (GateFault::Unknown, true)]
        {
            for times in 1..=TRIES {
                let store = Memory::default();
                *store.faults.lock().unwrap() = vec![Some((fault.clone(), written)); times];
                let done = put(&store, &write(0, "one")).await;
                assert_eq!(done.is_ok(), written || times < TRIES, "{fault:?} {written} {times}");
                assert_eq!(version(&store), u64::from(done.is_ok()), "{fault:?} {written} {times}");
            }
        }
    }
}
