//! The life of a gateway key: created, active, rotating, expired, revoked.
//!
//! ```text
//!            active_from            rotate            overlap over
//!  created ──────────────▶ active ─────────▶ rotating ─────────────▶ active
//!     │                      │                  │
//!     └──────── revoke ──────┴──── expires_at ──┴──▶ revoked | expired     neither ever ends
//! ```
//!
//! A key whose secret is known to somebody who has left is overdue from `rotate_by` on, and active again once it is rotated.
//!
//! A state is worked out from the row and the time, so that nothing has to happen for one to begin. Revoking goes before
//! everything else, and expiry before all but that.

use crate::{KeyKind, KeyRow, SecretHash, Sight, Timestamp};

/// Where a key is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// Made, to be used from a later moment on.
    Created,
    Active,
    /// Active, with the secret before the last valid beside it.
    Rotating,
    /// Its secret should have been replaced by now.
    Overdue,
    Expired,
    Revoked,
}

/// The secret that a key had before, and until when it is still taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Previous {
    pub secret: SecretHash,
    /// Who was shown it.
    pub seen: Option<Sight>,
    pub until: Timestamp,
}

/// A step that a key's state does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyStepError {
    #[error("the key was revoked: make a new one")]
    Revoked,
    #[error("the key has expired: make a new one")]
    Expired,
    #[error(
        "the key is being rotated: wait until the old secret has ended, or end it by rotating without an overlap"
    )]
    Rotating,
    #[error("the new secret is the one that the key has")]
    SameSecret,
}

impl KeyRow {
    pub fn state(&self, now: Timestamp) -> KeyState {
        if self.revoked_at.is_some() {
            KeyState::Revoked
        } else if self.expires_at.is_some_and(|at| at <= now) {
            KeyState::Expired
        } else if self.active_from.is_some_and(|from| now < from) {
            KeyState::Created
        } else if self.rotate_by.is_some_and(|by| by <= now) {
            KeyState::Overdue
        } else if self.previous.as_ref().is_some_and(|previous| now < previous.until) {
            KeyState::Rotating
        } else {
            KeyState::Active
        }
    }

    /// The key with a new secret. The old one is taken for `overlap_ms` more; with none it ends at once, and so does one
    /// that was already on its way out. `seen`: who is shown the new one. Where the old one had a deadline, it keeps it.
    ///
    /// # Errors
    /// See [`KeyStepError`].
    pub fn rotated(
        self,
        secret: SecretHash,
        seen: Option<Sight>,
        now: Timestamp,
        overlap_ms: u64,
    ) -> Result<Self, KeyStepError> {
        match self.state(now) {
            KeyState::Revoked => return Err(KeyStepError::Revoked),
            KeyState::Expired => return Err(KeyStepError::Expired),
            KeyState::Rotating if overlap_ms > 0 => return Err(KeyStepError::Rotating),
            KeyState::Created | KeyState::Active | KeyState::Rotating | KeyState::Overdue => {}
        }
        if secret == self.secret {
            return Err(KeyStepError::SameSecret);
        }
        let until = now.plus_millis(overlap_ms);
        let until = self.rotate_by.map_or(until, |by| until.min(by));
        let previous = (now < until).then_some(Previous { secret: self.secret, seen: self.seen, until });
        Ok(Self { secret, seen, previous, rotate_by: None, ..self })
    }

    /// The key revoked. Doing it again keeps the first moment.
    #[must_use]
    pub fn revoked(self, now: Timestamp) -> Self {
        Self { revoked_at: self.revoked_at.or(Some(now)), previous: None, ..self }
    }

    /// Requests in a minute: as set, or what its kind has.
    pub fn per_minute(&self) -> u64 {
        self.requests_per_minute.map_or_else(|| self.kind.per_minute(), u64::from)
    }
}

impl KeyKind {
    /// Requests in a minute unless the key's row says otherwise.
    pub const fn per_minute(self) -> u64 {
        match self {
            Self::User => 100,
            Self::Service => 500,
            Self::Temporary => 50,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AgentId, GatewayKey, OrgId, Owner, Region, Scopes, TenantId};
    use proptest::prelude::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_unix_millis(millis).unwrap()
    }

    fn secret(byte: u8) -> SecretHash {
        GatewayKey::mint(KeyKind::Service, Region::Eu, &[byte.wrapping_mul(40); 59]).unwrap().secret_hash()
    }

