//! How long one tenant's log takes to verify, and how much memory: `make bench FILE=ledger` runs it. JSON on standard output.

use std::path::Path;
use std::time::Instant;

use countersign_verify::{Folder, Manifest};
use domain::{
    Actor, ActorType, AgentId, AuditRecord, Code, Decided, Description, EventId, EventType, Metadata, OrgId,
    Phase, ProducerId, RECORD_VERSION, Region, TenantId, Timestamp,
};
use ed25519_dalek::{Signer as _, SigningKey};
use ledger::verify::{Shown, Trust, Version};
use ledger::{
    AgentHeads, Checkpoint, Frontier, Hash, Head, Heads, Interval, Note, NoteSignature, Producer, TenantHead,
    Uncertified, VerifierKey, append, row,
};

const ORIGIN: &str = "countersign/bench";
const GATEWAY: &str = "countersign/eu/gateway";
const BUNDLE: u64 = 500;
type Fault = Box<dyn std::error::Error>;

fn main() -> Result<(), Fault> {
    let records: u64 = std::env::args().nth(1).map_or(Ok(1_000_000), |count| count.parse())?;
    let home = std::env::temp_dir().join(format!("countersign-bench-verify-{}", std::process::id()));
    let made = make(&home, records);
    let measured = made.and_then(|trust| measure(&home, &trust, records));
    std::fs::remove_dir_all(&home)?;
    let (seconds, peak) = measured?;
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let rate = records as f64 / seconds;
    let told = serde_json::json!({
        "verify_records": records, "verify_s": seconds, "verified_records_per_s": rate, "verify_peak_mb": peak,
    });
    Ok(std::io::Write::write_all(&mut std::io::stdout(), format!("{told}\n").as_bytes())?)
}

fn measure(home: &Path, trust: &Trust, records: u64) -> Result<(f64, u64), Fault> {
    let folder = Folder::open(home)?;
    let began = Instant::now();
    let report =
        countersign_verify::verify(&folder, trust, None, folder.manifest.exported_at, &mut |_, _| {})?;
    let seconds = began.elapsed().as_secs_f64();
    if report.exit_code() != 0 || report.records != records {
        return Err(format!("exit code {}: {:?}", report.exit_code(), report.findings).into());
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.trim().parse().ok());
    Ok((seconds, peak.unwrap_or(0_u64) / 1_024))
}

fn at(millis: u64) -> Timestamp {
    Timestamp::from_unix_millis(1_795_430_400_000).unwrap_or(Timestamp::MAX).plus_millis(millis)
}

fn record(n: u64) -> AuditRecord {
    let mut random = [0; 10];
    random[..8].copy_from_slice(&n.to_be_bytes());
    let agent = AgentId::from_random([u8::try_from(n % 7).unwrap_or_default(); 10]);
    let mut record = AuditRecord::new(
        RECORD_VERSION,
        EventId::new(at(n), random),
        at(n),
        Region::Eu,
        OrgId::from_random([1; 10]),
        TenantId::from_random([2; 10]),
        EventType::LlmCall,
        Phase::Single,
        ActorType::Agent,
        Actor::from(&agent),
        Code::literal("llm.call"),
        Decided::Allow,
        Code::literal("allowed"),
        Description::literal("An agent calls a model."),
        Metadata::default().count("held_tokens", 7),
    );
    record.agent_id = Some(agent);
    record
}

fn certified(key: &SigningKey) -> Producer {
    let id = ProducerId::from_random([3; 10]);
    let draft = Uncertified::new(&[4; 32], id, Hash::of(b"code"), GATEWAY.to_owned(), at(0));
    let signature = key.sign(draft.statement().as_bytes()).to_bytes();
    draft.certified(signature)
}

/// An export of one tenant, as the command writes it.
fn make(home: &Path, records: u64) -> Result<Trust, Fault> {
    let (region, gateway) = (SigningKey::from_bytes(&[5; 32]), SigningKey::from_bytes(&[6; 32]));
    let tenant = TenantId::from_random([2; 10]);
    let locked = home.join(format!("locked/t/{tenant}/bundle"));
    std::fs::create_dir_all(&locked)?;
    std::fs::create_dir_all(home.join("rows"))?;
    let mut rows = std::io::BufWriter::new(std::fs::File::create(home.join(format!("rows/{tenant}.jsonl")))?);
    let mut versions = std::io::BufWriter::new(std::fs::File::create(home.join("versions.jsonl"))?);
    let (mut producer, mut head, mut agents) = (certified(&gateway), Head::empty(), AgentHeads::new());
    let last = at(records + 1);
    for first in (0..records).step_by(usize::try_from(BUNDLE)?) {
        let signed = (first..records.min(first + BUNDLE)).map(|n| producer.sign(record(n)));
        let commit = append(&tenant, &head, &agents, signed.collect::<Result<_, _>>()?, last)?;
        std::fs::write(locked.join(commit.bundle.name()), commit.bundle.to_bytes())?;
        for entry in &commit.entries {
            std::io::Write::write_all(&mut rows, row::row(entry)?.as_bytes())?;
        }
        let version = Version {
            name: format!("t/{tenant}/bundle/{}", commit.bundle.name()),
            version_id: "1".to_owned(),
            delete_marker: false,
            modified: last,
            locked_until: Some(last.plus_millis(366 * 86_400_000)),
        };
        std::io::Write::write_all(&mut versions, (serde_json::to_string(&version)? + "\n").as_bytes())?;
        head = commit.head;
        agents.extend(commit.agents);
    }
    std::io::Write::flush(&mut rows)?;
    std::io::Write::flush(&mut versions)?;
    let shown = shown(&region, &tenant, &head, last)?;
    std::fs::write(home.join("shown.json"), serde_json::to_string(&shown)?)?;
    std::fs::write(home.join("admitted.json"), "{}")?;
    seal(home, tenant, last, records)?;
    let key = |name: &str, key: &SigningKey| VerifierKey::new(name, key.verifying_key().as_bytes());
    Ok(Trust::new(ORIGIN.to_owned(), key(ORIGIN, &region)?, vec![key(GATEWAY, &gateway)?]))
}

fn shown(key: &SigningKey, tenant: &TenantId, head: &Head, at: Timestamp) -> Result<Shown, Fault> {
    let head = TenantHead { root: head.tree.root(), size: head.tree.size(), tenant_id: tenant.clone() };
    let mut heads = Heads::default();
    heads.put([head.clone()]);
    let newest = Interval::new(0, at, Region::Eu, &heads);
    let mut tree = Frontier::default();
    tree.append(newest.leaf_hash()?);
    let checkpoint = Checkpoint { origin: ORIGIN.to_owned(), size: 1, root: tree.root() }.to_string();
    let public = VerifierKey::new(ORIGIN, key.verifying_key().as_bytes())?;
    let signature = NoteSignature::new(&public, &key.sign(checkpoint.as_bytes()).to_bytes());
    let checkpoint = Note::new(checkpoint, vec![signature])?.to_string();
    Ok(Shown { checkpoint, leaves: vec![newest.leaf_hash()?], newest, head, index: 0, path: Vec::new() })
}

fn seal(home: &Path, tenant: TenantId, exported_at: Timestamp, records: u64) -> Result<(), Fault> {
    let manifest = Manifest {
        v: 1,
        region: Region::Eu,
        tenant: Some(tenant),
        exported_at,
        period: None,
        query: None,
        records,
        records_in_period: records,
        outcomes: 0,
        settled: 0,
        producers: 1,
        numbered: records,
        files: std::collections::BTreeMap::new(),
    };
    Folder::seal(home, manifest)?;
    Ok(())
}
