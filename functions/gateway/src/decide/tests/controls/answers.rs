//! How calls end, and what follows from it: written down once more, by hand.

use bytes::Bytes;
use domain::Reason;
use egress::{EgressError, NotSent};
use proptest::prelude::*;
use tables::gates::breaker::Health::{self, Ill, Silent, Well};

use crate::outcome::{Ended, Spent, conclude, failed, rejected};
use crate::plan::Call;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// With so many tokens used, as it says.
    Good(u64),
    /// That is good and does not say.
    Silent,
    Status(u16),
    Unreachable,
    TimedOut,
    /// A kill switch cut the call.
    Cut(Reason),
}

const STATUSES: [u16; 8] = [400, 401, 404, 413, 429, 500, 502, 503];

impl Answer {
    pub fn any() -> impl Strategy<Value = Self> {
        prop_oneof![
            4 => (4_u64..4_000).prop_map(Self::Good),
            1 => Just(Self::Silent),
            6 => prop::sample::select(STATUSES.to_vec()).prop_map(Self::Status),
            1 => Just(Self::Unreachable),
            1 => Just(Self::TimedOut),
        ]
    }

    /// What of the hold is spent: what the provider said, nothing if it certainly did nothing, and otherwise all.
    pub fn spent(self, held: u64) -> u64 {
        match self {
            Self::Good(tokens) => tokens.min(held),
            Self::Status(400 | 401 | 404 | 413 | 429 | 503) | Self::Unreachable => 0,
            Self::Silent | Self::Status(_) | Self::TimedOut | Self::Cut(_) => held,
        }
    }

    /// Of the endpoint, and of what is the tenant's own.
    pub fn says(self) -> [Health; 2] {
        match self {
            Self::Good(_) | Self::Silent => [Well, Well],
            Self::Status(502 | 503) | Self::Unreachable => [Ill, Silent],
            Self::Status(401) => [Well, Ill],
            Self::Status(500) | Self::TimedOut => [Silent, Ill],
            Self::Status(400 | 404 | 413) => [Well, Silent],
            Self::Status(_) | Self::Cut(_) => [Silent, Silent],
        }
    }

    /// Whether the next provider may be tried, if there is one.
    pub fn goes_on(self) -> bool {
        matches!(self, Self::Status(401 | 429 | 503) | Self::Unreachable)
    }

    pub fn ended(self, call: &Call) -> Ended {
        match self {
            Self::Good(tokens) => {
                whole(call, &format!(r#","usage":{{"prompt_tokens":3,"completion_tokens":{}}}"#, tokens - 3))
            }
            Self::Silent => whole(call, ""),
            Self::Status(status) => Ended { status: Some(status), ..rejected(status) },
            Self::Unreachable => failed(&EgressError::NotSent(NotSent::Connect)),
            Self::TimedOut => failed(&EgressError::TimedOut { status: None }),
            Self::Cut(reason) => Ended::without_answer(reason, Spent::Everything),
        }
    }
}

fn whole(call: &Call, usage: &str) -> Ended {
    let body = Ok(Bytes::from(format!(r#"{{"choices":[]{usage}}}"#)));
    conclude(call.wire, Ok(egress::Answer { status: 200, retry_after: None, request_id: None, body }))
}
