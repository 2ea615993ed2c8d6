//! A scripted server: reads whole requests, answers with given bytes.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// What to do with a request.
#[derive(Clone)]
pub(super) enum Step {
    /// Send these bytes and keep the connection.
    Send(Vec<u8>),
    /// Send these bytes and close.
    SendAndClose(Vec<u8>),
    /// Send these bytes, then nothing more.
    Stall(Vec<u8>),
    /// Send `pieces` one `every` so often, over and over if `forever`; then wait until the client closes and tell `closed`.
    Paced { pieces: Vec<Vec<u8>>, every: Duration, forever: bool, closed: Arc<Notify> },
}

pub(super) struct Server {
    pub(super) port: u16,
    requests: Arc<Mutex<Vec<(usize, String)>>>,
}

impl Server {
    /// Answers every request with `step`.
    pub(super) async fn start(step: Step) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::<Mutex<Vec<(usize, String)>>>::default();
        let record = Arc::clone(&requests);
        tokio::spawn(async move {
            for connection in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(converse(stream, connection, step.clone(), Arc::clone(&record)));
            }
        });
        Self { port, requests }
    }

    /// The number of its connection and the text of each request so far.
    pub(super) fn requests(&self) -> Vec<(usize, String)> {
        self.requests.lock().unwrap().clone()
    }
}

pub(super) async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    connection: usize,
    step: Step,
    record: Arc<Mutex<Vec<(usize, String)>>>,
) {
    while let Some(request) = read_request(&mut stream).await {
        record.lock().unwrap().push((connection, request));
        match &step {
            Step::Send(bytes) => stream.write_all(bytes).await.unwrap(),
            Step::SendAndClose(bytes) => {
                stream.write_all(bytes).await.unwrap();
                let _ = stream.shutdown().await;
                return;
            }
            Step::Stall(bytes) => {
                stream.write_all(bytes).await.unwrap();
                tokio::time::sleep(Duration::from_secs(60)).await;
            }
            Step::Paced { pieces, every, forever, closed } => {
                pace(&mut stream, pieces, *every, *forever).await;
                closed.notify_one();
                return;
            }
        }
    }
}

/// Returns when the client has closed the connection.
async fn pace<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    pieces: &[Vec<u8>],
    every: Duration,
    forever: bool,
) {
    let mut next = 0;
    while let Some(piece) = pieces.get(next) {
        if stream.write_all(piece).await.is_err() || stream.flush().await.is_err() {
            return;
        }
        // The last piece is the one that is repeated.
        next = if forever { (next + 1).min(pieces.len() - 1) } else { next + 1 };
        tokio::time::sleep(every).await;
    }
    let _ = stream.read(&mut [0; 16]).await;
}

/// Head and body of the test's one request, whose body ends in `}`; that for a head alone has none.
async fn read_request<S: AsyncRead + Unpin>(stream: &mut S) -> Option<String> {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    let whole = |request: &[u8]| {
        request.ends_with(b"}") || (request.starts_with(b"HEAD ") && request.ends_with(b"\r\n\r\n"))
    };
    while !whole(&request) {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return None,
            Ok(n) => request.extend_from_slice(&buffer[..n]),
        }
    }
    Some(String::from_utf8(request).unwrap())
}

pub(super) fn response(status: &str, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len()).into_bytes()
}
