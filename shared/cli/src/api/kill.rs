//! `countersign kill`: stops at once, and is turned off by somebody else.

use domain::OrgId;
use serde_json::{Value, json};

use super::Get;
use super::client::Call;
use super::desk::{Desk, Done};
use super::fault::Fault;
use super::show::{Column, Kind};
use crate::args::api::{At, Kill, Kills, Switch};
use crate::print;

const COLUMNS: [Column; 5] = [
    Column("stops", "/stopped", Kind::Whole),
    Column("version", "/version", Kind::Whole),
    Column("turned by", "/last/by", Kind::Whole),
    Column("why", "/last/reason", Kind::Text),
    Column("when", "/last/at", Kind::When),
];

pub async fn run(get: Get<'_>, Kills { command, switch, seat }: Kills) -> Done {
    let at = At { seat, tenant: switch.tenant.clone(), org: switch.org.clone() };
    let mut desk = Desk::open(get, &at)?;
    let path = place(&desk, &switch)?;
    let agent = switch.agent.as_ref();
    match command {
        Kill::Status => shown(&mut desk, Call::get(path)).await,
        Kill::Stop { reason, scope } => {
            let mut body = json!({"reason": reason, "scope": scope});
            add_agent(&mut body, agent.map(ToString::to_string));
            shown(&mut desk, Call::post(path, body)).await?;
            print::progress("stopped. Another person turns it off: countersign kill recover --reason …");
            Ok(())
        }
        Kill::Recover { reason, seen } => {
            let version = version(&mut desk, &path, &switch, seen).await?;
            let mut body = json!({"reason": reason, "version": version});
            add_agent(&mut body, agent.map(ToString::to_string));
            shown(&mut desk, Call::post(format!("{path}/recover"), body)).await
        }
    }
}

fn add_agent(body: &mut Value, agent: Option<String>) {
    if let (Value::Object(fields), Some(agent)) = (body, agent) {
        fields.insert("agent".to_owned(), agent.into());
    }
}

fn place(desk: &Desk, switch: &Switch) -> Result<String, Fault> {
    let of_org = |org: &OrgId| format!("v1/orgs/{org}/kill");
    match (switch.platform, &switch.org) {
        (true, _) => Ok("v1/platform/kill".to_owned()),
        (false, Some(org)) => Ok(of_org(org)),
        (false, None) => desk.in_tenant("/kill"),
    }
}

/// The version that is recovered: the one that was said, or the one that is there.
async fn version(desk: &mut Desk, path: &str, switch: &Switch, seen: Option<u64>) -> Result<u64, Fault> {
    match (seen, &switch.agent) {
        (Some(seen), _) => Ok(seen),
        (None, Some(_)) => {
            Err(Fault::Usage("say --seen VERSION, as `kill stop` printed it for the agent".to_owned()))
        }
        (None, None) => {
            let now = desk.api.send(Call::get(path)).await?;
            let version = now.body.get("version").and_then(Value::as_u64);
            version.ok_or_else(|| {
                Fault::failed("the switch has no version: compare the versions of command and API")
            })
        }
    }
}

async fn shown(desk: &mut Desk, call: Call) -> Done {
    let answer = desk.api.send(call).await?;
    if answer.waits() {
        print::progress(&super::desk::waiting(&answer.body, ""));
        return desk.print_json(&answer).map(drop);
    }
    if desk.print_json(&answer)? {
        return Ok(());
    }
    desk.table(std::slice::from_ref(&answer.body), &COLUMNS)
}
