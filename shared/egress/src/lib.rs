//! The only outbound HTTP client for addresses that a person configured.
//!
//! A provider's URL is input: whoever may write it could point the gateway at a neighbour, at the cloud's
//! metadata service or at itself, and would get the tenant's credential sent there. So an address passes three gates:
//!
//! 1. [`Target::parse`]: HTTPS, one spelling, no IP literal outside the global ranges ([`is_global`]).
//! 2. Name resolution: the client resolves by itself, refuses a name when **any** of its addresses is not global,
//!    and connects to exactly the addresses it checked. A name that changes its answer is checked again by the next
//!    connection; there is no gap between check and use.
//! 3. TLS 1.3 with the host's certificate. Redirects are not followed, proxies from the environment are not used.
//!
//! What comes back is bounded in size and time, whether it is read whole ([`Client::post_json`]) or while it arrives
//! ([`Client::post_stream`]). An error tells whether the provider may have processed the request
//! ([`EgressError::may_have_been_processed`]), because a held budget is settled by that. The text of an error answer
//! stays inside ([`ErrorBody`]): providers quote prompts and credentials in it. Our own API's answers alone are read as they are
//! ([`Client::send_json`]).
//!
//! In scope: addresses, connection, limits. Out of scope: dialects, retries, breakers (the caller's), AWS (its SDK).
//! On the local stage alone ([`Reach::Loopback`]) loopback addresses are allowed too, and plain HTTP to them.

mod addresses;
mod answer;
mod ask;
mod body;
mod certificate;
mod client;
mod error;
mod resolver;
mod target;
#[cfg(test)]
mod tests;
mod tls;

pub use addresses::is_global;
pub use answer::{Answer, ErrorBody};
pub use ask::{Ask, Reply, Verb};
pub use body::{Body, Limits, Streamed};
pub use certificate::{Certificates, Validity};
pub use client::{Client, Config, Headers};
pub use error::{ClientError, EgressError, NotSent};
pub use target::{Reach, Target, TargetError};
pub use tls::Roots;
