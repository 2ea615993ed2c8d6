//! The engine's types, as documents name them.

use super::TypeInfo;
use crate::Detectors;

/// The types of the built-in detectors, in the order of the detectors. None if those do not load: then nothing is redacted
/// and every call refused, whatever a policy says.
pub fn builtin_types() -> Vec<TypeInfo<'static>> {
    let Ok(detectors) = Detectors::builtin() else { return Vec::new() };
    detectors.iter().map(|detector| TypeInfo { id: detector.id(), group: group_of(detector.id()) }).collect()
}

/// Detectors carry no group of their own yet.
fn group_of(id: &str) -> &'static str {
    match id {
        "email" => "contact",
        "card" | "iban" => "finance",
        "us_ssn" | "il_id" => "national",
        "ipv4" | "ipv6" => "network",
        _ => "secret",
    }
}
