//! Tables of whole documents for each direction, and properties over all of them.

mod answers;
pub mod assemble;
mod requests;
mod streams;

use serde_json::{Map, Value};

pub fn fields(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        other => panic!("not an object: {other}"),
    }
}
