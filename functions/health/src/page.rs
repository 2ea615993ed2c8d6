//! The status page, for people, without any script; and the same for programs. What is shown to everybody says how the platform is
//! and not why: reasons are for its operators.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use caller::escaped;
use domain::{CheckStatus, Region, Share, Standing, StatusDocument, Timestamp, check};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::response::Response;

/// What is shown, and what people call it. The rest is the operators' business.
const SHOWN: [(&str, &str); 7] = [
    (check::GATEWAY, "Calls of agents"),
    (check::DLP, "Redaction"),
    (check::AUDIT, "Audit records"),
    (check::CHECKPOINT, "Signed log"),
    (check::LOCK, "Lock of the audit log"),
    (check::TABLES, "Tables and their backups"),
    (check::KEYS, "Encryption keys"),
];

const STYLE: &str = "body{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}\
h1{font-size:1.5rem}h2{font-size:1.1rem;margin:0}section{border-top:1px solid #ccc;padding:1rem 0}\
.head{display:flex;justify-content:space-between;gap:1rem;flex-wrap:wrap}.state{font-weight:600}\
.up{color:#0b6b2e}.down{color:#b00020}.unknown{color:#5f5f5f}\
ol{display:flex;gap:1px;list-style:none;padding:0;margin:.5rem 0;height:2rem}ol li{flex:1;overflow:hidden;text-indent:-999rem}\
li.up{background:#2e9e55}li.down{background:#b00020}li.part{background:#c77700}li.unknown{background:repeating-linear-gradient(135deg,#bbb 0 2px,#eee 2px 5px)}\
table{border-collapse:collapse;font-size:.9rem}td,th{padding:.1rem 1rem .1rem 0;text-align:left;font-weight:400}th{color:#5f5f5f}\
@media(prefers-color-scheme:dark){body{color:#eee;background:#111}section{border-color:#444}.up{color:#6fdc93}.down{color:#ff8a94}.unknown,th{color:#b5b5b5}}";

/// One line of the page: a check, as it stands now.
struct Line<'a> {
    title: String,
    standing: Standing,
    check: Option<&'a CheckStatus>,
}

/// What is shown, in the page's order: ours first, then providers by name. What nobody has checked is there, and unknown.
fn lines(document: Option<&StatusDocument>, now: Timestamp) -> Vec<Line<'_>> {
    let line = |title: String, check: Option<&'_ CheckStatus>| Line {
        title,
        standing: check.map_or(Standing::Unknown, |check| check.standing(now)),
        check: None,
    };
    let ours = SHOWN.map(|(name, title)| {
        let check = document.and_then(|document| document.check(name));
        Line { check, ..line(title.to_owned(), check) }
    });
    let checks = document.map(|document| document.checks.as_slice()).unwrap_or_default();
    let endpoints = checks.iter().filter_map(|check| {
        let name = check.name.as_str().strip_prefix(check::ENDPOINT)?;
        Some(Line { check: Some(check), ..line(format!("Provider {name}"), Some(check)) })
    });
    ours.into_iter().chain(endpoints).collect()
}

const fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::Up => "up",
        Standing::Down => "down",
        Standing::Unknown => "unknown",
    }
}

/// The whole is as its worst part, and what is down counts more than what is not known.
fn whole(lines: &[Line<'_>]) -> (Standing, &'static str) {
    match lines.iter().map(|line| line.standing).max() {
        Some(Standing::Up) => (Standing::Up, "Everything that is checked works."),
        Some(Standing::Down) => (Standing::Down, "Something does not work."),
        Some(Standing::Unknown) | None => (
            Standing::Unknown,
            "Not everything was checked within the last minutes: how it is, is not known.",
        ),
    }
}

/// The page.
pub fn render(document: Option<&StatusDocument>, region: Region, now: Timestamp) -> Response {
    let lines = lines(document, now);
    let (standing, says) = whole(&lines);
    let checked = document.map_or_else(
        || "Nothing was checked yet.".to_owned(),
        |document| format!("Last checked at <time datetime=\"{0}\">{0}</time> (UTC).", document.at),
    );
    let sections: String = lines.iter().map(|line| section(line, now)).collect();
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>Status of Countersign in {region}: {word}</title><style>{STYLE}</style></head>\
         <body><header><h1>Status of Countersign in {region}</h1>\
         <p class=\"state {word}\" role=\"status\">{says}</p><p>{checked} Each bar is a day, the oldest first; what nobody \
         checked is hatched, and counts neither way.</p></header><main>{sections}</main></body></html>",
        word = word(standing),
    );
    let style = STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    );
    Response::html(html, &policy)
}

