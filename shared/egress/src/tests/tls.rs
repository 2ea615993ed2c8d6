//! TLS 1.3 with a trusted certificate for the right host, or nothing is sent.

use std::sync::{Arc, Mutex};

use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::server::{Step, converse, response};
use super::{config, post};
use crate::{Client, ClientError, Config, EgressError, NotSent, Reach, Roots, Target};

struct TlsServer {
    target: Target,
    certificate: CertificateDer<'static>,
    requests: Arc<Mutex<Vec<(usize, String)>>>,
}

/// A server on `localhost` with a certificate for `name`.
async fn start(name: &str, versions: &[&'static rustls::SupportedProtocolVersion]) -> TlsServer {
    let issued = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let certificate = issued.cert.der().clone();
    let key = PrivateKeyDer::try_from(issued.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let server = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/v1", listener.local_addr().unwrap().port());
    let requests = Arc::<Mutex<Vec<(usize, String)>>>::default();
    tokio::spawn(accept(listener, TlsAcceptor::from(Arc::new(server)), Arc::clone(&requests)));
    TlsServer { target: Target::parse(&url, Reach::Loopback).unwrap(), certificate, requests }
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, requests: Arc<Mutex<Vec<(usize, String)>>>) {
    for connection in 0.. {
        let (stream, _) = listener.accept().await.unwrap();
        if let Ok(stream) = acceptor.accept(stream).await {
            let step = Step::Send(response("200 OK", "", "{}"));
            tokio::spawn(converse(stream, connection, step, Arc::clone(&requests)));
        }
    }
}

fn trusting(certificate: &CertificateDer<'static>) -> Client {
    let roots = Roots::Only(vec![certificate.clone()]);
    Client::new(&Config { roots, ..config(Reach::Loopback) }).unwrap()
}

#[tokio::test]
async fn tls_1_3_with_a_trusted_certificate_works_and_is_reused() {
    let server = start("localhost", &[&rustls::version::TLS13]).await;
    let client = trusting(&server.certificate);
    for _ in 0..2 {
        assert_eq!(post(&client, &server.target).await.unwrap().status, 200);
    }
    let connections: Vec<_> =
        server.requests.lock().unwrap().iter().map(|(connection, _)| *connection).collect();
    assert_eq!(connections, [0, 0]);
}

#[tokio::test]
async fn a_server_that_only_speaks_tls_1_2_is_refused() {
    let server = start("localhost", &[&rustls::version::TLS12]).await;
    let error = post(&trusting(&server.certificate), &server.target).await.unwrap_err();
    assert_eq!(error, EgressError::NotSent(NotSent::Tls));
}

#[tokio::test]
async fn a_certificate_for_another_host_or_of_a_stranger_is_refused() {
    let other_host = start("provider.test", &[&rustls::version::TLS13]).await;
    let stranger = start("localhost", &[&rustls::version::TLS13]).await;
    for (server, client) in
        [(&other_host, trusting(&other_host.certificate)), (&stranger, trusting(&other_host.certificate))]
    {
        let error = post(&client, &server.target).await.unwrap_err();
        assert_eq!(error, EgressError::NotSent(NotSent::Tls));
        assert!(server.requests.lock().unwrap().is_empty());
    }
}

#[test]
fn a_public_client_without_authorities_is_not_made() {
    let roots = Roots::Only(Vec::new());
    let made = Client::new(&Config { roots, ..config(Reach::Public) });
    assert_eq!(made.unwrap_err(), ClientError::NoRoots);
}
