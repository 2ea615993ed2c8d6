//! Writes a plan, step by step. Before each step that writes over something, that is read again: what changed since the difference
//! was shown is not written over.

use domain::{Name, OrgId};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::client::{Answer, Api, Call, Over};
use super::fault::{Fault, field};
use super::model::{Model, Step, Write};
use super::present::{self, Ids};
use super::show::plain;
use super::{Get, base64url};

/// What became of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    Written,
    /// Kept for a second person, under this id.
    Waits(String),
    /// The same was asked for before, and still waits.
    WaitedBefore(String),
}

/// The work as it stands: what there is after the steps that were written.
pub struct Work<'a> {
    pub get: Get<'a>,
    pub api: &'a mut Api,
    pub org: OrgId,
    pub model: Model,
    pub ids: Ids,
}

/// The same file asks for the same thing once, whatever becomes of the connection.
fn once(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    base64url(&hash.finalize())
}

fn changed(what: &str) -> Fault {
    Fault::failed(format!("{what} changed since the difference was shown: run apply again"))
}

impl Work<'_> {
    /// Writes one step.
    ///
    /// # Errors
    /// A refusal, or what is there is not what was seen.
    pub async fn step(&mut self, step: &Step) -> Result<Ended, Fault> {
        let call = self.call(step).await?;
        if let Some(id) = self.waits_already(step, &call).await? {
            return Ok(Ended::WaitedBefore(id));
        }
        let answer = self.api.send(call).await?;
        if answer.waits() {
            return Ok(Ended::Waits(plain(field(&answer.body, "id")?)));
        }
        self.learn(step, &answer)?;
        step.apply(&mut self.model);
        Ok(Ended::Written)
    }

    fn at(&self, tenant: &Name) -> Result<String, Fault> {
        Ok(format!("v1/tenants/{}", self.ids.tenant(tenant)?))
    }

    fn agent(&self, tenant: &Name, agent: &Name) -> Result<String, Fault> {
        let id = self.ids.agents.get(&(tenant.clone(), agent.clone()));
        let id = id.ok_or_else(|| Fault::failed(format!("the agent {agent} is not there")))?;
        Ok(format!("{}/agents/{id}", self.at(tenant)?))
    }

    async fn call(&mut self, step: &Step) -> Result<Call, Fault> {
        let tenant = &step.tenant;
        match &step.write {
            Write::Create { region, budget_tokens } => {
                let body = json!({"name": tenant, "region": region, "budget_tokens": budget_tokens});
                let path = format!("v1/orgs/{}/tenants", self.org);
                Ok(Call::post(path, body).once(once(&["tenant", tenant.as_str()])))
            }
            Write::Status(status) => {
                Ok(Call::put(format!("{}/status", self.at(tenant)?), json!({"status": status})))
            }
            Write::CreateTeam(team) => {
                let body = json!({"id": team, "name": team});
                Ok(Call::post(format!("{}/teams", self.at(tenant)?), body)
                    .once(once(&["team", team.as_str()])))
            }
            Write::CreateAgent { agent, team } => {
                let body = json!({"name": agent, "team": team});
                Ok(Call::post(format!("{}/agents", self.at(tenant)?), body)
                    .once(once(&["agent", agent.as_str()])))
            }
            Write::AgentTeam { agent, team } => {
                Ok(Call::put(format!("{}/team", self.agent(tenant, agent)?), json!({"team": team})))
            }
            Write::AgentStatus { agent, status } => {
                Ok(Call::put(format!("{}/status", self.agent(tenant, agent)?), json!({"status": status})))
            }
            Write::Dlp(document) => {
                let over = self.seen_dlp(tenant).await?;
                Ok(Call::put(format!("{}/dlp", self.at(tenant)?), document.clone()).over(over))
            }
            Write::Limits(limits) => {
                let (path, answer) = self.read(tenant, "limits").await?;
                let same = self
                    .model
                    .tenants
                    .get(tenant)
                    .is_some_and(|is| present::limits(&answer.body).is_ok_and(|now| now == is.limits));
                over(path, limits.body(), &answer, same, "limits")
            }
            Write::Networks(networks) => {
                let (path, answer) = self.read(tenant, "networks").await?;
                let same =
                    self.model.tenants.get(tenant).is_some_and(|is| {
                        present::networks(&answer.body).is_ok_and(|now| now == is.networks)
                    });
                over(path, json!({"networks": networks}), &answer, same, "networks")
            }
            Write::AddProvider { provider, form, credential_env } => {
                let body = with_credential(form.body(provider), &self.credential(credential_env)?);
                Ok(Call::post(format!("{}/providers", self.at(tenant)?), body)
                    .once(once(&["provider", provider.as_str()])))
            }
            Write::SetProvider { provider, form, credential_env } => {
                let mut body = form.body(provider);
                if let Some(variable) = credential_env {
                    body = with_credential(body, &self.credential(variable)?);
                }
                self.set_provider(tenant, provider, body).await
            }
        }
    }

    async fn read(&mut self, tenant: &Name, what: &str) -> Result<(String, Answer), Fault> {
        let path = format!("{}/{what}", self.at(tenant)?);
        let answer = self.api.send(Call::get(&path)).await?;
        Ok((path, answer))
    }

    async fn seen_dlp(&mut self, tenant: &Name) -> Result<Over, Fault> {
        let at = self.at(tenant)?;
        let now = present::dlp(self.api, &at).await?;
        let seen = self.model.tenants.get(tenant).and_then(|is| is.dlp.as_ref());
        match (now, seen) {
            (None, None) => Ok(Over::Nothing),
            (Some((now, over)), Some(seen)) if now == *seen => Ok(over),
            _ => Err(changed("the policy")),
        }
    }

    async fn set_provider(&mut self, tenant: &Name, provider: &Name, body: Value) -> Result<Call, Fault> {
        let (path, answer) = self.read(tenant, "providers").await?;
        let seen = self.model.tenants.get(tenant).and_then(|is| is.providers.get(provider));
        let id = self.ids.providers.get(&(tenant.clone(), provider.clone()));
        for item in answer.items()? {
            let (now, _, form) = present::provider(item)?;
            if Some(&now) == id && Some(&form) == seen {
                return Ok(Call::put(format!("{path}/{now}"), body).over(answer.seen()?));
            }
        }
        Err(changed(&format!("the provider {provider}")))
    }

    fn credential(&self, variable: &str) -> Result<Zeroizing<String>, Fault> {
        let text = (self.get)(variable).filter(|text| !text.is_empty()).map(Zeroizing::new);
        text.ok_or_else(|| Fault::failed(format!("the variable {} holds no credential", plain(variable))))
    }

    /// A change of the same body that still waits: it is not asked for twice.
    async fn waits_already(&mut self, step: &Step, call: &Call) -> Result<Option<String>, Fault> {
        if !matches!(step.write, Write::Dlp(_) | Write::Limits(_) | Write::AgentTeam { .. }) {
            return Ok(None);
        }
        let path = format!("{}/changes", self.at(&step.tenant)?);
        let items = match self.api.items(&path).await {
            // Who may not see what waits asks for it once more.
            Err(fault) if fault.is("forbidden") => return Ok(None),
            items => items?,
        };
        let text = |item: &Value, name: &str| item.get(name).and_then(Value::as_str).map(plain);
        let same = |item: &&Value| {
            text(item, "path").is_some_and(|path| path.trim_start_matches('/') == call.path)
                && item.get("body") == call.body.as_ref()
        };
        Ok(items.iter().find(same).and_then(|item| text(item, "id")))
    }

    /// The id of what was made.
    fn learn(&mut self, step: &Step, answer: &Answer) -> Result<(), Fault> {
        let strange = |_| Fault::failed("the answer names no id: compare the versions of command and API");
        let tenant = step.tenant.clone();
        match &step.write {
            Write::Create { .. } => {
                self.ids.tenants.insert(tenant, field(&answer.body, "id")?.parse().map_err(strange)?);
            }
            Write::CreateAgent { agent, .. } => {
                let id = field(&answer.body, "id")?.parse().map_err(strange)?;
                self.ids.agents.insert((tenant, agent.clone()), id);
            }
            Write::AddProvider { provider, .. } => {
                let id = field(&answer.body, "id")?.parse().map_err(strange)?;
                self.ids.providers.insert((tenant, provider.clone()), id);
            }
            _ => {}
        }
        Ok(())
    }
}

