//! Providers of a tenant, in the order in which they are tried: one row, written as a whole.

use domain::{
    Code, MetaValue, Metadata, Name, Provider, ProviderId, ProviderKind, ProviderModel, Providers, Region,
};
use egress::Target;
use serde::Deserialize;
use serde_json::{Value, json};
use tables::codec::{CREDENTIAL, PROVIDER_ID, PROVIDERS, ProviderForm, write_form};
use tables::{Attr, Item, Key, Swap, fingerprint};
use zeroize::Zeroizing;

use crate::ask::Ask;
use crate::event::Params;
use crate::plan::{Change, NewCredential, Shown};
use crate::refusal::{Refused, Why};

/// So many are read with every call.
const PROVIDERS_MAX: usize = 20;
const MODELS_MAX: usize = 200;
const SECRET_MAX: usize = 4_096;

pub fn needs(params: &Params, _: &Value) -> Vec<Key> {
    params.tenant.iter().flat_map(|tenant| [Key::providers(tenant), Key::tenant(tenant)]).collect()
}

/// Everything but the credential.
fn view(one: ProviderForm<'_>) -> Value {
    let models: Vec<_> = one
        .models
        .iter()
        .map(|model| json!({"name": model.name, "upstream": model.upstream, "max_output_tokens": model.max_output_tokens}))
        .collect();
    json!({
        "id": one.id, "name": one.name, "kind": one.kind, "base_url": one.base_url, "api_version": one.api_version,
        "region": one.region, "region_source": one.region_source, "models": models,
    })
}

const fn form_of(one: &Provider) -> ProviderForm<'_> {
    ProviderForm {
        id: &one.id,
        name: &one.name,
        kind: one.kind,
        base_url: one.base_url.as_str(),
        api_version: one.api_version.as_ref(),
        region: one.region,
        region_source: one.region_source.as_str(),
        models: one.models.as_slice(),
    }
}

fn list<'a>(ask: &'a Ask<'_>) -> Result<(Key, Providers, &'a Item), Refused> {
    let key = Key::providers(ask.params.tenant.as_ref().ok_or(Why::NotFound)?);
    let (list, item) = ask.must(&key)?;
    Ok((key, list, item))
}

