//! Name resolution that answers with checked addresses only. The client connects to exactly these.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::addresses::is_global;
use crate::target::{Reach, is_localhost};

/// Asks for all addresses of a name. A parameter, so that tests can change the answer between two questions.
pub(crate) type Lookup =
    Arc<dyn Fn(String) -> BoxFuture<'static, std::io::Result<Vec<IpAddr>>> + Send + Sync>;

/// Checks what `lookup` answers.
#[derive(Clone)]
pub(crate) struct Resolver {
    reach: Reach,
    lookup: Lookup,
}

/// Why a name has no address to connect to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ResolveError {
    #[error("the name could not be resolved")]
    Failed,
    #[error("the name leads to an address that is not public")]
    Refused,
}

impl Resolver {
    pub(crate) fn new(reach: Reach, lookup: Lookup) -> Self {
        Self { reach, lookup }
    }

    /// One address that is not global refuses the whole name: an attacker who mixes both must not win by chance.
    pub(crate) async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, ResolveError> {
        if is_localhost(name) {
            return match self.reach {
                Reach::Loopback => Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]),
                Reach::Public => Err(ResolveError::Refused),
            };
        }
        let found = (self.lookup)(name.to_owned()).await.map_err(|_| ResolveError::Failed)?;
        match found.as_slice() {
            [] => Err(ResolveError::Failed),
            all if all.iter().copied().all(is_global) => Ok(found),
            _ => Err(ResolveError::Refused),
        }
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = self.clone();
        async move {
            let found = resolver.addresses(name.as_str()).await?;
            // Port 0 stands for the URL's port.
            let found: Addrs = Box::new(found.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(found)
        }
        .boxed()
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").field("reach", &self.reach).finish_non_exhaustive()
    }
}

/// The platform's resolver.
pub(crate) fn system() -> Lookup {
    Arc::new(|name| {
        async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        }
        .boxed()
    })
}
