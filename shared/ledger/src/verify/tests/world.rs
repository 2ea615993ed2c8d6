//! Small ledgers, as an honest writer makes them, and their files, as an export holds them.

use std::collections::BTreeMap;

use domain::{ActionId, Phase, Region, TenantId, Timestamp};
use ed25519_dalek::{Signer as _, SigningKey};

use super::super::*;
use crate::sample::{KEY_NAME, at, kms, producer, record, tenant};
use crate::{
    AgentHeads, Bundle, Checkpoint, Commit, Entry, Frontier, Head, Heads, Interval, IntervalObject, Leaf,
    Note, NoteSignature, Producer, SignedRecord, TenantHead, VerifierKey, append, checkpoint_name, row,
};

pub const ORIGIN: &str = "countersign/test";
const REGION_KEY: u8 = 8;
const PRODUCER_KEY: u8 = 9;

/// A small generator: cases must be the same in every run.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from((self.0 >> 11) % u64::try_from(n).unwrap()).unwrap()
    }

    pub fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

pub fn trust() -> Trust {
    let keys = [kms(PRODUCER_KEY, KEY_NAME).1, kms(11, "countersign/eu/operator").1];
    let mut trust = Trust::new(ORIGIN.to_owned(), kms(REGION_KEY, ORIGIN).1, keys.to_vec());
    trust.retention_days = 365;
    trust
}

/// Leaves by tenant and bundle, and after how many bundles of each an interval was taken.
#[derive(Clone)]
pub struct World {
    pub logs: BTreeMap<u8, Vec<Vec<Vec<u8>>>>,
    heads: BTreeMap<u8, (Head, AgentHeads)>,
    pub rounds: Vec<BTreeMap<u8, usize>>,
    pub minutes: u64,
}

/// A producer and what it has yet to send.
pub fn honest_producer(number: u8) -> Producer {
    producer(number, &kms(PRODUCER_KEY, KEY_NAME).0)
}

impl World {
    pub fn empty() -> Self {
        let (logs, heads) = (BTreeMap::new(), BTreeMap::new());
        Self { logs, heads, rounds: Vec::new(), minutes: 0 }
    }

    /// Two tenants, a few rounds, several agents and producers, calls and refusals.
    pub fn honest(random: &mut Random) -> Self {
        let mut world = Self::empty();
        let mut sending = [honest_producer(1), honest_producer(2)];
        let mut n = 0;
        for round in 0..3 + random.below(2) {
            for of in [1, 2] {
                if round > 1 && random.below(3) == 0 {
                    continue;
                }
                let mut records = Vec::new();
                for _ in 0..1 + random.below(2) {
                    let producer = &mut sending[random.below(2)];
                    records.extend(some_call(producer, of, &mut n, random));
                }
                // As a queue may deliver them.
                if random.below(2) == 0 {
                    records.reverse();
                }
                world.append(of, records);
            }
            world.interval();
        }
        world
    }

    pub fn head(&self, of: u8) -> (Head, AgentHeads) {
        self.heads.get(&of).cloned().unwrap_or_else(|| (Head::empty(), AgentHeads::new()))
    }

    pub fn append(&mut self, of: u8, records: Vec<SignedRecord>) {
        let (head, agents) = self.head(of);
        let commit = append(&tenant(of), &head, &agents, records, self.now()).unwrap();
        self.take(of, commit);
    }

    pub fn now(&self) -> Timestamp {
        at(1_000 + self.minutes * 60_000)
    }

    pub fn take(&mut self, of: u8, commit: Commit) {
        self.logs.entry(of).or_default().push(commit.bundle.leaves().to_vec());
        let (head, agents) = self.heads.entry(of).or_insert_with(|| (Head::empty(), AgentHeads::new()));
        *head = commit.head;
        agents.extend(commit.agents);
    }

    pub fn interval(&mut self) {
        self.minutes += 1;
        self.rounds.push(self.logs.iter().map(|(of, bundles)| (*of, bundles.len())).collect());
    }

    pub fn files(&self) -> Files {
        Files::new(self)
    }
}

/// An attempt and its outcome, or a single refusal.
fn some_call(producer: &mut Producer, of: u8, n: &mut u32, random: &mut Random) -> Vec<SignedRecord> {
    let by = u8::try_from(random.below(3)).unwrap();
    let phases: &[Phase] =
        if random.below(3) == 0 { &[Phase::Single] } else { &[Phase::Attempt, Phase::Outcome] };
    let id = action(of, *n);
    let mut send = |phase: &Phase| {
        *n += 1;
        phased(producer, of, by, *n, *phase, id)
    };
    phases.iter().map(&mut send).collect()
}

pub fn action(of: u8, n: u32) -> ActionId {
    let mut random = [of; 10];
    random[..4].copy_from_slice(&n.to_be_bytes());
    ActionId::new(at(n.into()), random)
}

