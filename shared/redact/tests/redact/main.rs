//! The crate from outside: data files, real-looking texts, restoring, properties, labelled data.

#[cfg(test)]
mod clean;
#[cfg(test)]
mod common;
#[cfg(test)]
mod evasion;
#[cfg(test)]
mod examples;
#[cfg(test)]
mod ground_truth;
#[cfg(test)]
mod labelled;
#[cfg(test)]
mod names;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod restore;
mod streams;
#[cfg(test)]
mod texts;
