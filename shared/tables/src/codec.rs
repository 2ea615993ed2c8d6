//! How each row is written and read. Formats are pinned by the tests below: items live longer than code.

use std::collections::BTreeMap;

use domain::{
    Agent, Code, Lifecycle, Name, Network, Networks, Org, PolicyRow, Provider, ProviderId, ProviderKind,
    ProviderModel, Providers, Region, Role, RootRow, SealedBytes, SubjectRow, Tenant, User, WrappedRoot,
};

use crate::item::item;
use crate::{Attr, CodecError, Item, Reader};

/// A value with one item format.
pub trait Row: Sized {
    fn to_item(&self) -> Item;

    /// # Errors
    /// Names the field that is missing or malformed.
    fn from_item(item: &Item) -> Result<Self, CodecError>;
}

/// Sealed bytes of a row. Plain ones are refused.
pub(crate) fn sealed(row: &Reader<'_>, field: &'static str) -> Result<SealedBytes, CodecError> {
    SealedBytes::from_sealed_form(row.bytes(field)?.to_vec()).map_err(|_| CodecError::Form(field))
}

/// Sealed bytes as they were read. Plain ones are refused.
///
/// # Errors
/// They do not have the form of sealed ones.
pub fn sealed_bytes(bytes: &[u8]) -> Result<SealedBytes, CodecError> {
    SealedBytes::from_sealed_form(bytes.to_vec()).map_err(|_| CodecError::Form("sealed"))
}

/// An allowlist, or none.
pub(crate) fn written_networks(networks: &Option<Networks>) -> Option<(String, Attr)> {
    networks.as_ref().map(|networks| (NETWORKS.to_owned(), Attr::texts(&networks.0)))
}

pub(crate) fn read_networks(row: &Reader<'_>) -> Result<Option<Networks>, CodecError> {
    if row.has(NETWORKS) { row.texts::<Network, _>(NETWORKS).map(Some) } else { Ok(None) }
}

/// The field of an allowlist, in the rows of organizations, tenants and keys.
pub const NETWORKS: &str = "networks";

impl Row for Org {
    fn to_item(&self) -> Item {
        let mut row = item([("org_id", Attr::text(&self.id)), ("status", Attr::text(self.status))]);
        row.extend(written_networks(&self.networks));
        row
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        let row = Reader::new(item)?;
        Ok(Self { id: row.parse("org_id")?, status: row.parse("status")?, networks: read_networks(&row)? })
    }
}

impl Row for Tenant {
    fn to_item(&self) -> Item {
        let mut row = item([
            ("tenant_id", Attr::text(&self.id)),
            ("org_id", Attr::text(&self.org)),
            ("region", Attr::text(self.region)),
            ("status", Attr::text(self.status)),
        ]);
        row.extend(written_networks(&self.networks));
        row
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        let row = Reader::new(item)?;
        Ok(Self {
            id: row.parse("tenant_id")?,
            org: row.parse("org_id")?,
            region: row.parse("region")?,
            status: row.parse("status")?,
            networks: read_networks(&row)?,
        })
    }
}

/// The field of whoever takes an agent over.
pub(crate) const DEPUTY: &str = "deputy_user";

impl Row for Agent {
    fn to_item(&self) -> Item {
        let mut row = item([("agent_id", Attr::text(&self.id)), ("status", Attr::text(self.status))]);
        row.extend(self.team.as_ref().map(|team| ("team".to_owned(), Attr::text(team))));
        row.extend(self.owner.as_ref().map(|owner| ("owner_user".to_owned(), Attr::text(owner))));
        row.extend(self.deputy.as_ref().map(|deputy| (DEPUTY.to_owned(), Attr::text(deputy))));
        row
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        let row = Reader::new(item)?;
        Ok(Self {
            owner: row.optional("owner_user")?,
            deputy: row.optional(DEPUTY)?,
            id: row.parse("agent_id")?,
            status: row.parse::<Lifecycle>("status")?,
            team: row.optional("team")?,
        })
    }
}

