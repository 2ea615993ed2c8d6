//! Sealing and opening beside the bare cipher, in one run: prints JSON, in microseconds. `make bench FILE=envelope`.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement for whoever runs it")]

use std::hint::black_box;
use std::time::Instant;

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use countersign_envelope::{Aad, Context, Purpose, RootKey, RootSecret};
use domain::{Region, SealedBytes, TenantId};

const BYTES: usize = 1_024;
const ROUNDS: usize = 31;
const CALLS: u32 = 2_000;

/// Microseconds a call, over one round.
fn micros(mut work: impl FnMut()) -> f64 {
    let began = Instant::now();
    (0..CALLS).for_each(|_| work());
    began.elapsed().as_secs_f64() * 1e6 / f64::from(CALLS)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn main() {
    let tenant = TenantId::from_random([1; 10]);
    let context =
        Context { tenant: tenant.clone(), region: Region::Eu, purpose: Purpose::Credential, version: 1 };
    let root = RootKey::derive(&RootSecret::new([9; 32]), &context);
    let aad = Aad::credential(&tenant, "control", "T#ten_x", "PROVIDERS", "prv_x", "api.example.com");
    let plain = [7_u8; BYTES];
    let sealed = SealedBytes::from(root.seal(&aad, &plain, &[3; 28]).unwrap());

    let cipher = Aes256Gcm::new(&Key::<Aes256Gcm>::from([5; 32]));
    let nonce = Nonce::from([4; 12]);
    let bare = || {
        let payload = Payload { msg: &plain, aad: b"some additional data of the length that a place has" };
        black_box(cipher.encrypt(&nonce, payload).unwrap());
    };
    // In turn, and the ratio round by round: whatever else the machine does disturbs both alike.
    let (mut aes, mut seal, mut open, mut ratio) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let bare = micros(bare);
        let sealing = micros(|| drop(black_box(root.seal(&aad, &plain, &[3; 28]).unwrap())));
        open.push(micros(|| drop(black_box(root.open(&aad, &sealed).unwrap()))));
        aes.push(bare);
        seal.push(sealing);
        ratio.push(sealing / bare);
    }
    let (aes, seal, open, ratio) = (median(aes), median(seal), median(open), median(ratio));
    println!(
        "{{\"aes_1kib_us\": {aes}, \"seal_1kib_us\": {seal}, \"open_1kib_us\": {open}, \"seal_over_aes\": {ratio}}}"
    );
}
