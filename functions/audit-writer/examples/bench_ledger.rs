//! What the writer does for its records over 10, 1,000 and 10,000 tenants: prints JSON. `make bench FILE=ledger`.
//!
//! The stores are in memory and count. So the time is the writer's own, in one thread: reading records, verifying their
//! producers' signatures, numbering, hashing, and writing bundles and rows. The counts are those of any store, and are
//! given per million records.
//!
//! Records come at 1,000 a second from one producer, each second's in turn from every tenant, in full batches as the
//! mapping of the queue gives them; every minute of that the clock asks for a checkpoint, whether or not anything came.
//! Each tenant has four agents, and each call of an agent is an attempt and an outcome.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement for whoever runs it")]

use std::collections::{BTreeMap, HashMap, HashSet};
use std::future::{Future, ready};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use aws::{BatchEvent, Message};
use countersign_audit_writer::{
    HeadStore, ObjectStore, PutFault, RegionHead, RegionLog, Seen, Unavailable, write,
};
use domain::{
    ActionId, Actor, ActorType, AgentId, AuditRecord, Authority, Code, Decided, Description, Digest, EventId,
    EventType, Metadata, OrgId, Phase, ProducerId, RECORD_VERSION, Region, SealedBytes, TenantId, Timestamp,
};
use ed25519_dalek::{Signer as _, SigningKey};
use ledger::{AgentHead, Commit, Hash, Head, Heads, Producer, SignedRecord, TenantHead, Uncertified};

/// `audit_queue.batch_size` of `infra/variables.tf`.
const BATCH: u32 = 500;
/// Two minutes of records, and so two checkpoints: the counts for a million are exact multiples.
const RECORDS: u32 = 120_000;
const PER_SECOND: u32 = 1_000;
const PER_MINUTE: u32 = PER_SECOND * 60;
const TENANTS: [u32; 3] = [10, 1_000, 10_000];
const AGENTS: u32 = 4;
/// Noon, so that a run is one day's.
const START: i64 = 1_795_435_200_000;
const ORIGIN: &str = "countersign/bench";

#[derive(Debug, Default)]
struct Counts {
    puts_locked: u64,
    puts_derived: u64,
    gets: u64,
    /// Rows: each is smaller than DynamoDB's unit of a write, 1 KB.
    writes: u64,
    /// Units of 4 KB, as DynamoDB counts consistent reads: a row each, but for the pages of all heads.
    reads: u64,
    signatures: u64,
    bundle_bytes: u64,
    row_bytes: u64,
}

#[derive(Debug)]
struct World {
    counts: Counts,
    /// Intervals are read again; of bundles only the name is kept.
    names: HashSet<String>,
    intervals: HashMap<String, Vec<u8>>,
    heads: BTreeMap<TenantId, Head>,
    events: HashMap<EventId, u64>,
    agents: HashMap<AgentId, AgentHead>,
    region: RegionHead,
}

#[derive(Debug)]
struct Stores(Mutex<World>);

impl Stores {
    fn new() -> Self {
        Self(Mutex::new(World {
            counts: Counts::default(),
            names: HashSet::new(),
            intervals: HashMap::new(),
            heads: BTreeMap::new(),
            events: HashMap::new(),
            agents: HashMap::new(),
            region: RegionHead { head: Head::empty(), signed: 0 },
        }))
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap()
}

impl ObjectStore for Stores {
    fn create(&self, name: &str, body: Vec<u8>) -> impl Future<Output = Result<(), PutFault>> + Send {
        let mut world = self.world();
        world.counts.puts_locked += 1;
        if !world.names.insert(name.to_owned()) {
            return ready(Err(PutFault::Exists));
        }
        if name.starts_with("t/") {
            world.counts.bundle_bytes += length(&body);
        } else {
            world.intervals.insert(name.to_owned(), body);
        }
        ready(Ok(()))
    }

    fn read(&self, name: &str) -> impl Future<Output = Result<Option<Vec<u8>>, Unavailable>> + Send {
        let mut world = self.world();
        world.counts.gets += 1;
        ready(Ok(world.intervals.get(name).cloned()))
    }

    fn derive(&self, _: &str, body: Vec<u8>) -> impl Future<Output = Result<(), Unavailable>> + Send {
        let mut world = self.world();
        world.counts.puts_derived += 1;
        world.counts.row_bytes += length(&body);
        ready(Ok(()))
    }
}

/// About what a head's row takes: its subtrees' hashes, its keys and its other fields.
fn row_bytes(head: &Head) -> u64 {
    u64::try_from(head.tree.nodes().len()).unwrap() * 32 + 120
}

impl HeadStore for Stores {
    fn head(&self, tenant: &TenantId) -> impl Future<Output = Result<Head, Unavailable>> + Send {
        let mut world = self.world();
        world.counts.reads += 1;
        ready(Ok(world.heads.get(tenant).cloned().unwrap_or_else(Head::empty)))
    }

