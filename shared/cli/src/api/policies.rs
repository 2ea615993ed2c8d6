//! `countersign policies`: DLP documents of a tenant and of its agents.

use std::path::Path;

use domain::AgentId;
use serde_json::Value;

use super::client::{Call, Over};
use super::desk::{Desk, Done};
use super::fault::Fault;
use super::show::print_line;
use crate::args::api::Policies;

/// As the API takes them.
const BYTES_MAX: u64 = 64 * 1_024;

pub async fn run(mut desk: Desk, wanted: Policies) -> Done {
    match wanted {
        Policies::Get { agent } => {
            let path = place(&desk, agent.as_ref())?;
            show(desk, path).await
        }
        Policies::Set { file, agent } => {
            let (document, _) = read(&file)?;
            let path = place(&desk, agent.as_ref())?;
            let over = over(&mut desk, &path).await?;
            desk.change(Call::put(path, document).over(over), "the policy holds from the next call on").await
        }
    }
}

/// The document that stands at a path.
pub async fn show(mut desk: Desk, path: String) -> Done {
    let answer = desk.api.send(Call::get(path)).await?;
    if desk.print_json(&answer)? {
        return Ok(());
    }
    let pretty = answer.body.get("document").and_then(|document| serde_json::to_string_pretty(document).ok());
    print_line(&pretty.unwrap_or_default())
}

fn place(desk: &Desk, agent: Option<&AgentId>) -> Result<String, Fault> {
    match agent {
        Some(agent) => desk.in_tenant(&format!("/agents/{agent}/dlp")),
        None => desk.in_tenant("/dlp"),
    }
}

/// Over what is there, or as the first.
pub async fn over(desk: &mut Desk, path: &str) -> Result<Over, Fault> {
    match desk.api.send(Call::get(path)).await {
        Ok(answer) => answer.seen(),
        Err(fault) if fault.is("not_found") => Ok(Over::Nothing),
        Err(fault) => Err(fault),
    }
}

/// A JSON document of a size that is taken, and its text. The API judges what it says.
pub fn read(file: &Path) -> Result<(Value, String), Fault> {
    let named = |what: String| Fault::failed(format!("{}: {what}", file.display()));
    let size = std::fs::metadata(file).map_err(|error| named(error.to_string()))?.len();
    if size > BYTES_MAX {
        return Err(named(format!("longer than {BYTES_MAX} bytes")));
    }
    let text = std::fs::read_to_string(file).map_err(|error| named(error.to_string()))?;
    let document = serde_json::from_str(&text)
        .map_err(|error| named(format!("no JSON at line {}, column {}", error.line(), error.column())))?;
    Ok((document, text))
}
