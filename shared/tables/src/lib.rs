//! Key layout and item formats of every table, and the arithmetic of the gates. Pure: no client.
//!
//! # In scope
//! Where a row lies ([`Key`]), how it is written and read ([`codec`]), and the conditional writes that hold and
//! settle budgets ([`gates`], behind the [`GateStore`] joint), rotate and destroy keys ([`keyring`], behind
//! [`KeyStore`]), write DLP policies ([`dlp`]), mark who has left ([`offboard`]) and move the heads of logs ([`ledger`]).
//!
//! # Out of scope
//! Talking to DynamoDB: `aws` translates [`Item`], [`Key`] and [`gates::Update`] one to one.

pub mod approvals;
pub mod codec;
pub mod directory;
pub mod dlp;
#[cfg(any(test, feature = "testing"))]
pub mod expression;
#[cfg(any(test, feature = "testing"))]
pub mod faults;
pub mod gates;
mod gateway_key;
mod identity;
mod invitations;
mod item;
pub mod keyring;
mod kill;
mod layout;
pub mod ledger;
pub mod limits;
mod network;
pub mod offboard;
pub mod people;
mod said;
mod shards;
mod sites;
pub mod standing;
pub mod status;
mod swap;
#[cfg(test)]
mod testing;

pub use codec::sealed_bytes;
pub use dlp::{PolicyStore, WritePolicy};
pub use gates::{GateFault, GateOp, GateStore, Held, HoldReceipt, HoldRefused, Once};
pub use identity::{end_session, hand_over};
pub use item::{Attr, CodecError, Item, Reader};
pub use keyring::{KeyOp, KeyStore, Listed, ReadFault};
pub use kill::{KillKeys, KillOp, PLATFORM_COPIES, Switch};
pub use layout::{Key, Table};
pub use network::write_networks;
pub use shards::{HEAD_SHARDS, shard_of, shards_from};
pub use sites::SitesRow;
pub use swap::{EXPIRES, Marker, Swap, deleted, fingerprint, unchanged};
