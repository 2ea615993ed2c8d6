//! What a call may cost and who pays: worked out before it is made, told when it is too much, settled after. Pure.

use domain::{ActionId, Level, LimitsRow, Place, Reason, TenantId, Timestamp, Unit, Window};
use tables::Item;
use tables::gates::{Ask, HoldRefused, Over, Payer, Spend, affordable, limited_in_money};

use crate::outcome::Spent;
use crate::prices::Price;
use crate::response::Refused;

/// A tenant's limits, and its first shard as it was read with them.
#[derive(Debug, Clone)]
pub struct Budget {
    pub limits: LimitsRow,
    pub shard: Option<Item>,
}

/// What a call is held by.
#[derive(Debug, Clone)]
pub struct Bill {
    pub limits: LimitsRow,
    pub tenant: TenantId,
    pub payer: Payer,
    pub action: ActionId,
    /// The worst case; without a price nothing in money.
    pub worst: Spend,
    pub price: Option<Price>,
    pub now: Timestamp,
}

impl Budget {
    /// Whether not even a token can be held.
    pub fn is_spent(&self, tenant: &TenantId, payer: &Payer, now: Timestamp) -> bool {
        let action = ActionId::new(now, [0; 10]);
        let spend = Spend { tokens: 1, usd_micros: 0 };
        let ask = Ask { tenant, limits: &self.limits, payer, action, spend, priced: false, now };
        affordable(&ask, self.shard.as_ref()).is_err()
    }

    /// Saves an attempt that cannot succeed. The exact check is the condition of the hold.
    ///
    /// # Errors
    /// Over budget, no budget, or a limit in money and no price.
    pub fn covers(&self, bill: &Bill) -> Result<(), Refused> {
        if bill.price.is_none() && limited_in_money(&self.limits, &bill.payer) {
            return Err(Reason::PriceUnknown.into());
        }
        affordable(&bill.ask(), self.shard.as_ref()).map_err(|refused| bill.refused(&refused))
    }
}

impl Bill {
    pub fn ask(&self) -> Ask<'_> {
        Ask {
            tenant: &self.tenant,
            limits: &self.limits,
            payer: &self.payer,
            action: self.action,
            spend: self.worst,
            priced: self.price.is_some(),
            now: self.now,
        }
    }

    /// What an ending costs, in millionths of a dollar: at most what was held. Unknown without a price.
    pub fn cost(&self, spent: Spent) -> Option<u64> {
        let price = self.price?;
        let cost = match spent {
            Spent::Nothing => 0,
            Spent::Everything => self.worst.usd_micros,
            Spent::Reported { input, output, total, cached } => {
                price.actual(input, output.max(total.saturating_sub(input)), cached)
            }
        };
        Some(cost.min(self.worst.usd_micros))
    }

    /// What an ending settles.
    pub fn spent(&self, spent: Spent) -> Spend {
        Spend { tokens: spent.tokens(self.worst.tokens), usd_micros: self.cost(spent).unwrap_or_default() }
    }

    /// The refusal of a call that its budget does not cover, with the numbers that explain it.
    pub fn refused(&self, refused: &HoldRefused) -> Refused {
        let HoldRefused::OverBudget(over) = refused else { return Reason::BudgetUnavailable.into() };
        let ends = self.limits.zone().ends(over.place.window, self.now);
        let retry_after = ends.map(|ends| seconds(ends.millis_since(self.now)));
        Refused { hint: Some(told(over, ends)), retry_after, ..Refused::from(Reason::BudgetExceeded) }
    }
}

/// Nobody is told to stay away for longer than a day.
const DAY_S: u64 = 86_400;

fn seconds(millis: u64) -> u32 {
    u32::try_from(millis.div_ceil(1_000).clamp(1, DAY_S)).unwrap_or(u32::MAX)
}

/// `7 tokens are available, the call may need 1100: limit of the tenant per day, until 2026-11-27T00:00:00.000Z`.
fn told(over: &Over, ends: Option<Timestamp>) -> String {
    let Over { place, available, needed } = over;
    let amounts = match place.unit {
        Unit::Tokens => format!("{available} tokens are available, the call may need {needed}"),
        Unit::UsdMicros => {
            format!(
                "{} US dollars are available, the call may need {}",
                dollars(*available),
                dollars(*needed)
            )
        }
    };
    let until = ends.map(|ends| format!(", until {ends}")).unwrap_or_default();
    format!("{amounts}: limit of {}{until}", whose(place))
}

