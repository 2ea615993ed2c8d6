//! The write of an allowlist of networks, in a row that is there.

use domain::Networks;

use crate::codec::NETWORKS;
use crate::gates::Update;
use crate::{Attr, Key};

/// Writes the list over whatever the row has, or takes it out: every network is allowed then.
pub fn write_networks(row: Key, networks: Option<&Networks>) -> Update {
    let names = vec![("#networks", NETWORKS.to_owned())];
    let (update, values) = match networks {
        Some(list) => ("SET #networks = :networks", vec![(":networks", Attr::texts(&list.0))]),
        None => ("REMOVE #networks", Vec::new()),
    };
    Update { key: row, update, condition: Some("attribute_exists(pk)"), names, values }
}
