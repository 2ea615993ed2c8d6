//! What the whole bundle is driven with: the stand-in for LLM providers, what the end-to-end tests share, and beside
//! this crate those tests and the demo.
//!
//! In scope: servers that play the other side of Countersign's connections, told to fail on purpose.
//! Out of scope: anything that is deployed, and AWS itself (`MiniStack`, started by `tests/local/`).

pub mod host;
pub mod port;
pub mod standin;
pub mod support;
pub mod tables;
