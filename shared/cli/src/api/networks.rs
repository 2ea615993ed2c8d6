//! `countersign networks`: a tenant's list, or with `--org` the organization's.

use serde_json::json;

use super::client::Call;
use super::desk::{Desk, Done};
use crate::args::api::Networks;

pub async fn run(mut desk: Desk, wanted: Networks) -> Done {
    let path = match desk.said_org() {
        Some(org) => format!("v1/orgs/{org}/networks"),
        None => desk.in_tenant("/networks")?,
    };
    match wanted {
        Networks::Get => desk.get(&path).await,
        Networks::Set(list) => {
            let seen = desk.api.send(Call::get(&path)).await?.seen()?;
            let networks = (!list.anywhere).then_some(&list.networks);
            let call = Call::put(path, json!({"networks": networks})).over(seen);
            desk.change(call, "the list holds from the next call on").await
        }
    }
}
