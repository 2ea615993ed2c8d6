//! People as administrators and directories look after them: what else a person's row holds, addresses, teams, and the tokens
//! by which a directory pushes people.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::key::{SECRET_CHARS, base62, checksum, split_checksum};
use crate::{
    Code, ConnectionId, KeyError, Name, Opaque, OrgId, Region, ScimTokenId, SealedBytes, SecretHash,
    TenantId, Timestamp, User, UserId,
};

/// A person's row in full. Calls read [`User`] of it and nothing more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    pub user: User,
    /// Tenants that the person owns, so that one write takes an owner's offices away and gives them back.
    pub owns: BTreeSet<TenantId>,
    /// Digests of verified e-mail addresses that the person has signed in with, newest last.
    pub addresses: Vec<Opaque>,
    /// Whether they have signed in: from then on no directory says by which identity they do.
    pub signed_in: bool,
}

impl Person {
    /// The most addresses that are kept of one person.
    pub const ADDRESSES: usize = 8;

    /// Somebody who is new.
    pub const fn new(id: UserId) -> Self {
        let user = User { id, active: true, epoch: 1 };
        Self { user, owns: BTreeSet::new(), addresses: Vec::new(), signed_in: false }
    }

    /// Notes an address; beyond [`Person::ADDRESSES`] the oldest goes.
    pub fn note(&mut self, address: &Opaque) {
        if !self.addresses.contains(address) {
            self.addresses.push(address.clone());
            let over = self.addresses.len().saturating_sub(Self::ADDRESSES);
            self.addresses.drain(..over);
        }
    }
}

/// An e-mail address in an organization, found by its digest. Every way in writes or compares this row, so that whoever was
/// ended comes in by none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AddressRow {
    /// How many with this address were deactivated, and not reactivated since.
    pub ended: u64,
    /// Whose it was last, and through which connection they came; older rows do not say.
    pub user: Option<UserId>,
    pub via: Option<ConnectionId>,
}

/// A team of a tenant, whose limits count beside those of its agents. Its id is what limits name it by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TeamRow {
    pub id: Code,
    pub name: Name,
    pub created_at: Timestamp,
    /// Agents in it: each move writes it together with the agent.
    pub agents: u64,
    /// Set once it is gone. No agent comes into it from then on.
    pub removed_at: Option<Timestamp>,
}

/// What a directory presents: `cs_scim_<region>_<connection's 16 characters>_<id's 16>_<secret and checksum>`. Holds the
/// secret: wiped when dropped.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct ScimToken {
    #[zeroize(skip)]
    region: Region,
    #[zeroize(skip)]
    connection: ConnectionId,
    #[zeroize(skip)]
    id: ScimTokenId,
    secret: String,
}

impl ScimToken {
    /// How many characters of its text are kept, for people who hold several.
    pub const SHOWN: usize = 4;
    /// How many live ones a connection has at most: one in use, and the one that follows it.
    pub const SLOTS: usize = 2;

    /// Makes a new one from uniform random bytes; see [`crate::GatewayKey::mint`].
    pub fn mint(
        region: Region,
        connection: ConnectionId,
        id: ScimTokenId,
        secret: &[u8; SECRET_CHARS],
    ) -> Self {
        Self { region, connection, id, secret: base62(secret) }
    }

    pub const fn region(&self) -> Region {
        self.region
    }

    pub const fn connection(&self) -> &ConnectionId {
        &self.connection
    }

    pub const fn id(&self) -> &ScimTokenId {
        &self.id
    }

    /// What the token's row holds.
    pub fn secret_hash(&self) -> SecretHash {
        SecretHash::of(&self.secret)
    }

    /// The whole text. Shown to its owner once, when it is made.
    pub fn reveal(&self) -> String {
        let connection = self.connection.as_str().trim_start_matches("con_");
        let id = self.id.as_str().trim_start_matches("sct_");
        let body = format!("cs_scim_{}_{connection}_{id}_{}", self.region, self.secret);
        let checksum = checksum(&body);
        body + &checksum
    }

    /// The end of its text, which is of the checksum.
    pub fn last_four(&self) -> String {
        let text = self.reveal();
        let at = text.len().saturating_sub(Self::SHOWN);
        text.get(at..).unwrap_or_default().to_owned()
    }
}

impl fmt::Debug for ScimToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ScimToken({})", self.id)
    }
}

impl FromStr for ScimToken {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let (body, check) = split_checksum(text)?;
        let mut parts = body.strip_prefix("cs_scim_").ok_or(KeyError::Malformed)?.split('_');
        let mut next = || parts.next().ok_or(KeyError::Malformed);
        let (region, connection, id, secret) = (next()?, next()?, next()?, next()?);
        let alphanumeric = secret.bytes().chain(check.bytes()).all(|byte| byte.is_ascii_alphanumeric());
        if parts.next().is_some() || secret.len() != SECRET_CHARS || !alphanumeric {
            return Err(KeyError::Malformed);
        }
        let malformed = |_| KeyError::Malformed;
        let connection = format!("con_{connection}").parse().map_err(malformed)?;
        let id = format!("sct_{id}").parse().map_err(malformed)?;
        let region = region.parse().map_err(|_| KeyError::Malformed)?;
        if checksum(body) == check {
            Ok(Self { region, connection, id, secret: secret.to_owned() })
        } else {
            Err(KeyError::Checksum)
        }
    }
}

