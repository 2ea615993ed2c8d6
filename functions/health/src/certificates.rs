//! The certificates that hosts show: those of addresses that the deployment brings itself, and those of endpoints.

use std::time::Duration;

use egress::Target;
use futures_util::future::join_all;

use crate::decide::expiry::{Certificate, Renewed, Shown};
use crate::effects::{Effects, Known};
use crate::probe;

/// A handshake, and a head that nobody needs.
const LIMIT: Duration = Duration::from_secs(5);

impl Effects {
    /// All of them, side by side, with nothing that is secret.
    pub(crate) async fn certificates(&self, known: &Known) -> Vec<Shown> {
        let ours = self.config.watched.addresses.iter().cloned().map(|target| (Renewed::ByUs, target));
        let endpoints = probe::endpoints(&known.providers, self.region()).into_iter();
        let theirs = endpoints.filter_map(|one| Target::parse(&one.base_url, self.config.reach).ok());
        let all = ours.chain(theirs.map(|target| (Renewed::ByProvider, target)));
        join_all(all.map(|(renewed, target)| self.shown(renewed, target))).await
    }

    async fn shown(&self, renewed: Renewed, target: Target) -> Shown {
        let certificate = Certificate::read(self.certificates.validity(&target, LIMIT).await);
        tracing::info!(host = target.host(), ?renewed, ?certificate, "certificate.shown");
        Shown { renewed, certificate }
    }
}