pub fn phased(producer: &mut Producer, of: u8, by: u8, n: u32, phase: Phase, id: ActionId) -> SignedRecord {
    let mut record = record(of, by, n);
    record.phase = phase;
    record.action_id = Some(id);
    producer.sign(record).unwrap()
}

/// What an export holds.
#[derive(Clone)]
pub struct Files {
    pub objects: BTreeMap<String, Vec<u8>>,
    pub versions: Vec<Version>,
    pub rows: BTreeMap<TenantId, Vec<String>>,
    pub region: RegionEvidence,
    pub only: Option<TenantId>,
    pub admitted: BTreeMap<TenantId, BTreeMap<String, u64>>,
    pub pinned: Option<String>,
    pub trust: Trust,
    pub as_of: Timestamp,
    /// The newest interval's time.
    pub last: Timestamp,
}

pub fn region_key() -> SigningKey {
    kms(REGION_KEY, ORIGIN).0
}

pub fn note(size: u64, tree: &Frontier, key: &SigningKey) -> String {
    let checkpoint = Checkpoint { origin: ORIGIN.to_owned(), size, root: tree.root() };
    let verifier = VerifierKey::new(ORIGIN, key.verifying_key().as_bytes()).unwrap();
    let signature = key.sign(checkpoint.to_string().as_bytes()).to_bytes();
    Note::new(checkpoint.to_string(), vec![NoteSignature::new(&verifier, &signature)]).unwrap().to_string()
}

impl Files {
    fn new(world: &World) -> Self {
        let mut files = Self {
            objects: BTreeMap::new(),
            versions: Vec::new(),
            rows: BTreeMap::new(),
            region: RegionEvidence::Whole,
            only: None,
            admitted: BTreeMap::new(),
            pinned: None,
            trust: trust(),
            as_of: world.now(),
            last: world.now(),
        };
        for (of, bundles) in &world.logs {
            files.log(*of, bundles);
        }
        files.sign(&world.heads_at());
        files.settle(world);
        files
    }

    fn log(&mut self, of: u8, bundles: &[Vec<Vec<u8>>]) {
        let mut first = 0;
        for leaves in bundles {
            let bundle = Bundle::new(first, leaves.clone()).unwrap();
            first += u64::try_from(leaves.len()).unwrap();
            let rows = leaves.iter().filter_map(|leaf| match Leaf::from_bytes(leaf) {
                Ok(Leaf::Entry(entry)) => Some(row::row(&entry).unwrap().trim_end().to_owned()),
                _ => None,
            });
            self.rows.entry(tenant(of)).or_default().extend(rows);
            self.objects.insert(format!("t/{}/bundle/{}", tenant(of), bundle.name()), bundle.to_bytes());
        }
    }

    /// Intervals over these heads, one after the other, each with its checkpoint.
    pub fn sign(&mut self, intervals: &[Vec<TenantHead>]) {
        self.objects.retain(|name, _| !name.starts_with("region/"));
        let (mut before, mut tree) = (Heads::default(), Frontier::default());
        for (n, heads) in (0_u64..).zip(intervals) {
            let mut all = Heads::default();
            all.put(heads.iter().cloned());
            let interval = Interval::new(n, at(1_000 + (n + 1) * 60_000), Region::Eu, &all);
            // In full where a delta could not say it.
            let full = n.is_multiple_of(2) || !all.continues(&before);
            let told = if full { heads.clone() } else { all.since(&before) };
            tree.append(interval.leaf_hash().unwrap());
            self.last = interval.at;
            let object = IntervalObject { interval, full, heads: told };
            self.objects.insert(IntervalObject::name_at(n), object.to_text().unwrap().into_bytes());
            let note = note(n + 1, &tree, &region_key());
            self.objects.insert(checkpoint_name(n + 1), note.into_bytes());
            before = all;
        }
        // Long after every grace.
        self.trust.max_age_minutes = 600;
        self.as_of = self.last.plus_millis(120 * 60_000);
        self.list();
    }

    /// The last interval earlier than the one before, and everything signed anew.
    pub fn intervals_back(&mut self) {
        let count = self.objects.keys().filter(|name| name.starts_with("region/leaf/")).count();
        let mut tree = Frontier::default();
        for n in 0..u64::try_from(count).unwrap() {
            let name = IntervalObject::name_at(n);
            let mut one = IntervalObject::from_bytes(&self.objects[&name]).unwrap();
            if usize::try_from(n + 1) == Ok(count) {
                one.interval.at = at(1);
            }
            tree.append(one.interval.leaf_hash().unwrap());
            self.objects.insert(name, one.to_text().unwrap().into_bytes());
            self.objects.insert(checkpoint_name(n + 1), note(n + 1, &tree, &region_key()).into_bytes());
        }
    }

    /// The bucket's list of what is there: each object once, locked for a year.
    pub fn list(&mut self) {
        let modified = at(0);
        let version = |name: &String| Version {
            name: name.clone(),
            version_id: "v1".to_owned(),
            delete_marker: false,
            modified,
            locked_until: Some(modified.plus_millis(365 * 86_400_000)),
        };
        self.versions = self.objects.keys().map(version).collect();
    }