fn over(path: String, body: Value, answer: &Answer, same: bool, what: &str) -> Result<Call, Fault> {
    if same { Ok(Call::put(path, body).over(answer.seen()?)) } else { Err(changed(&format!("the {what}"))) }
}

fn with_credential(mut body: Value, credential: &str) -> Value {
    if let Value::Object(fields) = &mut body {
        fields.insert("credential".to_owned(), credential.into());
    }
    body
}

/// What is said of a step that ended.
pub fn told(step: &Step, ended: &Ended, ids: &Ids) -> String {
    let at = ids.tenants.get(&step.tenant).map(|id| format!(" --tenant {id}")).unwrap_or_default();
    let confirm = |id: &str| format!("another person confirms it: countersign changes confirm {id}{at}");
    match ended {
        Ended::Written => format!("written: {} of {}", what(&step.write), step.tenant),
        Ended::Waits(id) => format!("waits: {} of {}; {}", what(&step.write), step.tenant, confirm(id)),
        Ended::WaitedBefore(id) => {
            format!("waits already: {} of {}; {}", what(&step.write), step.tenant, confirm(id))
        }
    }
}

fn what(write: &Write) -> String {
    match write {
        Write::Create { .. } => "the tenant".to_owned(),
        Write::Status(_) => "the status".to_owned(),
        Write::Dlp(_) => "the dlp policy".to_owned(),
        Write::Limits(_) => "the limits".to_owned(),
        Write::Networks(_) => "the networks".to_owned(),
        Write::CreateTeam(team) => format!("team {team}"),
        Write::CreateAgent { agent, .. }
        | Write::AgentTeam { agent, .. }
        | Write::AgentStatus { agent, .. } => {
            format!("agent {agent}")
        }
        Write::AddProvider { provider, .. } | Write::SetProvider { provider, .. } => {
            format!("provider {provider}")
        }
    }
}

#[cfg(test)]
mod tests;
