//! `countersign ops provider`: a tenant's list of providers, in the order in which they are tried.

use std::error::Error;

use domain::{
    Code, EventType, MetaValue, Metadata, Name, Provider, ProviderId, ProviderModel, Providers, SealedBytes,
};
use egress::Target;
use envelope::{Purpose, RootError};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::args;
use crate::keys::list::{self, Edit, ListError};
use crate::keys::reseal::credential_aad;
use crate::keys::{KeysError, Ring};
use crate::ops::{Bench, Told};
use crate::print;

type Get<'a> = &'a (dyn Fn(&str) -> Option<String> + Sync);
type Shown = Result<(), Box<dyn Error>>;

pub async fn run(get: Get<'_>, wanted: args::Provider) -> Shown {
    let bench = Bench::open(get, &wanted.tenant).await?;
    if wanted.show {
        let list = list::read(&bench.store, &bench.ring).await?.ok_or(KeysError::Unreadable)?;
        return print::json(&shown(&list.1));
    }
    let edit = match &wanted.remove {
        Some(id) => Edit::Remove(id.clone()),
        None => Edit::Add(Box::new(new(get, &bench, &wanted).await?)),
    };
    let (id, told) = told(&edit);
    let length = |metadata: Metadata, length: &usize| {
        metadata.count("providers", u64::try_from(*length).unwrap_or(u64::MAX))
    };
    let work = list::change(&bench.store, &bench.ring, &edit);
    let length: usize = bench.recorded(told, work, length).await?;
    print::json(&json!({"provider_id": id.as_str(), "providers": length}))
}

/// The provider that is to be added, its credential sealed for its row and its host.
async fn new(get: Get<'_>, bench: &Bench, wanted: &args::Provider) -> Result<Provider, ListError> {
    let (Some(url), Some(region)) = (&wanted.provider_url, wanted.provider_region) else {
        return Err(ListError::Nothing);
    };
    let secret = get("CS_PROVIDER_KEY").filter(|key| !key.is_empty()).ok_or(KeysError::NoCredential)?;
    let secret = Zeroizing::new(secret);
    let target = Target::parse(url, bench.ring.reach)?;
    let id = ProviderId::from_random(aws::random().map_err(KeysError::from)?);
    let credential = sealed(bench, &bench.ring, &id, &target, &secret).await?;
    let model = |(name, upstream): &(Name, Name)| ProviderModel {
        name: name.clone(),
        upstream: upstream.clone(),
        max_output_tokens: wanted.max_output_tokens,
    };
    Ok(Provider {
        id,
        name: wanted.provider_name.clone(),
        kind: wanted.provider_kind,
        base_url: target.as_str().to_owned(),
        api_version: wanted.provider_api_version.clone(),
        region,
        region_source: wanted.provider_region_source.clone(),
        models: wanted.models.iter().map(model).collect(),
        credential,
    })
}

async fn sealed(
    bench: &Bench,
    ring: &Ring,
    id: &ProviderId,
    target: &Target,
    secret: &str,
) -> Result<SealedBytes, KeysError> {
    let purpose = Purpose::Credential;
    let row = ring.read_root(&bench.store, purpose).await?;
    if row.shredded {
        return Err(KeysError::Shredded { purpose });
    }
    let root = bench.roots().current(&ring.tenant, purpose, &row, aws::now()).await?;
    let aad = credential_aad(&ring.tenant, id.as_str(), &target.host());
    let sealed = root.seal(&aad, secret.as_bytes(), &aws::random()?).map_err(RootError::from)?;
    Ok(sealed.into())
}

fn told(edit: &Edit) -> (ProviderId, Told) {
    let (id, description, metadata) = match edit {
        Edit::Add(provider) => (
            provider.id.clone(),
            "An operator adds a provider to a tenant's list.",
            Metadata::default()
                .with("kind", MetaValue::Code(Code::literal(provider.kind.as_str())))
                .with("provider_region", MetaValue::Code(Code::literal(provider.region.as_str())))
                .count("models", u64::try_from(provider.models.len()).unwrap_or(u64::MAX))
                .flag("added", true),
        ),
        Edit::Remove(id) => (
            id.clone(),
            "An operator takes a provider off a tenant's list.",
            Metadata::default().flag("added", false),
        ),
    };
    let resource = format!("provider:{id}");
    let event = EventType::AdminProvider;
    (id, Told { event, action: "ops.provider", description, resource, subject: None, metadata })
}

/// Everything but the credential.
fn shown(list: &Providers) -> Value {
    let model = |model: &ProviderModel| json!({"name": model.name, "upstream": model.upstream, "max_output_tokens": model.max_output_tokens});
    let provider = |one: &Provider| {
        json!({
            "provider_id": one.id.as_str(), "name": one.name, "kind": one.kind.as_str(), "url": one.base_url,
            "api_version": one.api_version, "region": one.region, "region_source": one.region_source,
            "endpoint": one.endpoint().as_str(), "models": one.models.iter().map(model).collect::<Vec<_>>(),
        })
    };
    list.0.iter().map(provider).collect()
}
