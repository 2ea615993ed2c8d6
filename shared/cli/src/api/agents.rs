//! `countersign agents`.

use domain::{AgentId, Lifecycle};
use serde_json::json;

use super::client::Call;
use super::desk::{Desk, Done};
use super::show::{Column, Kind};
use crate::args::api::Agents;

const COLUMNS: [Column; 5] = [
    Column("id", "/id", Kind::Whole),
    Column("name", "/name", Kind::Text),
    Column("status", "/status", Kind::Whole),
    Column("team", "/team", Kind::Text),
    Column("owner", "/owner", Kind::Whole),
];

pub async fn run(mut desk: Desk, wanted: Agents) -> Done {
    match wanted {
        Agents::List => {
            let path = desk.in_tenant("/agents")?;
            desk.list(&path, &COLUMNS).await
        }
        Agents::Get { agent } => {
            let path = desk.in_tenant(&format!("/agents/{agent}"))?;
            desk.get(&path).await
        }
        Agents::Create { name, team } => {
            let path = desk.in_tenant("/agents")?;
            let said = "the agent is registered; a key for it: countersign keys create --agent with its id";
            desk.make(&path, json!({"name": name, "team": team}), said).await
        }
        Agents::Suspend { agent } => {
            status(&mut desk, &agent, Lifecycle::Suspended, "the agent is suspended: its calls are refused")
                .await
        }
        Agents::Resume { agent } => status(&mut desk, &agent, Lifecycle::Active, "the agent is active").await,
        Agents::Owner { agent, owner, deputy } => {
            let path = desk.in_tenant(&format!("/agents/{agent}/owner"))?;
            let body = json!({"owner": owner, "deputy": deputy});
            desk.change(Call::put(path, body), "somebody else answers for the agent").await
        }
        Agents::Team { agent, team, .. } => {
            let path = desk.in_tenant(&format!("/agents/{agent}/team"))?;
            desk.change(Call::put(path, json!({"team": team})), "the agent's team is changed").await
        }
    }
}

async fn status(desk: &mut Desk, agent: &AgentId, status: Lifecycle, said: &str) -> Done {
    let path = desk.in_tenant(&format!("/agents/{agent}/status"))?;
    desk.change(Call::put(path, json!({"status": status})), said).await
}
