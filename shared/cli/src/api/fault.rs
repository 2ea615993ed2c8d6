//! Why a command did not do what it was asked, and what to do next. Whatever the API says is shown; no secret is in it.

use domain::ActionId;
use egress::{ClientError, EgressError, NotSent, TargetError};
use serde::Deserialize;
use serde_json::Value;

use super::show::plain;

/// A refusal of the API: problem details (RFC 9457), and the action that the audit trail has of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub status: u16,
    pub code: String,
    detail: String,
    at: Option<String>,
    /// What is wrong with a document, in lines.
    faults: Vec<String>,
    action: Option<ActionId>,
    location: Option<String>,
}

/// Why a command ended.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error("{0}")]
    Usage(String),
    #[error("{0}")]
    Failed(String),
    #[error("{}", .0.told())]
    Refused(Box<Problem>),
    #[error("{}", strange(*.0))]
    NotOurs(u16),
    #[error("{address} is no address of a management API: {error}{}", hint(*.error))]
    Address { address: String, error: TargetError },
    #[error("the management API did not answer: {}", unreached(*.0))]
    Sent(EgressError),
    #[error("cannot make calls: {0}")]
    Client(#[from] ClientError),
    #[error(transparent)]
    Entropy(#[from] aws::EntropyError),
    #[error("cannot write: {0}")]
    Print(String),
}

impl Fault {
    pub fn failed(text: impl Into<String>) -> Self {
        Self::Failed(text.into())
    }

    /// 2 for what was said wrongly, 1 for everything else.
    pub const fn exit(&self) -> u8 {
        if matches!(self, Self::Usage(_)) { 2 } else { 1 }
    }

    /// Whether the API refused with this code.
    pub fn is(&self, code: &str) -> bool {
        matches!(self, Self::Refused(problem) if problem.code == code)
    }
}

impl From<EgressError> for Fault {
    fn from(error: EgressError) -> Self {
        Self::Sent(error)
    }
}

fn strange(status: u16) -> String {
    format!("answered {status}, and no answer of the management API: check --admin or CS_ADMIN_URL")
}

/// What became of a call, in words that are not of providers.
fn unreached(error: EgressError) -> String {
    let what = match error {
        EgressError::NotSent(why) => why.to_string(),
        EgressError::TimedOut { .. } => "no whole answer came in time".to_owned(),
        EgressError::Broken { .. } => "the connection broke".to_owned(),
        EgressError::TooLarge { limit_bytes, .. } => format!("the answer is longer than {limit_bytes} bytes"),
    };
    format!("{what}{}", next(error))
}

const fn hint(error: TargetError) -> &'static str {
    match error {
        TargetError::PlainHttp | TargetError::NotGlobal(_) => "; a local stack is called with CS_STAGE=local",
        _ => "",
    }
}

/// What to do when there is no answer. What was sent may have happened.
const fn next(error: EgressError) -> &'static str {
    match error {
        EgressError::NotSent(NotSent::Address) => {
            "; check --admin; a local stack is called with CS_STAGE=local"
        }
        EgressError::NotSent(_) => {
            "; nothing was done: check --admin or CS_ADMIN_URL and the network, and try again"
        }
        _ => "; it may have happened: look before you try again",
    }
}

#[derive(Deserialize)]
struct Details {
    detail: String,
    code: String,
    at: Option<String>,
    hint: Option<String>,
    #[serde(default)]
    faults: Vec<At>,
}

#[derive(Deserialize)]
struct At {
    at: String,
    hint: String,
}

impl Problem {
    /// A body that is problem details, whatever status it came with.
    pub fn read(status: u16, body: &[u8], action: Option<&str>, location: Option<&str>) -> Option<Self> {
        let Details { detail, code, at, hint, faults } = serde_json::from_slice(body).ok()?;
        let hint = hint.filter(|hint| !detail.contains(hint.as_str()));
        Some(Self {
            status,
            code: plain(&code),
            detail: plain(&hint.map_or_else(|| detail.clone(), |hint| format!("{detail} ({hint})"))),
            at: at.as_deref().map(plain),
            faults: faults.iter().map(|one| plain(&format!("{}: {}", one.at, one.hint))).collect(),
            action: action.and_then(|id| id.parse().ok()),
            location: location.map(plain),
        })
    }

