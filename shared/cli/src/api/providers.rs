//! `countersign providers`. A credential comes from the environment or standard input: an argument can be read by every process
//! of the machine.

use std::io::Read as _;

use domain::{Name, ProviderId, ProviderKind};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::Get;
use super::client::{Answer, Call};
use super::desk::{Desk, Done, key};
use super::fault::Fault;
use super::show::{Column, Kind};
use crate::args::api::{ProviderForm, Providers};

/// As the API takes them.
const SECRET_MAX: u64 = 4_096;
const VARIABLE: &str = "CS_PROVIDER_KEY";

const COLUMNS: [Column; 5] = [
    Column("id", "/id", Kind::Whole),
    Column("name", "/name", Kind::Text),
    Column("kind", "/kind", Kind::Whole),
    Column("region", "/region", Kind::Whole),
    Column("address", "/base_url", Kind::Text),
];

pub async fn run(get: Get<'_>, mut desk: Desk, wanted: Providers) -> Done {
    let path = desk.in_tenant("/providers")?;
    match wanted {
        Providers::List => desk.list(&path, &COLUMNS).await,
        Providers::Add(form) => {
            let credential = credential(get, &form)?.ok_or_else(|| {
                Fault::Usage(format!("put the credential into {VARIABLE}, or give --credential-stdin"))
            })?;
            let body = body(&Map::new(), *form, Some(&credential))?;
            desk.change(Call::post(path, body).once(key()?), "the provider is added at the end of the list")
                .await
        }
        Providers::Set { provider, form } => {
            let credential = credential(get, &form)?;
            let answer = desk.api.send(Call::get(&path)).await?;
            let body = body(&kept(&answer, &provider)?, *form, credential.as_deref().map(String::as_str))?;
            let call = Call::put(format!("{path}/{provider}"), body).over(answer.seen()?);
            desk.change(call, "the provider is changed").await
        }
        Providers::Remove { provider } => {
            desk.change(Call::delete(format!("{path}/{provider}")), "the provider is off the list").await
        }
    }
}

fn kept(answer: &Answer, id: &ProviderId) -> Result<Map<String, Value>, Fault> {
    let is = |one: &&Value| one.get("id").and_then(Value::as_str) == Some(id.as_str());
    match answer.items()?.iter().find(is) {
        Some(Value::Object(fields)) => Ok(fields.clone()),
        _ => Err(Fault::failed(format!("there is no provider {id} on the list: countersign providers list"))),
    }
}

/// The credential that was given, if one was.
fn credential(get: Get<'_>, form: &ProviderForm) -> Result<Option<Zeroizing<String>>, Fault> {
    if !form.credential_stdin {
        return Ok(get(VARIABLE).filter(|text| !text.is_empty()).map(Zeroizing::new));
    }
    let mut text = Zeroizing::new(String::new());
    let read = std::io::stdin().take(SECRET_MAX + 2).read_to_string(&mut text);
    let line = Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned());
    match read {
        Ok(_) if !line.is_empty() && !line.contains('\n') => Ok(Some(line)),
        _ => Err(Fault::failed("standard input holds no credential: one line is read")),
    }
}

/// A whole form: what is said, over what is there.
fn body(kept: &Map<String, Value>, form: ProviderForm, credential: Option<&str>) -> Result<Value, Fault> {
    let most = form.max_output_tokens;
    let kind = form.kind.or_else(|| kept.is_empty().then_some(ProviderKind::OpenAi));
    let said = [
        ("name", form.name.map(|name| json!(name))),
        ("kind", kind.map(|kind| json!(kind))),
        ("base_url", form.url.map(Value::from)),
        ("api_version", form.api_version.map(|version| json!(version))),
        ("region", form.region.map(|region| json!(region))),
        ("region_source", form.region_source.map(Value::from)),
        ("models", (!form.models.is_empty()).then(|| models(&form.models, most))),
        ("credential", credential.map(Value::from)),
    ];
    let mut body = kept.clone();
    body.remove("id");
    body.extend(said.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    let wanted = [
        ("name", "--name"),
        ("base_url", "--url"),
        ("region", "--region"),
        ("region_source", "--region-source"),
        ("models", "--models"),
    ];
    let unsaid: Vec<_> =
        wanted.iter().filter(|(name, _)| !body.contains_key(*name)).map(|(_, flag)| *flag).collect();
    if unsaid.is_empty() {
        Ok(Value::Object(body))
    } else {
        Err(Fault::Usage(format!("say {}", unsaid.join(", "))))
    }
}

fn models(models: &[(Name, Name)], most: u64) -> Value {
    let model = |(name, upstream): &(Name, Name)| json!({"name": name, "upstream": upstream, "max_output_tokens": most});
    models.iter().map(model).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(url: Option<&str>) -> ProviderForm {
        ProviderForm { url: url.map(str::to_owned), max_output_tokens: 10, ..ProviderForm::default() }
    }

    #[test]
    fn a_new_one_says_everything() {
        let unsaid = body(&Map::new(), form(None), Some("sk-secret")).err().unwrap();
        assert_eq!(unsaid.to_string(), "say --name, --url, --region, --region-source, --models");
        let whole = ProviderForm {
            name: Some("main".parse().unwrap()),
            region: Some(domain::Region::Eu),
            region_source: Some("its terms".to_owned()),
            models: vec![("fast".parse().unwrap(), "gpt-4o-mini".parse().unwrap())],
            ..form(Some("https://api.openai.com/v1"))
        };
        let body = body(&Map::new(), whole, Some("sk-secret")).ok().unwrap();
        assert_eq!((&body["kind"], &body["credential"]), (&json!("openai"), &json!("sk-secret")));
        assert_eq!(
            body["models"],
            json!([{"name": "fast", "upstream": "gpt-4o-mini", "max_output_tokens": 10}])
        );
    }

    #[test]
    fn what_is_not_said_stays_and_the_credential_is_sent_only_if_given() {
        let kept = json!({"id": "prv_x", "name": "main", "kind": "azure", "base_url": "https://a.example/",
            "region": "eu", "region_source": "s", "models": [], "api_version": "2024-10-21"});
        let Value::Object(kept) = kept else { panic!() };
        let body = body(&kept, form(Some("https://b.example/")), None).ok().unwrap();
        assert_eq!((&body["base_url"], &body["kind"]), (&json!("https://b.example/"), &json!("azure")));
        assert!(body.get("credential").is_none() && body.get("id").is_none(), "{body}");
    }
}
