//! The ledger on the local stack: many writers, exports that verify, forgeries that do not, checkpoints that leave, rows that
//! are merged.
#![cfg(test)]

use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use countersign_tests::support::auditor::{checkpoint, countersign, exported, verified};
use countersign_tests::support::stack::script;
use countersign_tests::support::{Tenant, aws, producer, records, stack, wait};
use serde_json::{Value, json};

/// Held by what looks at the whole region, or spoils it for a moment.
static REGION: Mutex<()> = Mutex::new(());

fn locked() -> &'static str {
    stack().text("/buckets/locked")
}

fn derived() -> &'static str {
    stack().text("/buckets/derived")
}

/// Python's word on an export: its own trees, notes and signatures.
fn another_implementation(folder: &Path, trust: &str) -> Value {
    let mut command = Command::new(stack().built("venv/bin/python"));
    command.arg(script("ledger_check.py")).arg(folder).arg(trust).env_clear();
    let done = command.output().expect("python runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice(&done.stdout).expect("JSON")
}

fn newest() -> String {
    aws::object("auditor", derived(), "checkpoint")
}

#[test]
fn an_export_verifies_and_what_is_changed_in_it_does_not() {
    let tenant = Tenant::new();
    for n in 0..3 {
        assert_eq!(tenant.say(&format!("call {n}")).status, 200);
    }
    tenant.records(6);
    checkpoint();
    let trust = stack().home().join("trust.txt");
    std::fs::write(&trust, countersign(&["trust"]).stdout).unwrap();
    let trust = ["--trust", trust.to_str().unwrap()];

    let one = exported("one", &["--tenant", tenant.tenant_id()]);
    let (code, report) = verified(&one, &trust);
    // The seed's two, six of the calls, and perhaps the export's own attempt.
    let count = report["report"]["records"].as_u64().unwrap();
    assert!(code == 0 && (8..=9).contains(&count), "{report}");
    assert_eq!(report["report"]["tenants"], 1);
    let told = std::fs::read_dir(one.join("locked")).unwrap().count();
    assert_eq!(told, 1, "nothing of the region's other tenants");
    let keys = std::fs::read_to_string(one.join("keys.json")).unwrap();
    assert!(keys.contains(tenant.key_id()) && !keys.contains("sha256"), "{keys}");

    let said = another_implementation(&one, trust[1]);
    assert_eq!(said["records"].as_u64(), Some(count), "{said}");

    // Changed, missing, added.
    let rows = one.join(format!("rows/{}.jsonl", tenant.tenant_id()));
    let kept = std::fs::read_to_string(&rows).unwrap();
    std::fs::write(&rows, kept.replacen("allow", "deny", 1)).unwrap();
    let (code, report) = verified(&one, &trust);
    assert_eq!(code, 10, "{report}");
    let classes: Vec<_> =
        report["report"]["findings"].as_array().unwrap().iter().map(|one| one["class"].clone()).collect();
    assert!(classes.contains(&json!("row_differs")), "{report}");
    std::fs::write(&rows, kept).unwrap();
    std::fs::write(one.join("added"), "").unwrap();
    assert_eq!(verified(&one, &trust).0, 10);
    std::fs::remove_file(one.join("added")).unwrap();
    assert_eq!(verified(&one, &trust).0, 0);
    std::fs::remove_file(one.join("keys.json")).unwrap();
    assert_eq!(verified(&one, &trust).0, 10);
}

#[test]
fn the_whole_region_verifies_against_a_checkpoint_kept_before() {
    let _region = REGION.lock().unwrap_or_else(PoisonError::into_inner);
    let tenant = Tenant::new();
    assert_eq!(tenant.say("hello").status, 200);
    tenant.records(2);
    checkpoint();
    let pinned = stack().home().join("pinned");
    std::fs::write(&pinned, newest()).unwrap();
    assert_eq!(tenant.say("later").status, 200);
    tenant.records(4);
    let early = exported("early", &[]);
    checkpoint();
    // Before the export: the clock may bring the next one at any moment.
    let later = newest();
    let against = ["--pinned", pinned.to_str().unwrap()];
    let all = complete("all", &against);
    let (_, report) = verified(&all, &against);
    assert!(report["report"]["tenants"].as_u64().unwrap() >= 1);

    // A checkpoint that is newer than what is shown: an older state is being passed off as the newest.
    std::fs::write(&pinned, later).unwrap();
    assert_eq!(verified(&all, &against).0, 0);
    let (code, report) = verified(&early, &against);
    assert_eq!(code, 29, "{report}");
    // So does time, when one says oneself when it was.
    assert_eq!(verified(&all, &["--as-of", "2030-01-01T00:00:00.000Z"]).0, 32);
}

/// An export of the region that verifies. Others' records may still be on their way, an outcome before its attempt.
fn complete(name: &str, against: &[&str]) -> std::path::PathBuf {
    wait::until("an export that verifies", || {
        let folder = exported(name, &[]);
        let (code, report) = verified(&folder, against);
        if code != 0 {
            // Of pairs alone: everything else is wrong at once.
            assert!((41..=46).contains(&code), "exit code {code}: {report}");
            println!("exit code {code}: {}", report["report"]["findings"]);
        }
        (code == 0).then_some(folder)
    })
}

/// Hands a batch to the writer until it took all of it, as the queue does: whoever comes in another's way gives some back.
fn written(mut batch: Value) {
    wait::until("all to be taken", || {
        let done = aws::invoke("root", "audit-writer", &batch).unwrap();
        let failed = done["batchItemFailures"].as_array().unwrap().iter();
        let failed: Vec<_> = failed.map(|one| one["itemIdentifier"].clone()).collect();
        batch["Records"].as_array_mut().unwrap().retain(|one| failed.contains(&one["messageId"]));
        failed.is_empty().then_some(())
    });
}

/// Eight at once, each with its own part and its neighbour's, some of it twice.
#[test]
fn many_writers_on_one_tenant_end_complete_and_verified() {
    const WRITERS: usize = 8;
    const EACH: usize = 12;
    let tenant = Tenant::new();
    assert_eq!(tenant.say("hello").status, 200);
    let model = tenant.records(2)[0].text.clone();
    let mut sending = producer::certified();
    let messages: Vec<String> = (0..WRITERS * EACH)
        .map(|n| {
            let record = producer::record(&model, |fields| {
                let id = fields["event_id"].as_str().unwrap().to_owned();
                fields["event_id"] = json!(format!("{}{n:012x}", id.get(..24).unwrap()));
                fields["phase"] = json!("single");
            });
            sending.sign(record).unwrap().to_text().unwrap()
        })
        .collect();
    let batch = |n: usize| {
        let part = messages.iter().cycle().skip(n * EACH).take(EACH + 5);
        let record = |(m, body): (usize, &String)| json!({"messageId": format!("w{n}m{m}"), "body": body});
        json!({"Records": part.enumerate().map(record).collect::<Vec<_>>()})
    };
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|n| {
                let batch = batch(n);
                scope.spawn(move || written(batch))
            })
            .collect();
        for writer in writers {
            writer.join().unwrap();
        }
    });
    let of_tests = records::all(tenant.tenant_id());
    assert_eq!(of_tests.len(), WRITERS * EACH + 4, "each once, beside the seed and the call");
    checkpoint();
    let folder = exported("writers", &["--tenant", tenant.tenant_id()]);
    let (code, report) = verified(&folder, &[]);
    assert_eq!(code, 0, "{report}");
}

