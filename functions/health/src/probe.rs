//! What an endpoint is asked, and what its answer says: pure. One token of the first model that the list names, which the platform
//! pays for; a listing of models would cost nothing and say nothing of whether models answer.

use std::collections::BTreeSet;

use domain::{Name, Provider, ProviderKind, Providers, Region, Verdict, check};
use egress::{Answer, EgressError, Headers, NotSent};
use serde_json::{Value, json};
use tables::gates::breaker::Health;

/// The version of Anthropic's API that is asked for.
const ANTHROPIC_VERSION: &str = "2023-06-01";

/// What a probe found: for the status, and for the breaker of the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    pub verdict: Verdict,
    pub reason: &'static str,
    pub health: Health,
}

const fn found(verdict: Verdict, reason: &'static str, health: Health) -> Found {
    Found { verdict, reason, health }
}

/// It could not be asked: a fault of ours, of which no breaker hears.
pub const MISCONFIGURED: Found = found(Verdict::Down, "misconfigured", Health::Silent);

/// The endpoints of a region, each once, in the list's order.
pub fn endpoints(providers: &Providers, region: Region) -> Vec<&Provider> {
    let mut seen = BTreeSet::new();
    let here = providers.0.iter().filter(|provider| provider.region == region);
    here.filter(|provider| seen.insert(provider.endpoint())).collect()
}

/// What the check of an endpoint is called; `None` for a name that is too long to stand behind another word.
pub fn name(provider: &Provider) -> Option<Name> {
    format!("{}{}", check::ENDPOINT, provider.name).parse().ok()
}

/// Path and body of the cheapest call that a model answers.
pub fn request(provider: &Provider) -> Option<(&'static str, Value)> {
    let (path, limit) = match provider.kind {
        ProviderKind::Anthropic => ("messages", "max_tokens"),
        ProviderKind::Compatible => ("chat/completions", "max_tokens"),
        ProviderKind::OpenAi | ProviderKind::Azure => ("chat/completions", "max_completion_tokens"),
    };
    let model = provider.models.first()?.upstream.as_str();
    Some((path, json!({"model": model, limit: 1, "messages": [{"role": "user", "content": "Say yes."}]})))
}

/// Each kind of provider has its own way to be shown a credential.
///
/// # Errors
/// Bytes that no header may have.
pub fn presented(kind: ProviderKind, secret: &str) -> Result<Headers, EgressError> {
    match kind {
        ProviderKind::OpenAi | ProviderKind::Compatible => Headers::bearer(secret),
        ProviderKind::Azure => Headers::default().with("api-key", secret),
        ProviderKind::Anthropic => {
            Headers::default().with("x-api-key", secret)?.with("anthropic-version", ANTHROPIC_VERSION)
        }
    }
}

/// What came back, if anything did. Unlike a caller's, this call is always the same and tiny: one that is not answered in time
/// tells of the endpoint, and whatever a model says about it tells that the endpoint answers.
pub fn judge(answered: &Result<Answer, EgressError>) -> Found {
    match answered {
        Ok(answer) => status(answer.status),
        Err(EgressError::NotSent(NotSent::Address | NotSent::Header)) => MISCONFIGURED,
        Err(EgressError::NotSent(_)) => found(Verdict::Down, "unreachable", Health::Ill),
        Err(EgressError::TimedOut { .. }) => found(Verdict::Down, "timeout", Health::Ill),
        Err(EgressError::Broken { status: None }) => found(Verdict::Down, "broken", Health::Ill),
        Err(EgressError::Broken { .. } | EgressError::TooLarge { .. }) => {
            found(Verdict::Down, "malformed", Health::Silent)
        }
    }
}

