//! `countersign login`: through a browser (RFC 8252), or as a machine by a token of its own. Either way the secret that comes back
//! goes into the store and nowhere else.

use std::process::{Command, Stdio};

use domain::ConnectionId;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::client::{Answer, Api, Call, session};
use super::desk::Done;
use super::fault::{Fault, field};
use super::loopback::{Loopback, PATIENCE};
use super::show::plain;
use super::store::Kept;
use super::{Get, base64url};
use crate::args::api::Login;
use crate::print;

pub async fn run(get: Get<'_>, wanted: Login) -> Done {
    let mut api = Api::open(get, wanted.seat.admin.as_deref())?;
    if api.is_from_environment() {
        return Err(Fault::failed("CS_SESSION is set and goes before what login keeps: unset it"));
    }
    match (&wanted.workload_token_env, &wanted.workload) {
        (Some(variable), Some(workload)) => {
            let answer = as_machine(get, &api, variable, workload).await?;
            let kept = api.kept()?;
            keep(&mut api, &answer, kept, wanted.seat.json)
        }
        _ => {
            let connection = connection(&api, &wanted)?;
            let answer =
                in_browser(&api, &connection, |address| show(get, address, !wanted.no_browser)).await?;
            let mut kept = Kept::default();
            kept.connection = Some(connection);
            keep(&mut api, &answer, kept, wanted.seat.json)
        }
    }
}

/// The one that was said, or that somebody signed in through before.
fn connection(api: &Api, wanted: &Login) -> Result<ConnectionId, Fault> {
    let before = api.kept()?.connection.clone();
    wanted.connection.clone().or(before).ok_or_else(|| {
        Fault::Usage(
            "say through which connection: --connection con_… (your administrator knows it)".to_owned(),
        )
    })
}

async fn in_browser(api: &Api, connection: &ConnectionId, show: impl FnOnce(&str)) -> Result<Answer, Fault> {
    let loopback = Loopback::open().await?;
    let verifier = Zeroizing::new(base64url(&aws::random::<32>()?));
    let challenge = base64url(&Sha256::digest(verifier.as_bytes()));
    let state = base64url(&aws::random::<32>()?);
    show(&handoff(api.address(), &loopback.address(), (&challenge, &state), connection));
    let code = Zeroizing::new(loopback.code(&state, PATIENCE).await?);
    let body = json!({"code": *code, "verifier": *verifier});
    let answer = api.send_bare(Call::post("v1/handoff/redeem", body)).await?;
    if answer.body.get("connection").and_then(Value::as_str) == Some(connection.as_str()) {
        return Ok(answer);
    }
    let ended = match answer.body.get("session").and_then(Value::as_str).and_then(session) {
        Some(session) => api.end(&session).await.is_ok(),
        None => false,
    };
    Err(Fault::failed(not_kept(ended)))
}

/// Whoever refuses a session does not leave it open.
const fn not_kept(ended: bool) -> &'static str {
    if ended {
        "the session is not of the connection that was asked for, so it was ended\n  next: countersign login"
    } else {
        "the session is not of the connection that was asked for, so it is not kept; it could not be ended: end it in the browser\n  next: countersign login"
    }
}

fn show(get: Get<'_>, address: &str, open: bool) {
    print::progress("Sign in in your browser. If none opens, open this address:");
    print::progress(address);
    if open {
        browse(get, address);
    }
}

async fn as_machine(get: Get<'_>, api: &Api, variable: &str, workload: &str) -> Result<Answer, Fault> {
    let token = get(variable).filter(|token| !token.is_empty()).map(Zeroizing::new);
    let token =
        token.ok_or_else(|| Fault::failed(format!("the variable {} holds no token", plain(variable))))?;
    let body = json!({"workload": workload, "token": *token});
    api.send_bare(Call::post("v1/workloads/session", body)).await
}

/// Where the browser begins.
fn handoff(admin: &str, to: &str, (challenge, state): (&str, &str), connection: &ConnectionId) -> String {
    let admin = admin.trim_end_matches('/');
    let (to, challenge, state) = (encoded(to), encoded(challenge), encoded(state));
    let connection = encoded(connection.as_str());
    format!("{admin}/v1/handoff?to={to}&challenge={challenge}&state={state}&connection={connection}")
}

/// Percent-encoded, but for the unreserved characters (RFC 3986 section 2.3).
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    let one = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(one).collect()
}

/// Opens a browser, if there is one. The address is printed whether or not it does.
fn browse(get: Get<'_>, address: &str) {
    let system = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let program = get("BROWSER").filter(|name| !name.is_empty()).unwrap_or_else(|| system.to_owned());
    let mut command = Command::new(program);
    command.arg(address).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let _ = command.spawn();
}

/// Keeps the session; says who it is, and never the session.
fn keep(api: &mut Api, answer: &Answer, mut kept: Kept, json: bool) -> Done {
    let text = field(&answer.body, "session")?;
    session(text).ok_or_else(|| Fault::failed("the answer holds no session that can be kept"))?;
    kept.session = Some(text.to_owned());
    kept.expires_at =
        answer.body.get("expires_at").and_then(Value::as_str).and_then(|time| time.parse().ok());
    api.keep(kept)?;
    print::progress(&format!("signed in at {}", api.address()));
    let shown = without_session(&answer.body);
    if json {
        return super::show::print_line(&shown.to_string());
    }
    super::show::print_lines(&super::show::object(&shown, aws::now()))
}