impl Row for User {
    fn to_item(&self) -> Item {
        item([
            ("user_id", Attr::text(&self.id)),
            ("active", Attr::Bool(self.active)),
            ("epoch", Attr::number(self.epoch)),
        ])
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        let row = Reader::new(item)?;
        Ok(Self { id: row.parse("user_id")?, active: row.flag("active")?, epoch: row.number("epoch")? })
    }
}

impl Row for Role {
    fn to_item(&self) -> Item {
        item([("role", Attr::text(self))])
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        Reader::new(item)?.parse("role")
    }
}

impl Row for PolicyRow {
    fn to_item(&self) -> Item {
        item([
            ("version", Attr::number(self.version)),
            ("restore", Attr::texts(&self.restore)),
            ("redact_answers", Attr::Bool(self.redact_answers)),
            ("permits", Attr::texts(&self.permits)),
            ("forbidden_tools", Attr::texts(&self.forbidden_tools)),
            ("max_output_tokens", Attr::number(self.max_output_tokens)),
        ])
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        let row = Reader::new(item)?;
        Ok(Self {
            version: row.number("version")?,
            restore: row.texts("restore")?,
            redact_answers: row.flag("redact_answers")?,
            permits: row.texts("permits")?,
            forbidden_tools: row.texts("forbidden_tools")?,
            max_output_tokens: row.number("max_output_tokens")?,
        })
    }
}

impl Row for Providers {
    fn to_item(&self) -> Item {
        item([("providers", Attr::L(self.0.iter().map(write_provider).collect()))])
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        Reader::new(item)?.maps("providers", read_provider).map(Self)
    }
}

/// A provider without its credential, which is sealed for its host before the row is written: a row that lacks it does not
/// read.
#[derive(Debug, Clone, Copy)]
pub struct ProviderForm<'a> {
    pub id: &'a ProviderId,
    pub name: &'a Name,
    pub kind: ProviderKind,
    pub base_url: &'a str,
    pub api_version: Option<&'a Code>,
    pub region: Region,
    pub region_source: &'a str,
    pub models: &'a [ProviderModel],
}

/// Where a provider's credential lies in its part of the row, and its id.
pub const CREDENTIAL: &str = "credential";
pub const PROVIDER_ID: &str = "provider_id";
/// The list of a tenant's providers, in their row.
pub const PROVIDERS: &str = "providers";

fn write_provider(provider: &Provider) -> Attr {
    let form = ProviderForm {
        id: &provider.id,
        name: &provider.name,
        kind: provider.kind,
        base_url: &provider.base_url,
        api_version: provider.api_version.as_ref(),
        region: provider.region,
        region_source: &provider.region_source,
        models: &provider.models,
    };
    let mut row = write_form(form);
    row.insert(CREDENTIAL.to_owned(), Attr::B(provider.credential.as_bytes().to_vec()));
    Attr::M(row)
}

/// The part of a row that a provider is, without its credential.
pub fn write_form(provider: ProviderForm<'_>) -> Item {
    let model = |model: &ProviderModel| {
        Attr::M(Item::from([
            ("name".to_owned(), Attr::text(&model.name)),
            ("upstream".to_owned(), Attr::text(&model.upstream)),
            ("max_output_tokens".to_owned(), Attr::number(model.max_output_tokens)),
        ]))
    };
    let mut row = Item::from([
        (PROVIDER_ID.to_owned(), Attr::text(provider.id)),
        ("name".to_owned(), Attr::text(provider.name)),
        ("kind".to_owned(), Attr::text(provider.kind)),
        ("base_url".to_owned(), Attr::text(provider.base_url)),
        ("region".to_owned(), Attr::text(provider.region)),
        ("region_source".to_owned(), Attr::text(provider.region_source)),
        ("models".to_owned(), Attr::L(provider.models.iter().map(model).collect())),
    ]);
    row.extend(provider.api_version.map(|version| ("api_version".to_owned(), Attr::text(version))));
    row
}

