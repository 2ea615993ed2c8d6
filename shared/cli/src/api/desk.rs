//! What every command does alike: names whose things it is about, sends, and prints.

use domain::{OrgId, TenantId};
use serde_json::Value;

use super::client::{Answer, Api, Call};
use super::fault::Fault;
use super::show::{self, Column, Kind, distance, plain};
use crate::args::api::{At, Seat};
use crate::print;

type Get<'a> = &'a (dyn Fn(&str) -> Option<String> + Sync);
pub type Done = Result<(), Fault>;

/// One command at work.
pub struct Desk {
    pub api: Api,
    json: bool,
    width: usize,
    tenant: Option<TenantId>,
    org: Option<OrgId>,
}

impl Desk {
    /// # Errors
    /// See [`Api::open`]; or CS_TENANT is no tenant's id.
    pub fn open(get: Get<'_>, at: &At) -> Result<Self, Fault> {
        let tenant = match (&at.tenant, get("CS_TENANT").filter(|text| !text.is_empty())) {
            (Some(tenant), _) => Some(tenant.clone()),
            (None, Some(text)) => {
                let wrong = |_| {
                    Fault::Usage("CS_TENANT is not a tenant's id, such as ten_ and 16 characters".to_owned())
                };
                Some(text.parse().map_err(wrong)?)
            }
            (None, None) => None,
        };
        Ok(Self { tenant, org: at.org.clone(), ..Self::seated(get, &at.seat)? })
    }

    /// # Errors
    /// See [`Api::open`].
    pub fn seated(get: Get<'_>, seat: &Seat) -> Result<Self, Fault> {
        let api = Api::open(get, seat.admin.as_deref())?;
        Ok(Self { api, json: seat.json, width: show::width(get("COLUMNS")), tenant: None, org: None })
    }

    /// Which tenant is meant.
    ///
    /// # Errors
    /// Nobody said.
    pub fn tenant(&self) -> Result<TenantId, Fault> {
        let unsaid = "say which tenant: --tenant ten_… or CS_TENANT (countersign tenants list shows them)";
        self.tenant.clone().ok_or_else(|| Fault::Usage(unsaid.to_owned()))
    }

    /// A path below the tenant that is meant.
    ///
    /// # Errors
    /// As [`Desk::tenant`].
    pub fn in_tenant(&self, rest: &str) -> Result<String, Fault> {
        Ok(format!("v1/tenants/{}{rest}", self.tenant()?))
    }

    /// The organization that was said.
    pub const fn said_org(&self) -> Option<&OrgId> {
        self.org.as_ref()
    }

    /// Which organization is meant: the caller's own, if nothing was said.
    ///
    /// # Errors
    /// Who the caller is could not be asked.
    pub async fn org(&mut self) -> Result<OrgId, Fault> {
        match &self.org {
            Some(org) => Ok(org.clone()),
            None => self.api.own_org().await,
        }
    }

    /// Whether a tenant's things are meant: one is known, and no organization was said.
    pub const fn is_of_tenant(&self) -> bool {
        self.org.is_none() && self.tenant.is_some()
    }

    /// A path below the tenant or the organization, whichever is meant.
    ///
    /// # Errors
    /// As [`Desk::org`].
    pub async fn of(&mut self, rest: &str) -> Result<String, Fault> {
        if self.is_of_tenant() { self.in_tenant(rest) } else { self.in_org(rest).await }
    }

    /// A path below the organization that is meant.
    ///
    /// # Errors
    /// As [`Desk::org`].
    pub async fn in_org(&mut self, rest: &str) -> Result<String, Fault> {
        Ok(format!("v1/orgs/{}{rest}", self.org().await?))
    }

    /// Prints every page of a list.
    ///
    /// # Errors
    /// As [`Api::send`].
    pub async fn list(&mut self, path: &str, columns: &[Column]) -> Done {
        let pages = self.api.pages(path).await?;
        if self.json {
            return pages.iter().try_for_each(|page| show::print_line(&page.text));
        }
        let mut items = Vec::new();
        for page in &pages {
            items.extend(page.items()?.iter().cloned());
        }
        self.table(&items, columns)
    }

    /// Prints things as a table.
    ///
    /// # Errors
    /// Standard output is closed.
    pub fn table(&self, items: &[Value], columns: &[Column]) -> Done {
        if items.is_empty() {
            print::progress("none");
            return Ok(());
        }
        let may_cut: Vec<_> = columns.iter().map(|Column(_, _, kind)| *kind == Kind::Text).collect();
        self.cells(&show::rows(items, columns, aws::now()), &may_cut)
    }

