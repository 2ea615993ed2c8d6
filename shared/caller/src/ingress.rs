//! A raw ingress event, as far as every function reads it alike.
//!
//! Two shapes come in, both in `events/`: function URLs (payload format 2.0) and API Gateway REST proxy events. Only
//! `requestContext` says where a call came from: headers are the caller's own words.

use std::collections::BTreeMap;
use std::net::IpAddr;

use base64::Engine as _;
use domain::{GatewayKey, KeyError, Opaque, Reason};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::{Asserted, Fault};

/// Largest body that is read, in bytes. Function URLs deliver at most 6 MB, base64 included.
pub const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;

/// An ingress event, as far as it is read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawEvent {
    /// REST events without headers say `null`.
    #[serde(default, deserialize_with = "absent_if_null")]
    headers: BTreeMap<String, Value>,
    raw_path: Option<String>,
    path: Option<String>,
    http_method: Option<String>,
    #[serde(default, deserialize_with = "absent_if_null")]
    request_context: RawContext,
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
    /// Function URLs take cookies out of the headers.
    #[serde(default, deserialize_with = "absent_if_null")]
    cookies: Vec<String>,
    raw_query_string: Option<String>,
    #[serde(default, deserialize_with = "absent_if_null")]
    query_string_parameters: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Clock {
    sweep: bool,
}

/// Whether an event is the clock's (`{"sweep": true}`) and asks for a pass. What comes by a URL has more fields, whatever its body says.
pub fn is_sweep(event: &str) -> bool {
    serde_json::from_str(event).is_ok_and(|Clock { sweep }| sweep)
}