/// A token of a directory as its row holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScimTokenRow {
    pub id: ScimTokenId,
    pub org: OrgId,
    pub connection: ConnectionId,
    pub secret: SecretHash,
    /// The last four characters of its text.
    pub last_four: String,
    /// Whoever was shown it, and in which epoch of theirs; rows from before it was kept say 0.
    pub created_by: UserId,
    pub created_epoch: u64,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
}

/// A directory that is asked by the clock, in place of one that pushes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRow {
    pub org: OrgId,
    pub connection: ConnectionId,
    /// Which directory is asked and by which account, as [`DirectoryAccount::agreed`] has it: what two people agreed on.
    pub agreed: Option<Opaque>,
    /// What it takes to ask, as JSON text, sealed; without it nothing is asked.
    pub secret: Option<SealedBytes>,
    pub set_by: UserId,
    pub set_at: Timestamp,
}

/// What it takes to ask a directory, as [`PullRow::secret`] holds it: JSON text. `Debug` shows nothing; wiped when dropped.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
pub struct DirectoryAccount {
    /// Of an administrator of the directory, as whom it is read.
    pub admin_email: String,
    pub client_email: String,
    /// PKCS #8, as PEM.
    pub private_key: String,
}

impl DirectoryAccount {
    /// The one host that is ever shown what the key signs.
    pub const HOST: &str = "oauth2.googleapis.com";

    /// A digest of all of it that another directory would not have: whose it is, and by which account it is read.
    pub fn agreed(connection: &ConnectionId, admin_email: &str, client_email: &str) -> Opaque {
        Opaque::of(&["countersign directory", connection.as_str(), admin_email, client_email])
    }

    /// The key as it is within the text (RFC 7468); `None`: it is no such text.
    pub fn key_der(&self) -> Option<Zeroizing<Vec<u8>>> {
        let body = self.private_key.trim().strip_prefix("-----BEGIN PRIVATE KEY-----")?;
        let body = body.strip_suffix("-----END PRIVATE KEY-----")?;
        let body: Zeroizing<String> = Zeroizing::new(body.split_whitespace().collect());
        STANDARD.decode(body.as_bytes()).ok().map(Zeroizing::new)
    }
}

impl fmt::Debug for DirectoryAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DirectoryAccount(..)")
    }
}

impl ScimTokenRow {
    /// Whether it may be used.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && now < self.expires_at
    }
}

/// The live tokens of a connection, each with its end, in one row: two that are made at once are one after the other.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScimSlots(pub Vec<(ScimTokenId, Timestamp)>);

impl ScimSlots {
    /// Those that are not over.
    #[must_use]
    pub fn live(self, now: Timestamp) -> Self {
        Self(self.0.into_iter().filter(|(_, end)| now < *end).collect())
    }

    pub fn has(&self, id: &ScimTokenId) -> bool {
        self.0.iter().any(|(one, _)| one == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> ScimToken {
        let (connection, id) = (ConnectionId::from_random([3; 10]), ScimTokenId::from_random([7; 10]));
        ScimToken::mint(Region::Eu, connection, id, &std::array::from_fn(|i| (i * 5) as u8))
    }

    /// Pinned: directories hold it for a year, and scanners recognise it by this form.
    #[test]
    fn a_scim_token_has_one_form_and_reads_back() {
        let text = token().reveal();
        assert_eq!(
            text,
            "cs_scim_eu_0c1g60r30c1g60r3_0w3ge1r70w3ge1r7_012346789ACDEFGIJKLNOPQRTUVWXZabcdfghiklmno2uHyT5"
        );
        let read: ScimToken = text.parse().unwrap();
        assert_eq!((read.id(), read.region()), (token().id(), Region::Eu));
        assert_eq!(read.connection(), token().connection());
        assert_eq!(read.secret_hash(), token().secret_hash());
        assert!(text.ends_with(&token().last_four()) && token().last_four().len() == 4);
        for cut in 0..text.len() {
            assert!(text.split_at(cut).0.parse::<ScimToken>().is_err());
        }
        let turned = text.replacen("0c1g60r30c1g60r3", "0c1g60r30c1g60r4", 1);
        assert_eq!(turned.parse::<ScimToken>().unwrap_err(), KeyError::Checksum);
        assert!(!format!("{:?}", token()).contains("012346789"));
        assert!(text.parse::<crate::GatewayKey>().is_err());
    }

    #[test]
    fn the_last_addresses_of_a_person_are_kept() {
        let mut person = Person::new(UserId::from_random([1; 10]));
        let address = |byte: u8| Opaque::from_digest(&[byte; 32]);
        for byte in [1, 1, 2, 3, 4, 5, 6, 7, 8, 9] {
            person.note(&address(byte));
        }
        assert_eq!(person.addresses, (2..=9).map(address).collect::<Vec<_>>());
    }

    #[test]
    fn slots_are_free_again_when_their_tokens_are_over() {
        let at = |millis| Timestamp::from_unix_millis(millis).unwrap();
        let id = |byte| ScimTokenId::from_random([byte; 10]);
        let slots = ScimSlots(vec![(id(1), at(10)), (id(2), at(20))]);
        for (now, live) in [(9, 2), (10, 1), (19, 1), (20, 0)] {
            assert_eq!(slots.clone().live(at(now)).0.len(), live, "at {now}");
        }
        assert!(slots.has(&id(2)) && !slots.has(&id(3)));
    }
}