fn without_session(body: &Value) -> Value {
    let Value::Object(fields) = body else { return Value::Null };
    Value::Object(
        fields.iter().filter(|(name, _)| *name != "session").map(|(a, b)| (a.clone(), b.clone())).collect(),
    )
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::super::client::tests::{SESSION, answered, api, serve};
    use super::*;

    #[test]
    fn the_address_carries_everything_encoded() {
        let connection = ConnectionId::from_random([1; 10]);
        let address = handoff("https://admin.example/", "http://127.0.0.1:4000/", ("a-_b", "s"), &connection);
        assert_eq!(
            address,
            format!(
                "https://admin.example/v1/handoff?to=http%3A%2F%2F127.0.0.1%3A4000%2F&challenge=a-_b&state=s&connection={connection}"
            )
        );
    }

    /// The example of RFC 7636, appendix B.
    #[test]
    fn a_challenge_is_the_digest_of_the_verifiers_text() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(
            base64url(&Sha256::digest(verifier.as_bytes())),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }

    /// The whole way: the address that is shown, a browser that comes back (after another page of it has tried), and an answer that
    /// says through which connection the session came.
    async fn signed_in(
        answers: impl FnOnce(&ConnectionId) -> Value,
    ) -> (Result<Answer, Fault>, Vec<String>, String) {
        let connection = ConnectionId::from_random([1; 10]);
        let answer = answered("201 Created", "", &answers(&connection).to_string());
        let ended = answered("204 No Content", "", "");
        let (port, asked) =
            serve(
                move |_, request| {
                    if request.starts_with("DELETE ") { ended.clone() } else { answer.clone() }
                },
            )
            .await;
        let api = api(port, &[SESSION]);
        let (shown, mut address) = tokio::sync::mpsc::unbounded_channel();
        let browser = tokio::spawn(async move {
            let address: String = address.recv().await.unwrap();
            let query: Vec<_> = address.split(['?', '&']).map(str::to_owned).collect();
            let to = query[1].replace("%3A", ":").replace("%2F", "/");
            let port: u16 = to.trim_end_matches('/').rsplit(':').next().unwrap().parse().unwrap();
            for brought in
                ["error=access_denied", "code=planted&state=another", &format!("code=cs_code&{}", query[3])]
            {
                let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                let request = format!("GET /?{brought} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n\r\n");
                stream.write_all(request.as_bytes()).await.unwrap();
                let _ = stream.read_to_end(&mut Vec::new()).await;
            }
            query[2].strip_prefix("challenge=").unwrap().to_owned()
        });
        let answer = in_browser(&api, &connection, |address| shown.send(address.to_owned()).unwrap()).await;
        let requests = asked.lock().unwrap().clone();
        (answer, requests, browser.await.unwrap())
    }

    #[tokio::test]
    async fn a_browser_comes_back_with_a_code_and_the_verifier_fits() {
        let (answer, requests, challenge) =
            signed_in(|connection| json!({"session": "cs_ses_x", "connection": connection})).await;
        assert_eq!(answer.unwrap_or_else(|fault| panic!("{fault}")).body["session"], "cs_ses_x");
        let [request] = requests.as_slice() else { panic!("{requests:?}") };
        assert!(request.starts_with("POST /base/v1/handoff/redeem HTTP/1.1"), "{request}");
        assert!(!request.contains("authorization"), "nobody is signed in yet: {request}");
        let body: Value = serde_json::from_str(request.split("\r\n\r\n").nth(1).unwrap()).unwrap();
        assert_eq!(body["code"], "cs_code", "and not what another page brought");
        let verifier = body["verifier"].as_str().unwrap();
        assert_eq!((verifier.len(), base64url(&Sha256::digest(verifier))), (43, challenge));
    }

    #[tokio::test]
    async fn a_session_of_another_connection_is_not_kept_and_not_left_open() {
        for (answer, ended) in [
            (json!({"session": "x", "connection": "con_0123456789abcdef"}), true),
            (json!({"session": "x"}), true),
            (json!({"connection": "con_0123456789abcdef"}), false),
        ] {
            let (answer, requests, _) = signed_in(|_| answer).await;
            let told = answer.err().expect("it is refused").to_string();
            assert!(told.contains("not of the connection") && told.contains("was ended") == ended, "{told}");
            let ends = requests.get(1).map_or("", String::as_str);
            assert_eq!(ends.starts_with("DELETE /base/v1/session HTTP/1.1"), ended, "{ends}");
            assert_eq!(ends.contains("authorization: Bearer x\r\n"), ended, "with itself: {ends}");
        }
    }

    #[test]
    fn the_session_is_shown_to_nobody() {
        let shown = without_session(&json!({"session": "cs_ses_x", "user": "usr_x"}));
        assert_eq!(shown, json!({"user": "usr_x"}));
    }
}