/// No role may put a delete marker. The emulator lets the account's root pass where AWS would hold the bucket's policy
/// against it too: so root plays whoever got around the policy, and the verification must see it.
#[test]
fn a_delete_marker_is_refused_to_every_role_and_seen_in_verification() {
    let _region = REGION.lock().unwrap_or_else(PoisonError::into_inner);
    let tenant = Tenant::new();
    assert_eq!(tenant.say("hello").status, 200);
    let name = tenant.records(2)[0].name.clone();
    let object = json!({"Bucket": locked(), "Key": name});
    for role in ["operator", "audit-writer", "lifecycle", "gateway", "auditor", "deployer"] {
        let refused = aws::call(role, "s3", "delete_object", &object);
        assert_eq!(refused.unwrap_err().code, "AccessDenied", "{role}");
    }
    checkpoint();
    let marker = aws::must("root", "s3", "delete_object", &object);
    let (code, report) = verified(&exported("hidden", &["--tenant", tenant.tenant_id()]), &[]);
    assert_eq!(code, 12, "{report}");
    let mut marker_itself = object.clone();
    marker_itself["VersionId"] = marker["VersionId"].clone();
    aws::must("root", "s3", "delete_object", &marker_itself);
    let (code, report) = verified(&exported("hidden", &["--tenant", tenant.tenant_id()]), &[]);
    assert_eq!(code, 0, "{report}");
}

