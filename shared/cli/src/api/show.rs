//! What people see of the API's answers: tables that fit a terminal, and things line by line. Pure but for the last lines.

use std::io::IsTerminal as _;

use domain::Timestamp;
use serde_json::Value;

use super::fault::Fault;
use crate::print;

/// A terminal whose width nobody says.
const WIDTH: usize = 80;
/// A shortened cell still says so much.
const LEAST: usize = 8;

/// One column: its heading, where its cells stand in an item, and how they read.
#[derive(Debug, Clone, Copy)]
pub struct Column(pub &'static str, pub &'static str, pub Kind);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Ids and what is short: never cut.
    Whole,
    /// Cut where a terminal is too narrow.
    Text,
    /// A time, as distance from now.
    When,
}

/// A text without what steers a terminal: control characters, and marks that turn the direction of writing.
pub fn plain(text: &str) -> String {
    let steers = |c: char| {
        c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c) || ('\u{2066}'..='\u{2069}').contains(&c)
    };
    text.chars().map(|c| if steers(c) { '\u{fffd}' } else { c }).collect()
}

/// `in 3 h`, `5 min ago`.
pub fn distance(now: Timestamp, then: Timestamp) -> String {
    let (ahead, back) = (then.millis_since(now), now.millis_since(then));
    let seconds = ahead.max(back) / 1_000;
    let (count, unit) = match seconds {
        0..60 => (seconds, "s"),
        60..5_400 => (seconds / 60, "min"),
        5_400..172_800 => (seconds / 3_600, "h"),
        _ => (seconds / 86_400, "d"),
    };
    match (count, ahead > back) {
        (0, _) => "now".to_owned(),
        (_, true) => format!("in {count} {unit}"),
        (_, false) => format!("{count} {unit} ago"),
    }
}

fn words(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) => plain(text),
        Value::Array(list) if list.is_empty() => "none".to_owned(),
        Value::Array(list) if list.iter().all(|one| !one.is_object()) => {
            list.iter().map(words).collect::<Vec<_>>().join(",")
        }
        other => plain(&other.to_string()),
    }
}