    fn seen(
        &self,
        _: &TenantId,
        records: &[SignedRecord],
    ) -> impl Future<Output = Result<Seen, Unavailable>> + Send {
        let mut world = self.world();
        let mut seen = Seen::default();
        let mut agents = HashSet::new();
        for one in records.iter().map(|one| &one.record) {
            world.counts.reads += 1;
            seen.events.extend(world.events.get(&one.event_id).map(|seq| (one.event_id, *seq)));
            agents.extend(one.agent_id.clone());
        }
        for agent in agents {
            // A row that is not there is read too.
            world.counts.reads += 1;
            seen.agents.extend(world.agents.get(&agent).map(|head| (agent, *head)));
        }
        ready(Ok(seen))
    }

    fn index(&self, _: &TenantId, commit: &Commit) -> impl Future<Output = Result<(), Unavailable>> + Send {
        let mut world = self.world();
        for (event, seq) in commit.events() {
            world.counts.writes += 1;
            world.events.insert(event, seq);
        }
        for (agent, head) in &commit.agents {
            world.counts.writes += 1;
            world.agents.insert(agent.clone(), *head);
        }
        ready(Ok(()))
    }

    fn advance(
        &self,
        tenant: &TenantId,
        _: u64,
        to: &Head,
    ) -> impl Future<Output = Result<(), Unavailable>> + Send {
        let mut world = self.world();
        world.counts.writes += 1;
        world.heads.insert(tenant.clone(), to.clone());
        ready(Ok(()))
    }

    fn heads(&self) -> impl Future<Output = Result<Heads, Unavailable>> + Send {
        let mut world = self.world();
        let (mut heads, mut shards) = (Heads::default(), BTreeMap::<_, u64>::new());
        for (tenant_id, head) in &world.heads {
            *shards.entry(tenant_id.as_str().chars().last()).or_default() += row_bytes(head);
            let (root, size) = (head.tree.root(), head.tree.size());
            heads.put([TenantHead { root, size, tenant_id: tenant_id.clone() }]);
        }
        // An empty partition is asked too.
        let empty = tables::HEAD_SHARDS.len() - shards.len();
        let units: u64 = shards.values().map(|bytes| bytes.div_ceil(4_096)).sum();
        world.counts.reads += units + u64::try_from(empty).unwrap();
        ready(Ok(heads))
    }

    fn region(&self) -> impl Future<Output = Result<RegionHead, Unavailable>> + Send {
        let mut world = self.world();
        world.counts.reads += 1;
        ready(Ok(world.region.clone()))
    }

    fn advance_region(&self, _: u64, to: &Head) -> impl Future<Output = Result<(), Unavailable>> + Send {
        let mut world = self.world();
        world.counts.writes += 1;
        world.region.head = to.clone();
        ready(Ok(()))
    }

    fn published(&self, size: u64) -> impl Future<Output = Result<(), Unavailable>> + Send {
        let mut world = self.world();
        world.counts.writes += 1;
        world.region.signed = size;
        ready(Ok(()))
    }
}

/// Ten bytes that differ wherever the two numbers do.
fn random(kind: u8, number: u32) -> [u8; 10] {
    let [a, b, c, d] = number.to_be_bytes();
    // The last byte varies with the number, as the random bytes of real ids do: it chooses the partition of a head.
    [a, b, c, d, kind, 0, 0, 0, 0, d]
}

fn at(n: u32) -> Timestamp {
    let millis = u64::from(n) * 1_000 / u64::from(PER_SECOND);
    Timestamp::from_unix_millis(START).unwrap().plus_millis(millis)
}

/// The n-th record: the tenants in turn, and each tenant's attempts and outcomes in turn.
fn record(n: u32, tenants: u32) -> AuditRecord {
    let (of, round) = (n % tenants, n / tenants);
    let (call, outcome) = (round / 2, round % 2 == 1);
    let agent = AgentId::from_random(random(b'a', of * AGENTS + call % AGENTS));
    let code = Code::literal;
    let mut record = AuditRecord::new(
        RECORD_VERSION,
        EventId::new(at(n), random(b'e', n)),
        at(n),
        Region::Eu,
        OrgId::from_random(random(b'o', of)),
        TenantId::from_random(random(b't', of)),
        EventType::LlmCall,
        if outcome { Phase::Outcome } else { Phase::Attempt },
        ActorType::Agent,
        Actor::from(&agent),
        code("llm.call"),
        Decided::Allow,
        code(if outcome { "completed" } else { "allowed" }),
        Description::literal("An agent calls a model."),
        Metadata::default().count("held_tokens", 700),
    );
    record.agent_id = Some(agent);
    record.action_id = Some(ActionId::new(at(call), random(b'c', of.wrapping_mul(65_537) ^ call)));
    record.request_id = "JKJaXmPLvHcESHA=".parse().ok();
    record.auth_method = Some(code("gateway_key"));
    record.authority = Some(Authority {
        key_id: "0123456789abcdef".parse().ok(),
        role: Some(code("developer")),
        policy_version: Some(3),
    });
    record.model = "gpt-4o-mini".parse().ok();
    record.provider = "prv_0123456789abcdef".parse().ok();
    record.provider_region = Some(Region::Eu);
    record.source_ip = SealedBytes::from_sealed_form([b"CSE1".as_slice(), &[7; 92]].concat()).ok();
    record.dlp = Some(BTreeMap::from([(code("email"), 1), (code("card"), 1)]));
    record.request_commitment = Some(Digest::from_bytes(&[5; 32]));
    if outcome {
        (record.input_tokens, record.output_tokens) = (Some(312), Some(64));
        record.response_commitment = Some(Digest::from_bytes(&[6; 32]));
    }
    record
}

fn producer() -> Producer {
    let id = ProducerId::from_random([1; 10]);
    let draft = Uncertified::new(&[2; 32], id, Hash::of(b"code"), "countersign/eu/gateway".to_owned(), at(0));
    let signature = SigningKey::from_bytes(&[9; 32]).sign(draft.statement().as_bytes()).to_bytes();
    draft.certified(signature)
}

/// What this thread has had of a core. Another's load slows the clock's time and not this.
fn cpu() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(told.split(' ').next().unwrap().parse().unwrap())
}