fn dollars(micros: u64) -> String {
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

fn whose(place: &Place) -> String {
    let id = place.id.as_ref().map_or("", domain::Name::as_str);
    let whose = match place.level {
        Level::Tenant => "the tenant".to_owned(),
        Level::Org => "the tenant's share of its organization's budget".to_owned(),
        Level::Team => format!("the team {id}"),
        Level::Agent => format!("the agent {id}"),
        Level::Key => format!("the gateway key {id}"),
    };
    let window = match place.window {
        Window::Day => "per day",
        Window::Month => "per month",
        Window::Total => "in all",
    };
    format!("{whose} {window}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{AgentId, Limit, Zone};
    use tables::gates::fresh;

    const NOON: &str = "2026-11-26T12:00:00.000Z";

    fn bill(limits: &[(&str, u64)], worst: Spend, price: Option<Price>) -> (Budget, Bill) {
        let limit = |(place, most): &(&str, u64)| Limit { place: place.parse().unwrap(), most: *most };
        let zone: Zone = "Asia/Jerusalem".parse().unwrap();
        let limits = LimitsRow::new(1, zone, 1, limits.iter().map(limit).collect()).unwrap();
        let key = domain::GatewayKey::mint(domain::KeyKind::User, domain::Region::Eu, &[1; 59]).unwrap();
        let payer =
            Payer { agent: AgentId::from_random([3; 10]), key: key.id().clone(), team: "sales".parse().ok() };
        let now: Timestamp = NOON.parse().unwrap();
        let (tenant, action) = (TenantId::from_random([2; 10]), ActionId::new(now, [1; 10]));
        let budget = Budget { limits: limits.clone(), shard: Some(fresh(1)) };
        (budget, Bill { limits, tenant, payer, action, worst, price, now })
    }

    const fn spend(tokens: u64, usd_micros: u64) -> Spend {
        Spend { tokens, usd_micros }
    }

    fn price() -> Option<Price> {
        crate::prices::Prices::builtin().unwrap().find(domain::ProviderKind::OpenAi, "gpt-4o")
    }

    #[test]
    fn a_refusal_says_which_limit_how_much_and_until_when() {
        let tenant = ("tenant:tokens:total", 1_000_000);
        for (limit, worst, hint, retry_after) in [
            (
                ("team/sales:tokens:day", 7),
                spend(1_100, 1),
                "7 tokens are available, the call may need 1100: limit of the team sales per day, until 2026-11-26T22:00:00.000Z",
                Some(36_000),
            ),
            (
                ("org:usd:month", 70_000),
                spend(1, 2_500_000),
                "0.070000 US dollars are available, the call may need 2.500000: limit of the tenant's share of its organization's budget per month, until 2026-11-30T22:00:00.000Z",
                Some(86_400),
            ),
            (
                ("tenant:usd:total", 0),
                spend(1, 1),
                "0.000000 US dollars are available, the call may need 0.000001: limit of the tenant in all",
                None,
            ),
        ] {
            let (budget, bill) = bill(&[tenant, limit], worst, price());
            let refused = budget.covers(&bill).unwrap_err();
            assert_eq!(refused.reason, Reason::BudgetExceeded);
            assert_eq!((refused.hint.as_deref(), refused.retry_after), (Some(hint), retry_after));
        }
    }

    #[test]
    fn without_a_price_a_limit_in_money_refuses_and_no_other_does() {
        let worst = spend(10, 0);
        let (budget, unpriced) = bill(&[("tenant:tokens:day", 10)], worst, None);
        assert_eq!(budget.covers(&unpriced), Ok(()));
        let (budget, unpriced) =
            bill(&[("tenant:tokens:day", 10), ("team/sales:usd:day", 1_000_000)], worst, None);
        assert_eq!(budget.covers(&unpriced).unwrap_err().reason, Reason::PriceUnknown);
        // Another team's is none of the call's business.
        let (budget, unpriced) =
            bill(&[("tenant:tokens:day", 10), ("team/other:usd:day", 1_000_000)], worst, None);
        assert_eq!(budget.covers(&unpriced), Ok(()));
        assert_eq!(unpriced.cost(Spent::Everything), None);
    }

    #[test]
    fn no_shard_and_nothing_left_are_told_apart() {
        let (mut budget, bill) = bill(&[("tenant:tokens:day", 1)], spend(1, 0), price());
        assert!(!budget.is_spent(&bill.tenant, &bill.payer, bill.now));
        budget.shard = None;
        assert!(budget.is_spent(&bill.tenant, &bill.payer, bill.now));
        assert_eq!(budget.covers(&bill).unwrap_err().reason, Reason::BudgetUnavailable);
    }

    #[test]
    fn an_ending_costs_what_was_reported_and_never_more_than_was_held() {
        let (_, bill) = bill(&[("tenant:tokens:day", 1)], spend(2_000, 9_000), price());
        let reported = |input, output, total| Spent::Reported {
            input,
            output,
            total,
            cached: crate::answer::Cached::default(),
        };
        assert_eq!(bill.spent(Spent::Nothing), spend(0, 0));
        assert_eq!(bill.spent(Spent::Everything), spend(2_000, 9_000));
        // 1,000 tokens of input at 2.5 and 100 of output at 10 dollars a million.
        assert_eq!(bill.spent(reported(1_000, 100, 0)), spend(1_100, 3_500));
        assert_eq!(
            bill.spent(reported(1_000, 0, 1_100)),
            spend(1_100, 3_500),
            "reasoning in the total alone"
        );
        assert_eq!(bill.spent(reported(1_000_000, 1, 0)), spend(2_000, 9_000));
    }
}