    fn row() -> KeyRow {
        KeyRow {
            id: GatewayKey::mint(KeyKind::Service, Region::Eu, &[1; 59]).unwrap().id().clone(),
            kind: KeyKind::Service,
            region: Region::Eu,
            org: OrgId::from_random([1; 10]),
            tenant: TenantId::from_random([2; 10]),
            agent: AgentId::from_random([3; 10]),
            owner: Owner::Tenant,
            secret: secret(1),
            seen: None,
            previous: None,
            scopes: Scopes::of([].into()),
            networks: None,
            requests_per_minute: None,
            active_from: None,
            expires_at: None,
            rotate_by: None,
            revoked_at: None,
        }
    }

    #[test]
    fn states_by_row_and_time() {
        type Change = fn(&mut KeyRow);
        let cases: [(&str, Change, KeyState); 12] = [
            ("to be rotated now", |k| k.rotate_by = Some(at(1_000)), KeyState::Overdue),
            ("to be rotated later", |k| k.rotate_by = Some(at(1_001)), KeyState::Active),
            (
                "to be rotated now, though it rotates",
                |k| {
                    k.rotate_by = Some(at(1_000));
                    k.previous = Some(Previous { secret: secret(2), seen: None, until: at(1_001) });
                },
                KeyState::Overdue,
            ),
            ("plain", |_| {}, KeyState::Active),
            ("from later", |k| k.active_from = Some(at(1_001)), KeyState::Created),
            ("from now", |k| k.active_from = Some(at(1_000)), KeyState::Active),
            ("expires now", |k| k.expires_at = Some(at(1_000)), KeyState::Expired),
            ("expires later", |k| k.expires_at = Some(at(1_001)), KeyState::Active),
            ("revoked later on paper", |k| k.revoked_at = Some(at(9_000)), KeyState::Revoked),
            (
                "overlap until later",
                |k| k.previous = Some(Previous { secret: secret(2), seen: None, until: at(1_001) }),
                KeyState::Rotating,
            ),
            (
                "overlap over",
                |k| k.previous = Some(Previous { secret: secret(2), seen: None, until: at(1_000) }),
                KeyState::Active,
            ),
            (
                "expired and revoked",
                |k| {
                    k.expires_at = Some(at(1));
                    k.revoked_at = Some(at(2));
                },
                KeyState::Revoked,
            ),
        ];
        for (name, change, expected) in cases {
            let mut row = row();
            change(&mut row);
            assert_eq!(row.state(at(1_000)), expected, "{name}");
        }
    }

    #[test]
    fn a_rotation_keeps_the_old_secret_for_its_overlap() {
        let turned = row().rotated(secret(2), None, at(1_000), 500).unwrap();
        assert_eq!(turned.previous, Some(Previous { secret: secret(1), seen: None, until: at(1_500) }));
        assert_eq!(
            (turned.state(at(1_499)), turned.state(at(1_500))),
            (KeyState::Rotating, KeyState::Active)
        );
        let again = turned.clone().rotated(secret(3), None, at(1_100), 500);
        assert_eq!(again.unwrap_err(), KeyStepError::Rotating, "three secrets would be valid");
        let ended = turned.rotated(secret(3), None, at(1_100), 0).unwrap();
        assert_eq!((ended.previous, ended.secret), (None, secret(3)));
        assert_eq!(row().rotated(secret(1), None, at(1), 5).unwrap_err(), KeyStepError::SameSecret);
    }

    #[test]
    fn rates_by_kind_and_by_row() {
        let kinds = [KeyKind::User, KeyKind::Service, KeyKind::Temporary];
        assert_eq!(kinds.map(KeyKind::per_minute), [100, 500, 50]);
        assert_eq!(KeyRow { requests_per_minute: Some(7), ..row() }.per_minute(), 7);
        assert_eq!(KeyRow { requests_per_minute: Some(0), ..row() }.per_minute(), 0, "zero is not unlimited");
    }

    proptest! {
        /// Whatever is done in whatever order: what has ended stays ended, and no more than two secrets are ever valid.
        #[test]
        fn no_step_leads_back(steps in prop::collection::vec((0_u8..3, 0_u64..2_000, 2_u8..250), 1..30)) {
            let (mut key, mut now, mut ended) = (row(), at(0), false);
            key.expires_at = Some(at(15_000));
            for (step, wait, byte) in steps {
                now = now.plus_millis(wait);
                let before = key.clone();
                match step {
                    0 => key = key.clone().rotated(secret(byte), None, now, wait).unwrap_or(key),
                    1 => key = key.clone().rotated(secret(byte), None, now, 0).unwrap_or(key),
                    _ if byte > 230 => key = key.revoked(now),
                    _ => {}
                }
                let over = |state| matches!(state, KeyState::Revoked | KeyState::Expired);
                if ended {
                    prop_assert!(over(key.state(now)));
                    prop_assert_eq!(key.secret, before.secret);
                }
                ended = over(key.state(now));
            }
        }
    }
}