fn time(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

fn cell(item: &Value, Column(_, at, kind): Column, now: Timestamp) -> String {
    let value = item.pointer(at).unwrap_or(&Value::Null);
    match (kind, time(value)) {
        (Kind::When, Some(then)) => distance(now, then),
        _ => words(value),
    }
}

/// Cells of items, under their headings.
pub fn rows(items: &[Value], columns: &[Column], now: Timestamp) -> Vec<Vec<String>> {
    let heads = columns.iter().map(|Column(head, ..)| (*head).to_owned()).collect();
    let cells = |item| columns.iter().map(|column| cell(item, *column, now)).collect();
    std::iter::once(heads).chain(items.iter().map(cells)).collect()
}

/// How wide each column is: as its widest cell, less where all together are wider than the terminal.
fn widths(rows: &[Vec<String>], may_cut: &[bool], width: usize) -> Vec<usize> {
    let mut widths = vec![0_usize; rows.first().map_or(0, Vec::len)];
    for row in rows {
        widths.iter_mut().zip(row).for_each(|(width, cell)| *width = (*width).max(cell.chars().count()));
    }
    let gaps = 2 * widths.len().saturating_sub(1);
    let mut over = (widths.iter().sum::<usize>() + gaps).saturating_sub(width);
    while over > 0 {
        let cut = widths.iter_mut().zip(may_cut).filter(|(width, may)| **may && **width > LEAST);
        let Some((widest, _)) = cut.max_by_key(|(width, _)| **width) else { break };
        *widest -= 1;
        over -= 1;
    }
    widths
}

fn fitted(cell: &str, width: usize) -> String {
    if cell.chars().count() <= width {
        return format!("{cell:<width$}");
    }
    cell.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// Lines of a table, each at most `width` wide where its columns may be cut.
pub fn table(rows: &[Vec<String>], may_cut: &[bool], width: usize) -> Vec<String> {
    let widths = widths(rows, may_cut, width);
    let line = |row: &Vec<String>| {
        let cells: Vec<_> = row.iter().zip(&widths).map(|(cell, width)| fitted(cell, *width)).collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// A thing, one field a line, what lies in it below its name; times with their distance from now.
pub fn object(value: &Value, now: Timestamp) -> Vec<String> {
    let mut fields = Vec::new();
    spread(value, String::new(), &mut fields);
    let width = fields.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    let said = |value: &Value| match time(value) {
        Some(then) => format!("{then} ({})", distance(now, then)),
        None => words(value),
    };
    fields
        .iter()
        .map(|(name, value)| format!("{name:<width$}  {}", said(value)).trim_start().to_owned())
        .collect()
}

fn spread<'a>(value: &'a Value, at: String, all: &mut Vec<(String, &'a Value)>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let dot = if at.is_empty() { "" } else { "." };
                spread(value, format!("{at}{dot}{}", plain(name)), all);
            }
        }
        value => all.push((at, value)),
    }
}

/// How wide lines may be: without limit where no terminal shows them.
pub fn width(columns: Option<String>) -> usize {
    if !std::io::stdout().is_terminal() {
        return usize::MAX;
    }
    columns.and_then(|text| text.parse().ok()).filter(|width| *width >= 40).unwrap_or(WIDTH)
}

/// # Errors
/// Standard output is closed.
pub fn print_lines(lines: &[String]) -> Result<(), Fault> {
    lines.iter().try_for_each(|line| print_line(line))
}

/// # Errors
/// Standard output is closed.
pub fn print_line(line: &str) -> Result<(), Fault> {
    print::line(line).map_err(|error| Fault::Print(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    const NOW: &str = "2026-11-26T09:00:00.000Z";

    #[test]
    fn distances_read_as_people_say_them() {
        for (then, said) in [
            ("2026-11-26T09:00:00.400Z", "now"),
            ("2026-11-26T08:59:30.000Z", "30 s ago"),
            ("2026-11-26T08:50:00.000Z", "10 min ago"),
            ("2026-11-26T10:20:00.000Z", "in 80 min"),
            ("2026-11-26T21:00:00.000Z", "in 12 h"),
            ("2026-11-20T09:00:00.000Z", "6 d ago"),
        ] {
            assert_eq!(distance(at(NOW), at(then)), said, "{then}");
        }
    }

    const COLUMNS: [Column; 4] = [
        Column("id", "/id", Kind::Whole),
        Column("name", "/name", Kind::Text),
        Column("mfa", "/mfa", Kind::Whole),
        Column("seen", "/seen_at", Kind::When),
    ];

    #[test]
    fn a_table_is_aligned_and_fits() {
        let items = [
            json!({"id": "agt_0000000000000000", "name": "crawler", "mfa": true, "seen_at": "2026-11-26T08:00:00.000Z"}),
            json!({"id": "agt_1111111111111111", "name": "n".repeat(90), "mfa": false, "seen_at": null}),
        ];
        let rows = rows(&items, &COLUMNS, at(NOW));
        let lines = table(&rows, &[false, true, false, false], 80);
        assert_eq!(lines[0], format!("id                    name{}  mfa  seen", " ".repeat(37)));
        assert!(
            lines[1].starts_with("agt_0000000000000000  crawler ") && lines[1].ends_with("yes  60 min ago")
        );
        assert!(lines[2].contains("n…  no   -"), "{}", lines[2]);
        assert!(lines.iter().all(|line| line.chars().count() <= 80), "{lines:#?}");
        assert!(
            table(&rows, &[false; 4], 80).iter().any(|line| line.chars().count() > 80),
            "ids are never cut"
        );
    }

    #[test]
    fn a_thing_is_shown_line_by_line_and_steers_no_terminal() {
        let value = json!({"id": "x\u{1b}]0;t\u{7}", "expires_at": "2026-11-26T21:00:00.000Z", "list": ["a", "b"], "of": {"none": []}});
        assert_eq!(
            object(&value, at(NOW)),
            [
                "id          x\u{fffd}]0;t\u{fffd}",
                "expires_at  2026-11-26T21:00:00.000Z (in 12 h)",
                "list        a,b",
                "of.none     none",
            ]
        );
        assert_eq!(plain("a\u{202e}b"), "a\u{fffd}b");
    }
}