#[derive(Debug)]
struct Run {
    counts: Counts,
    writing: Duration,
    writing_cpu: Duration,
    slowest_checkpoint: Duration,
}

async fn run(records: u32, tenants: u32) -> Run {
    let (stores, mut producer) = (Stores::new(), producer());
    let key = SigningKey::from_bytes(&[8; 32]);
    let log = RegionLog::new(Region::Eu, ORIGIN.to_owned(), key.verifying_key().as_bytes()).unwrap();
    let sign = |text: String| {
        stores.world().counts.signatures += 1;
        ready(Some(key.sign(text.as_bytes()).to_bytes()))
    };
    let [mut writing, mut writing_cpu, mut slowest_checkpoint] = [Duration::ZERO; 3];
    for first in (0..records).step_by(usize::try_from(BATCH).unwrap()) {
        let last = (first + BATCH).min(records);
        let message = |n: u32| Message {
            message_id: n.to_string(),
            body: producer.sign(record(n, tenants)).unwrap().to_text().unwrap(),
        };
        let event = BatchEvent { records: (first..last).map(message).collect() };
        let (began, began_cpu) = (Instant::now(), cpu());
        let response = write((&stores, &stores), event, || at(last), || true).await;
        writing += began.elapsed();
        writing_cpu += cpu() - began_cpu;
        assert!(response.batch_item_failures.is_empty(), "every record is written");
        if last.is_multiple_of(PER_MINUTE) {
            let began = Instant::now();
            log.checkpoint((&stores, &stores), sign, at(last)).await.unwrap();
            slowest_checkpoint = slowest_checkpoint.max(began.elapsed());
        }
    }
    let world = stores.0.into_inner().unwrap();
    assert_eq!(world.events.len(), usize::try_from(records).unwrap(), "each record once");
    Run { counts: world.counts, writing, writing_cpu, slowest_checkpoint }
}

fn told(records: u32, tenants: u32, run: &Run) -> impl Iterator<Item = (String, f64)> {
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
    let per_record = |count: u64| count as f64 / f64::from(records);
    let counts = &run.counts;
    let million = |count: u64| per_record(count) * 1e6;
    let all = [
        ("records_per_s", f64::from(records) / run.writing.as_secs_f64()),
        ("records_per_cpu_s", f64::from(records) / run.writing_cpu.as_secs_f64()),
        ("puts_locked", million(counts.puts_locked)),
        ("puts_derived", million(counts.puts_derived)),
        ("s3_gets", million(counts.gets)),
        ("dynamo_writes", million(counts.writes)),
        ("dynamo_reads", million(counts.reads)),
        ("signatures", million(counts.signatures)),
        ("bundle_bytes_a_record", per_record(counts.bundle_bytes)),
        ("row_bytes_a_record", per_record(counts.row_bytes)),
        ("checkpoint_ms", run.slowest_checkpoint.as_secs_f64() * 1e3),
    ];
    all.into_iter().map(move |(name, value)| (format!("t{tenants}_{name}"), value))
}

fn main() {
    let records = std::env::args().nth(1).map_or(RECORDS, |text| text.parse().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut all = serde_json::Map::new();
    all.insert("records".to_owned(), records.into());
    for tenants in TENANTS {
        let done = runtime.block_on(run(records, tenants));
        all.extend(told(records, tenants, &done).map(|(name, value)| (name, value.into())));
    }
    println!("{}", serde_json::Value::Object(all));
}
