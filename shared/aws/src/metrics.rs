//! Figures in CloudWatch's embedded metric format (AWS, "Specification: Embedded metric format", read 2026-11): a line of the log
//! that CloudWatch reads as metrics, so that nothing calls it and nothing waits for it.

use std::io::Write as _;

use serde_json::{Map, Value, json};

use crate::now;

/// What all our metrics are in.
const NAMESPACE: &str = "Countersign";

/// Writes figures under dimensions. Names and dimensions are ours: no tenant, no person, no text of anybody's.
pub fn emit_metrics(dimensions: &[(&str, &str)], figures: &[(&str, f64)]) {
    let line = line(dimensions, figures, now().unix_millis());
    // A figure that cannot be written is one that is missing, which alarms notice.
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

fn line(dimensions: &[(&str, &str)], figures: &[(&str, f64)], millis: u64) -> Value {
    let names: Vec<_> = dimensions.iter().map(|(name, _)| *name).collect();
    let metrics: Vec<_> = figures.iter().map(|(name, _)| json!({"Name": name})).collect();
    let about = json!({
        "Timestamp": millis,
        "CloudWatchMetrics": [{"Namespace": NAMESPACE, "Dimensions": [names], "Metrics": metrics}],
    });
    let told = dimensions.iter().map(|(name, value)| ((*name).to_owned(), json!(value)));
    let values = figures.iter().map(|(name, value)| ((*name).to_owned(), json!(value)));
    Value::Object(told.chain(values).chain([("_aws".to_owned(), about)]).collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_what_cloudwatch_reads() {
        let line =
            line(&[("Stack", "cs-prod-eu"), ("Check", "audit")], &[("CheckDown", 1.0)], 1_795_430_530_120);
        assert_eq!(
            line.to_string(),
            r#"{"Stack":"cs-prod-eu","Check":"audit","CheckDown":1.0,"_aws":{"Timestamp":1795430530120,"CloudWatchMetrics":[{"Namespace":"Countersign","Dimensions":[["Stack","Check"]],"Metrics":[{"Name":"CheckDown"}]}]}}"#
        );
    }
}