fn absent_if_null<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(it: D) -> Result<T, D::Error> {
    Option::<T>::deserialize(it).map(Option::unwrap_or_default)
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawContext {
    http: Option<RawHttp>,
    identity: Option<RawPeer>,
    request_id: Option<String>,
    domain_name: Option<String>,
    #[serde(default, deserialize_with = "absent_if_null")]
    authorizer: RawAuthorizer,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawAuthorizer {
    #[serde(default, deserialize_with = "absent_if_null")]
    iam: RawIam,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawIam {
    user_arn: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawHttp {
    method: String,
    source_ip: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawPeer {
    source_ip: Option<String>,
    user_arn: Option<String>,
}

/// An event of a size that is read. Its body stays text until it is known who sent it: a stranger cannot make a function
/// work on it.
pub struct Ingress {
    event: RawEvent,
}

/// Shows no address and no text: a debug form reaches logs.
impl std::fmt::Debug for Ingress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ingress(..)")
    }
}

impl Ingress {
    /// # Errors
    /// An oversize body, or an event of neither shape: refused here, without any I/O.
    pub fn parse(event: &str) -> Result<Self, Reason> {
        let event: RawEvent = serde_json::from_str(event).map_err(|_| Reason::UnknownPath)?;
        let decoded = |body: &String| decoded_len(body, event.is_base64_encoded);
        if event.body.as_ref().is_some_and(|body| decoded(body) > MAX_BODY_BYTES) {
            return Err(Reason::BodyTooLarge);
        }
        Ok(Self { event })
    }

    /// Empty when the event names none.
    pub fn method(&self) -> &str {
        let http = self.event.request_context.http.as_ref().map(|http| http.method.as_str());
        http.or(self.event.http_method.as_deref()).unwrap_or_default()
    }

    /// Empty when the event names none.
    pub fn path(&self) -> &str {
        self.event.raw_path.as_deref().or(self.event.path.as_deref()).unwrap_or_default()
    }

    /// Header names are case-insensitive (RFC 9110 section 5.1); REST events keep the caller's spelling.
    pub fn header(&self, name: &str) -> Option<&str> {
        let named = |(key, _): &(&String, &Value)| key.eq_ignore_ascii_case(name);
        self.event.headers.iter().find(named).and_then(|(_, value)| value.as_str())
    }

    /// A parameter of the query, decoded; the first, if there are several.
    pub fn query(&self, name: &str) -> Option<String> {
        match &self.event.raw_query_string {
            Some(raw) => lenient(raw).find(|(key, _)| key == name).map(|(_, value)| value),
            None => self.event.query_string_parameters.get(name).cloned(),
        }
    }

    /// The query as it came, or as it would be written: REST events have it in parts.
    pub fn raw_query(&self) -> String {
        match &self.event.raw_query_string {
            Some(raw) => raw.clone(),
            None => {
                let parameters = self.event.query_string_parameters.iter();
                let pairs: Vec<_> = parameters.map(|(key, value)| (key.as_str(), value.as_str())).collect();
                crate::form::pairs(&pairs)
            }
        }
    }

    /// A cookie by its name (RFC 6265 section 5.4).
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let lines = self.event.cookies.iter().map(String::as_str).chain(self.header("cookie"));
        let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// Who signed the request, where the platform has checked that (AWS Lambda developer guide, "Control access to Lambda
    /// function URLs"): the ARN of an IAM user, or of a role's session. Never a header's word.
    pub fn iam_arn(&self) -> Option<&str> {
        let context = &self.event.request_context;
        let by_url = context.authorizer.iam.user_arn.as_deref();
        by_url.or(context.identity.as_ref().and_then(|peer| peer.user_arn.as_deref()))
    }

    /// The host that the platform was called by: no header's word.
    pub fn domain(&self) -> Option<&str> {
        self.event.request_context.domain_name.as_deref()
    }

    /// The address that the platform saw.
    pub fn source_ip(&self) -> Option<IpAddr> {
        let context = &self.event.request_context;
        let source = context.http.as_ref().and_then(|http| http.source_ip.as_deref());
        let source = source.or(context.identity.as_ref().and_then(|peer| peer.source_ip.as_deref()));
        source.and_then(|source| source.parse().ok())
    }

    /// Whether the call came by TLS 1.3. A function URL takes 1.2 as well and says which in a header of its own (AWS Lambda
    /// developer guide, "Invoking Lambda function URLs"); a REST API takes what its security policy allows, and says nothing.
    ///
    /// # Errors
    /// It did not, or the function URL says nothing of it.
    pub fn tls(&self) -> Result<(), Reason> {
        let by_url = self.event.request_context.http.is_some();
        let modern = self.header("x-amzn-tls-version") == Some("TLSv1.3");
        if modern || !by_url { Ok(()) } else { Err(Reason::TlsVersion) }
    }

    /// The platform's id of the request.
    pub fn request_id(&self) -> Option<Opaque> {
        self.event.request_context.request_id.as_deref().and_then(|id| id.parse().ok())
    }

    /// `Authorization: Bearer <key>`, whose scheme is case-insensitive (RFC 9110 section 11.1), or the header in which the
    /// clients of Anthropic and of Azure OpenAI send a key.
    ///
    /// # Errors
    /// None, or a text that is no key.
    pub fn key(&self) -> Result<GatewayKey, Reason> {
        let key = self.bearer().or_else(|| self.header("x-api-key")).or_else(|| self.header("api-key"));
        key.ok_or(Reason::KeyMissing)?.trim().parse().map_err(|error| match error {
            KeyError::Malformed => Reason::KeyMalformed,
            KeyError::Checksum => Reason::KeyChecksum,
        })
    }

    /// What the caller says about the call.
    ///
    /// # Errors
    /// As [`Asserted::read`].
    pub fn asserted(&self) -> Result<Asserted, Fault> {
        Asserted::read(|name| self.header(name))
    }

    /// A field of a form that was sent.
    pub fn form_field(&self, name: &str) -> Option<String> {
        let essence = self.header("content-type")?.split(';').next()?.trim();
        if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return None;
        }
        let body = text(&self.event).ok()?;
        lenient(&body).find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The text of `Authorization: Bearer`, whatever it is.
    pub fn bearer(&self) -> Option<&str> {
        let (scheme, text) = self.header("authorization")?.trim().split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| text.trim())
    }

    /// What `Authorization: Basic` holds (RFC 7617 section 2): an id and a secret.
    pub fn basic(&self) -> Option<(String, String)> {
        let (scheme, text) = self.header("authorization")?.trim().split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let bytes = base64::engine::general_purpose::STANDARD.decode(text.trim()).ok()?;
        let pair = String::from_utf8(bytes).ok()?;
        pair.split_once(':').map(|(id, secret)| (id.to_owned(), secret.to_owned()))
    }

    /// The body as it was sent: what a signature over it is compared with.
    ///
    /// # Errors
    /// Bytes that are no UTF-8.
    pub fn body_text(&self) -> Result<String, Fault> {
        text(&self.event)
    }

    /// How many bytes the body has, once it is decoded.
    pub fn body_bytes(&self) -> usize {
        self.event.body.as_ref().map_or(0, |body| decoded_len(body, self.event.is_base64_encoded))
    }

    /// Whether there is a body at all.
    pub fn has_body(&self) -> bool {
        self.event.body.as_ref().is_some_and(|body| !body.is_empty())
    }

    /// The text of a body that says that it is plain JSON.
    ///
    /// # Errors
    /// Another type of content, a coding of it, or bytes that are no UTF-8.
    pub fn json_text(&self) -> Result<String, Fault> {
        self.text_of(&["application/json"])
    }

    /// The same of one that says that it is SCIM's JSON or plain JSON (RFC 7644 section 3.8).
    ///
    /// # Errors
    /// As [`Ingress::json_text`].
    pub fn scim_text(&self) -> Result<String, Fault> {
        self.text_of(&["application/scim+json", "application/json"])
    }

    fn text_of(&self, types: &[&str]) -> Result<String, Fault> {
        if !self.header("content-type").is_some_and(|said| is_one_of(said, types)) {
            return Err(Fault::new(Reason::ContentType));
        }
        if self
            .header("content-encoding")
            .is_some_and(|coding| !coding.trim().eq_ignore_ascii_case("identity"))
        {
            return Err(Fault::new(Reason::ContentEncoding));
        }
        text(&self.event)
    }
}

/// Pairs as `form::parse` reads them, but that an escape which is none stands for itself.
fn lenient(raw: &str) -> impl Iterator<Item = (String, String)> {
    let pairs = raw.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(key), decoded(value))
    })
}

