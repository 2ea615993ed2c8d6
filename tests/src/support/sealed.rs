//! Opens sealed values as somebody with the account's root would, with another implementation than the one under test:
//! `shared/envelope/vectors/envelope.py`, and KMS by way of AWS's own SDK for Python.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::stack::stack;
use super::{Tenant, aws};

/// Where a value was sealed, and under whose key.
#[derive(Debug, Clone)]
pub struct Place {
    pub purpose: &'static str,
    pub aad: Value,
}

impl Place {
    pub fn of_record(tenant: &Tenant, event: &str, field: &str) -> Self {
        let aad = json!({"event_id": event, "field": field, "tenant": tenant.tenant_id()});
        Self { purpose: "audit", aad }
    }

    pub fn of_credential(tenant: &Tenant, provider: &str, host: &str) -> Self {
        let pk = format!("T#{}", tenant.tenant_id());
        let aad = json!({
            "field": provider, "host": host, "pk": pk, "sk": "PROVIDERS", "table": "control",
            "tenant": tenant.tenant_id(), "v": 1,
        });
        Self { purpose: "cred", aad }
    }

    fn of_subject(tenant: &Tenant, sk: &str) -> Self {
        let pk = format!("T#{}#S", tenant.tenant_id());
        let aad = json!({
            "field": "sealed_key", "pk": pk, "sk": sk, "table": "keys", "tenant": tenant.tenant_id(), "v": 1,
        });
        Self { purpose: "audit", aad }
    }
}

/// The key version that a sealed value names.
pub fn version(sealed: &[u8]) -> u32 {
    assert_eq!(&sealed[..4], b"CSE1", "a sealed value");
    assert!(sealed.len() >= 84, "a whole sealed value");
    u32::from_be_bytes(sealed[4..8].try_into().expect("four bytes"))
}

pub fn row(table: &str, pk: &str, sk: &str) -> Option<Value> {
    let params = json!({
        "TableName": stack().at(&format!("/tables/{table}")),
        "Key": {"pk": {"S": pk}, "sk": {"S": sk}},
        "ConsistentRead": true,
    });
    aws::must("operator", "dynamodb", "get_item", &params).get("Item").cloned()
}

fn bytes(value: &Value) -> Vec<u8> {
    aws::bytes(&value["B"])
}

/// The root secret, as KMS unwraps it: `None` when there is none any more.
fn root(tenant: &Tenant, purpose: &str, version: u32) -> Option<(Vec<u8>, Value)> {
    let row = row("keys", &format!("T#{}", tenant.tenant_id()), &format!("ROOT#{purpose}"))?;
    let wrapped = row["versions"]["M"].get(version.to_string())?.clone();
    let context = json!({
        "app": "countersign", "tenant": tenant.tenant_id(), "region": "eu", "purpose": purpose,
        "version": version.to_string(),
    });
    let params = json!({
        "KeyId": stack().at("/ops_environment/CS_KMS_KEY_ARN"),
        "CiphertextBlob": wrapped["B"],
        "EncryptionContext": context,
    });
    let secret = aws::must("root", "kms", "decrypt", &params);
    Some((
        aws::bytes(&secret["Plaintext"]),
        json!({"tenant": tenant.tenant_id(), "region": "eu", "purpose": purpose, "version": version}),
    ))
}

/// Opens a value that a root of the tenant sealed. `Err` says why it stays shut.
///
/// # Errors
/// There is no such key any more, or it does not open.
pub fn open(tenant: &Tenant, place: &Place, sealed: &[u8]) -> Result<Vec<u8>, String> {
    let (secret, context) = root(tenant, place.purpose, version(sealed)).ok_or("no key")?;
    python(&json!({
        "root": hex(&secret), "context": context, "aad": place.aad.to_string(), "sealed": aws::base64(sealed),
    }))
}

/// Opens a value that a person's own key sealed.
///
/// # Errors
/// As [`open`].
pub fn open_of_person(
    tenant: &Tenant,
    subject: &str,
    place: &Place,
    sealed: &[u8],
) -> Result<Vec<u8>, String> {
    assert_eq!(version(sealed), 0, "people's keys have version 0");
    let sk = format!("SUBJ#{subject}");
    let row = row("keys", &format!("T#{}#S", tenant.tenant_id()), &sk).ok_or("no key")?;
    let kept = row.get("sealed_key").ok_or("no key")?;
    let secret = open(tenant, &Place::of_subject(tenant, &sk), &bytes(kept))?;
    python(&json!({
        "root": hex(&secret), "context": {"tenant": tenant.tenant_id(), "region": "eu"}, "subject": subject,
        "aad": place.aad.to_string(), "sealed": aws::base64(sealed),
    }))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The other implementation.
pub fn script() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/envelope/vectors/envelope.py")
}

fn python(asked: &Value) -> Result<Vec<u8>, String> {
    let mut child = Command::new(stack().built("venv/bin/python"))
        .arg(script())
        .arg("open")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the other implementation starts");
    writeln!(child.stdin.take().expect("stdin is piped"), "{asked}").expect("it listens");
    let told = child.wait_with_output().expect("it answers");
    let told: Value = serde_json::from_slice(&told.stdout).expect("it answers JSON");
    told["plain"].as_str().map(aws::decoded).ok_or_else(|| told["shut"].as_str().unwrap_or("?").to_owned())
}
