//! For how long a server's certificate still holds: what a server shows to everybody, asked for without a credential.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use reqwest::tls::TlsInfo;
use x509_parser::parse_x509_certificate;

use crate::client::{Client, Config, Progress, builder};
use crate::error::{ClientError, EgressError, NotSent};
use crate::resolver;
use crate::target::Target;

/// A client that looks at certificates, apart from the others: for what it keeps of each connection no call pays.
#[derive(Clone, Debug)]
pub struct Certificates(Client);

/// From when until when a certificate holds (RFC 5280, section 4.1.2.5), in seconds of Unix time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    pub from: i64,
    pub until: i64,
}

impl Certificates {
    /// # Errors
    /// As [`Client::new`].
    pub fn new(config: &Config) -> Result<Self, ClientError> {
        Client::built(config, builder(config, resolver::system())?.tls_info(true)).map(Self)
    }

    /// Asks for the head of `target` alone; whatever status it gives, the certificate is its host's. `None` over plain HTTP, which
    /// the local stage alone has. `deadline` covers everything.
    ///
    /// # Errors
    /// [`NotSent::Tls`] for a certificate that does not hold, others as [`EgressError`] says.
    pub async fn validity(
        &self,
        target: &Target,
        deadline: Duration,
    ) -> Result<Option<Validity>, EgressError> {
        target.check(self.0.reach).map_err(|_| EgressError::NotSent(NotSent::Address))?;
        let progress = Arc::new(Progress::default());
        let exchange = async {
            let answer = self.0.http.head(target.join("")).send().await.map_err(|error| {
                progress.sent.store(!error.is_connect(), Ordering::Release);
                progress.failed(&error)
            })?;
            let told = answer.extensions().get::<TlsInfo>().and_then(TlsInfo::peer_certificate);
            told.map(|der| read(der).ok_or(EgressError::NotSent(NotSent::Tls))).transpose()
        };
        tokio::time::timeout(deadline, exchange).await.unwrap_or_else(|_| Err(progress.timed_out()))
    }
}

fn read(der: &[u8]) -> Option<Validity> {
    let (_, certificate) = parse_x509_certificate(der).ok()?;
    let validity = certificate.validity();
    Some(Validity { from: validity.not_before.timestamp(), until: validity.not_after.timestamp() })
}