    /// What people read: what is wrong, where, how the audit trail names it, and what to do next.
    fn told(&self) -> String {
        let action = self.action.map(|id| format!(", recorded as {id}")).unwrap_or_default();
        let faults: Vec<_> = self.faults.iter().map(|fault| format!("  {fault}")).collect();
        let lines = [
            Some(self.detail.clone()),
            (!faults.is_empty()).then(|| faults.join("\n")),
            self.at.as_ref().map(|at| format!("  at:   {at}")),
            Some(format!("  code: {} ({}){action}", self.code, self.status)),
            self.location.as_ref().map(|path| format!("  it is: {path}")),
            self.next().map(|next| format!("  next: {next}")),
        ];
        lines.into_iter().flatten().collect::<Vec<_>>().join("\n")
    }

    fn next(&self) -> Option<&'static str> {
        Some(match self.code.as_str() {
            "mfa_required" => "countersign login, with a second factor",
            "session_other_region" => "name that region's address with --admin, and sign in there",
            _ if self.status == 401 => "countersign login",
            "forbidden" | "above_own_level" => {
                "countersign whoami and countersign roles list show what you may do"
            }
            "same_person" => "ask another person to run this command",
            "on_self" => "ask another administrator",
            "not_found" => "check the id, --tenant and --org: countersign tenants list",
            "precondition_failed" | "precondition_required" | "conflict" => {
                "run the command again: it reads what is there now"
            }
            "already_exists" => "look at what is there; for another one, give another name",
            "not_confirmed" => "look whether it happened before you try again",
            "nothing_stopped" => "countersign kill status",
            "change_expired" | "requester_gone" => "ask for the change again",
            "new_keys_stopped" => "countersign kill status",
            "unknown_path" | "method_not_allowed" => "this address does not offer that: compare versions",
            _ if self.status >= 500 => "try again in a moment",
            _ => return None,
        })
    }
}

/// A part of an answer that must be there.
///
/// # Errors
/// It is not: this is not our API, or not of this version.
pub fn field<'a>(body: &'a Value, name: &str) -> Result<&'a str, Fault> {
    let text = body.get(name).and_then(Value::as_str);
    text.ok_or_else(|| {
        Fault::failed(format!("the answer has no `{name}`: compare the versions of command and API"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(status: u16, body: &str) -> String {
        Fault::Refused(Box::new(Problem::read(status, body.as_bytes(), None, None).unwrap())).to_string()
    }

    #[test]
    fn a_refusal_says_what_where_and_what_next() {
        let body = r#"{"title":"Bad Request","status":400,"detail":"a field is wrong (at most 100)",
            "code":"invalid_field","at":"/networks","hint":"at most 100"}"#;
        assert_eq!(
            told(400, body),
            "a field is wrong (at most 100)\n  at:   /networks\n  code: invalid_field (400)"
        );
        let body = r#"{"detail":"not as a whole","code":"document_invalid",
            "faults":[{"at":"/v","hint":"one"},{"at":"/gates/0","hint":"two"}]}"#;
        assert_eq!(
            told(422, body),
            "not as a whole\n  /v: one\n  /gates/0: two\n  code: document_invalid (422)"
        );
        let body = r#"{"detail":"this session was ended: sign in again","code":"session_revoked"}"#;
        assert!(told(401, body).ends_with("  next: countersign login"));
        let body = r#"{"detail":"this needs a second person","code":"same_person","hint":"not you"}"#;
        let told = told(403, body);
        assert!(
            told.starts_with("this needs a second person (not you)\n") && told.contains("another person")
        );
    }

    #[test]
    fn the_record_is_named_and_control_characters_are_not_passed_on() {
        let body = "{\"detail\":\"a\\u001b[31mb\",\"code\":\"forbidden\"}";
        let action = ActionId::new("2026-11-26T09:00:00.000Z".parse().unwrap(), [7; 10]).to_string();
        let problem = Problem::read(403, body.as_bytes(), Some(&action), None).unwrap();
        let told = Fault::Refused(Box::new(problem)).to_string();
        assert!(told.contains(&action) && !told.contains('\u{1b}'), "{told}");
    }

    #[test]
    fn what_is_no_problem_is_not_shown() {
        assert_eq!(Problem::read(502, b"<html>sk-secret</html>", None, None), None);
        assert!(Fault::NotOurs(502).to_string().starts_with("answered 502"));
        let wrong =
            Fault::Address { address: "http://x".to_owned(), error: TargetError::PlainHttp }.to_string();
        assert!(wrong.contains("CS_STAGE=local"), "{wrong}");
        assert_eq!((Fault::Usage(String::new()).exit(), Fault::failed("x").exit()), (2, 1));
        let lost = Fault::Sent(EgressError::Broken { status: None }).to_string();
        assert!(lost.contains("may have happened"), "{lost}");
    }
}
