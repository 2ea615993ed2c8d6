//! Sign-in through identity providers, as pure functions: what was fetched, the time and random bytes are parameters.
//!
//! A sign-in reads from top to bottom:
//!
//! 1. [`Connection`]: how an organization's provider is configured, checked against its [`Preset`].
//! 2. [`Discovery`]: the provider's own document.
//! 3. [`begin()`]: the browser is sent away; what must come back with it is [`Pending`].
//! 4. [`Callback`]: it comes back with a code, which [`TokenRequest`] exchanges.
//! 5. [`Jwks`]: the provider's keys; [`id_token::verify`] makes an [`Identity`] of its token.
//!    Groups that were too many for it: [`overage`].
//! 6. [`mapping`]: which person that is, and which roles its groups give.
//! 7. [`session_token`]: our own token. [`logout`]: the provider ends sessions; [`universal`]: all of a person's.
//!
//! [`workload`] lets machines in by their platform's tokens. [`jws`] is how any token is read; nobody else reads one.

pub mod begin;
pub mod callback;
mod claims;
pub mod connection;
pub mod discovery;
pub mod id_token;
pub mod jwks;
pub mod jws;
pub mod logout;
pub mod mapping;
pub mod overage;
pub mod preset;
pub mod refresh;
mod secret;
pub mod session_token;
mod signature;
#[cfg(test)]
pub(crate) mod testing;
pub mod universal;
pub mod workload;

pub use begin::{BrowserSecret, Pending, RedirectUri, ReturnTo, begin};
pub use callback::{Callback, CallbackError, Code, TokenRequest, Tokens};
pub use connection::{Connection, ConnectionError, ConnectionForm, GroupsClaim, SessionMinutes};
pub use discovery::{Discovery, DiscoveryError, TokenAuth};
pub use id_token::{Groups, Identity, Mfa};
pub use jwks::{Alg, Jwks, JwksError, Key};
pub use jws::TokenFault;
pub use preset::{Idp, Preset, Presets};
pub use secret::Secret;
