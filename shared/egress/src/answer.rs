//! What came back, bounded.

use std::fmt;

use bytes::Bytes;
use reqwest::Response;
use reqwest::header::{HeaderMap, RETRY_AFTER};

use crate::client::Progress;
use crate::error::EgressError;

/// Headers that carry the provider's id of a request: OpenAI's and Anthropic's.
const REQUEST_ID_HEADERS: [&str; 2] = ["x-request-id", "request-id"];
/// Longest such id that is kept.
const REQUEST_ID_BYTES_MAX: usize = 128;

/// A whole answer of any status; redirects are answers too.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status, 200 to 999.
    pub status: u16,
    /// Seconds the provider asks to wait. Its other form, a date, is not read.
    pub retry_after: Option<u32>,
    /// The provider's own id of the request: at most 128 bytes of printable ASCII, otherwise none.
    pub request_id: Option<String>,
    /// The body of a success (2xx), or what an error's body allows.
    pub body: Result<Bytes, ErrorBody>,
}

/// The body of an answer that is no success. It may quote the prompt or the credential, so its text cannot be taken out;
/// it can only be matched against words the caller already knows.
pub struct ErrorBody(Bytes);

impl ErrorBody {
    pub(crate) fn new(body: Bytes) -> Self {
        Self(body)
    }

    /// Hands the body to `read`, which can only answer with text of the program itself.
    pub fn classify(&self, read: impl FnOnce(&[u8]) -> Option<&'static str>) -> Option<&'static str> {
        read(&self.0)
    }
}

impl fmt::Debug for ErrorBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ErrorBody({} bytes)", self.0.len())
    }
}

/// Reads at most `limit_bytes`; a longer answer is an error, noticed before it is held in memory.
pub(crate) async fn read(
    response: Response,
    limit_bytes: usize,
    progress: &Progress,
) -> Result<Answer, EgressError> {
    let status = response.status();
    progress.answered(status.as_u16());
    let retry_after = retry_after(response.headers());
    let request_id = request_id(response.headers());
    let bytes = collect(response, limit_bytes, progress).await?;
    let body = if status.is_success() { Ok(bytes) } else { Err(ErrorBody::new(bytes)) };
    Ok(Answer { status: status.as_u16(), retry_after, request_id, body })
}

pub(crate) async fn collect(
    mut response: Response,
    limit_bytes: usize,
    progress: &Progress,
) -> Result<Bytes, EgressError> {
    let too_large = EgressError::TooLarge { status: response.status().as_u16(), limit_bytes };
    let announced = response.content_length().map_or(Ok(0), usize::try_from).map_err(|_| too_large)?;
    if announced > limit_bytes {
        return Err(too_large);
    }
    let mut body = Vec::with_capacity(announced);
    while let Some(chunk) = response.chunk().await.map_err(|_| progress.broken())? {
        if body.len().saturating_add(chunk.len()) > limit_bytes {
            return Err(too_large);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Bytes::from(body))
}

pub(crate) fn retry_after(headers: &HeaderMap) -> Option<u32> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()
}

pub(crate) fn request_id(headers: &HeaderMap) -> Option<String> {
    let id = REQUEST_ID_HEADERS.iter().find_map(|name| headers.get(*name))?.to_str().ok()?;
    let plain =
        !id.is_empty() && id.len() <= REQUEST_ID_BYTES_MAX && id.bytes().all(|byte| byte.is_ascii_graphic());
    plain.then(|| id.to_owned())
}
