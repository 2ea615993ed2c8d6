//! The crate from outside: data files, real-looking texts, restoring, properties, labelled data.

#[cfg(test)]
mod common;
#[cfg(test)]
mod examples;
#[cfg(test)]
mod labelled;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod restore;
mod streams;
#[cfg(test)]
mod texts;
#[cfg(test)]
mod throughput;
