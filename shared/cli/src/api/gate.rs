//! `countersign gate` and `countersign channels`: which actions of agents need whom, and how people and agents are told.

use std::path::Path;

use policy::gate::Gate as Document;
use serde_json::Value;

use super::client::Call;
use super::desk::{Desk, Done};
use super::fault::Fault;
use super::policies::{over, read, show};
use crate::args::api::{Channels, Gate};

pub async fn run(mut desk: Desk, wanted: Gate) -> Done {
    let path = desk.in_tenant("/gate")?;
    match wanted {
        Gate::Get => show(desk, path).await,
        Gate::Put { file } => {
            let document = checked(&file)?;
            let over = over(&mut desk, &path).await?;
            desk.change(Call::put(path, document).over(over), "the gate holds from the next action on").await
        }
    }
}

pub async fn channels(mut desk: Desk, wanted: Channels) -> Done {
    let path = desk.in_tenant("/channels")?;
    match wanted {
        Channels::Get => show(desk, path).await,
        Channels::Put { file } => {
            let (document, _) = read(&file)?;
            let over = over(&mut desk, &path).await?;
            desk.change(Call::put(path, document).over(over), "people are told so from the next request on")
                .await
        }
    }
}

/// Checked here too, by its text: of a key that stands twice the API would see the last alone.
fn checked(file: &Path) -> Result<Value, Fault> {
    let (document, text) = read(file)?;
    let refused = |faults| Fault::failed(format!("{} is refused:\n{faults}", file.display()));
    Document::parse(&text).map_err(refused)?;
    Ok(document)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_told_and_a_key_stands_once() {
        let file = std::env::temp_dir().join(format!("countersign-gate-{}.json", std::process::id()));
        let told = |text: &str| {
            std::fs::write(&file, text).unwrap();
            checked(&file).err().map(|fault| fault.to_string())
        };
        assert_eq!(told(r#"{"v": 1, "allow": ["crm.*"]}"#), None);
        let twice = told(r#"{"v": 1, "gates": [], "gates": []}"#).unwrap();
        assert!(twice.contains("`gates` stands twice"), "{twice}");
        let two = told(r#"{"v": 1, "allow": ["planted value"], "gates": [{"id": "a"}]}"#).unwrap();
        assert!(two.contains("`/allow/0`") && two.contains("`/gates/0/template`"), "{two}");
        assert!(!two.contains("planted"), "{two}");
        std::fs::remove_file(&file).unwrap();
    }
}
