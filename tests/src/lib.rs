//! What the whole bundle is driven with: the stand-in for LLM providers, and beside this crate the
//! end-to-end tests and the demo.
//!
//! In scope: servers that play the other side of Countersign's connections, told to fail on purpose.
//! Out of scope: anything that is deployed, and AWS itself (`MiniStack`, started by `tests/local/`).

pub mod standin;
