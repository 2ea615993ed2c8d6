//! TLS 1.3 only, ring, and which certificate authorities count.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

use crate::error::ClientError;
use crate::target::Reach;

/// Certificate authorities that servers are checked against.
#[derive(Clone, Debug)]
pub enum Roots {
    /// The file that `SSL_CERT_FILE` names, otherwise the system's bundle. Not compiled in: an operator can then add or
    /// withdraw an authority without a release, and the AWS clients of the same process trust the same file. Naming
    /// the file makes the start fast: without it all certificate directories are read.
    System,
    /// These alone, DER encoded.
    Only(Vec<CertificateDer<'static>>),
}

/// The platform verifier, `reqwest`'s own way, is not used: it would read the system's bundle whatever was chosen here.
pub(crate) fn config(roots: &Roots, reach: Reach) -> Result<ClientConfig, ClientError> {
    let mut store = RootCertStore::empty();
    match roots {
        Roots::System => store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs),
        Roots::Only(certificates) => store.add_parsable_certificates(certificates.iter().cloned()),
    };
    // A local stage without a bundle can still talk plain HTTP to its stand-in; TLS then trusts nobody.
    if store.is_empty() && reach == Reach::Public {
        return Err(ClientError::NoRoots);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|_| ClientError::Tls)?
        .with_root_certificates(store)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
