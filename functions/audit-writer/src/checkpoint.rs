//! The region checkpoint, once a minute: a leaf of the region log over all heads, and one signature.
//!
//! The leaf is put at its place first, which commits it; only then is the tree over it signed. However many do this at
//! once, or again after a crash, they sign the same text: no two checkpoints ever contradict each other.

use std::future::Future;

use domain::{Region, Timestamp};
use ledger::{
    Checkpoint, Frontier, Head, Heads, IntervalObject, Note, NoteSignature, VerifierKey, checkpoint_name,
};
use tokio::sync::Mutex;

use crate::decide;
use crate::effects::Fault;
use crate::heads::{HeadStore, RegionHead};
use crate::store::{ObjectStore, PutFault};

/// Whose log it is, and the heads of its last interval as this instance knows them.
#[derive(Debug)]
pub struct RegionLog {
    pub region: Region,
    pub origin: String,
    pub key: VerifierKey,
    last: Mutex<Option<(u64, Heads)>>,
}

/// Where the newest checkpoint lies in the derived bucket, as C2SP's tlog-tiles has it.
const NEWEST: &str = "checkpoint";

impl RegionLog {
    /// # Errors
    /// A name that no key can have.
    pub fn new(region: Region, origin: String, public: &[u8; 32]) -> Result<Self, ledger::NoteError> {
        let key = VerifierKey::new(&origin, public)?;
        Ok(Self { region, origin, key, last: Mutex::new(None) })
    }

    /// Adds an interval and publishes its checkpoint. One that was not published before is published first.
    ///
    /// # Errors
    /// A code. The next minute's run makes up for it.
    pub async fn checkpoint<Signing>(
        &self,
        (objects, heads): (&impl ObjectStore, &impl HeadStore),
        sign: impl Fn(String) -> Signing,
        now: Timestamp,
    ) -> Result<Checkpoint, Fault>
    where
        Signing: Future<Output = Option<[u8; 64]>>,
    {
        let mut last = self.last.lock().await;
        let RegionHead { head, signed } = heads.region().await.map_err(|_| "region_unread")?;
        if head.tree.size() > signed {
            self.publish((objects, heads), &sign, &head.tree).await?;
        }
        let n = head.tree.size();
        let before = match last.take() {
            Some((known, heads)) if known == n => Some(heads),
            _ => read_back(objects, n).await?,
        };
        let found = heads.heads().await.map_err(|_| "heads_unread")?;
        let made = decide::interval(n, now.max(head.logged_at), self.region, before.as_ref(), found);
        let placed = put(objects, n, made).await?;
        let nothing = Heads::default();
        let after =
            placed.after(before.as_ref().unwrap_or(&nothing)).map_err(|_| "interval_does_not_follow")?;
        let mut tree = head.tree.clone();
        tree.append(placed.interval.leaf_hash().map_err(|_| "interval_unreadable")?);
        let next = Head { tree, logged_at: placed.interval.at };
        heads.advance_region(n, &next).await.map_err(|_| "region_not_moved")?;
        let checkpoint = self.publish((objects, heads), &sign, &next.tree).await?;
        *last = Some((next.tree.size(), after));
        Ok(checkpoint)
    }

    async fn publish<Signing>(
        &self,
        (objects, heads): (&impl ObjectStore, &impl HeadStore),
        sign: &impl Fn(String) -> Signing,
        tree: &Frontier,
    ) -> Result<Checkpoint, Fault>
    where
        Signing: Future<Output = Option<[u8; 64]>>,
    {
        let checkpoint = Checkpoint { origin: self.origin.clone(), size: tree.size(), root: tree.root() };
        let signature = sign(checkpoint.to_string()).await.ok_or("not_signed")?;
        let signature = NoteSignature::new(&self.key, &signature);
        let note = Note::new(checkpoint.to_string(), vec![signature]).map_err(|_| "not_a_note")?.to_string();
        match objects.create(&checkpoint_name(tree.size()), note.clone().into_bytes()).await {
            Ok(()) | Err(PutFault::Exists) => {}
            Err(PutFault::Unknown) => return Err("checkpoint_not_put"),
        }
        objects.derive(NEWEST, note.into_bytes()).await.map_err(|_| "checkpoint_not_derived")?;
        heads.published(tree.size()).await.map_err(|_| "checkpoint_not_noted")?;
        Ok(checkpoint)
    }
}

/// Puts an interval at its place, and gives what lies there then.
async fn put(objects: &impl ObjectStore, n: u64, made: IntervalObject) -> Result<IntervalObject, Fault> {
    let text = made.to_text().map_err(|_| "interval_unreadable")?;
    match objects.create(&IntervalObject::name_at(n), text.into_bytes()).await {
        Ok(()) => Ok(made),
        Err(PutFault::Exists | PutFault::Unknown) => read(objects, n).await?.ok_or("interval_not_put"),
    }
}

async fn read(objects: &impl ObjectStore, n: u64) -> Result<Option<IntervalObject>, Fault> {
    let bytes = objects.read(&IntervalObject::name_at(n)).await.map_err(|_| "interval_unread")?;
    bytes.map(|bytes| IntervalObject::from_bytes(&bytes).map_err(|_| "interval_unreadable")).transpose()
}

/// The heads after the first `n` intervals: back to the last that names them all, and forward from there.
async fn read_back(objects: &impl ObjectStore, n: u64) -> Result<Option<Heads>, Fault> {
    let mut later = Vec::new();
    for number in (0..n).rev() {
        let one = read(objects, number).await?.ok_or("interval_missing")?;
        let full = one.full;
        later.push(one);
        if full {
            break;
        }
    }
    if later.is_empty() {
        return Ok(None);
    }
    let mut heads = Heads::default();
    for one in later.iter().rev() {
        heads = one.after(&heads).map_err(|_| "interval_does_not_follow")?;
    }
    Ok(Some(heads))
}
