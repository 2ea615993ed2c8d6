//! Over real connections of loopback.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;

/// What the command gave out, and nobody else knows.
const STATE: &str = "s-_0";

async fn ask(port: u16, text: String) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer).await;
    answer
}

fn get(port: u16, target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\naccept: text/html\r\n\r\n")
}

#[tokio::test]
async fn one_code_is_taken_and_everything_else_is_not() {
    let loopback = Loopback::open().await.ok().unwrap();
    let port = loopback.port;
    assert_eq!(loopback.address(), format!("http://127.0.0.1:{port}/"));
    let waiting = tokio::spawn(loopback.code(STATE, Duration::from_secs(20)));
    for (request, status) in [
        (get(port, "/favicon.ico"), "404"),
        (get(port, "/x?code=a"), "404"),
        (get(port, "/?code=a").replace("127.0.0.1", "evil.example"), "404"),
        ("GET /?code=a HTTP/1.1\r\n\r\n".to_owned(), "404"),
        (get(port, "/?code=a").replace("GET", "POST"), "405"),
        (get(port, "/"), "400"),
        (get(port, "/?code=&state=s-_0"), "400"),
        (get(port, "/?code=a&code=b&state=s-_0"), "400"),
        (get(port, "/?code=a&error=b&state=s-_0"), "400"),
        (get(port, "/?code=%3Cscript%3E&state=s-_0"), "400"),
        // Whoever does not know the state ends nothing, neither by a code nor by an error.
        (get(port, "/?code=a"), "400"),
        (get(port, "/?error=access_denied"), "400"),
        (get(port, "/?code=a&state="), "400"),
        (get(port, "/?code=a&state=s-_1"), "400"),
        (get(port, "/?error=access_denied&state=s"), "400"),
        (get(port, "/?code=a&state=s-_0&state=s-_0"), "400"),
    ] {
        let answer = ask(port, request.clone()).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request}: {answer}");
        assert!(!waiting.is_finished(), "{request}");
    }
    let page = ask(port, get(port, "/?code=cs_hnd_0aZ-_.~&state=s-_0")).await;
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n") && page.contains("You are signed in."), "{page}");
    assert!(
        page.contains("content-security-policy: default-src 'none'") && !page.contains("script"),
        "{page}"
    );
    assert!(!page.contains("cs_hnd"), "the page repeats nothing");
    assert_eq!(waiting.await.unwrap().ok().as_deref(), Some("cs_hnd_0aZ-_.~"));
    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err(), "it listens no longer");
}

#[tokio::test]
async fn a_refusal_and_silence_are_said() {
    let loopback = Loopback::open().await.ok().unwrap();
    let port = loopback.port;
    let waiting = tokio::spawn(loopback.code(STATE, Duration::from_secs(20)));
    assert!(ask(port, get(port, "/?error=not_admitted&state=s-_0")).await.contains("refused"));
    let fault = waiting.await.unwrap().unwrap_err().to_string();
    assert!(fault.contains("not_admitted") && fault.contains("countersign login"), "{fault}");

    let silent = Loopback::open().await.ok().unwrap().code(STATE, Duration::from_millis(50)).await;
    assert!(silent.unwrap_err().to_string().contains("in time"));
}

/// Somebody who connects and says nothing, or too much, keeps nobody else out for long.
#[tokio::test]
async fn a_long_head_ends() {
    let loopback = Loopback::open().await.ok().unwrap();
    let port = loopback.port;
    let waiting = tokio::spawn(loopback.code(STATE, Duration::from_secs(20)));
    let long = get(port, "/?code=a&state=s-_0").replace("text/html", &"x".repeat(HEAD_MAX + 1_024));
    assert!(!ask(port, long).await.contains("200 OK"));
    ask(port, get(port, "/?code=a&state=s-_0")).await;
    assert_eq!(waiting.await.unwrap().ok().as_deref(), Some("a"));
}
