//! The row of a tenant's limits, and how it is written: over the version that was read, or for the first time.

use domain::{Limit, LimitsRow};

use crate::codec::Row;
use crate::gates::Update;
use crate::item::{VERSION, VERSION_FIELD, item};
use crate::{Attr, CodecError, Item, Key, Reader};

impl Row for LimitsRow {
    fn to_item(&self) -> Item {
        item([
            ("version", Attr::number(self.version())),
            ("time_zone", Attr::text(self.zone())),
            ("shards", Attr::number(self.shards().into())),
            ("limits", limits(self)),
        ])
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        let row = Reader::new(item)?;
        let limit = |row: Reader<'_>| Ok(Limit { place: row.parse("place")?, most: row.number("limit")? });
        let shards = row.number("shards")?.try_into().map_err(|_| CodecError::Form("shards"))?;
        let limits = row.maps("limits", limit)?;
        Self::new(row.number("version")?, row.parse("time_zone")?, shards, limits)
            .map_err(|_| CodecError::Form("limits"))
    }
}

fn limits(row: &LimitsRow) -> Attr {
    let limit = |limit: &Limit| {
        Attr::M(Item::from([
            ("place".to_owned(), Attr::text(&limit.place)),
            ("limit".to_owned(), Attr::number(limit.most)),
        ]))
    };
    Attr::L(row.limits().iter().map(limit).collect())
}

/// Writes `row` over the version before its own.
pub fn write(key: Key, row: &LimitsRow) -> Update {
    let from = row.version().saturating_sub(1);
    let first = from == 0;
    Update {
        key,
        update: "SET version = :version, time_zone = :zone, shards = :shards, limits = :limits, #v = :v",
        condition: Some(if first { "attribute_not_exists(pk)" } else { "version = :from" }),
        names: vec![("#v", VERSION_FIELD.to_owned())],
        values: [(":from", Attr::number(from))]
            .into_iter()
            // DynamoDB refuses a value that no expression names.
            .filter(|_| !first)
            .chain([
                (":version", Attr::number(row.version())),
                (":zone", Attr::text(row.zone())),
                (":shards", Attr::number(row.shards().into())),
                (":limits", limits(row)),
                (":v", Attr::number(VERSION)),
            ])
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::TenantId;

    #[test]
    fn limits_read_back_and_name_what_is_missing() {
        let limit = |place: &str, most| Limit { place: place.parse().unwrap(), most };
        let limits = vec![limit("tenant:tokens:day", 0), limit("team/sales:usd:month", 50_000_000)];
        let row = LimitsRow::new(7, "Asia/Jerusalem".parse().unwrap(), 4, limits).unwrap();
        let item = row.to_item();
        assert_eq!(LimitsRow::from_item(&item), Ok(row.clone()));
        for missing in item.keys() {
            let mut without = item.clone();
            without.remove(missing);
            assert!(LimitsRow::from_item(&without).is_err(), "{missing} may be left out");
        }
        let mut none = item;
        none.insert("limits".to_owned(), Attr::L(Vec::new()));
        assert!(LimitsRow::from_item(&none).is_err(), "a tenant without any limit has no budget");
        let key = Key::limits(&TenantId::from_random([2; 10]));
        assert_eq!(write(key.clone(), &row).condition, Some("version = :from"));
        assert_eq!(write(key, &LimitsRow::of_tokens(1)).condition, Some("attribute_not_exists(pk)"));
    }
}
