//! `countersign roles`.

use serde_json::json;

use super::client::Call;
use super::desk::{Desk, Done};
use super::show::{Column, Kind};
use crate::args::api::Roles;

const COLUMNS: [Column; 2] = [Column("person", "/user", Kind::Whole), Column("role", "/role", Kind::Whole)];

pub async fn run(mut desk: Desk, wanted: Roles) -> Done {
    let path = desk.in_tenant("/roles")?;
    match wanted {
        Roles::List => desk.list(&path, &COLUMNS).await,
        Roles::Grant { user, role } => {
            let call = Call::put(format!("{path}/{user}"), json!({"role": role}));
            desk.change(call, "the role is given").await
        }
        Roles::Withdraw { user } => {
            desk.change(Call::delete(format!("{path}/{user}")), "the role is taken away").await
        }
    }
}