const fn status(status: u16) -> Found {
    match status {
        200..=299 => found(Verdict::Up, "answered", Health::Well),
        300..=399 => found(Verdict::Down, "redirected", Health::Silent),
        // The platform's own credential: callers have theirs.
        401 | 403 => found(Verdict::Down, "credential", Health::Well),
        429 => found(Verdict::Up, "throttled", Health::Silent),
        400..=499 => found(Verdict::Up, "answered", Health::Well),
        500 | 501 => found(Verdict::Down, "error", Health::Silent),
        _ => found(Verdict::Down, "unavailable", Health::Ill),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{ProviderId, ProviderModel, SealedBytes};

    fn provider(byte: u8, url: &str, region: Region, kind: ProviderKind) -> Provider {
        let name: Name = "gpt-4o-mini".parse().unwrap();
        Provider {
            id: ProviderId::from_random([byte; 10]),
            name: format!("p{byte}").parse().unwrap(),
            kind,
            base_url: url.to_owned(),
            api_version: None,
            region,
            region_source: "a test".to_owned(),
            models: vec![ProviderModel { name: name.clone(), upstream: name, max_output_tokens: 16 }],
            credential: SealedBytes::from_sealed_form([b"CSE1".as_slice(), &[0; 100]].concat()).unwrap(),
        }
    }

    #[test]
    fn each_endpoint_of_the_region_is_asked_once() {
        let (openai, us) = (ProviderKind::OpenAi, Region::Us);
        let list = Providers(vec![
            provider(1, "https://a.example/v1", Region::Eu, openai),
            provider(2, "https://a.example/v1/", Region::Eu, openai),
            provider(3, "https://a.example/v1", us, openai),
            provider(4, "https://b.example/v1", Region::Eu, openai),
        ]);
        let names: Vec<_> =
            endpoints(&list, Region::Eu).into_iter().map(|one| name(one).unwrap().to_string()).collect();
        assert_eq!(names, ["endpoint/p1", "endpoint/p4"]);
    }

    #[test]
    fn one_token_is_asked_for_in_each_dialect() {
        for (kind, path, limit) in [
            (ProviderKind::OpenAi, "chat/completions", "max_completion_tokens"),
            (ProviderKind::Azure, "chat/completions", "max_completion_tokens"),
            (ProviderKind::Compatible, "chat/completions", "max_tokens"),
            (ProviderKind::Anthropic, "messages", "max_tokens"),
        ] {
            let one = provider(1, "https://a.example/v1", Region::Eu, kind);
            let (asked, body) = request(&one).unwrap();
            assert_eq!((asked, &body[limit]), (path, &json!(1)), "{kind:?}");
            let without = Provider { models: Vec::new(), ..one };
            assert_eq!(request(&without), None);
            assert!(presented(kind, "secret").is_ok() && presented(kind, "sec\nret").is_err());
        }
    }

    /// Table: how a probe ended, what the status says, and what the breaker hears.
    #[test]
    fn what_an_ending_says() {
        let answer = |status: u16| -> Result<Answer, EgressError> {
            Ok(Answer { status, retry_after: None, request_id: None, body: Ok(bytes::Bytes::new()) })
        };
        let (up, down) = (Verdict::Up, Verdict::Down);
        let table = [
            (answer(200), up, "answered", Health::Well),
            (answer(302), down, "redirected", Health::Silent),
            (answer(400), up, "answered", Health::Well),
            (answer(401), down, "credential", Health::Well),
            (answer(404), up, "answered", Health::Well),
            (answer(429), up, "throttled", Health::Silent),
            (answer(500), down, "error", Health::Silent),
            (answer(502), down, "unavailable", Health::Ill),
            (answer(503), down, "unavailable", Health::Ill),
            (answer(529), down, "unavailable", Health::Ill),
            (Err(EgressError::NotSent(NotSent::Connect)), down, "unreachable", Health::Ill),
            (Err(EgressError::NotSent(NotSent::Tls)), down, "unreachable", Health::Ill),
            (Err(EgressError::NotSent(NotSent::Address)), down, "misconfigured", Health::Silent),
            (Err(EgressError::TimedOut { status: None }), down, "timeout", Health::Ill),
            (Err(EgressError::Broken { status: None }), down, "broken", Health::Ill),
            (Err(EgressError::Broken { status: Some(200) }), down, "malformed", Health::Silent),
        ];
        for (ended, verdict, reason, health) in table {
            assert_eq!(judge(&ended), Found { verdict, reason, health }, "{ended:?}");
        }
    }
}
