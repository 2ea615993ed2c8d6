use super::*;
use crate::sample::{KEY_NAME, at, kms, producer, record, signed, tenant};

fn one() -> SignedRecord {
    let (key, _) = kms(9, KEY_NAME);
    signed(&mut producer(1, &key), 1, 1, 1)
}

/// Pinned: what is signed today is verified in years.
#[test]
fn the_text_and_what_is_signed_are_pinned() {
    let text = one().to_text().unwrap();
    let digest = |text: &str| Hash::of(text.as_bytes()).to_string();
    assert!(text.contains(r#","n":1,"org_id""#), "{text}");
    assert!(!text.contains("prev"));
    assert_eq!(SignedRecord::from_text(&text), Ok(one()));
    assert_eq!(digest(&text), "11e28814c3d05f6be46f7df2ccc9ff33d888b825c248bb1812eee55c288184c8");
    assert_eq!(
        one().hash().unwrap().to_string(),
        "7f29e041dbe9e7aa77065fb98b3b0c7a5bbc97f1a94fb41037861e0e4618ff3e"
    );
    let told = statement(KEY_NAME, (&one().origin.producer, &Hash::of(b"code")), &[0; 32], at(0));
    assert_eq!(
        told,
        "countersign/producer/v1\ncountersign/eu/gateway\nprd_040g2081040g2081\n\
         AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\
         5694d08a2e53ffcae0c3103e5ad6f6076abd960eb1f8a56577040bc1028f702b\n2026-11-23T10:42:10.120Z\n"
    );
}

#[test]
fn records_are_numbered_per_tenant_and_name_the_one_before() {
    let (key, _) = kms(9, KEY_NAME);
    let mut producer = producer(1, &key);
    let of_one: Vec<_> = (0..3).map(|n| signed(&mut producer, 1, 1, n)).collect();
    let of_two = signed(&mut producer, 2, 1, 9);
    assert_eq!(of_one.iter().map(|one| one.origin.n).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(of_one[0].origin.prev, None);
    assert_eq!(of_one[2].origin.prev, Some(of_one[1].hash().unwrap()));
    assert_eq!((of_two.origin.n, of_two.origin.prev), (1, None));
    assert!(of_one.iter().chain([&of_two]).all(SignedRecord::is_signed));
}

#[test]
fn a_message_is_the_text_of_the_signed_record() {
    let (key, _) = kms(9, KEY_NAME);
    let (mut one, mut other) = (producer(1, &key), producer(1, &key));
    for n in 0..2 {
        let message = one.message(Draft::of(&record(1, 1, n)).unwrap()).unwrap();
        assert_eq!(message, signed(&mut other, 1, 1, n).to_text().unwrap());
    }
}

#[test]
fn a_record_that_cannot_be_sent_takes_no_number() {
    let (key, _) = kms(9, KEY_NAME);
    let mut producer = producer(1, &key);
    let mut large = record(1, 1, 1);
    let refs = (0..500).map(|n| format!("{n:0>128}").parse().unwrap()).collect();
    large.subject_refs = Some(refs);
    assert!(matches!(producer.sign(large), Err(RecordError::TooLarge { .. })));
    assert_eq!(signed(&mut producer, 1, 1, 2).origin.n, 1);
}

#[test]
fn whatever_is_changed_the_signature_no_longer_holds() {
    let text = one().to_text().unwrap();
    for (from, to) in [
        ("\"decision\":\"allow\"", "\"decision\":\"deny\""),
        ("\"n\":1", "\"n\":2"),
        ("prd_040g2081040g2081", "prd_040g2081040g2082"),
        ("\"phase\":\"single\"", "\"phase\":\"attempt\""),
        ("\"code_sha256\":\"5", "\"code_sha256\":\"6"),
        (tenant(1).as_str(), tenant(2).as_str()),
    ] {
        let forged = text.replace(from, to);
        assert_ne!(forged, text, "{from}");
        assert!(!SignedRecord::from_text(&forged).unwrap().is_signed(), "{to}");
    }
}

#[test]
fn a_certificate_holds_for_its_key_producer_and_code_alone() {
    let one = one();
    let (_, ours) = kms(9, KEY_NAME);
    let (producer, code) = (&one.origin.producer, &one.origin.code_sha256);
    assert!(one.certificate.is_by(&ours, producer, code));
    assert!(!one.certificate.is_by(&kms(8, KEY_NAME).1, producer, code), "another key");
    assert!(!one.certificate.is_by(&kms(9, "countersign/us/gateway").1, producer, code), "another name");
    assert!(!one.certificate.is_by(&ours, &ProducerId::from_random([2; 10]), code), "another producer");
    assert!(!one.certificate.is_by(&ours, producer, &Hash::of(b"other")), "other code");
}

#[test]
fn what_is_no_message_is_refused_without_quoting_it() {
    let text = one().to_text().unwrap();
    let (cut, _) = text.split_once("\"producer_sig\"").unwrap();
    for bad in [
        "planted-value".to_owned(),
        "{}".to_owned(),
        record(1, 1, 1).to_canonical().unwrap(),
        text.replace("\"v\":1", "\"v\":9"),
        text.replace("\"v\":1", "\"v\":1,\"extra\":\"planted-value\""),
        text.replace("\"n\":1", "\"n\":\"planted-value\""),
        cut.to_owned(),
        text.replace("producer_cert\":\"", "producer_cert\":\"A"),
    ] {
        let error = SignedRecord::from_text(&bad).unwrap_err().to_string();
        assert!(!error.contains("planted-value"), "{error}");
    }
}
