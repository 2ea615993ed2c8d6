//! TLS 1.3 with a trusted certificate for the right host, or nothing is sent.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{CertificateParams, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::server::{Server, Step, converse, response};
use super::{config, local, post};
use crate::{
    Certificates, Client, ClientError, Config, EgressError, NotSent, Reach, Roots, Target, Validity,
};

struct TlsServer {
    target: Target,
    certificate: CertificateDer<'static>,
    requests: Arc<Mutex<Vec<(usize, String)>>>,
}

/// A server on `localhost` with a certificate for `name`.
async fn start(name: &str, versions: &[&'static rustls::SupportedProtocolVersion]) -> TlsServer {
    serve(CertificateParams::new([name.to_owned()]).unwrap(), versions).await
}

async fn serve(
    params: CertificateParams,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> TlsServer {
    let signing = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&signing).unwrap().der().clone();
    let key = PrivateKeyDer::try_from(signing.serialize_der()).unwrap();
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
    Client::new(&config_of(certificate)).unwrap()
}

fn config_of(certificate: &CertificateDer<'static>) -> Config {
    Config { roots: Roots::Only(vec![certificate.clone()]), ..config(Reach::Loopback) }
}

/// Certificates as somebody sees them who trusts this one.
fn looking(certificate: &CertificateDer<'static>) -> Certificates {
    Certificates::new(&config_of(certificate)).unwrap()
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

#[tokio::test]
async fn a_certificate_says_for_how_long_it_holds() {
    let limit = Duration::from_secs(5);
    let strange = Certificates::new(&config(Reach::Loopback)).unwrap();
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2999, 12, 31);
    let server = serve(params, &[&rustls::version::TLS13]).await;
    let told = looking(&server.certificate).validity(&server.target, limit).await;
    assert_eq!(told, Ok(Some(Validity { from: 1_577_836_800, until: 32_503_593_600 })));
    let asked = server.requests.lock().unwrap().remove(0).1;
    assert!(asked.starts_with("HEAD /v1 ") && !asked.contains("authorization"), "{asked}");

    let refused = strange.validity(&server.target, limit).await;
    assert_eq!(refused, Err(EgressError::NotSent(NotSent::Tls)), "nobody that is trusted has signed it");
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    params.not_after = rcgen::date_time_ymd(2021, 1, 1);
    let ended = serve(params, &[&rustls::version::TLS13]).await;
    let refused = looking(&ended.certificate).validity(&ended.target, limit).await;
    assert_eq!(refused, Err(EgressError::NotSent(NotSent::Tls)));

    let plain = Server::start(Step::Send(response("404 Not Found", "", ""))).await;
    assert_eq!(strange.validity(&local(plain.port), limit).await, Ok(None));
    let nobody = local(1);
    assert_eq!(strange.validity(&nobody, limit).await, Err(EgressError::NotSent(NotSent::Connect)));
}