    fn settle(&mut self, world: &World) {
        for of in world.logs.keys() {
            let outcomes =
                self.entries(*of).iter().filter(|one| one.signed.record.phase == Phase::Outcome).count();
            let day = at(0).date();
            let days = BTreeMap::from([(day, u64::try_from(outcomes).unwrap())]);
            self.admitted.insert(tenant(*of), days);
        }
    }

    pub fn bundles(&self, of: u8) -> Vec<String> {
        let prefix = format!("t/{}/", tenant(of));
        self.objects.keys().filter(|name| name.starts_with(&prefix)).cloned().collect()
    }

    pub fn entries(&self, of: u8) -> Vec<Entry> {
        let leaves = self
            .bundles(of)
            .into_iter()
            .flat_map(|name| Bundle::from_bytes(&self.objects[&name]).unwrap().leaves().to_vec());
        let entry = |leaf: Vec<u8>| match Leaf::from_bytes(&leaf) {
            Ok(Leaf::Entry(entry)) => Some(*entry),
            _ => None,
        };
        leaves.filter_map(entry).collect()
    }

    pub fn tenants(&self) -> Vec<TenantId> {
        self.rows.keys().cloned().collect()
    }

    /// The export of one tenant, which tells nothing of the others.
    pub fn for_one(&self, tenant: &TenantId) -> Self {
        let (mut heads, mut leaves, mut newest) = (Heads::default(), Vec::new(), None);
        for n in 0.. {
            let Some(bytes) = self.objects.get(&IntervalObject::name_at(n)) else { break };
            let one = IntervalObject::from_bytes(bytes).unwrap();
            heads = one.after(&heads).unwrap();
            leaves.push(one.interval.leaf_hash().unwrap());
            newest = Some(one.interval);
        }
        let size = u64::try_from(leaves.len()).unwrap();
        let checkpoint = String::from_utf8(self.objects[&checkpoint_name(size)].clone()).unwrap();
        let (index, path) = heads.proof(tenant).unwrap();
        let head = heads.get(tenant).unwrap();
        let shown = Shown { checkpoint, leaves, newest: newest.unwrap(), head, index, path };
        let mut one = self.clone();
        one.region = RegionEvidence::Shown(Box::new(shown));
        one.only = Some(tenant.clone());
        one.objects.retain(|name, _| name.starts_with(&format!("t/{tenant}/")));
        one.rows.retain(|of, _| of == tenant);
        one.list();
        one
    }

    pub fn shown(&mut self) -> &mut Shown {
        match &mut self.region {
            RegionEvidence::Shown(shown) => shown,
            RegionEvidence::Whole => panic!("the whole region"),
        }
    }

    pub fn newest_checkpoint(&self) -> String {
        let name = self.objects.keys().rfind(|name| name.starts_with("region/checkpoint/")).unwrap();
        String::from_utf8(self.objects[name].clone()).unwrap()
    }

    pub fn cosign(&mut self, key: &SigningKey, witness: &VerifierKey) {
        let note = self.newest_checkpoint();
        let (text, _) = note.split_once("\n\n").unwrap();
        let message = format!("cosignature/v1\ntime 1795430530\n{text}\n");
        let signature = key.sign(message.as_bytes()).to_bytes();
        let line = NoteSignature::cosignature(witness, 1_795_430_530, &signature);
        let name = self.objects.keys().rfind(|name| name.starts_with("region/checkpoint/")).unwrap().clone();
        self.objects.insert(name, format!("{note}{line}\n").into_bytes());
    }

    pub fn verify(&self) -> Report {
        let read = |name: &str| self.objects.get(name).cloned();
        let rows = |tenant: &TenantId, take: &mut dyn FnMut(&str)| {
            self.rows.get(tenant).into_iter().flatten().for_each(|line| take(line));
        };
        let evidence = Evidence {
            versions: &self.versions,
            read: &read,
            region: self.region.clone(),
            tenant: self.only.clone(),
            rows: Some(&rows),
            admitted: self.admitted.clone(),
            pinned: self.pinned.clone(),
            as_of: self.as_of,
        };
        verify(&evidence, &self.trust, &mut |_, _| {})
    }
}

impl World {
    /// The heads of each round's interval.
    pub fn heads_at(&self) -> Vec<Vec<TenantHead>> {
        let head = |(of, bundles): (&u8, &usize)| {
            let mut tree = Frontier::default();
            let leaves = self.logs[of].iter().take(*bundles).flatten();
            leaves.for_each(|leaf| tree.append(crate::leaf_hash(leaf)));
            TenantHead { root: tree.root(), size: tree.size(), tenant_id: tenant(*of) }
        };
        self.rounds.iter().map(|round| round.iter().map(head).collect()).collect()
    }
}
