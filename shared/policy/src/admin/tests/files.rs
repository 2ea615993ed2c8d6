//! The files: valid, complete, and told apart by their ids.

use super::*;
use cedar_policy::{ValidationMode, Validator};

#[test]
fn the_policies_are_valid_by_the_strict_rules() {
    let policies = Policies::builtin().unwrap();
    let (schema, set) = policies.parts();
    let found = Validator::new(schema.clone()).validate(set, ValidationMode::Strict);
    let all: Vec<_> = found.validation_errors().map(ToString::to_string).collect();
    assert!(
        found.validation_passed_without_warnings(),
        "{all:?} {:?}",
        found.validation_warnings().collect::<Vec<_>>()
    );
}
