//! Which provider a call goes to: the first of the tenant's list that passes every check, each check for each of them.

use domain::{PolicyRow, Provider, ProviderModel, Providers, Reason, TenantId, Timestamp};
use egress::{Reach, Target};
use policy::Accountable;

use crate::breaker::{Breakers, Passage, Tried};
use crate::decide::Rules;
use crate::dialect::Way;
use crate::form::Ask;
use crate::plan;
use crate::records::Known;
use crate::response::Refused;

/// What a choice is made by.
pub struct Choice<'a> {
    pub rules: &'a Rules,
    pub accountable: &'a Accountable,
    pub policy: &'a PolicyRow,
    pub breakers: &'a Breakers,
    pub tried: &'a Tried,
    pub now: Timestamp,
}

/// A provider that may be called.
pub struct Chosen<'p> {
    pub provider: &'p Provider,
    pub model: &'p ProviderModel,
    pub target: Target,
    pub passage: Passage,
}

type Candidate<'p> = (&'p Provider, &'p ProviderModel, Target);

impl Choice<'_> {
    /// The first provider that has the model in the tenant's region, at an address that may be called, with a route for the
    /// call, and behind no open breaker. Nothing ever leads to another region, and nothing past a breaker.
    ///
    /// # Errors
    /// What no provider passes.
    pub fn choose<'p>(
        &self,
        tenant: &TenantId,
        providers: &'p Providers,
        ask: &Ask,
        known: &mut Known,
    ) -> Result<Chosen<'p>, Refused> {
        known.after = self.tried.before();
        let mut candidates = self.candidates(providers, ask, known)?.into_iter();
        let mut soonest: Option<Timestamp> = None;
        let passing = candidates.by_ref().find_map(|candidate| {
            match self.breakers.passage(tenant, candidate.0, self.now) {
                Ok(passage) => Some((candidate, passage)),
                Err(until) => {
                    known.skipped_open = known.skipped_open.saturating_add(1);
                    soonest = Some(soonest.map_or(until, |soonest| soonest.min(until)));
                    None
                }
            }
        });
        let Some(((provider, model, target), passage)) = passing else {
            return Err(soonest.map_or_else(|| Reason::ProviderUnavailable.into(), |until| self.open(until)));
        };
        name(known, provider);
        let another = candidates.any(|(other, ..)| self.breakers.passage(tenant, other, self.now).is_ok());
        let passage = Passage { more: another && !self.tried.last(), ..passage };
        Ok(Chosen { provider, model, target, passage })
    }

    /// All that could be called if their breakers let them, in the order of the list.
    fn candidates<'p>(
        &self,
        providers: &'p Providers,
        ask: &Ask,
        known: &mut Known,
    ) -> Result<Vec<Candidate<'p>>, Reason> {
        let having = |provider: &'p Provider| {
            let model = provider.models.iter().find(|entry| entry.name.as_str() == ask.model())?;
            Some((provider, model))
        };
        let having: Vec<_> = providers.0.iter().filter_map(having).collect();
        let all = having.len();
        some(&having, Reason::ModelUnknown)?;
        let here: Vec<_> =
            having.into_iter().filter(|(provider, _)| provider.region == self.rules.region).collect();
        known.skipped_residency = u64::try_from(all.saturating_sub(here.len())).unwrap_or(u64::MAX);
        some(&here, Reason::ResidencyProvider)?;
        let here: Vec<_> =
            here.into_iter().filter(|(provider, _)| self.accountable.may_use(&provider.name)).collect();
        some(&here, Reason::ProviderNotAllowed)?;
        if let Some((first, _)) = here.first() {
            name(known, first);
        }
        let addressed: Vec<_> = here
            .into_iter()
            .filter_map(|(provider, model)| Some((provider, model, target(provider, self.rules.reach).ok()?)))
            .collect();
        some(&addressed, Reason::ProviderAddress)?;
        let routed: Vec<_> = addressed
            .into_iter()
            .filter(|(provider, ..)| Way::to(provider.kind, ask.dialect()).is_some())
            .collect();
        some(&routed, Reason::RouteUnsupported)?;
        let untried: Vec<_> =
            routed.into_iter().filter(|(provider, ..)| !self.tried.has(&provider.id)).collect();
        Ok(self.sayable(untried, ask))
    }

    /// Without those in whose dialect the call cannot be said; if that is all of them, the plan tells what is in the way.
    fn sayable<'p>(&self, candidates: Vec<Candidate<'p>>, ask: &Ask) -> Vec<Candidate<'p>> {
        let says = |(provider, model, _): &Candidate<'_>| {
            Way::to(provider.kind, ask.dialect()) == Some(Way::Same)
                || plan::translates(ask, (provider, model), self.policy)
        };
        if candidates.len() < 2 || !candidates.iter().any(says) {
            return candidates;
        }
        candidates.into_iter().filter(says).collect()
    }

    /// Refused with the seconds until the first breaker may be probed.
    fn open(&self, until: Timestamp) -> Refused {
        let seconds = until.millis_since(self.now).div_ceil(1_000).max(1);
        let retry_after = Some(u32::try_from(seconds).unwrap_or(u32::MAX));
        Refused { retry_after, ..Refused::from(Reason::BreakerOpen) }
    }
}

fn name(known: &mut Known, provider: &Provider) {
    known.provider = Some(provider.name.clone());
    known.provider_region = Some(provider.region);
}

fn some<T>(candidates: &[T], otherwise: Reason) -> Result<(), Reason> {
    if candidates.is_empty() { Err(otherwise) } else { Ok(()) }
}

fn target(provider: &Provider, reach: Reach) -> Result<Target, Reason> {
    let target = Target::parse(&provider.base_url, reach).map_err(|_| Reason::ProviderAddress)?;
    match &provider.api_version {
        Some(version) => target.with_api_version(version.as_str()).map_err(|_| Reason::ProviderAddress),
        None => Ok(target),
    }
}