#[test]
fn checkpoints_leave_the_account() {
    let _region = REGION.lock().unwrap_or_else(PoisonError::into_inner);
    checkpoint();
    let sink = stack().text("/checkpoint_sink");
    let _ = aws::call(
        "root",
        "s3",
        "create_bucket",
        &json!({
            "Bucket": sink, "CreateBucketConfiguration": {"LocationConstraint": stack().text("/region")},
        }),
    );
    let done = aws::invoke("root", "lifecycle", &json!({"deliver_checkpoint": {}})).unwrap();
    assert_eq!((&done["delivered"], &done["compacted"]), (&json!(1), &json!(0)));
    let names = aws::object_names("root", sink, "countersign/eu/checkpoint/");
    let note = aws::object("root", sink, names.last().unwrap());
    let size: u64 = note.lines().nth(1).unwrap().parse().unwrap();
    assert_eq!(names.last().unwrap(), &format!("countersign/eu/checkpoint/{size:020}"));
    // It is the region's own: an export of now is consistent with it.
    let kept = stack().home().join("from-the-sink");
    std::fs::write(&kept, note).unwrap();
    checkpoint();
    complete("sink", &["--pinned", kept.to_str().unwrap()]);
}

#[test]
fn the_rows_of_a_day_that_is_over_become_one_file_and_none_is_lost() {
    let tenant = Tenant::new();
    assert_eq!(tenant.say("hello").status, 200);
    let record = tenant.records(2)[0].clone();
    let mut sending = producer::certified();
    let before = |fields: &mut Value, n: usize| {
        // The day before, in the record and in the event's id.
        let at: domain::Timestamp = record.field("created_at").parse().unwrap();
        let day = domain::Timestamp::from_unix_millis(i64::try_from(at.unix_millis()).unwrap() - 86_400_000);
        let id = domain::EventId::new(day.unwrap(), [u8::try_from(n).unwrap() + 1; 10]);
        fields["created_at"] = json!(day.unwrap());
        fields["event_id"] = json!(id);
        fields["phase"] = json!("single");
    };
    for n in 0..4 {
        let signed = sending.sign(producer::record(&record.text, |fields| before(fields, n))).unwrap();
        let batch = json!({"Records": [{"messageId": "m", "body": signed.to_text().unwrap()}]});
        let done = aws::invoke("root", "audit-writer", &batch).unwrap();
        assert_eq!(done["batchItemFailures"], json!([]), "{done}");
    }
    let prefix = format!("task_timeline/tenant_id={}/", tenant.tenant_id());
    let files = || aws::object_names("auditor", derived(), &prefix);
    let today = format!("dt={}", record.field("created_at").split('T').next().unwrap());
    let of_yesterday = || files().into_iter().filter(|name| !name.contains(&today)).collect::<Vec<_>>();
    assert_eq!(of_yesterday().len(), 4);
    let count = || -> usize {
        files().iter().map(|name| aws::object("auditor", derived(), name).lines().count()).sum()
    };
    let rows = count();
    aws::invoke("root", "lifecycle", &json!({"compact": {}})).unwrap();
    wait::until("the merged file", || (of_yesterday().len() == 1).then_some(()));
    assert_eq!(count(), rows);
    // Whatever became of the rows, the ledger makes them again.
    let spoiled = of_yesterday().remove(0);
    aws::must("root", "s3", "put_object", &json!({"Bucket": derived(), "Key": spoiled, "Body": "{}\n"}));
    let done = countersign(&["ops", "rebuild", "--tenant", tenant.tenant_id()]);
    assert!(done.status.success(), "{done:?}");
    // The rebuild is recorded itself, before and after.
    wait::until("the rebuild's records", || (count() == rows + 2).then_some(()));
    assert_eq!(of_yesterday().len(), 1);
    checkpoint();
    let (code, report) = verified(&exported("merged", &["--tenant", tenant.tenant_id()]), &[]);
    assert_eq!(code, 0, "{report}");
}

/// Once a minute by itself, idle or not: nobody asks for these.
#[test]
fn the_clock_brings_a_checkpoint() {
    let size = || newest().lines().nth(1).unwrap().parse::<u64>().unwrap();
    let before = size();
    wait::until("the clock's next checkpoint", || (size() > before).then_some(()));
}
