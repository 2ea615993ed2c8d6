//! Where a browser comes back to after a sign-in (RFC 8252 section 7.3): one address of this machine, for one code.
//!
//! What another page makes the browser bring is not listened to: it does not know the state that this process gave out. Nor would its
//! code be worth anything: it is redeemed with a verifier that never left this process, and only the code that was given out for
//! its challenge fits.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::fault::Fault;

/// How long a sign-in may take.
pub const PATIENCE: Duration = Duration::from_secs(300);
/// How long one connection may take to say what it wants.
const ASKING: Duration = Duration::from_secs(5);
/// The longest head that is read; a browser's is a tenth of it.
const HEAD_MAX: usize = 16_384;
/// The longest code.
const CODE_MAX: usize = 512;

/// A listener on loopback alone.
pub struct Loopback {
    listener: TcpListener,
    port: u16,
}

/// What a browser brought.
#[derive(Debug, PartialEq, Eq)]
enum Brought {
    Code(String),
    Error(String),
    /// Something else: another path, another host, or nothing that reads.
    Stray(u16),
}

impl Loopback {
    /// # Errors
    /// No port is free.
    pub async fn open() -> Result<Self, Fault> {
        let failed = |_| Fault::failed("cannot listen on 127.0.0.1 for the browser to come back");
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        Ok(Self { listener, port })
    }

    /// The address to come back to.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// Waits for the one answer that comes with `state`; whatever else is asked for is refused, and waited past.
    ///
    /// # Errors
    /// The sign-in failed, or nobody came back in time.
    pub async fn code(self, state: &str, patience: Duration) -> Result<String, Fault> {
        let late = || Fault::failed("nobody came back from the browser in time: countersign login");
        timeout(patience, self.first(state)).await.map_err(|_| late())?
    }

    async fn first(self, state: &str) -> Result<String, Fault> {
        loop {
            let Ok((mut stream, _)) = self.listener.accept().await else { continue };
            let brought = match timeout(ASKING, head(&mut stream)).await {
                Ok(Some(head)) => brought(&head, self.port, state),
                _ => Brought::Stray(400),
            };
            let answer = page(&brought);
            let _ = timeout(ASKING, said(&mut stream, &answer)).await;
            match brought {
                Brought::Code(code) => return Ok(code),
                Brought::Error(code) => {
                    return Err(Fault::failed(format!(
                        "the sign-in was refused: {code}\n  next: countersign login"
                    )));
                }
                Brought::Stray(_) => {}
            }
        }
    }
}

/// A request's head, up to its empty line.
async fn head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    let mut buffer = [0; 1_024];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let read = stream.read(&mut buffer).await.ok().filter(|read| *read > 0)?;
        head.extend_from_slice(buffer.get(..read)?);
        if head.len() > HEAD_MAX {
            return None;
        }
    }
    String::from_utf8(head).ok()
}

async fn said(stream: &mut TcpStream, answer: &str) -> std::io::Result<()> {
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}

/// What a request brings: `GET /` with a code and our own state, of this very host, so that no name that was made to lead here is
/// taken for it.
fn brought(head: &str, port: u16, state: &str) -> Brought {
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let host =
        lines.filter_map(|line| line.split_once(':')).find(|(name, _)| name.eq_ignore_ascii_case("host"));
    let own = format!("127.0.0.1:{port}");
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    if path != "/" || host.is_none_or(|(_, host)| host.trim() != own) {
        return Brought::Stray(404);
    }
    if method != "GET" {
        return Brought::Stray(405);
    }
    if parameter(query, "state").as_deref() != Some(state) {
        return Brought::Stray(400);
    }
    match (parameter(query, "code"), parameter(query, "error")) {
        (Some(code), None) => Brought::Code(code),
        (None, Some(code)) => Brought::Error(code),
        _ => Brought::Stray(400),
    }
}

/// A parameter that stands there once, of characters that codes have. Neither side writes any that would be encoded.
fn parameter(query: &str, name: &str) -> Option<String> {
    let mut values = query.split('&').filter_map(|pair| pair.split_once('=')).filter(|(one, _)| *one == name);
    let (_, value) = values.next()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'~');
    let fits = (1..=CODE_MAX).contains(&value.len()) && value.bytes().all(plain) && values.next().is_none();
    fits.then(|| value.to_owned())
}

fn page(brought: &Brought) -> String {
    let (status, words) = match brought {
        Brought::Code(_) => ("200 OK", "You are signed in. You may close this window."),
        Brought::Error(_) => {
            ("200 OK", "The sign-in was refused. The command says why; you may close this window.")
        }
        Brought::Stray(400) => ("400 Bad Request", "Nothing was brought that is understood here."),
        Brought::Stray(405) => ("405 Method Not Allowed", "Only GET is understood here."),
        Brought::Stray(_) => ("404 Not Found", "There is nothing here."),
    };
    let body = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Countersign</title><p>{words}</p></html>"
    );
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\n\
         content-security-policy: default-src 'none'; frame-ancestors 'none'\r\nx-content-type-options: nosniff\r\n\
         referrer-policy: no-referrer\r\ncache-control: no-store\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

#[cfg(test)]
mod tests;
