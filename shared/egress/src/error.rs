//! What can go wrong, told apart by one question: may the provider have processed the request?
//!
//! No variant holds or prints a URL, a header, a body or a foreign error: each of those can carry a secret.

use std::error::Error;
use std::io;

use crate::resolver::ResolveError;

/// A call without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EgressError {
    /// No byte of the request's body left.
    #[error("the request was not sent: {0}")]
    NotSent(NotSent),
    /// The deadline passed after sending began. `status` is set when the answer had begun.
    #[error("the provider did not finish its answer in time")]
    TimedOut { status: Option<u16> },
    /// The connection ended after sending began. `status` is set when the answer had begun.
    #[error("the connection to the provider broke")]
    Broken { status: Option<u16> },
    /// The answer is longer than allowed; the rest was not read.
    #[error("the provider's answer is longer than {limit_bytes} bytes")]
    TooLarge { status: u16, limit_bytes: usize },
}

/// Why a request was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    /// The address, or one that its name leads to, is not one this stage may call.
    #[error("the address is not allowed")]
    Address,
    #[error("the host's name could not be resolved")]
    Dns,
    #[error("no connection")]
    Connect,
    /// Certificate not trusted, wrong host, or no TLS 1.3.
    #[error("no trusted TLS 1.3 connection")]
    Tls,
    /// The connect timeout or the deadline passed first.
    #[error("no connection in time")]
    TimedOut,
    /// A header's name or value cannot be sent.
    #[error("a header cannot be sent")]
    Header,
}

/// A client that cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// `SSL_CERT_FILE` or the system's bundle holds no certificate.
    #[error("no certificate authorities found")]
    NoRoots,
    #[error("TLS 1.3 could not be set up")]
    Tls,
    #[error("the HTTP client could not be set up")]
    Http,
}

impl EgressError {
    /// Whether the provider may have acted on the request, and counted it. If not, a held budget can be given back whole.
    #[must_use]
    pub fn may_have_been_processed(&self) -> bool {
        !matches!(self, Self::NotSent(_))
    }
}

impl NotSent {
    /// The most telling cause in the chain of an error that came before anything was sent.
    pub(crate) fn from_cause(error: &reqwest::Error) -> Self {
        let found = causes(error).find_map(|cause| match cause.downcast_ref::<ResolveError>() {
            Some(ResolveError::Refused) => Some(Self::Address),
            Some(ResolveError::Failed) => Some(Self::Dns),
            None => cause.is::<rustls::Error>().then_some(Self::Tls),
        });
        found.unwrap_or(if error.is_timeout() { Self::TimedOut } else { Self::Connect })
    }
}

/// The chain of causes, and what I/O errors wrap: `source` skips that.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&cause| match cause.downcast_ref::<io::Error>() {
        Some(wrapper) => wrapper.get_ref().map(|inner| inner as &(dyn Error + 'static)),
        None => cause.source(),
    })
}