fn section(line: &Line<'_>, now: Timestamp) -> String {
    let (word, title) = (word(line.standing), escaped(&line.title));
    let mut text = format!(
        "<section><div class=\"head\"><h2>{title}</h2><span class=\"state {word}\">{word}{}</span></div>",
        since(line)
    );
    // Figures that end some time ago would read as today's.
    if let Some(check) = line.check.filter(|_| line.standing != Standing::Unknown) {
        text.push_str(&timeline(check, now));
        text.push_str(&table(check));
    }
    text.push_str("</section>");
    text
}

fn since(line: &Line<'_>) -> String {
    let Some(check) = line.check else { return String::new() };
    let at = if line.standing == Standing::Unknown { check.expires_at } else { check.since };
    format!(" since <time datetime=\"{at}\">{at}</time>")
}

fn timeline(check: &CheckStatus, now: Timestamp) -> String {
    const DAY_MS: u64 = 86_400_000;
    let mut text = "<ol>".to_owned();
    for (age, share) in (0_u64..).zip(check.days.iter().rev()).collect::<Vec<_>>().into_iter().rev() {
        let millis = now.unix_millis().saturating_sub(age.saturating_mul(DAY_MS));
        let day = i64::try_from(millis).ok().and_then(|millis| Timestamp::from_unix_millis(millis).ok());
        let (day, says) = (day.map(Timestamp::date).unwrap_or_default(), says(*share));
        // Writing to a text does not fail.
        let _ = write!(text, "<li class=\"{}\" title=\"{day}: {says}\">{day}: {says}</li>", class(*share));
    }
    text.push_str("</ol>");
    text
}

const fn class(share: Share) -> &'static str {
    match (share.up, share.down) {
        (0, 0) => "unknown",
        (0, _) => "down",
        (_, 0) => "up",
        _ => "part",
    }
}

/// Availability of the known time, and how much is not known.
fn says(share: Share) -> String {
    let percent = |hundredths: u32| format!("{}.{:02} %", hundredths / 100, hundredths % 100);
    match (share.availability(), share.unknown_share()) {
        (None, _) => "not known".to_owned(),
        (Some(up), Some(0) | None) => percent(up),
        (Some(up), Some(unknown)) => {
            format!("{} of what is known; {} unknown", percent(up), percent(unknown))
        }
    }
}

fn table(check: &CheckStatus) -> String {
    let cells = check.availability.iter().map(|one| {
        let days = if one.days == 1 { "1 day".to_owned() } else { format!("{} days", one.days) };
        format!("<tr><th scope=\"row\">{days}</th><td>{}</td></tr>", says(one.share))
    });
    format!("<table>{}</table>", cells.collect::<String>())
}

/// The same for programs.
pub fn document(document: Option<&StatusDocument>, region: Region, now: Timestamp) -> Response {
    let lines = lines(document, now);
    let checks: Vec<_> = lines.iter().map(entry).collect();
    let body = json!({
        "v": 1,
        "region": region,
        "status": word(whole(&lines).0),
        "checked_at": document.map(|document| document.at),
        "checks": checks,
    });
    Response::json(200, &body)
}

