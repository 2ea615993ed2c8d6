//! A shard as its item holds it.

use std::collections::BTreeMap;

use domain::ActionId;

use super::meter::{self, Open};
use crate::item::item;
use crate::{Attr, CodecError, Item, Reader};

/// A fresh shard, one of `shards`: nothing held, nothing used. Whoever makes a tenant makes all of them; a call makes none,
/// so that a shard that was lost refuses instead of beginning again at zero.
pub fn fresh(shards: u8) -> Item {
    let empty = || Attr::M(Item::new());
    item([
        ("shards", Attr::number(shards.into())),
        ("used", empty()),
        ("holds", empty()),
        ("admitted", empty()),
        ("carve", empty()),
        ("alerted", empty()),
    ])
}

/// A shard's share of a limit, and the limit that it is a share of. The shares of all shards make the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Carve {
    pub most: u64,
    pub share: u64,
}

impl Carve {
    /// `1000/250`.
    pub(super) fn to_attr(self) -> Attr {
        Attr::S(format!("{}/{}", self.most, self.share))
    }

    fn from_attr(attr: &Attr) -> Option<Self> {
        let Attr::S(text) = attr else { return None };
        let (most, share) = text.split_once('/')?;
        Some(Self { most: most.parse().ok()?, share: share.parse().ok()? })
    }
}

/// An open hold, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenHold {
    pub action: ActionId,
    pub payer: String,
    pub open: Open,
}

/// A shard, read whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shard {
    pub shards: u64,
    /// What is spent or held, by meter.
    pub used: BTreeMap<String, u64>,
    pub carve: BTreeMap<String, Carve>,
    pub alerted: BTreeMap<String, u64>,
    holds: Item,
}

fn numbers(map: &Item, field: &'static str) -> Result<BTreeMap<String, u64>, CodecError> {
    let number = |(name, value): (&String, &Attr)| match value {
        Attr::N(text) => text.parse().ok().map(|number| (name.clone(), number)),
        _ => None,
    };
    map.iter().map(number).collect::<Option<_>>().ok_or(CodecError::Form(field))
}

impl Shard {
    /// # Errors
    /// The item has another form: whatever it holds is unknown.
    pub fn read(item: &Item) -> Result<Self, CodecError> {
        let row = Reader::new(item)?;
        // Settlements write into it.
        row.map("admitted")?;
        let carve = |(name, value): (&String, &Attr)| Some((name.clone(), Carve::from_attr(value)?));
        let carve: Option<_> = row.map("carve")?.iter().map(carve).collect();
        Ok(Self {
            shards: row.number("shards")?,
            used: numbers(row.map("used")?, "used")?,
            carve: carve.ok_or(CodecError::Form("carve"))?,
            alerted: numbers(row.map("alerted")?, "alerted")?,
            holds: row.map("holds")?.clone(),
        })
    }

    pub fn used(&self, meter: &str) -> u64 {
        self.used.get(meter).copied().unwrap_or_default()
    }

    /// Nothing was ever used or held here, or all of it is forgotten.
    pub fn is_fresh(&self) -> bool {
        self.used.is_empty() && self.payers().next().is_none()
    }

    pub(super) fn payers(&self) -> impl Iterator<Item = (&String, &Item)> {
        self.holds.iter().filter_map(|(payer, holds)| match holds {
            Attr::M(holds) => Some((payer, holds)),
            _ => None,
        })
    }

    /// The holds of a payer, if there is a place for them.
    pub(super) fn of_payer(&self, payer: &str) -> Option<&Item> {
        self.payers().find(|(name, _)| *name == payer).map(|(_, holds)| holds)
    }

    /// Every open hold.
    ///
    /// # Errors
    /// One does not read.
    pub fn open(&self) -> Result<Vec<OpenHold>, CodecError> {
        let one = |payer: &String, action: &String, value: &Attr| {
            Some(OpenHold {
                action: meter::long(action)?,
                payer: payer.clone(),
                open: Open::from_attr(value)?,
            })
        };
        let all = self
            .payers()
            .flat_map(|(payer, holds)| holds.iter().map(move |(action, value)| one(payer, action, value)));
        all.collect::<Option<_>>().ok_or(CodecError::Form("holds"))
    }
}

/// The number of settled calls per day, of a shard's item.
///
/// # Errors
/// The item has another form.
pub fn admitted(item: &Item) -> Result<BTreeMap<String, u64>, CodecError> {
    numbers(Reader::new(item)?.map("admitted")?, "admitted")
}
