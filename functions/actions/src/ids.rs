//! Under which ids a request and its permit are found again.

use domain::{ApprovalId, KeyRow, Opaque, PermitId};

/// The ids of a request and of its permit follow from the agent and its idempotency key, so that asking again finds what was asked
/// before, without a read of its own and whatever keys are rotated meanwhile. The agent's id alone has 80 random bits.
pub fn ids(row: &KeyRow, idempotency_key: &str) -> (ApprovalId, PermitId) {
    let of =
        |what| Opaque::of(&["countersign", what, row.tenant.as_str(), row.agent.as_str(), idempotency_key]);
    (ApprovalId::from_bytes(bytes(&of("approval"))), PermitId::from_random(bytes(&of("permit"))))
}

/// The first bytes of a digest that is written in letters.
fn bytes<const N: usize>(digest: &Opaque) -> [u8; N] {
    let mut bytes = [0_u8; N];
    let nibble = |letter: u8| letter.saturating_sub(b'a') & 15;
    for (byte, pair) in bytes.iter_mut().zip(digest.as_str().as_bytes().chunks_exact(2)) {
        *byte = pair.iter().fold(0, |byte, letter| (byte << 4) | nibble(*letter));
    }
    bytes
}
