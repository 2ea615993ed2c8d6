//! What runs come to, one after another.

use super::*;
use domain::Verdict::{Down, Up};
use domain::{Standing, check};
use tables::status::slot_of;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn run(began: &str) -> Run {
    let began_at = at(began);
    Run {
        region: Region::Eu,
        began_at,
        ended_at: began_at.plus_millis(4_000),
        interval_ms: 300_000,
        listed: false,
    }
}

fn finding(name: &str, verdict: Verdict) -> Finding {
    Finding::of(name, verdict, "a_reason", 7).unwrap()
}

fn history(began: &str, findings: &[Finding]) -> History {
    let (day, slot) = slot_of(at(began));
    let found = findings.iter().map(|one| (&one.name, one.verdict));
    History::from([(day, tables::status::DayRow::default().noted(slot, found))])
}

fn after(began: &str, findings: &[Finding], before: Option<&StatusDocument>) -> StatusDocument {
    document(run(began), findings, before, &history(began, findings))
}

#[test]
fn a_word_holds_for_one_missed_run_and_not_for_two() {
    let first = after("2026-11-26T12:00:00.000Z", &[finding("gateway", Up)], None);
    let gateway = first.check("gateway").unwrap();
    for (now, standing) in [
        ("2026-11-26T12:00:00.000Z", Standing::Up),
        ("2026-11-26T12:05:30.000Z", Standing::Up),
        ("2026-11-26T12:10:59.999Z", Standing::Up),
        ("2026-11-26T12:11:00.000Z", Standing::Unknown),
        ("2026-12-26T12:11:00.000Z", Standing::Unknown),
    ] {
        assert_eq!(gateway.standing(at(now)), standing, "{now}");
    }
}

#[test]
fn since_is_since_it_says_the_same_without_a_gap() {
    let first = after("2026-11-26T12:00:00.000Z", &[finding("gateway", Up)], None);
    let second = after("2026-11-26T12:05:00.000Z", &[finding("gateway", Up)], Some(&first));
    assert_eq!(second.check("gateway").unwrap().since, at("2026-11-26T12:00:00.000Z"));
    let third = after("2026-11-26T12:10:00.000Z", &[finding("gateway", Down)], Some(&second));
    assert_eq!(third.check("gateway").unwrap().since, at("2026-11-26T12:10:00.000Z"));
    // In between nobody knew.
    let late = after("2026-11-26T13:00:00.000Z", &[finding("gateway", Down)], Some(&third));
    assert_eq!(late.check("gateway").unwrap().since, at("2026-11-26T13:00:00.000Z"));
    assert_eq!(late.check("gateway").unwrap().availability[0].share.down, 1);
}

#[test]
fn what_a_run_did_not_check_keeps_its_word_until_that_expires() {
    let both = [finding("gateway", Up), finding("endpoint/a", Up)];
    let first = after("2026-11-26T12:00:00.000Z", &both, None);
    let second = after("2026-11-26T12:05:00.000Z", &both[..1], Some(&first));
    let kept = second.check("endpoint/a").unwrap();
    assert_eq!((kept, kept.at), (first.check("endpoint/a").unwrap(), at("2026-11-26T12:00:00.000Z")));
    let third = after("2026-11-26T12:15:00.000Z", &both[..1], Some(&second));
    assert!(third.check("endpoint/a").is_none() && third.check("gateway").is_some());
}

#[test]
fn an_endpoint_that_nobody_lists_any_more_is_told_of_no_longer() {
    let both = [finding("gateway", Up), finding("endpoint/a", Down), finding("endpoint/b", Up)];
    let first = after("2026-11-26T12:00:00.000Z", &both, None);
    let later = "2026-11-26T12:01:00.000Z";
    let found = [finding("endpoint/b", Up)];
    let next = |listed| document(Run { listed, ..run(later) }, &found, Some(&first), &history(later, &found));
    // What is no endpoint keeps its word as ever.
    assert!(next(true).check("endpoint/a").is_none() && next(true).check("gateway").is_some());
    assert_eq!(next(false).check("endpoint/a"), first.check("endpoint/a"));
}

#[test]
fn of_two_words_on_one_thing_the_worse_counts() {
    let all = merged(vec![finding("a", Up), finding("b", Down), finding("a", Down), finding("b", Up)]);
    assert_eq!(all, [finding("a", Down), finding("b", Down)]);
}

#[test]
fn drills_count_when_all_were_held_passed_and_not_long_ago() {
    let now = at("2026-11-26T12:00:00.000Z");
    let row = |kind, at, passed| DrillRow { kind, at, passed, millis: 1 };
    let recent = at("2026-08-29T12:00:00.000Z");
    let all: Vec<_> = DrillKind::ALL.iter().map(|kind| row(*kind, recent, true)).collect();
    assert_eq!(drills(&all, now), (Up, "held"));
    assert_eq!(drills(&all[1..], now), (Down, "never_held"));
    assert_eq!(drills(&[], now), (Down, "never_held"));
    let mut one = all.clone();
    one[0] = row(DrillKind::Kill, at("2026-08-28T11:59:59.000Z"), true);
    assert_eq!(drills(&one, now), (Down, "overdue"));
    one[1] = row(DrillKind::Provider, recent, false);
    assert_eq!(drills(&one, now), (Down, "failed"));
}

#[test]
fn a_refusal_that_is_the_providers_shows_that_the_gateway_works() {
    let table = [
        (200, None, Up, "served"),
        (503, Some("provider_unavailable"), Up, "provider_unavailable"),
        (503, Some("breaker_open"), Up, "breaker_open"),
        (503, Some("killed_tenant"), Down, "killed_tenant"),
        (503, Some("audit_unavailable"), Down, "audit_unavailable"),
        (429, Some("budget_exceeded"), Down, "budget_exceeded"),
        (401, Some("not a code, and long"), Down, "refused"),
        (502, None, Down, "no_answer"),
    ];
    for (status, code, verdict, reason) in table {
        let (found, said) = called(status, code);
        assert_eq!((found, said.as_str()), (verdict, reason), "{status} {code:?}");
    }
}

#[test]
fn a_record_is_found_by_its_action_and_says_what_was_taken_out() {
    let row = |action: &str, dlp: &str| format!("{{\"action_id\":\"{action}\",\"dlp\":{dlp}}}\n");
    let rows = row("act_1", r#""{\"email\":1}""#) + &row("act_1", "null") + "half a ro";
    assert_eq!(recorded(&rows, "act_1"), Some(true));
    assert_eq!(recorded(&rows, "act_2"), None);
    assert_eq!(recorded(&row("act_2", "null"), "act_2"), Some(false));
    assert_eq!(recorded(&row("act_2", r#""{\"card\":1}""#), "act_2"), Some(false));
}

#[test]
fn every_name_of_ours_is_one() {
    assert!(check::ALL.iter().all(|name| Finding::of(name, Up, "x", 0).is_some()));
}
