//! How the platform is for a tenant: what the last run of `health` found, and what it says of the endpoints that the tenant's own
//! providers have. Endpoints that the platform has no credential for are nobody's to know: their calls show how they are.

use domain::{Availability, Provider, Providers, Standing, StatusDocument, TenantId, Timestamp, check};
use serde_json::{Value, json};
use tables::Key;

use crate::ask::Ask;
use crate::event::Params;
use crate::plan::Shown;
use crate::refusal::{Refused, Why};

/// The tenant's providers, and those of the canary, which are the ones that are probed.
pub fn needs(params: &Params, _: &Value) -> Vec<Key> {
    let own = params.tenant.iter().flat_map(|tenant| [Key::providers(tenant), Key::tenant(tenant)]);
    own.chain([Key::status(), Key::providers(&TenantId::canary())]).collect()
}

pub fn get(ask: &Ask<'_>) -> Result<Shown, Refused> {
    let tenant = ask.params.tenant.as_ref().ok_or(Why::NotFound)?;
    let none = || Providers(Vec::new());
    let own: Providers = ask.find(&Key::providers(tenant))?.unwrap_or_else(none);
    // What of the platform's own does not read is not known, and no fault of the tenant's.
    let probed = ask.find(&Key::providers(&TenantId::canary())).ok().flatten().unwrap_or_else(none);
    let document = ask.find::<StatusDocument>(&Key::status()).ok().flatten();
    Ok(Shown { body: seen(document.as_ref(), &own, &probed, ask.now), etag: None })
}

/// What a tenant is told of: the way of its calls. The rest is for the platform's operators.
const SHOWN: [&str; 7] =
    [check::GATEWAY, check::DLP, check::AUDIT, check::CHECKPOINT, check::LOCK, check::TABLES, check::KEYS];

fn seen(document: Option<&StatusDocument>, own: &Providers, probed: &Providers, now: Timestamp) -> Value {
    let line = |name: &&str| {
        let Seen { status, since, availability } = standing(document, name, now);
        json!({"name": name, "status": status, "since": since, "availability": availability})
    };
    let of_one = |provider: &Provider| {
        let Seen { status, since, availability } = of_endpoint(document, provider, probed, now);
        let (id, name) = (&provider.id, &provider.name);
        json!({"id": id, "name": name, "status": status, "since": since, "availability": availability})
    };
    json!({
        "checked_at": document.map(|document| document.at),
        "checks": SHOWN.iter().map(line).collect::<Vec<_>>(),
        "providers": own.0.iter().map(of_one).collect::<Vec<_>>(),
    })
}

/// How one thing is, and was; of what is not known no figures are shown.
struct Seen<'a> {
    status: &'static str,
    since: Option<Timestamp>,
    availability: Option<&'a [Availability]>,
}

/// How a check stands. One that is missing or has expired is unknown.
fn standing<'a>(document: Option<&'a StatusDocument>, name: &str, now: Timestamp) -> Seen<'a> {
    let Some(check) = document.and_then(|document| document.check(name)) else {
        return Seen { status: "unknown", since: None, availability: None };
    };
    let known = |status| Seen { status, since: Some(check.since), availability: Some(&check.availability) };
    match check.standing(now) {
        Standing::Up => known("up"),
        Standing::Down => known("down"),
        Standing::Unknown => Seen { status: "unknown", since: Some(check.expires_at), availability: None },
    }
}

fn of_endpoint<'a>(
    document: Option<&'a StatusDocument>,
    provider: &Provider,
    probed: &Providers,
    now: Timestamp,
) -> Seen<'a> {
    let same = probed.0.iter().find(|one| one.endpoint() == provider.endpoint());
    match same {
        Some(one) => standing(document, &format!("{}{}", check::ENDPOINT, one.name), now),
        None => Seen { status: "not_probed", since: None, availability: None },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{
        CheckStatus, Code, ProviderId, ProviderKind, Region, STATUS_VERSION, SealedBytes, Share, Verdict,
    };

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn provider(name: &str, url: &str) -> Provider {
        Provider {
            id: ProviderId::from_random([1; 10]),
            name: name.parse().unwrap(),
            kind: ProviderKind::OpenAi,
            base_url: url.to_owned(),
            api_version: None,
            region: Region::Eu,
            region_source: "a test".to_owned(),
            models: Vec::new(),
            credential: SealedBytes::from_sealed_form([b"CSE1".as_slice(), &[0; 100]].concat()).unwrap(),
        }
    }

    fn check(name: &str, verdict: Verdict) -> CheckStatus {
        let share = Share { up: 288, down: 0, unknown: 0 };
        CheckStatus {
            name: name.parse().unwrap(),
            verdict,
            reason: Code::literal("a_reason_for_operators"),
            since: at("2026-11-26T08:00:00.000Z"),
            at: at("2026-11-26T12:00:00.000Z"),
            expires_at: at("2026-11-26T12:11:00.000Z"),
            millis: 1,
            availability: vec![Availability { days: 1, share }],
            days: Vec::new(),
        }
    }

    fn document() -> StatusDocument {
        let began_at = at("2026-11-26T12:00:00.000Z");
        let checks = vec![check("gateway", Verdict::Up), check("endpoint/openai", Verdict::Down)];
        StatusDocument { v: STATUS_VERSION, region: Region::Eu, began_at, at: began_at, checks }
    }

    #[test]
    fn a_tenants_provider_is_as_the_endpoint_that_it_has_whatever_either_is_called() {
        let own = Providers(vec![
            provider("mine", "https://api.example/v1/"),
            provider("own-server", "https://llm.acme.test/v1"),
        ]);
        let probed = Providers(vec![provider("openai", "https://api.example/v1")]);
        let told = seen(Some(&document()), &own, &probed, at("2026-11-26T12:01:00.000Z"));
        let word = |pointer: &str| told.pointer(pointer).cloned().unwrap();
        assert_eq!((word("/providers/0/name"), word("/providers/0/status")), (json!("mine"), json!("down")));
        assert_eq!(word("/providers/1/status"), "not_probed");
        assert_eq!((word("/checks/0/status"), word("/checks/1/status")), (json!("up"), json!("unknown")));
        assert!(!told.to_string().contains("a_reason_for_operators") && !told.to_string().contains("openai"));
    }

    #[test]
    fn what_has_expired_or_is_not_there_is_unknown() {
        let (own, probed) =
            (Providers(vec![provider("mine", "https://api.example/v1")]), Providers(Vec::new()));
        let late = at("2026-11-26T12:11:00.000Z");
        let told = seen(Some(&document()), &own, &own, late);
        assert_eq!(
            (&told["checks"][0]["status"], &told["checks"][0]["availability"]),
            (&json!("unknown"), &Value::Null)
        );
        let told = seen(None, &own, &probed, late);
        assert_eq!(
            (&told["checks"][0]["status"], &told["providers"][0]["status"]),
            (&json!("unknown"), &json!("not_probed"))
        );
        assert_eq!(told["checked_at"], Value::Null);
    }
}