pub fn get(ask: &Ask<'_>) -> Result<Shown, Refused> {
    let (_, list, item) = list(ask)?;
    let items: Vec<_> = list.0.iter().map(form_of).map(view).collect();
    Ok(Shown { body: json!({ "items": items }), etag: Some(fingerprint(item)) })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    name: Name,
    kind: ProviderKind,
    base_url: String,
    api_version: Option<Code>,
    region: Region,
    /// Where the region is stated, and when that was read.
    region_source: String,
    models: Vec<WantedModel>,
    credential: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WantedModel {
    name: Name,
    upstream: Option<Name>,
    max_output_tokens: u64,
}

pub fn schema() -> Value {
    let kinds: Vec<_> = ProviderKind::ALL.iter().map(|kind| kind.as_str()).collect();
    json!({"type": "object", "required": ["name", "kind", "base_url", "region", "region_source", "models"],
        "additionalProperties": false, "properties": {
        "name": super::NAME_SCHEMA.clone(),
        "kind": {"type": "string", "enum": kinds},
        "base_url": {"type": "string", "maxLength": 2048, "description": "such as https://api.openai.com/v1"},
        "api_version": {"type": ["string", "null"]},
        "region": {"type": "string", "enum": ["il", "eu", "us"]},
        "region_source": {"type": "string", "minLength": 1, "maxLength": 256, "description": "where the region is stated, and when that was read"},
        "models": {"type": "array", "minItems": 1, "maxItems": MODELS_MAX, "items": {"type": "object",
            "required": ["name", "max_output_tokens"], "additionalProperties": false, "properties": {
            "name": {"type": "string"}, "upstream": {"type": ["string", "null"]},
            "max_output_tokens": {"type": "integer", "minimum": 1}}}},
        "credential": {"type": ["string", "null"], "maxLength": SECRET_MAX, "description": "sealed for the address's host; never shown"},
    }})
}

/// A provider as a body has it, and its credential for the one host that it may be sent to.
struct Read {
    id: ProviderId,
    kind: ProviderKind,
    region: Region,
    /// Its part of the row; without a credential where that is still to be sealed.
    part: Item,
    shown: Value,
    host: String,
    credential: Option<Zeroizing<String>>,
}

fn read(ask: &Ask<'_>, id: ProviderId, kept: Option<&Provider>) -> Result<Read, Refused> {
    let wanted: Wanted = ask.body()?;
    let credential = wanted.credential.map(Zeroizing::new);
    let sizes = [
        ((1..=MODELS_MAX).contains(&wanted.models.len()), "/models", "1 to 200 models"),
        (
            (1..=256).contains(&wanted.region_source.len()),
            "/region_source",
            "where the region is stated, and when that was read",
        ),
        (
            credential.as_ref().is_none_or(|text| (1..=SECRET_MAX).contains(&text.len())),
            "/credential",
            "1 to 4096 bytes",
        ),
    ];
    if let Some((_, at, hint)) = sizes.into_iter().find(|(fits, ..)| !fits) {
        return Err(Refused::at(Why::InvalidField, at, hint));
    }
    let reach = ask.forms.reach;
    let target = Target::parse(&wanted.base_url, reach)
        .map_err(|fault| Refused::at(Why::InvalidField, "/base_url", fault))?;
    let host = target.host();
    // A credential is for the address that it was given for: on a shared host another path can be somebody else's.
    let old = kept.filter(|kept| kept.base_url == target.as_str());
    let sealed = match (&credential, old) {
        (Some(_), _) => None,
        (None, Some(old)) => Some(old.credential.clone()),
        (None, None) => {
            let hint = "the credential of this address: what another address had is void";
            return Err(Refused::at(Why::InvalidField, "/credential", hint));
        }
    };
    let model = |model: WantedModel| ProviderModel {
        upstream: model.upstream.unwrap_or_else(|| model.name.clone()),
        name: model.name,
        max_output_tokens: model.max_output_tokens,
    };
    let models: Vec<_> = wanted.models.into_iter().map(model).collect();
    let form = ProviderForm {
        id: &id,
        name: &wanted.name,
        kind: wanted.kind,
        base_url: target.as_str(),
        api_version: wanted.api_version.as_ref(),
        region: wanted.region,
        region_source: &wanted.region_source,
        models: &models,
    };
    let (mut part, shown) = (write_form(form), view(form));
    part.extend(sealed.map(|sealed| (CREDENTIAL.to_owned(), Attr::B(sealed.as_bytes().to_vec()))));
    Ok(Read { kind: wanted.kind, region: wanted.region, part, shown, host, credential, id })
}

pub fn create(ask: &Ask<'_>) -> Result<Change, Refused> {
    let (key, list, item) = list(ask)?;
    let id = ProviderId::from_random(ask.new_id("provider"));
    if let Some(made) = list.0.iter().find(|one| one.id == id) {
        let (made, wanted) = (view(form_of(made)), read(ask, id.clone(), None)?.shown);
        if made != wanted {
            let hint = "another provider was made under this Idempotency-Key, or was changed since: choose another key";
            return Err(Refused::hint(Why::AlreadyExists, hint));
        }
        return Ok(Change::already(format!("provider:{id}"), made));
    }
    if list.0.len() >= PROVIDERS_MAX {
        return Err(Refused::hint(Why::Conflict, format!("a tenant has at most {PROVIDERS_MAX} providers")));
    }
    let read = read(ask, id, None)?;
    let parts = parts(item).into_iter().chain([read.part.clone()]).collect();
    written(ask, key, item, parts, read)
}

pub fn put(ask: &Ask<'_>) -> Result<Change, Refused> {
    let (key, list, item) = list(ask)?;
    ask.unchanged(Some(item))?;
    let id = ask.params.provider.clone().ok_or(Why::NotFound)?;
    let kept = list.0.iter().find(|one| one.id == id).ok_or(Why::NotFound)?;
    let read = read(ask, id, Some(kept))?;
    let changed = |part: Item| if is(&part, &read.id) { read.part.clone() } else { part };
    let parts = parts(item).into_iter().map(changed).collect();
    written(ask, key, item, parts, read)
}

pub fn remove(ask: &Ask<'_>) -> Result<Change, Refused> {
    let (key, list, item) = list(ask)?;
    let id = ask.params.provider.clone().ok_or(Why::NotFound)?;
    if !list.0.iter().any(|one| one.id == id) {
        return Err(Why::NotFound.into());
    }
    let kept = parts(item).into_iter().filter(|part| !is(part, &id)).collect();
    let swap = Swap { key, old: Some(item.clone()), new: with_parts(item, kept) };
    let change = Change::of(vec![swap], format!("provider:{id}"), Value::Null);
    Ok(Change { metadata: Metadata::default().flag("added", false), ..change })
}

/// The providers as the row has them: what is not changed stays as it is, byte for byte.
fn parts(item: &Item) -> Vec<Item> {
    let Some(Attr::L(list)) = item.get(PROVIDERS) else { return Vec::new() };
    let part = |attr: &Attr| match attr {
        Attr::M(part) => Some(part.clone()),
        _ => None,
    };
    list.iter().filter_map(part).collect()
}

fn is(part: &Item, id: &ProviderId) -> bool {
    part.get(PROVIDER_ID) == Some(&Attr::text(id))
}

fn with_parts(item: &Item, parts: Vec<Item>) -> Item {
    let mut new = item.clone();
    new.insert(PROVIDERS.to_owned(), Attr::L(parts.into_iter().map(Attr::M).collect()));
    new
}

fn written(ask: &Ask<'_>, key: Key, item: &Item, parts: Vec<Item>, read: Read) -> Result<Change, Refused> {
    let tenant = ask.params.tenant.clone().ok_or(Why::NotFound)?;
    let Read { id, kind, region, shown, host, credential, .. } = read;
    let resource = format!("provider:{id}");
    let credential = credential.map(|text| NewCredential { tenant, provider: id, host, text });
    let metadata = Metadata::default()
        .with("kind", MetaValue::Code(Code::literal(kind.as_str())))
        .with("provider_region", MetaValue::Code(Code::literal(region.as_str())))
        .flag("credential", credential.is_some());
    let swap = Swap { key, old: Some(item.clone()), new: with_parts(item, parts) };
    Ok(Change { credential, metadata, ..Change::of(vec![swap], resource, shown) })
}
