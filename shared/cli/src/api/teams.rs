//! `countersign teams`.

use serde_json::json;

use super::client::Call;
use super::desk::{Desk, Done};
use super::show::{Column, Kind};
use crate::args::api::Teams;

const COLUMNS: [Column; 2] = [Column("id", "/id", Kind::Whole), Column("name", "/name", Kind::Text)];

pub async fn run(mut desk: Desk, wanted: Teams) -> Done {
    match wanted {
        Teams::List => {
            let path = desk.in_tenant("/teams")?;
            desk.list(&path, &COLUMNS).await
        }
        Teams::Create { team, name } => {
            let path = desk.in_tenant("/teams")?;
            let name = name.map_or_else(|| team.to_string(), |name| name.to_string());
            desk.make(&path, json!({"id": team, "name": name}), "the team is made").await
        }
        Teams::Rename { team, name } => {
            let path = desk.in_tenant(&format!("/teams/{team}"))?;
            desk.change(Call::put(path, json!({"name": name})), "the team is renamed").await
        }
        Teams::Remove { team } => {
            let path = desk.in_tenant(&format!("/teams/{team}"))?;
            desk.change(Call::delete(path), "the team is removed").await
        }
    }
}
