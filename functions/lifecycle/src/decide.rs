//! What is delivered and what is merged: pure.

use std::collections::BTreeMap;

use domain::{Region, Timestamp};
use ledger::Note;
use ledger::row::merged_name;
use serde_json::Value;

/// Where a checkpoint lies in a sink. One name per size: a sink that keeps what it has sees at once if another checkpoint
/// of the same size ever comes.
pub fn sink_name(region: Region, size: u64) -> String {
    format!("countersign/{region}/checkpoint/{size:020}")
}

/// The size that a checkpoint speaks of. It is passed on as it is: whoever reads the sink has the key, and believes nothing
/// of the way that it came.
pub fn size_of(note: &str, origin: &str) -> Option<u64> {
    Note::parse(note).ok()?;
    let mut lines = note.lines();
    let (named, size) = (lines.next()?, lines.next()?);
    (named == origin).then(|| size.parse().ok())?
}

/// Files of a partition that can be merged: of a day that is over, and more than one.
pub fn partitions(names: Vec<String>, now: Timestamp) -> BTreeMap<String, Vec<String>> {
    let today = now.date();
    let mut partitions = BTreeMap::<String, Vec<String>>::new();
    for name in names {
        let Some((partition, _)) = name.rsplit_once('/') else { continue };
        let over = partition.rsplit_once("dt=").is_some_and(|(_, day)| day < today.as_str());
        if over {
            partitions.entry(partition.to_owned()).or_default().push(name);
        }
    }
    partitions.retain(|_, names| names.len() > 1);
    partitions
}

/// One file out of several: each row once, in the order of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    pub name: String,
    pub rows: String,
}

/// # Errors
/// A line that is no row, or two different rows of one number: nothing is merged then, and nothing removed.
pub fn merge(partition: &str, files: &[String]) -> Result<Merged, &'static str> {
    let mut rows = BTreeMap::<u64, &str>::new();
    for line in files.iter().flat_map(|file| file.lines()).filter(|line| !line.is_empty()) {
        let row: Value = serde_json::from_str(line).map_err(|_| "not_a_row")?;
        let seq = row.get("seq").and_then(Value::as_u64).ok_or("not_a_row")?;
        if rows.insert(seq, line).is_some_and(|before| before != line) {
            return Err("rows_differ");
        }
    }
    let (first, last) = rows.keys().next().zip(rows.keys().next_back()).ok_or("no_rows")?;
    let name = merged_name(&format!("{partition}/"), *first, *last);
    let rows = rows.values().flat_map(|row| [*row, "\n"]).collect();
    Ok(Merged { name, rows })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARTITION: &str = "task_timeline/tenant_id=ten_1/dt=2026-11-23";

    fn row(seq: u64) -> String {
        format!("{{\"event_id\":\"e{seq}\",\"seq\":{seq}}}\n")
    }

    #[test]
    fn each_row_is_kept_once_in_the_logs_order() {
        let files = [row(7) + &row(9), row(0) + &row(1), row(7)];
        let merged = merge(PARTITION, &files).unwrap();
        assert_eq!(merged.name, format!("{PARTITION}/00000000000000000000-00000000000000000009.json"));
        assert_eq!(merged.rows, row(0) + &row(1) + &row(7) + &row(9));
    }

    #[test]
    fn what_is_doubtful_is_left_as_it_is() {
        let other = row(7).replace("e7", "forged");
        assert_eq!(merge(PARTITION, &[row(7), other]), Err("rows_differ"));
        assert_eq!(merge(PARTITION, &[row(7), "half a ro".to_owned()]), Err("not_a_row"));
        assert_eq!(merge(PARTITION, &[String::new()]), Err("no_rows"));
    }

    #[test]
    fn only_days_that_are_over_and_lie_in_pieces_are_merged() {
        let now: Timestamp = "2026-11-24T00:00:00.000Z".parse().unwrap();
        let name = |day: &str, file: &str| format!("task_timeline/tenant_id=ten_1/dt={day}/{file}.json");
        let names = vec![
            name("2026-11-22", "1"),
            name("2026-11-23", "2"),
            name("2026-11-23", "3"),
            name("2026-11-24", "4"),
            name("2026-11-24", "5"),
            "elsewhere".to_owned(),
        ];
        let found = partitions(names.clone(), now);
        assert_eq!(found, BTreeMap::from([(PARTITION.to_owned(), names[1..3].to_vec())]));
    }
}
