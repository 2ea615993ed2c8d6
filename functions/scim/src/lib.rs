//! SCIM 2.0: an identity provider says who is in, and which groups they are in.
//!
//! # In scope
//! The protocol of RFC 7643, 7644 and 9865, driven by one table of attributes (`schema`). Every module here is pure: a
//! request becomes a value that cannot be wrong, a change becomes the next document or a refusal.
//!
//! # Out of scope
//! - What a change means for access: sessions, keys and roles.
//! - Formats of rows and their indexes: `tables`.

pub mod bulk;
pub mod discovery;
pub mod error;
pub mod filter;
pub mod list;
pub mod patch;
pub mod path;
pub mod project;
pub mod query;
pub mod resource;
pub mod schema;