fn read_provider(row: Reader<'_>) -> Result<Provider, CodecError> {
    let model = |row: Reader<'_>| {
        Ok(ProviderModel {
            name: row.parse("name")?,
            upstream: row.parse("upstream")?,
            max_output_tokens: row.number("max_output_tokens")?,
        })
    };
    Ok(Provider {
        id: row.parse("provider_id")?,
        name: row.parse("name")?,
        kind: row.parse("kind")?,
        base_url: row.str("base_url")?.to_owned(),
        api_version: row.optional("api_version")?,
        region: row.parse("region")?,
        region_source: row.str("region_source")?.to_owned(),
        models: row.maps("models", model)?,
        credential: sealed(&row, "credential")?,
    })
}

impl Row for RootRow {
    fn to_item(&self) -> Item {
        let versions =
            self.versions.iter().map(|(version, root)| (version.to_string(), Attr::B(root.0.clone())));
        item([
            ("current", Attr::number(self.current.into())),
            ("min_decrypt_version", Attr::number(self.min_decrypt.into())),
            ("versions", Attr::M(versions.collect())),
            ("shredded", Attr::Bool(self.shredded)),
        ])
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        let row = Reader::new(item)?;
        let read = |(version, wrapped): (&String, &Attr)| match wrapped {
            Attr::B(bytes) => Some((version.parse().ok()?, WrappedRoot(bytes.clone()))),
            _ => None,
        };
        let versions: Option<BTreeMap<_, _>> = row.map("versions")?.iter().map(read).collect();
        Ok(Self {
            current: row.number32("current")?,
            min_decrypt: row.number32("min_decrypt_version")?,
            versions: versions.ok_or(CodecError::Form("versions"))?,
            shredded: row.flag("shredded")?,
        })
    }
}

