//! Which provider of a list a call goes to, and when it goes to none.

use super::*;
use crate::breaker::{Failed, MAX_TRIES};
use domain::{ActionId, ShortDigest};
use tables::Key;
use tables::gates::breaker::{BASE_MS, Lease, State};

fn writer() -> ActionId {
    ActionId::new(at(1), [1; 10])
}

fn row(state: State) -> BreakerRow {
    BreakerRow { revision: 3, writer: writer(), state }
}

fn open_for(millis: u64) -> BreakerRow {
    row(State::Open { until: moment().now.plus_millis(millis), openings: 1 })
}

pub(super) fn endpoint(provider: &Provider) -> Key {
    Key::endpoint_breaker(provider.endpoint())
}

pub(super) fn own(provider: &Provider) -> Key {
    Key::own_breaker(&key_row().tenant, &provider.id, ShortDigest::of_credential(&provider.credential))
}

pub(super) fn open_all(case: &mut Case) {
    let providers = case.providers.clone().unwrap();
    case.breakers = providers.0.iter().map(|one| (endpoint(one), Ok(Some(open_for(7_001))))).collect();
}

/// Four providers of the model, of which the first is elsewhere.
fn four(change: impl FnOnce(&mut Case, [Provider; 4])) -> Case {
    Case::with(|case| {
        let all = [
            provider(1, Region::Us, &["gpt-4o"]),
            provider(2, Region::Eu, &["gpt-4o"]),
            provider(3, Region::Eu, &["gpt-4o"]),
            provider(4, Region::Eu, &["gpt-4o"]),
        ];
        case.providers = Some(Providers(all.to_vec()));
        change(case, all);
    })
}

/// The number of the provider that is called, and whether another could be tried.
fn called(case: Case) -> (String, bool) {
    let call = case.forwarded().call;
    assert_eq!(call.provider.region, Region::Eu);
    assert_eq!(
        call.attempt[0].provider.as_ref(),
        Some(&call.provider.name),
        "the attempt names who is called"
    );
    assert_eq!(call.target.host(), format!("{}.example.com", call.provider.name));
    (call.provider.name.to_string(), call.passage.more)
}

fn metadata(record: &AuditRecord) -> String {
    serde_json::to_string(&record.metadata).unwrap()
}

#[test]
fn an_open_breaker_is_passed_over_whichever_it_is() {
    type Place = fn(&Provider) -> Key;
    for place in [endpoint as Place, own as Place] {
        let case = four(|case, [_, two, ..]| case.breakers = vec![(place(&two), Ok(Some(open_for(1))))]);
        assert_eq!(called(case), ("provider-3".to_owned(), true));
    }
    assert_eq!(called(four(|_, _| {})), ("provider-2".to_owned(), true));
}

#[test]
fn what_was_passed_over_is_recorded() {
    let plan =
        four(|case, [_, two, ..]| case.breakers = vec![(own(&two), Ok(Some(open_for(1))))]).forwarded();
    let metadata = metadata(&plan.call.attempt[0]);
    for part in [r#"\"skipped_residency\":1"#, r#"\"skipped_open\":1"#] {
        assert!(metadata.contains(part), "{metadata}");
    }
    assert!(!self::metadata(&good().forwarded().call.attempt[0]).contains("skipped"));
}

/// All open, and a healthy provider in another region: nothing leaves.
#[test]
fn with_all_of_them_open_the_call_is_refused_until_the_first_may_be_probed() {
    let (refused, record) = four(|case, [_, two, three, four]| {
        let open = |millis| Ok(Some(open_for(millis)));
        case.breakers =
            vec![(endpoint(&two), open(90_000)), (own(&three), open(7_001)), (endpoint(&four), open(60_000))];
    })
    .refused();
    assert_eq!((refused.reason, refused.retry_after), (Reason::BreakerOpen, Some(8)));
    assert_eq!(refusal::row(Reason::BreakerOpen).status, 503);
    assert_eq!((record.decision, record.phase), (Decided::Deny, Phase::Single));
    assert_eq!(record.reason.as_str(), "breaker_open");
    let metadata = metadata(&record);
    for part in [r#"\"skipped_open\":3"#, r#"\"skipped_residency\":1"#] {
        assert!(metadata.contains(part), "{metadata}");
    }
}

#[test]
fn both_breakers_of_a_provider_must_let_a_call_pass() {
    let (refused, _) = Case::with(|case| {
        let one = case.providers.as_ref().unwrap().0[0].clone();
        case.breakers =
            vec![(endpoint(&one), Ok(Some(open_for(1_000)))), (own(&one), Ok(Some(open_for(20_000))))];
    })
    .refused();
    assert_eq!((refused.reason, refused.retry_after), (Reason::BreakerOpen, Some(20)));
}

#[test]
fn a_breaker_that_does_not_read_or_was_not_read_is_no_closed_one() {
    let unreadable = four(|case, [_, two, ..]| case.breakers = vec![(endpoint(&two), Err(Unreadable))]);
    assert_eq!(called(unreadable).0, "provider-3");
    let (refused, _) = Case::with(|case| {
        let one = case.providers.as_ref().unwrap().0[0].clone();
        case.breakers = vec![(own(&one), Err(Unreadable))];
    })
    .refused();
    let seconds = u32::try_from(BASE_MS / 1_000).unwrap();
    assert_eq!((refused.reason, refused.retry_after), (Reason::BreakerOpen, Some(seconds)));
    let moved = provider(9, Region::Eu, &["gpt-4o"]);
    let nothing = Breakers::default().passage(&key_row().tenant, &moved, moment().now);
    assert!(nothing.is_err(), "a row that was not read");
}

