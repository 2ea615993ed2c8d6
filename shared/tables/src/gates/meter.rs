//! What a call is measured on: one meter for each limit that bears on it, and four of the tenant that always run.
//!
//! A meter's name holds its period, so a window begins again by its name: `t:tok:2026-11-26`, `a:agt_...:usd:2026-11`,
//! `k:...:tok:all`.

use domain::{AgentId, Code, Day, KeyId, Level, LimitsRow, Place, Unit, Window};

use crate::Attr;

/// What a call may use at most, or did use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spend {
    pub tokens: u64,
    /// Millionths of a US dollar.
    pub usd_micros: u64,
}

impl Spend {
    pub const fn of(self, unit: Unit) -> u64 {
        match unit {
            Unit::Tokens => self.tokens,
            Unit::UsdMicros => self.usd_micros,
        }
    }

    #[must_use]
    pub fn at_most(self, held: Self) -> Self {
        Self { tokens: self.tokens.min(held.tokens), usd_micros: self.usd_micros.min(held.usd_micros) }
    }
}

/// Who uses something of a tenant's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payer {
    pub agent: AgentId,
    pub key: KeyId,
    pub team: Option<Code>,
}

impl Payer {
    /// `agent/key/team`: under this name its holds lie together.
    pub fn text(&self) -> String {
        let team = self.team.as_ref().map_or("", Code::as_str);
        format!("{}/{}/{team}", self.agent, self.key)
    }

    /// Reads [`Payer::text`] back.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('/');
        let (agent, key, team) = (parts.next()?, parts.next()?, parts.next()?);
        let team = if team.is_empty() { None } else { Some(team.parse().ok()?) };
        Some(Self { agent: agent.parse().ok()?, key: key.parse().ok()?, team })
    }

    /// The shard that all of an agent's calls are measured in: FNV-1a, of which the high half counts, since the low bits
    /// of its result know only low bits. Pinned: use lies where it says.
    pub fn shard(&self, shards: u8) -> u8 {
        let hash = self.agent.as_str().bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        u8::try_from((hash >> 32) % u64::from(shards.max(1))).unwrap_or_default()
    }

    fn id(&self, level: Level) -> Option<&str> {
        match level {
            Level::Tenant | Level::Org => Some(""),
            Level::Team => self.team.as_ref().map(Code::as_str),
            Level::Agent => Some(self.agent.as_str()),
            Level::Key => Some(self.key.as_str()),
        }
    }

    fn pays(&self, place: &Place) -> bool {
        self.id(place.level).is_some_and(|id| place.id.as_ref().map_or("", domain::Name::as_str) == id)
    }
}

/// The name of the meter of a place in the period of a day.
pub fn name(place: &Place, day: Day) -> String {
    let letter = match place.level {
        Level::Tenant => "t",
        Level::Org => "o",
        Level::Team => "g",
        Level::Agent => "a",
        Level::Key => "k",
    };
    let id = place.id.as_ref().map(|id| format!(":{id}")).unwrap_or_default();
    let unit = match place.unit {
        Unit::Tokens => "tok",
        Unit::UsdMicros => "usd",
    };
    let period = match place.window {
        Window::Day => day.to_string(),
        Window::Month => day.month(),
        Window::Total => "all".to_owned(),
    };
    format!("{letter}{id}:{unit}:{period}")
}

/// The tenant's meters that run without a limit: statements are made of them.
pub const ALWAYS: [(Unit, Window); 4] = [
    (Unit::Tokens, Window::Day),
    (Unit::Tokens, Window::Month),
    (Unit::UsdMicros, Window::Day),
    (Unit::UsdMicros, Window::Month),
];

/// One meter that a call bears on, and its limit if it has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    pub place: Place,
    pub meter: String,
    pub most: Option<u64>,
}

impl Charge {
    /// Whether all shards have the meter together. Keys and agents are whole in theirs.
    pub(super) const fn shared(&self) -> bool {
        matches!(self.place.level, Level::Tenant | Level::Org | Level::Team)
    }
}

