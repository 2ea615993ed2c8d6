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

/// How many intervals are taken over at once at most; the next minute goes on from there.
const MAX_BEHIND: usize = 400;
const INTERVAL_MS: u64 = 60_000;

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
        let RegionHead { mut head, signed } = heads.region().await.map_err(|_| "region_unread")?;
        if head.tree.size() > signed {
            self.publish((objects, heads), &sign, &head.tree).await?;
        }
        let known = last.take().filter(|(known, _)| *known == head.tree.size()).map(|(_, heads)| heads);
        let mut before = match known {
            Some(heads) => Some(heads),
            None => read_back(objects, head.tree.size()).await?,
        };
        // A table that was restored is behind: what lies at the places in between is taken over, as far as time allows.
        for _ in 0..MAX_BEHIND {
            let n = head.tree.size();
            let found = heads.heads().await.map_err(|_| "heads_unread")?;
            let made = decide::interval(n, now.max(head.logged_at), self.region, before.as_ref(), found);
            let (placed, ours) = put(objects, n, made).await?;
            let after = self.follows(&placed, &head, before.as_ref())?;
            head = grown(&head, &placed)?;
            heads.advance_region(n, &head).await.map_err(|_| "region_not_moved")?;
            before = Some(after);
            if ours || now.millis_since(placed.interval.at) < INTERVAL_MS {
                break;
            }
            // Whoever put it may have died before it was signed: every interval has its checkpoint.
            let name = checkpoint_name(head.tree.size());
            if objects.read(&name).await.map_err(|_| "checkpoint_unread")?.is_none() {
                self.publish((objects, heads), &sign, &head.tree).await?;
            }
        }
        let checkpoint = self.publish((objects, heads), &sign, &head.tree).await?;
        *last = before.map(|heads| (head.tree.size(), heads));
        Ok(checkpoint)
    }

    /// The heads after an interval that may be another's: nothing is signed that does not follow.
    fn follows(&self, placed: &IntervalObject, head: &Head, before: Option<&Heads>) -> Result<Heads, Fault> {
        let nothing = Heads::default();
        let before = before.unwrap_or(&nothing);
        let after = placed.after(before).map_err(|_| "interval_does_not_follow")?;
        let interval = &placed.interval;
        let in_order = interval.n == head.tree.size() && interval.at >= head.logged_at;
        if in_order && interval.region == self.region && after.continues(before) {
            Ok(after)
        } else {
            tracing::error!(n = interval.n, "interval.does_not_follow");
            Err("interval_does_not_follow")
        }
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

fn grown(head: &Head, placed: &IntervalObject) -> Result<Head, Fault> {
    let mut tree = head.tree.clone();
    tree.append(placed.interval.leaf_hash().map_err(|_| "interval_unreadable")?);
    Ok(Head { tree, logged_at: placed.interval.at })
}

/// Puts an interval at its place, and gives what lies there then, and whether it is this one.
async fn put(
    objects: &impl ObjectStore,
    n: u64,
    made: IntervalObject,
) -> Result<(IntervalObject, bool), Fault> {
    let text = made.to_text().map_err(|_| "interval_unreadable")?;
    match objects.create(&IntervalObject::name_at(n), text.into_bytes()).await {
        Ok(()) => Ok((made, true)),
        Err(PutFault::Exists | PutFault::Unknown) => {
            read(objects, n).await?.map(|found| (found, false)).ok_or("interval_not_put")
        }
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
