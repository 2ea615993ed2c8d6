//! What the end-to-end tests share. A test that cannot be set up stops at once and says where: everything here panics.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests stop at what they did not expect"
)]

pub mod admin;
pub mod admissions;
pub mod approvals;
pub mod auditor;
pub mod aws;
pub mod bench;
pub mod browser;
pub mod clients;
pub mod denied;
pub mod directory;
pub mod document;
pub mod entropy;
pub mod function;
pub mod google;
pub mod http;
pub mod idp;
pub mod inbox;
pub mod pages;
pub mod planted;
pub mod producer;
pub mod pushed;
pub mod records;
pub mod sealed;
pub mod shell;
pub mod stack;
pub mod standin;
pub mod tenant;
pub mod wait;
pub mod world;

pub use clients::Client;
pub use function::Function;
pub use http::{Answer, Request};
pub use stack::stack;
pub use tenant::Tenant;
