//! Sealing and opening beside the bare cipher, in one run: prints JSON, in microseconds. `make bench FILE=envelope`.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement for whoever runs it")]

use std::hint::black_box;
use std::time::Instant;

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use countersign_envelope::{Aad, Context, Purpose, RootKey, RootSecret};
use domain::{Region, SealedBytes, TenantId};

const BYTES: usize = 1_024;
const ROUNDS: usize = 15;
const CALLS: u32 = 2_000;

/// The median of several rounds: a noisy machine disturbs single ones.
fn micros(mut work: impl FnMut()) -> f64 {
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let began = Instant::now();
            (0..CALLS).for_each(|_| work());
            began.elapsed().as_secs_f64() * 1e6 / f64::from(CALLS)
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds.get(ROUNDS / 2).copied().unwrap_or_default()
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
    let (aes, seal) = (micros(bare), micros(|| drop(black_box(root.seal(&aad, &plain, &[3; 28]).unwrap()))));
    let open = micros(|| drop(black_box(root.open(&aad, &sealed).unwrap())));
    println!(
        "{{\"aes_1kib_us\": {aes}, \"seal_1kib_us\": {seal}, \"open_1kib_us\": {open}, \"seal_over_aes\": {}}}",
        seal / aes
    );
}
