//! What a run found, as the status that it comes to: pure.

use domain::{
    CheckStatus, Code, DrillKind, DrillRow, Name, Region, STATUS_VERSION, StatusDocument, Timestamp, Verdict,
    check,
};

use crate::availability::{self, History};

pub mod expiry;

/// What one check of a run found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub name: Name,
    pub verdict: Verdict,
    pub reason: Code,
    pub millis: u64,
}

impl Finding {
    /// Of a check with a name of ours. `None`: the name is none, which a test rules out.
    pub fn of(name: &str, verdict: Verdict, reason: &'static str, millis: u64) -> Option<Self> {
        Some(Self { name: name.parse().ok()?, verdict, reason: Code::literal(reason), millis })
    }
}

/// Drills are held at least so often.
const DRILL_MS: u64 = 90 * 86_400_000;
/// A run takes its time, and the next one as well: a word is not dropped for that.
const GRACE_MS: u64 = 60_000;

/// Two missed runs, and nobody knows.
const fn holds_for(interval_ms: u64) -> u64 {
    interval_ms.saturating_mul(2).saturating_add(GRACE_MS)
}

/// When a run began, and how often there is one.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    pub region: Region,
    pub began_at: Timestamp,
    pub ended_at: Timestamp,
    pub interval_ms: u64,
    /// Whether the list of endpoints could be read: then the run asked each of them.
    pub listed: bool,
}

/// Two findings of one name are one: the worse counts.
pub fn merged(findings: Vec<Finding>) -> Vec<Finding> {
    let mut all: Vec<Finding> = Vec::new();
    for one in findings {
        match all.iter_mut().find(|known| known.name == one.name) {
            Some(known) if one.verdict > known.verdict => *known = one,
            Some(_) => {}
            None => all.push(one),
        }
    }
    all
}

/// The status after a run. What this run did not check keeps its last word until that expires, but for endpoints that nobody lists
/// any more: nobody will ask them again.
pub fn document(
    run: Run,
    findings: &[Finding],
    before: Option<&StatusDocument>,
    history: &History,
) -> StatusDocument {
    let earlier = before.map(|document| document.checks.as_slice()).unwrap_or_default();
    let fresh = findings.iter().map(|one| {
        let last = earlier.iter().find(|check| check.name == one.name);
        checked(run, one, last, history)
    });
    let unchecked = earlier.iter().filter(|check| {
        let removed = run.listed && check.name.as_str().starts_with(check::ENDPOINT);
        run.began_at < check.expires_at && !removed && !findings.iter().any(|one| one.name == check.name)
    });
    let checks = fresh.chain(unchecked.cloned()).collect();
    StatusDocument { v: STATUS_VERSION, region: run.region, began_at: run.began_at, at: run.ended_at, checks }
}

fn checked(run: Run, one: &Finding, last: Option<&CheckStatus>, history: &History) -> CheckStatus {
    let same = last.filter(|check| check.verdict == one.verdict && run.began_at < check.expires_at);
    CheckStatus {
        name: one.name.clone(),
        verdict: one.verdict,
        reason: one.reason.clone(),
        since: same.map_or(run.began_at, |check| check.since),
        at: run.began_at,
        expires_at: run.began_at.plus_millis(holds_for(run.interval_ms)),
        millis: one.millis,
        availability: availability::windows(history, &one.name, run.began_at),
        days: availability::days(history, &one.name, run.began_at),
    }
}

/// Whether every kind of drill was held, passed, and not too long ago: the worst of them.
pub fn drills(held: &[DrillRow], now: Timestamp) -> (Verdict, &'static str) {
    let state = |kind: &DrillKind| match held.iter().find(|row| row.kind == *kind) {
        None => "never_held",
        Some(row) if !row.passed => "failed",
        Some(row) if now.millis_since(row.at) > DRILL_MS => "overdue",
        Some(_) => "held",
    };
    let states: Vec<_> = DrillKind::ALL.iter().map(state).collect();
    let worst = ["failed", "overdue", "never_held"].into_iter().find(|state| states.contains(state));
    worst.map_or((Verdict::Up, "held"), |state| (Verdict::Down, state))
}

/// What the canary's call came to: whether the gateway works. A refusal that is the provider's shows that it does, and so does one
/// by a switch that somebody turned on purpose not.
pub fn called(status: u16, code: Option<&str>) -> (Verdict, Code) {
    let word = |text: &str| text.parse().unwrap_or_else(|_| Code::literal("refused"));
    match code {
        _ if (200..300).contains(&status) => (Verdict::Up, Code::literal("served")),
        Some(code) if code.starts_with("provider_") || code == "breaker_open" => (Verdict::Up, word(code)),
        Some(code) => (Verdict::Down, word(code)),
        None => (Verdict::Down, Code::literal("no_answer")),
    }
}

/// What rows for SQL say of an action: whether there is one, and whether what was planted in it was taken out.
pub fn recorded(rows: &str, action: &str) -> Option<bool> {
    let of_action = |line: &&str| {
        let row: serde_json::Value = serde_json::from_str(line).ok()?;
        (row.get("action_id")?.as_str()? == action).then_some(row)
    };
    let found: Vec<_> = rows.lines().filter_map(|line| of_action(&line)).collect();
    let counts = |row: &serde_json::Value| {
        let counts: serde_json::Value = serde_json::from_str(row.get("dlp")?.as_str()?).ok()?;
        counts.get("email").and_then(serde_json::Value::as_u64)
    };
    (!found.is_empty()).then(|| found.iter().any(|row| counts(row).is_some_and(|count| count > 0)))
}

#[cfg(test)]
mod tests;
