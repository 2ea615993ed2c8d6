//! Checks against vectors of other implementations, and the data rows against the checks.

mod mask;
mod rows;
mod vectors;
