//! What must hold whatever the bytes are: nothing panics, and what opens is what this key sealed for this place.

use countersign_domain::{Region, SealedBytes, TenantId};
use countersign_envelope::{Aad, Context, Purpose, RootKey, RootSecret, SubjectSecret};

fn key(version: u32) -> RootKey {
    let tenant = TenantId::from_random([1; 10]);
    RootKey::derive(
        &RootSecret::new([9; 32]),
        &Context { tenant, region: Region::Eu, purpose: Purpose::Audit, version },
    )
}

pub fn open_any(bytes: &[u8]) {
    let aad = Aad::row(&TenantId::from_random([1; 10]), "t", "pk", "sk", "f");
    let Ok(sealed) = SealedBytes::from_sealed_form(bytes.to_vec()) else { return };
    assert_eq!(sealed.as_bytes(), bytes, "bytes are taken as they are");
    let version = countersign_envelope::sealed_version(&sealed).expect("a sealed form names its version");
    let opened = key(version).open(&aad, &sealed);
    assert!(key(version.wrapping_add(1)).open(&aad, &sealed).is_err(), "another version never opens");
    let Ok(plain) = opened else { return };
    let _ = SubjectSecret::from_opened(&plain);
    // It opened: so it was sealed by this very key, with the salt and nonce that stand in it, to the byte.
    let random: [u8; 28] = bytes[8..36].try_into().expect("28 bytes");
    let again = SealedBytes::from(key(version).seal(&aad, plain.as_bytes(), &random).expect("it seals"));
    assert_eq!(again.as_bytes(), bytes, "there is one form of each value");
}
