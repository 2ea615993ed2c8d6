//! A producer of the tests' own, certified as the gateway's are.

use domain::{AuditRecord, ProducerId, Timestamp};
use ledger::{Hash, Producer, Uncertified};
use serde_json::json;

use super::{aws, stack};

/// A producer whose certificate the stack's key signed, asked by the gateway's role.
pub fn certified() -> Producer {
    let mut random = [0; 42];
    getrandom::getrandom(&mut random).expect("random bytes");
    let (seed, id) = random.split_at(32);
    let id = ProducerId::from_random(id.try_into().expect("10 bytes"));
    let seed = seed.try_into().expect("32 bytes");
    let draft = Uncertified::new(seed, id, Hash::of(b"tests"), "countersign/eu/gateway".to_owned(), now());
    let asked = json!({
        "KeyId": stack().at("/signing_keys/gateway"),
        "Message": {"$base64": aws::base64(draft.statement().as_bytes())},
        "MessageType": "RAW",
        "SigningAlgorithm": "ED25519_SHA_512",
    });
    let signed = aws::must("gateway", "kms", "sign", &asked);
    let signature = aws::bytes(&signed["Signature"]);
    draft.certified(signature.try_into().expect("64 bytes"))
}

/// `text` is a record as the ledger holds it; what is changed in it is signed anew.
pub fn record(text: &str, change: impl Fn(&mut serde_json::Value)) -> AuditRecord {
    let mut fields: serde_json::Value = serde_json::from_str(text).expect("JSON");
    change(&mut fields);
    let names: Vec<&str> = AuditRecord::FIELDS.iter().map(|(name, _)| *name).collect();
    let fields = fields.as_object().expect("an object").clone().into_iter();
    AuditRecord::from_fields(fields.filter(|(name, _)| names.contains(&name.as_str())).collect())
        .expect("a record")
}

fn now() -> Timestamp {
    let since = std::time::UNIX_EPOCH.elapsed().expect("a clock after 1970");
    let millis = i64::try_from(since.as_millis()).expect("a clock before 9999");
    Timestamp::from_unix_millis(millis).expect("a time")
}
