//! A provider's base URL, parsed once and checked before every use.

use std::fmt;
use std::net::IpAddr;

use reqwest::Url;

use crate::addresses::why_not_global;

/// Longest base URL in bytes; real ones stay under 200.
const URL_BYTES_MAX: usize = 2_048;
/// Longest API version in bytes; real ones look like `2024-10-21` or `2025-04-01-preview`.
const API_VERSION_BYTES_MAX: usize = 32;

/// How far calls may go. Chosen by the stage, never by a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// HTTPS to the public internet.
    Public,
    /// The local stage: the same, and loopback addresses, by plain HTTP too.
    Loopback,
}

/// The one stage whose providers may be on the machine itself.
const LOCAL_STAGE: &str = "local";

impl Reach {
    /// What a deployment of this stage may call: everything but `local` is public.
    #[must_use]
    pub fn of_stage(stage: &str) -> Self {
        if stage == LOCAL_STAGE { Self::Loopback } else { Self::Public }
    }
}

/// A checked base URL such as `https://api.openai.com/v1`. Any port may be named: self-hosted models run on odd ones.
/// `Debug` shows the host alone: a path can hold a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    base: Url,
    api_version: Option<String>,
}

/// Why an address was refused. For whoever configured it; the address itself is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Not an absolute URL, or one without a host.
    #[error("not an absolute URL")]
    Malformed,
    /// Above 2,048 bytes.
    #[error("longer than 2048 bytes")]
    TooLong,
    /// Bytes that URL parsers read differently. International host names are written in punycode.
    #[error("only printable ASCII without spaces and backslashes")]
    Characters,
    #[error("only https")]
    Scheme,
    #[error("plain http only to loopback addresses on the local stage")]
    PlainHttp,
    #[error("no user name or password in the URL")]
    UserInfo,
    #[error("no query in the URL")]
    Query,
    #[error("no fragment in the URL")]
    Fragment,
    #[error("port 0 cannot be connected to")]
    Port,
    /// One spelling a host: credentials are sealed for it.
    #[error("write the host without its final dot")]
    FinalDot,
    /// Not 1 to 32 of a-z, A-Z, 0-9, `-` and `.`.
    #[error("not an API version")]
    ApiVersion,
    /// The block the address lies in.
    #[error("not a public address: {0}")]
    NotGlobal(&'static str),
}

/// Where a host leads, as far as its spelling tells.
enum Place {
    Loopback(&'static str),
    Public,
    Special(&'static str),
}

impl Target {
    /// Parses and checks a base URL.
    ///
    /// # Errors
    /// The first rule that `url` breaks.
    pub fn parse(url: &str, reach: Reach) -> Result<Self, TargetError> {
        check_text(url)?;
        let url = Url::parse(url).map_err(|_| TargetError::Malformed)?;
        let target = Self { base: url, api_version: None };
        target.check(reach)?;
        Ok(target)
    }

    /// The same address, with `?api-version=…` on every call: Azure's deployment URLs want it. It is the only query there
    /// is, since a base URL has none.
    ///
    /// # Errors
    /// [`TargetError::ApiVersion`] for anything that is not one plain word.
    pub fn with_api_version(self, version: &str) -> Result<Self, TargetError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
        if version.is_empty() || version.len() > API_VERSION_BYTES_MAX || !version.bytes().all(plain) {
            return Err(TargetError::ApiVersion);
        }
        Ok(Self { api_version: Some(version.to_owned()), ..self })
    }

    /// `host[:port]` in its only spelling, lower case, without the scheme's own port. Credentials are sealed for it,
    /// so that a row whose URL was changed cannot carry them elsewhere.
    #[must_use]
    pub fn host(&self) -> String {
        let host = self.base.host_str().unwrap_or_default();
        self.base.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// The normalised URL, as it is stored; without an API version.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.base.as_str()
    }

    /// The address of `path` below the base, for example `chat/completions`. Dot segments are dropped: a path
    /// never leaves its base.
    pub(crate) fn join(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path.split('/').filter(|segment| !segment.is_empty()));
        }
        url.set_query(self.api_version.as_ref().map(|version| format!("api-version={version}")).as_deref());
        url
    }

    /// All rules but those on the text. Also run before every call: a target parsed for the local stage must not be used elsewhere.
    pub(crate) fn check(&self, reach: Reach) -> Result<(), TargetError> {
        let url = &self.base;
        let place = place(url)?;
        match (url.scheme(), place, reach) {
            ("https" | "http", Place::Special(block), _) => return Err(TargetError::NotGlobal(block)),
            ("https" | "http", Place::Loopback(_), Reach::Loopback) | ("https", Place::Public, _) => {}
            ("https", Place::Loopback(block), Reach::Public) => return Err(TargetError::NotGlobal(block)),
            ("http", _, _) => return Err(TargetError::PlainHttp),
            _ => return Err(TargetError::Scheme),
        }
        let faults = [
            (!url.username().is_empty() || url.password().is_some(), TargetError::UserInfo),
            (url.query().is_some(), TargetError::Query),
            (url.fragment().is_some(), TargetError::Fragment),
            (url.port() == Some(0), TargetError::Port),
        ];
        faults.into_iter().find(|(found, _)| *found).map_or(Ok(()), |(_, fault)| Err(fault))
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Target").field(&self.host()).finish()
    }
}

/// `localhost` and names below it: they mean this machine and are never asked of DNS (RFC 6761).
pub(crate) fn is_localhost(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

/// The URL standard drops tabs and newlines and reads `\` as `/`; others do not. Neither is accepted.
fn check_text(url: &str) -> Result<(), TargetError> {
    if url.len() > URL_BYTES_MAX {
        return Err(TargetError::TooLong);
    }
    let plain = url.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if plain { Ok(()) } else { Err(TargetError::Characters) }
}

/// The URL parser has already turned `0x7f.1`, `2130706433` and `0177.0.0.1` into the address they mean.
fn place(url: &Url) -> Result<Place, TargetError> {
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or(TargetError::Malformed)?;
    let literal = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    match literal.parse::<IpAddr>() {
        Ok(address) => Ok(match why_not_global(address) {
            Some(block) if address.is_loopback() => Place::Loopback(block),
            Some(block) => Place::Special(block),
            None => Place::Public,
        }),
        Err(_) if host.ends_with('.') => Err(TargetError::FinalDot),
        Err(_) if is_localhost(host) => Ok(Place::Loopback("localhost")),
        Err(_) => Ok(Place::Public),
    }
}