    /// Prints rows of cells, headings first.
    ///
    /// # Errors
    /// Standard output is closed.
    pub fn cells(&self, rows: &[Vec<String>], may_cut: &[bool]) -> Done {
        show::print_lines(&show::table(rows, may_cut, self.width))
    }

    /// Reads something and prints it.
    ///
    /// # Errors
    /// As [`Api::send`].
    pub async fn get(&mut self, path: &str) -> Done {
        let answer = self.api.send(Call::get(path)).await?;
        self.print(&answer)
    }

    /// Prints a thing.
    ///
    /// # Errors
    /// Standard output is closed.
    pub fn print(&self, answer: &Answer) -> Done {
        match (self.json, &answer.body) {
            (true, _) => self.print_json(answer).map(drop),
            (false, Value::Null) => Ok(()),
            (false, body) => show::print_lines(&show::object(body, aws::now())),
        }
    }

    /// Prints the API's own text where that is wanted; whether it was.
    ///
    /// # Errors
    /// Standard output is closed.
    pub fn print_json(&self, answer: &Answer) -> Result<bool, Fault> {
        if self.json && !answer.text.is_empty() {
            show::print_line(&answer.text)?;
        }
        Ok(self.json)
    }

    /// Changes something; prints what it is now, or that it waits for a second person.
    ///
    /// # Errors
    /// As [`Api::send`].
    pub async fn change(&mut self, call: Call, said: &str) -> Done {
        let Some(answer) = self.changed(call).await? else { return Ok(()) };
        print::progress(said);
        self.print(&answer)
    }

    /// What a change comes to; `None`, which is printed: it waits for a second person.
    ///
    /// # Errors
    /// As [`Api::send`].
    pub async fn changed(&mut self, call: Call) -> Result<Option<Answer>, Fault> {
        let org =
            call.path.strip_prefix("v1/orgs/").and_then(|rest| rest.split('/').next()).map(str::to_owned);
        let answer = self.api.send(call).await?;
        if answer.waits() {
            let at = match (org, &self.tenant) {
                (Some(org), _) => format!(" --org {org}"),
                (None, tenant) => {
                    tenant.as_ref().map(|tenant| format!(" --tenant {tenant}")).unwrap_or_default()
                }
            };
            print::progress(&waiting(&answer.body, &at));
            return self.print_json(&answer).map(|_| None);
        }
        Ok(Some(answer))
    }

    /// Makes something, once whatever becomes of the connection; prints it.
    ///
    /// # Errors
    /// As [`Api::send`].
    pub async fn make(&mut self, path: &str, body: Value, said: &str) -> Done {
        let call = Call::post(path, body).once(key()?);
        self.change(call, said).await
    }

    /// Whether the API's own JSON is wanted.
    pub const fn is_json(&self) -> bool {
        self.json
    }
}

/// A key under which something is made once.
///
/// # Errors
/// The operating system has no random bytes.
pub fn key() -> Result<String, Fault> {
    let random: [u8; 16] = aws::random()?;
    Ok(super::base64url(&random))
}

/// What is told of a change that waits.
/// `at`: how the command is told where, such as ` --tenant ten_…`.
pub fn waiting(change: &Value, at: &str) -> String {
    let text = |name: &str| plain(change.get(name).and_then(Value::as_str).unwrap_or("?"));
    let id = text("id");
    let until = match text("expires_at").parse() {
        Ok(time) => format!("{time} ({})", distance(aws::now(), time)),
        Err(_) => text("expires_at"),
    };
    format!(
        "Nothing has changed yet: this needs a second person, until {until}.\n\
         Somebody else who may do the same confirms it:  countersign changes confirm {id}{at}\n\
         You take it back by:                            countersign changes withdraw {id}{at}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_change_that_waits_says_who_does_what_next() {
        let change = json!({"id": "chg_0000000000000001", "expires_at": "2026-11-27T09:00:00.000Z"});
        let tenant = TenantId::from_random([1; 10]);
        let said = waiting(&change, &format!(" --tenant {tenant}"));
        for part in [
            "Nothing has changed yet",
            "until 2026-11-27T09:00:00.000Z (",
            &format!("countersign changes confirm chg_0000000000000001 --tenant {tenant}"),
            &format!("countersign changes withdraw chg_0000000000000001 --tenant {tenant}"),
        ] {
            assert!(said.contains(part), "{said}");
        }
        assert!(waiting(&json!({}), "").contains("confirm ?"));
    }
}