impl Row for SubjectRow {
    fn to_item(&self) -> Item {
        match self {
            Self::Active(sealed) => {
                item([("shredded", Attr::Bool(false)), ("sealed_key", Attr::B(sealed.as_bytes().to_vec()))])
            }
            Self::Shredded => item([("shredded", Attr::Bool(true))]),
        }
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        let row = Reader::new(item)?;
        if row.flag("shredded")? {
            return Ok(Self::Shredded);
        }
        sealed(&row, "sealed_key").map(Self::Active)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{
        AgentId, DlpPolicyRow, GatewayKey, KeyKind, KeyRow, OrgId, Owner, Previous, ProviderId, Region,
        Scopes, TenantId, Timestamp, TokenRow, UserId,
    };

    fn reads_back<T: Row + PartialEq + std::fmt::Debug>(row: T) {
        let item = row.to_item();
        assert_eq!(T::from_item(&item).as_ref(), Ok(&row));
        for missing in item.keys() {
            let mut without = item.clone();
            without.remove(missing);
            let read = T::from_item(&without);
            let optional = [
                "active_from",
                "conversation",
                "deputy_user",
                "expires_at",
                "models",
                "networks",
                "owner_user",
                "previous_sha256",
                "providers",
                "requests_per_minute",
                "revoked_at",
                "rotate_by",
                "routes",
                "subject",
                "team",
            ];
            let optional = optional.contains(&missing.as_str());
            assert!(read.is_err() || optional, "{missing} may be left out");
        }
        let newer = Item::from_iter(item.into_iter().chain([("v".to_owned(), Attr::number(2))]));
        assert_eq!(T::from_item(&newer), Err(CodecError::Version));
    }

    #[test]
    fn keys_and_those_above_them_read_back() {
        let key = GatewayKey::mint(KeyKind::User, Region::Eu, &[1; 59]).unwrap();
        let (org, tenant) = (OrgId::from_random([1; 10]), TenantId::from_random([2; 10]));
        let networks: Option<Networks> = Some(["203.0.113.0/24".parse().unwrap()].into_iter().collect());
        reads_back(KeyRow {
            id: key.id().clone(),
            kind: key.kind(),
            region: key.region(),
            org: org.clone(),
            tenant: tenant.clone(),
            agent: AgentId::from_random([3; 10]),
            owner: Owner::User { id: UserId::from_random([4; 10]), epoch: 7 },
            secret: key.secret_hash(),
            seen: None,
            previous: Some(Previous {
                secret: key.secret_hash(),
                seen: None,
                until: Timestamp::from_unix_millis(4).unwrap(),
            }),
            scopes: Scopes {
                models: Some(["gpt-4o".parse().unwrap()].into()),
                providers: Some(["openai-eu".parse().unwrap()].into()),
                routes: Some(["/v1/messages".parse().unwrap()].into()),
                ..Scopes::of(["llm.call".parse().unwrap()].into())
            },
            networks: networks.clone(),
            requests_per_minute: Some(7),
            active_from: Timestamp::from_unix_millis(3).ok(),
            expires_at: Timestamp::from_unix_millis(5).ok(),
            rotate_by: Timestamp::from_unix_millis(7).ok(),
            revoked_at: Timestamp::from_unix_millis(6).ok(),
        });
        reads_back(Org { id: org.clone(), status: Lifecycle::Active, networks: networks.clone() });
        reads_back(Tenant { id: tenant, org, region: Region::Il, status: Lifecycle::Suspended, networks });
    }

    #[test]
    fn every_row_reads_back_and_names_what_is_missing() {
        reads_back(Agent {
            owner: Some(UserId::from_random([3; 10])),
            id: AgentId::from_random([3; 10]),
            status: Lifecycle::Active,
            team: "sales".parse().ok(),
            deputy: Some(UserId::from_random([5; 10])),
        });
        reads_back(User { id: UserId::from_random([4; 10]), active: true, epoch: 3 });
        reads_back(Role::Viewer);
        reads_back(PolicyRow {
            version: 1,
            restore: [domain::RestoreField::Text, domain::RestoreField::Links].into(),
            redact_answers: true,
            permits: [domain::Uninspectable::Images].into(),
            forbidden_tools: ["shell".parse().unwrap()].into(),
            max_output_tokens: 4_096,
        });
        reads_back(Providers(vec![Provider {
            id: ProviderId::from_random([5; 10]),
            name: "stand-in".parse().unwrap(),
            kind: ProviderKind::OpenAi,
            base_url: "https://api.example/v1".to_owned(),
            api_version: Some("2024-10-21".parse().unwrap()),
            region: Region::Eu,
            region_source: "https://example/regions, read 2026-11-23".to_owned(),
            models: vec![ProviderModel {
                name: "gpt-4o".parse().unwrap(),
                upstream: "gpt-4o-2024".parse().unwrap(),
                max_output_tokens: 9,
            }],
            credential: SealedBytes::from_sealed_form([b"CSE1".as_slice(), &[0; 90]].concat()).unwrap(),
        }]));
        let versions = BTreeMap::from([(1, WrappedRoot(vec![1, 2, 3]))]);
        reads_back(RootRow { current: 1, min_decrypt: 1, versions, shredded: false });
        reads_back(SubjectRow::Shredded);
        let sealed = SealedBytes::from_sealed_form([b"CSE1".as_slice(), &[0; 90]].concat()).unwrap();
        reads_back(SubjectRow::Active(sealed.clone()));
        reads_back(DlpPolicyRow { version: 7, document: "{\"v\":1}".to_owned() });
        let token = TokenRow {
            agent: AgentId::from_random([3; 10]),
            conversation: "cnv_abc".parse().ok(),
            kind: "email".parse().unwrap(),
            subject: "psn_abc".parse().ok(),
            sealed,
            expires_at: Timestamp::from_unix_millis(1_790_000_000_123).unwrap(),
        };
        reads_back(TokenRow { conversation: None, subject: None, ..token.clone() });
        reads_back(token);
    }

    #[test]
    fn a_plain_credential_is_no_provider() {
        let mut item = Providers(vec![]).to_item();
        let plain = Attr::M(Item::from([("credential".to_owned(), Attr::B(b"sk-plain".to_vec()))]));
        item.insert("providers".to_owned(), Attr::L(vec![plain]));
        assert!(Providers::from_item(&item).is_err());
    }
}