#[test]
fn when_its_time_is_over_one_call_probes() {
    let probes = |state: State| {
        let case = Case::with(|case| {
            let one = case.providers.as_ref().unwrap().0[0].clone();
            case.breakers = vec![(endpoint(&one), Ok(Some(row(state))))];
        });
        match case.decide() {
            Decision::Forward(plan) => {
                assert!(!plan.call.passage.own.probes);
                Some(plan.call.passage.endpoint.probes)
            }
            _ => None,
        }
    };
    let now = moment().now;
    let lease =
        |until| State::HalfOpen { openings: 1, successes: 0, lease: Some(Lease { holder: writer(), until }) };
    assert_eq!(probes(State::Open { until: now, openings: 1 }), Some(true));
    assert_eq!(probes(State::Open { until: now.plus_millis(1), openings: 1 }), None);
    assert_eq!(probes(State::HalfOpen { openings: 1, successes: 1, lease: None }), Some(true));
    assert_eq!(probes(lease(now)), Some(true), "a prober that hangs has lost its lease");
    assert_eq!(probes(lease(now.plus_millis(1))), None);
    assert_eq!(probes(State::Counting { since: now, failures: 4 }), Some(false));
}

#[test]
fn a_second_try_goes_to_the_next_and_names_the_first() {
    let tried = |numbers: &[u8]| {
        let failed = |n: &u8| Failed { provider: ProviderId::from_random([*n; 10]), action: writer() };
        Tried(numbers.iter().map(failed).collect())
    };
    let again = |numbers: &[u8]| four(|case, _| case.tried = tried(numbers));
    assert_eq!(called(again(&[2])), ("provider-3".to_owned(), true));
    assert_eq!(called(again(&[2, 3])), ("provider-4".to_owned(), false));
    assert_eq!(called(again(&[3, 4])), ("provider-2".to_owned(), false));
    let record = again(&[2]).forwarded().call.attempt.remove(0);
    let after = format!(r#"\"after_action\":\"{}\""#, writer());
    assert!(metadata(&record).contains(&after), "{}", metadata(&record));
    let (none_left, _) = again(&[2, 3, 4]).refused();
    assert_eq!(none_left.reason, Reason::ProviderUnavailable);
    assert_eq!(MAX_TRIES, 3);
}

/// Each fallback passes every check of its own.
#[test]
fn a_fallback_elsewhere_or_without_a_way_is_none() {
    type Change = fn(&mut Provider);
    let changes: [Change; 4] = [
        |one| one.region = Region::Us,
        |one| one.base_url = "https://10.0.0.1/v1".to_owned(),
        |one| one.models.clear(),
        |one| one.kind = domain::ProviderKind::Anthropic,
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let case = Case::with(|case| {
            let (first, mut second) =
                (provider(2, Region::Eu, &["gpt-4o"]), provider(3, Region::Eu, &["gpt-4o"]));
            change(&mut second);
            case.providers = Some(Providers(vec![second, first]));
            // What Anthropic's dialect cannot say.
            case.route = chat(json!({"logit_bias": {"1": 2}}));
        });
        assert_eq!(called(case), ("provider-2".to_owned(), false), "{number}");
    }
}

/// A fallback in another dialect gets the call in that dialect.
#[test]
fn a_fallback_is_translated_for() {
    let plan = four(|case, [_, two, _, _]| {
        let providers = &mut case.providers.as_mut().unwrap().0;
        providers[2].kind = domain::ProviderKind::Anthropic;
        providers.truncate(3);
        case.breakers = vec![(own(&two), Ok(Some(open_for(1))))];
    })
    .forwarded();
    assert_eq!((plan.call.wire, plan.call.dialect), (Dialect::Messages, Dialect::Chat));
    assert!(plan.body.get().get("max_tokens").is_some());
}

/// What goes to the next provider: only what certainly did no work, and was nobody's fault but the provider's.
#[test]
fn only_what_did_nothing_fails_over() {
    let call = four(|_, _| {}).forwarded().call;
    let next = |reason, spent| breaker::next(&call, &crate::outcome::Ended::without_answer(reason, spent));
    use crate::outcome::Spent;
    for reason in Reason::ALL {
        let over = [
            Reason::ProviderUnreachable,
            Reason::ProviderUnavailable,
            Reason::ProviderThrottled,
            Reason::ProviderCredential,
            Reason::BreakerOpen,
        ];
        assert_eq!(next(*reason, Spent::Nothing).is_some(), over.contains(reason), "{reason}");
        assert_eq!(next(*reason, Spent::Everything), None, "{reason}");
    }
    let alone = good().forwarded().call;
    let ended = crate::outcome::Ended::without_answer(Reason::ProviderUnreachable, Spent::Nothing);
    assert_eq!(breaker::next(&alone, &ended), None, "there is nobody else");
}
