//! Figures in CloudWatch's embedded metric format (AWS, "Specification: Embedded metric format", read 2026-11): a line of the log
//! that CloudWatch reads as metrics, so that nothing calls it and nothing waits for it.

use std::io::Write as _;

use serde_json::{Map, Value, json};

use crate::now;

/// What all our metrics are in.
const NAMESPACE: &str = "Countersign";

/// Writes figures under dimensions. Names and dimensions are ours: no tenant, no person, no text of anybody's.
pub fn emit_metrics(dimensions: &[(&str, &str)], figures: &[Figure]) {
    write(&Value::Object(embedded(dimensions, figures, now().unix_millis())));
}

/// A figure of a metric, in a unit of CloudWatch's ("MetricDatum").
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figure {
    name: &'static str,
    value: f64,
    unit: &'static str,
}

impl Figure {
    pub const fn count(name: &'static str, value: f64) -> Self {
        Self { name, value, unit: "Count" }
    }

    pub const fn millis(name: &'static str, value: f64) -> Self {
        Self { name, value, unit: "Milliseconds" }
    }
}

/// A figure that cannot be written is one that is missing, which alarms notice.
pub(crate) fn write(line: &Value) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

pub(crate) fn embedded(dimensions: &[(&str, &str)], figures: &[Figure], millis: u64) -> Map<String, Value> {
    let names: Vec<_> = dimensions.iter().map(|(name, _)| *name).collect();
    let metrics: Vec<_> = figures.iter().map(|one| json!({"Name": one.name, "Unit": one.unit})).collect();
    let about = json!({
        "Timestamp": millis,
        "CloudWatchMetrics": [{"Namespace": NAMESPACE, "Dimensions": [names], "Metrics": metrics}],
    });
    let told = dimensions.iter().map(|(name, value)| ((*name).to_owned(), json!(value)));
    let values = figures.iter().map(|one| (one.name.to_owned(), json!(one.value)));
    told.chain(values).chain([("_aws".to_owned(), about)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_what_cloudwatch_reads() {
        let figure = Figure::count("CheckDown", 1.0);
        let line = embedded(&[("Stack", "cs-prod-eu"), ("Check", "audit")], &[figure], 1_795_430_530_120);
        assert_eq!(
            Value::Object(line).to_string(),
            r#"{"Stack":"cs-prod-eu","Check":"audit","CheckDown":1.0,"_aws":{"Timestamp":1795430530120,"CloudWatchMetrics":[{"Namespace":"Countersign","Dimensions":[["Stack","Check"]],"Metrics":[{"Name":"CheckDown","Unit":"Count"}]}]}}"#
        );
    }
}
