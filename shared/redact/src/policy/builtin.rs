//! The engine's types, as documents name them.

use super::TypeInfo;
use crate::Detectors;

/// The types of the built-in detectors, in the order of the detectors. None if those do not load: then nothing is redacted
/// and every call refused, whatever a policy says.
pub fn builtin_types() -> Vec<TypeInfo<'static>> {
    let Ok(detectors) = Detectors::builtin() else { return Vec::new() };
    detectors
        .iter()
        .map(|detector| TypeInfo { id: detector.id(), group: detector.group().as_str() })
        .collect()
}