fn entry(line: &Line<'_>) -> Value {
    let known = line.check.filter(|_| line.standing != Standing::Unknown);
    json!({
        "name": line.title,
        "status": word(line.standing),
        "since": line.check.map(|check| if known.is_some() { check.since } else { check.expires_at }),
        "expires_at": line.check.map(|check| check.expires_at),
        "availability": known.map(|check| &check.availability),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Availability, Code, STATUS_VERSION, Verdict};

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    const BEGAN: &str = "2026-11-26T12:00:00.000Z";

    fn check(name: &str, verdict: Verdict, share: Share) -> CheckStatus {
        CheckStatus {
            name: name.parse().unwrap(),
            verdict,
            reason: Code::literal("a_reason_for_operators"),
            since: at("2026-11-25T08:00:00.000Z"),
            at: at(BEGAN),
            expires_at: at("2026-11-26T12:11:00.000Z"),
            millis: 7,
            availability: vec![Availability { days: 1, share }, Availability { days: 7, share }],
            days: vec![Share { up: 0, down: 0, unknown: 288 }, share],
        }
    }

    fn status(checks: Vec<CheckStatus>) -> StatusDocument {
        StatusDocument { v: STATUS_VERSION, region: Region::Eu, began_at: at(BEGAN), at: at(BEGAN), checks }
    }

    fn all(verdict: Verdict) -> StatusDocument {
        let share = Share { up: 287, down: 1, unknown: 0 };
        status(SHOWN.iter().map(|(name, _)| check(name, verdict, share)).collect())
    }

    #[test]
    fn all_that_is_checked_is_shown_with_its_days() {
        let page = render(Some(&all(Verdict::Up)), Region::Eu, at("2026-11-26T12:01:00.000Z"));
        assert!(page.body().contains("Everything that is checked works."), "{}", page.body());
        assert_eq!(page.body().matches("<section>").count(), SHOWN.len());
        assert!(page.body().contains(r#"<li class="unknown" title="2026-11-25: not known">"#));
        assert!(page.body().contains(r#"<li class="part" title="2026-11-26: 99.65 %">"#));
        assert!(page.body().contains("<th scope=\"row\">1 day</th><td>99.65 %</td>"));
        assert!(!page.body().contains("a_reason_for_operators"));
    }

    /// A health function that has stopped is no healthy platform, on the page and for programs.
    #[test]
    fn what_has_expired_is_unknown_and_shows_no_figures() {
        let late = at("2026-11-26T12:11:00.000Z");
        let page = render(Some(&all(Verdict::Up)), Region::Eu, late);
        assert!(page.body().contains("how it is, is not known") && !page.body().contains("<ol>"));
        assert!(page.body().contains("unknown since <time datetime=\"2026-11-26T12:11:00.000Z\">"));
        let told: Value =
            serde_json::from_str(document(Some(&all(Verdict::Up)), Region::Eu, late).body()).unwrap();
        assert_eq!((&told["status"], &told["checks"][0]["status"]), (&json!("unknown"), &json!("unknown")));
        assert_eq!(told["checks"][0]["availability"], Value::Null);
        let nothing = render(None, Region::Eu, late);
        assert_eq!(nothing.body().matches("class=\"state unknown\"").count(), SHOWN.len() + 1);
        assert!(nothing.body().contains("Nothing was checked yet."));
    }

    #[test]
    fn what_is_down_counts_more_than_what_is_not_known() {
        let share = Share { up: 0, down: 2, unknown: 286 };
        let one = status(vec![check("endpoint/a", Verdict::Down, share)]);
        let page = render(Some(&one), Region::Eu, at(BEGAN));
        assert!(page.body().contains("Something does not work."));
        assert!(page.body().contains("0.00 % of what is known; 99.30 % unknown"));
        // One that is missing is unknown, never well.
        let mut most = all(Verdict::Up);
        most.checks.pop();
        let page = render(Some(&most), Region::Eu, at(BEGAN));
        assert!(page.body().contains("how it is, is not known"));
    }

    #[test]
    fn nothing_on_the_page_runs_or_leads_away() {
        let page = render(Some(&all(Verdict::Down)), Region::Eu, at(BEGAN));
        let policy = page.header("content-security-policy").unwrap();
        let style = STANDARD.encode(Sha256::digest(STYLE));
        assert!(policy.starts_with("default-src 'none'; ") && policy.contains(&format!("'sha256-{style}'")));
        for none in ["<script", "style=", "onclick", "href=", "src="] {
            assert!(!page.body().contains(none), "{none}");
        }
        assert_eq!(escaped("<a b='c'>&\""), "&lt;a b=&#39;c&#39;&gt;&amp;&quot;");
    }
}
