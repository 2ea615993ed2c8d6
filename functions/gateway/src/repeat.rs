//! A call that its client sends again is made once: by its idempotency key, or by its body where an SDK counts its tries.

use domain::{ActionId, KeyRow, Reason, Timestamp};
use envelope::RootKey;
use tables::gates::once::{NotOnce, claim, free, release, tried};
use tables::{GateStore, Key, Once};

use crate::response::Refused;

/// What a client says about sending a call again.
#[derive(Clone, Default)]
pub struct Again {
    /// `Idempotency-Key`.
    pub key: Option<String>,
    /// Which try it is, from 0 on; the vendors' SDKs say so in `x-stainless-retry-count`.
    pub tries_before: Option<u32>,
}

impl Again {
    /// Whether the client says anything of it.
    pub const fn is_told(&self) -> bool {
        self.key.is_some() || self.tries_before.is_some()
    }

    /// The next provider is no first try any more: the one before has let go of the call, and this one takes it.
    pub fn go_on(&mut self) {
        self.tries_before = self.tries_before.map(|before| before.max(1));
    }
}

/// An idempotency key is the caller's own text.
impl std::fmt::Debug for Again {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Again(..)")
    }
}

/// How a call is told from its own repetition.
#[derive(Debug, Clone)]
pub enum Repeat {
    /// By its idempotency key.
    Keyed(Once),
    /// By its body.
    Body { row: Key, first: bool, until: Timestamp },
}

/// An idempotency key is remembered for a day.
const KEY_KEPT_MS: u64 = 24 * 60 * 60 * 1_000;
/// SDKs give up after minutes: their longest wait for an answer is ten.
const BODY_KEPT_MS: u64 = 15 * 60 * 1_000;

impl Repeat {
    /// Digests stand for the key and the body: neither is kept.
    pub fn of(
        again: &Again,
        row: &KeyRow,
        (path, body): (&str, &str),
        key: &RootKey,
        now: Timestamp,
    ) -> Option<Self> {
        let digest = |field: &str, text: &str| key.pseudonym(field, text).parse().ok();
        let said = format!("{path}\n{body}");
        if let Some(text) = &again.key {
            let row = Key::once(&row.tenant, &row.id, &digest("idempotency-key", text)?);
            let body = digest("idempotency-body", &said)?;
            return Some(Self::Keyed(Once { row, body, until: now.plus_millis(KEY_KEPT_MS) }));
        }
        let first = again.tries_before? == 0;
        let row = Key::once(&row.tenant, &row.id, &digest("retried-body", &said)?);
        Some(Self::Body { row, first, until: now.plus_millis(BODY_KEPT_MS) })
    }

    /// Takes the call on.
    ///
    /// # Errors
    /// It was taken on before, or that is not known.
    pub async fn take<S: GateStore>(
        &self,
        store: &S,
        action: ActionId,
        now: Timestamp,
    ) -> Result<(), Refused> {
        let taken = match self {
            Self::Keyed(once) => claim(store, once, action, now).await,
            Self::Body { row, first, until } => tried(store, row, *first, *until).await,
        };
        taken.map_err(|fault| match fault {
            NotOnce::Unavailable => Reason::RepeatUnavailable.into(),
            NotOnce::Mismatch => Reason::IdempotencyMismatch.into(),
            NotOnce::Repeated { first } => {
                let hint = first.map(|first| format!("as action {first}"));
                Refused { hint, ..Reason::CallRepeated.into() }
            }
        })
    }

    /// Lets go of a call that had no effect: its client may send it again.
    pub async fn let_go<S: GateStore>(&self, store: &S, action: ActionId) {
        match self {
            Self::Keyed(once) => release(store, &once.row, action).await,
            Self::Body { row, .. } => free(store, row).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{AgentId, GatewayKey, KeyKind, OrgId, Owner, Region, Scopes, TenantId};
    use envelope::{Context, Purpose, RootSecret};

    fn row() -> KeyRow {
        let key = GatewayKey::mint(KeyKind::Service, Region::Eu, &[1; 59]).unwrap();
        KeyRow {
            id: key.id().clone(),
            kind: KeyKind::Service,
            region: Region::Eu,
            org: OrgId::from_random([1; 10]),
            tenant: TenantId::from_random([2; 10]),
            agent: AgentId::from_random([3; 10]),
            owner: Owner::Tenant,
            secret: key.secret_hash(),
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

    fn repeat(key: Option<&str>, tries_before: Option<u32>, path: &str, body: &str) -> Option<Repeat> {
        let row = row();
        let tenant = row.tenant.clone();
        let context = Context { tenant, region: Region::Eu, purpose: Purpose::Pseudonym, version: 1 };
        let root = RootKey::derive(&RootSecret::new([9; 32]), &context);
        let again = Again { key: key.map(str::to_owned), tries_before };
        Repeat::of(&again, &row, (path, body), &root, Timestamp::from_unix_millis(0).unwrap())
    }

    fn place(repeat: Option<Repeat>) -> String {
        match repeat.unwrap() {
            Repeat::Keyed(once) => once.row.sk,
            Repeat::Body { row, .. } => row.sk,
        }
    }

    #[test]
    fn a_call_is_told_by_its_key_or_by_its_body() {
        assert!(repeat(None, None, "/v1/messages", "{}").is_none(), "nobody says that it may come again");
        let keyed = |key: &str, body: &str| place(repeat(Some(key), Some(1), "/v1/messages", body));
        assert_eq!(keyed("a", "{}"), keyed("a", "{\"other\":1}"), "the body is compared, not looked up");
        assert_ne!(keyed("a", "{}"), keyed("b", "{}"));
        let by_body = |path: &str, body: &str, tries| place(repeat(None, Some(tries), path, body));
        assert_eq!(by_body("/v1/messages", "{}", 0), by_body("/v1/messages", "{}", 2));
        assert_ne!(by_body("/v1/messages", "{}", 0), by_body("/v1/embeddings", "{}", 0));
        assert_ne!(by_body("/v1/messages", "{}", 0), by_body("/v1/messages", "{ }", 0));
        for text in [keyed("secret-of-mine", "{}"), by_body("/v1/messages", "secret-of-mine", 0)] {
            assert!(!text.contains("secret"), "{text}");
        }
    }
}
