//! What tokens stand for beyond one request: sealed when they are made, given back to whoever made them.
//!
//! A row lies below the digest of its token. The value is sealed under the tenant's `token` root, or under the key of the
//! person whom the call is for, so that both end with their keys, and is bound to its row.

use std::sync::Arc;

use domain::{AgentId, Code, Opaque, SealedBytes, TenantId, Timestamp, TokenDigest, TokenRow};
use envelope::{Aad, OpenError, Plaintext, RootKey, SEAL_RANDOM_BYTES};
use tables::Key;

use crate::Person;

/// In whose call tokens are made, or asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    pub tenant: TenantId,
    pub agent: AgentId,
    /// Keyed digest of the conversation, if one is named: tokens of none are given back in none.
    pub conversation: Option<Opaque>,
}

/// What values are sealed under.
#[derive(Debug, Clone)]
pub enum Sealer {
    Tenant(Arc<RootKey>),
    Person(Person),
}

/// A token that was just made. No `Debug` of what it stands for.
pub struct Made<'a> {
    /// As it stands in the text.
    pub token: &'a str,
    pub original: &'a str,
    /// The type, such as `email`.
    pub kind: &'a Code,
}

impl std::fmt::Debug for Made<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Made").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl Holder {
    /// Where a token's row lies.
    pub fn place(&self, token: &str) -> Key {
        Key::token(&self.tenant, &TokenDigest::of(token))
    }

    /// The row of a new token.
    ///
    /// # Errors
    /// The value is longer than can be sealed.
    pub fn row(
        &self,
        sealer: &Sealer,
        made: &Made<'_>,
        expires_at: Timestamp,
        random: &[u8; SEAL_RANDOM_BYTES],
    ) -> Result<(Key, TokenRow), OpenError> {
        let place = self.place(made.token);
        let (aad, plain) = (self.aad(&place), made.original.as_bytes());
        let (sealed, subject) = match sealer {
            Sealer::Tenant(root) => (root.seal(&aad, plain, random)?, None),
            Sealer::Person(person) => (person.key.seal(&aad, plain, random)?, Some(person.subject.clone())),
        };
        let row = TokenRow {
            agent: self.agent.clone(),
            conversation: self.conversation.clone(),
            kind: made.kind.clone(),
            subject,
            sealed: SealedBytes::from(sealed),
            expires_at,
        };
        Ok((place, row))
    }

    /// Whether a row of the tenant's is this holder's, and still is.
    pub fn has(&self, row: &TokenRow, now: Timestamp) -> bool {
        row.agent == self.agent && row.conversation == self.conversation && now < row.expires_at
    }

    /// What a token's value is bound to.
    pub fn aad(&self, place: &Key) -> Aad {
        Aad::row(&self.tenant, place.table.as_str(), &place.pk, &place.sk, "sealed")
    }

    /// What a person's token stands for.
    ///
    /// # Errors
    /// Sealed under another key, or for another row.
    pub fn opened_of(&self, person: &Person, place: &Key, row: &TokenRow) -> Result<Plaintext, OpenError> {
        person.key.open(&self.aad(place), &row.sealed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Region;
    use envelope::{Context, Purpose, RootSecret, SubjectKey, SubjectSecret};

    const TOKEN: &str = "[EMAIL_T_0123456789abcdefghjkmnpqrs]";

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_unix_millis(millis).unwrap()
    }

    fn holder() -> Holder {
        Holder {
            tenant: TenantId::from_random([1; 10]),
            agent: AgentId::from_random([2; 10]),
            conversation: "psn_conversation".parse().ok(),
        }
    }

    fn root(tenant: &TenantId) -> Arc<RootKey> {
        let context =
            Context { tenant: tenant.clone(), region: Region::Eu, purpose: Purpose::Token, version: 1 };
        Arc::new(RootKey::derive(&RootSecret::new([9; 32]), &context))
    }

    fn person(secret: u8) -> Person {
        let subject: Opaque = "psn_dana".parse().unwrap();
        let secret = SubjectSecret::new([secret; 32]);
        let key = SubjectKey::derive(&secret, &holder().tenant, Region::Eu, &subject);
        Person { subject, key: Arc::new(key) }
    }

    fn row(sealer: &Sealer) -> (Key, TokenRow) {
        let kind = "email".parse().unwrap();
        let made = Made { token: TOKEN, original: "dana@example.com", kind: &kind };
        holder().row(sealer, &made, at(1_000), &[3; SEAL_RANDOM_BYTES]).unwrap()
    }

    #[test]
    fn a_value_opens_in_its_own_row_and_in_no_other() {
        let root = root(&holder().tenant);
        let (place, made) = row(&Sealer::Tenant(Arc::clone(&root)));
        assert_eq!(made.subject, None);
        let open = |place: &Key| root.open(&holder().aad(place), &made.sealed).map(|_| ());
        assert_eq!(open(&place), Ok(()));
        assert_eq!(open(&holder().place("[EMAIL_T_1123456789abcdefghjkmnpqrs]")), Err(OpenError::Tag));
        let elsewhere = Holder { tenant: TenantId::from_random([7; 10]), ..holder() };
        assert_eq!(open(&elsewhere.place(TOKEN)), Err(OpenError::Tag));
    }

    #[test]
    fn a_persons_value_opens_with_that_persons_key_alone() {
        let (place, made) = row(&Sealer::Person(person(5)));
        assert_eq!(made.subject.as_ref().map(Opaque::as_str), Some("psn_dana"));
        let open = |person: Person| holder().opened_of(&person, &place, &made);
        assert_eq!(open(person(5)).unwrap().as_bytes(), b"dana@example.com");
        assert_eq!(open(person(6)).map(|_| ()), Err(OpenError::Commitment));
        let tenants = root(&holder().tenant);
        assert!(tenants.open(&holder().aad(&place), &made.sealed).is_err(), "nor with the tenant's");
    }

    #[test]
    fn a_row_is_its_holders_until_it_expires() {
        let (_, made) = row(&Sealer::Tenant(root(&holder().tenant)));
        assert!(holder().has(&made, at(999)));
        assert!(!holder().has(&made, at(1_000)));
        let others = [
            Holder { agent: AgentId::from_random([8; 10]), ..holder() },
            Holder { conversation: None, ..holder() },
            Holder { conversation: "psn_other".parse().ok(), ..holder() },
        ];
        assert!(others.iter().all(|other| !other.has(&made, at(0))));
    }
}