/// Everything that a call bears on. Without a price it bears on nothing in money.
pub(super) fn charges(limits: &LimitsRow, payer: &Payer, day: Day, priced: bool) -> Vec<Charge> {
    let mut charges: Vec<Charge> = Vec::new();
    let mut add = |place: Place, most| {
        let known = charges.iter().any(|charge| charge.place == place);
        if !known && (priced || place.unit == Unit::Tokens) {
            charges.push(Charge { meter: name(&place, day), place, most });
        }
    };
    for limit in limits.limits().iter().filter(|limit| payer.pays(&limit.place)) {
        add(limit.place.clone(), Some(limit.most));
    }
    for (unit, window) in ALWAYS {
        add(Place { level: Level::Tenant, id: None, unit, window }, None);
    }
    charges
}

/// Whether a limit in money bears on the payer.
pub fn limited_in_money(limits: &LimitsRow, payer: &Payer) -> bool {
    limits.limits().iter().any(|limit| limit.place.unit == Unit::UsdMicros && payer.pays(&limit.place))
}

const LEVELS: [Level; 5] = [Level::Tenant, Level::Org, Level::Team, Level::Agent, Level::Key];
const UNITS: [Unit; 2] = [Unit::Tokens, Unit::UsdMicros];
const WINDOWS: [Window; 3] = [Window::Day, Window::Month, Window::Total];

/// Every kind of place, in the order of a hold's bits.
fn kinds() -> impl Iterator<Item = (Level, Unit, Window)> {
    let of_level =
        |level| UNITS.into_iter().flat_map(move |unit| WINDOWS.map(|window| (level, unit, window)));
    LEVELS.into_iter().flat_map(of_level)
}

/// A hold as its shard keeps it: four numbers of seven bits a byte (tokens, micro-dollars, one bit for each meter that it
/// bears on, the day), so that ninety holds fit into four kilobytes. With the payer it names its meters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    pub spend: Spend,
    pub day: Day,
    bits: u64,
}

impl Open {
    pub(super) fn of(spend: Spend, day: Day, charges: &[Charge]) -> Self {
        let borne = |kind: (Level, Unit, Window)| {
            charges.iter().any(|one| (one.place.level, one.place.unit, one.place.window) == kind)
        };
        let bits = kinds().enumerate().filter(|(_, kind)| borne(*kind)).map(|(bit, _)| 1_u64 << bit).sum();
        Self { spend, day, bits }
    }

    pub(super) fn to_attr(&self) -> Attr {
        let mut bytes = Vec::new();
        for mut number in [self.spend.tokens, self.spend.usd_micros, self.bits, u64::from(self.day.days())] {
            while number >= 0x80 {
                bytes.extend(number.to_le_bytes().first().map(|low| low | 0x80));
                number >>= 7;
            }
            bytes.extend(number.to_le_bytes().first());
        }
        Attr::B(bytes)
    }

    pub(super) fn from_attr(attr: &Attr) -> Option<Self> {
        let Attr::B(bytes) = attr else { return None };
        let mut bytes = bytes.iter();
        let mut number = || {
            let mut number = 0_u64;
            for shift in (0..63).step_by(7) {
                let byte = bytes.next()?;
                number |= u64::from(byte & 0x7f) << shift;
                if byte & 0x80 == 0 {
                    return Some(number);
                }
            }
            None
        };
        let (tokens, usd_micros, bits, days) = (number()?, number()?, number()?, number()?);
        let day = Day::from_days(u32::try_from(days).ok()?).ok()?;
        bytes.next().is_none().then_some(Self { spend: Spend { tokens, usd_micros }, day, bits })
    }