/// `+` is a space, `%XX` a byte. Bytes that are no UTF-8 become replacement characters.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let hex = || {
            let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            let mut ahead = rest.clone();
            Some(digit(ahead.next()?)? << 4 | digit(ahead.next()?)?)
        };
        match (byte, hex()) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest.nth(1);
            }
            (b'+', _) => bytes.push(b' '),
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn decoded_len(body: &str, base64: bool) -> usize {
    let padding = body.bytes().rev().take(2).filter(|byte| *byte == b'=').count();
    if base64 { (body.len() / 4 * 3).saturating_sub(padding) } else { body.len() }
}

/// A type of content, with any parameters (RFC 9110 section 8.3.1).
fn is_one_of(content_type: &str, types: &[&str]) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    types.iter().any(|known| essence.eq_ignore_ascii_case(known))
}

fn text(event: &RawEvent) -> Result<String, Fault> {
    let body = event.body.as_deref().unwrap_or_default();
    if !event.is_base64_encoded {
        return Ok(body.to_owned());
    }
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(body)
        .map_err(|_| Fault::new(Reason::InvalidUtf8))?;
    String::from_utf8(bytes).map_err(|_| Fault::new(Reason::InvalidUtf8))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ingress(event: &str) -> Ingress {
        Ingress::parse(event).unwrap()
    }

    #[test]
    fn an_id_and_a_secret_come_as_basic() {
        let basic = |text: &str| ingress(&format!(r#"{{"headers": {{"Authorization": "{text}"}}}}"#)).basic();
        assert_eq!(basic("Basic YTpiOmM="), Some(("a".to_owned(), "b:c".to_owned())));
        for none in ["Bearer YTpiOmM=", "Basic ???", "Basic YQ==", "Basic", ""] {
            assert_eq!(basic(none), None, "{none}");
        }
    }

    #[test]
    fn scim_may_be_sent_as_either_type() {
        let sent = |kind: &str| {
            let event = format!(r#"{{"headers": {{"content-type": "{kind}"}}, "body": "{{}}"}}"#);
            (ingress(&event).scim_text().is_ok(), ingress(&event).json_text().is_ok())
        };
        assert_eq!(sent("application/scim+json; charset=utf-8"), (true, false));
        assert_eq!(sent("application/JSON"), (true, true));
        assert_eq!(sent("text/plain"), (false, false));
    }

    #[test]
    fn queries_forms_and_cookies_are_decoded() {
        let url = ingress(
            r#"{"rawQueryString": "code=a%2Fb+c&state=%zz%&x", "cookies": ["a=1", "__Host-s=cs_ses; b=2"],
                "headers": {"content-type": "application/x-www-form-urlencoded"}, "body": "logout_token=e.y%3D.z"}"#,
        );
        assert_eq!(url.query("code").as_deref(), Some("a/b c"));
        assert_eq!(url.query("state").as_deref(), Some("%zz%"));
        assert_eq!((url.query("x").as_deref(), url.query("y")), (Some(""), None));
        assert_eq!(
            (url.cookie("__Host-s"), url.cookie("b"), url.cookie("c")),
            (Some("cs_ses"), Some("2"), None)
        );
        assert_eq!(url.form_field("logout_token").as_deref(), Some("e.y=.z"));
        let rest = ingress(
            r#"{"queryStringParameters": {"code": "a/b"}, "headers": {"Cookie": "s=1"}, "rawQueryString": null}"#,
        );
        assert_eq!((rest.query("code").as_deref(), rest.cookie("s")), (Some("a/b"), Some("1")));
        assert_eq!(rest.raw_query(), "code=a%2Fb");
    }

    #[test]
    fn who_signed_is_the_platform_s_word_alone() {
        let arn = "arn:aws:sts::123456789012:assumed-role/admin/dana";
        let forged = format!(r#"{{"headers": {{"x-amz-user-arn": "{arn}"}}, "body": "{{}}"}}"#);
        assert_eq!(ingress(&forged).iam_arn(), None);
        let by_url = format!(r#"{{"requestContext": {{"authorizer": {{"iam": {{"userArn": "{arn}"}}}}}}}}"#);
        assert_eq!(ingress(&by_url).iam_arn(), Some(arn));
        let rest =
            format!(r#"{{"requestContext": {{"identity": {{"userArn": "{arn}", "sourceIp": "::1"}}}}}}"#);
        assert_eq!(ingress(&rest).iam_arn(), Some(arn));
    }
}