    /// The meters that it bears on, each with what is held on it. `None` when the payer has not what a bit says.
    pub fn meters(&self, payer: &Payer) -> Option<Vec<(String, Unit)>> {
        let mut meters = Vec::new();
        for (_, (level, unit, window)) in kinds().enumerate().filter(|(bit, _)| self.bits >> bit & 1 == 1) {
            let id = Some(payer.id(level)?).filter(|id| !id.is_empty());
            let id = id.map(str::parse).transpose().ok()?;
            meters.push((name(&Place { level, id, unit, window }, self.day), unit));
        }
        Some(meters)
    }
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// An action's id in 22 characters (base64url of its 16 bytes) instead of 36: it is most of what a hold weighs.
pub fn short(action: domain::ActionId) -> String {
    let number = u128::from_be_bytes(*action.as_bytes());
    let letter = |at: u32| {
        let six = usize::try_from(number >> (6 * at) & 0x3f).unwrap_or_default();
        ALPHABET.get(six).copied().map_or('A', char::from)
    };
    (0..22).rev().map(letter).collect()
}

/// When the action began, from its short id: the first 48 bits are Unix milliseconds (UUIDv7). With the id.
pub fn long(short: &str) -> Option<domain::ActionId> {
    let mut number = 0_u128;
    for byte in short.bytes() {
        let six = ALPHABET.iter().position(|letter| *letter == byte)?;
        number = number.checked_mul(64)?.checked_add(u128::try_from(six).ok()?)?;
    }
    let hex = format!("{number:032x}");
    let part = |from, to| hex.get(from..to);
    let text = [part(0, 8)?, part(8, 12)?, part(12, 16)?, part(16, 20)?, part(20, 32)?].join("-");
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{ActionId, Timestamp};
    use proptest::prelude::*;

    fn payer() -> Payer {
        let key = domain::GatewayKey::mint(domain::KeyKind::User, domain::Region::Eu, &[1; 59]).unwrap();
        Payer { agent: AgentId::from_random([3; 10]), key: key.id().clone(), team: "sales".parse().ok() }
    }

    /// Pinned: use lies under these names for as long as it counts.
    #[test]
    fn meters_are_named_as_they_were() {
        let day = Day::from_days(20_783).unwrap();
        let name = |text: &str| name(&text.parse().unwrap(), day);
        assert_eq!(name("tenant:tokens:day"), "t:tok:2026-11-26");
        assert_eq!(name("org:usd:month"), "o:usd:2026-11");
        assert_eq!(name("team/sales:usd:total"), "g:sales:usd:all");
        assert_eq!(name("agent/agt_1:usd:month"), "a:agt_1:usd:2026-11");
        assert_eq!(name("key/0aZ:tokens:total"), "k:0aZ:tok:all");
        let payer = payer();
        assert_eq!(Payer::parse(&payer.text()), Some(payer.clone()));
        assert_eq!((payer.shard(1), payer.shard(8), payer.shard(32)), (0, 7, 7));
        let alone = Payer { team: None, ..payer };
        assert_eq!(Payer::parse(&alone.text()), Some(alone));
    }

    proptest! {
        #[test]
        fn a_hold_names_its_meters(tokens in 0_u64..1 << 53, usd_micros in 0_u64..1 << 53, days in 0_u32..100_000, bits in 0_u64..1 << 6) {
            let day = Day::from_days(days).unwrap();
            let all = kinds().enumerate().filter(|(bit, _)| bits >> (bit / 5) & 1 == 1).map(|(_, (level, unit, window))| {
                let id = payer().id(level).filter(|id| !id.is_empty()).map(|id| id.parse().unwrap());
                let place = Place { level, id, unit, window };
                Charge { meter: name(&place, day), place, most: None }
            });
            let all: Vec<_> = all.collect();
            let open = Open::of(Spend { tokens, usd_micros }, day, &all);
            prop_assert_eq!(Open::from_attr(&open.to_attr()), Some(open.clone()));
            let mut named: Vec<_> = open.meters(&payer()).unwrap().into_iter().map(|(name, _)| name).collect();
            let mut meant: Vec<_> = all.into_iter().map(|charge| charge.meter).collect();
            named.sort();
            meant.sort();
            prop_assert_eq!(named, meant);
        }

        #[test]
        fn an_action_reads_back_from_its_short_id(millis in 0_i64..1 << 47, random in any::<[u8; 10]>()) {
            let action = ActionId::new(Timestamp::from_unix_millis(millis).unwrap(), random);
            prop_assert_eq!(long(&short(action)), Some(action));
            prop_assert_eq!(short(action).len(), 22);
        }
    }
}
