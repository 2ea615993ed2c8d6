//! Rows of the ledger's table: where each log ends, which events it holds, and the last record of each agent.
//!
//! All of it can be made again from the locked bucket. A head only ever moves forward, from one bundle's end to the next's.

use domain::Timestamp;

use crate::gates::Update;
use crate::item::{VERSION, VERSION_FIELD, item};
use crate::{Attr, CodecError, Item, Key, Reader, codec::Row};

/// The end of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadRow {
    /// How many leaves it has.
    pub size: u64,
    /// The roots of its perfect subtrees, 32 bytes each, the largest first.
    pub nodes: Vec<u8>,
    /// The last leaf's time.
    pub at: Timestamp,
    /// Region log only: the size that the newest published checkpoint covers.
    pub signed: Option<u64>,
}

impl Row for HeadRow {
    fn to_item(&self) -> Item {
        let mut row = item([
            ("size", Attr::number(self.size)),
            ("nodes", Attr::B(self.nodes.clone())),
            ("at", Attr::text(self.at)),
        ]);
        row.extend(self.signed.map(|size| ("signed".to_owned(), Attr::number(size))));
        row
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        let row = Reader::new(item)?;
        let signed = if row.has("signed") { Some(row.number("signed")?) } else { None };
        Ok(Self {
            size: row.number("size")?,
            nodes: row.bytes("nodes")?.to_vec(),
            at: row.parse("at")?,
            signed,
        })
    }
}

/// An event's number in its tenant's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventRow {
    pub seq: u64,
    /// Unix seconds: when DynamoDB may forget the row.
    pub expires: u64,
}

impl Row for EventRow {
    fn to_item(&self) -> Item {
        item([("seq", Attr::number(self.seq)), ("expires", Attr::number(self.expires))])
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        let row = Reader::new(item)?;
        Ok(Self { seq: row.number("seq")?, expires: row.number("expires")? })
    }
}

/// The last record of an agent: its number among the agent's, and its leaf's hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentRow {
    pub agent_seq: u64,
    pub leaf: Vec<u8>,
}

impl Row for AgentRow {
    fn to_item(&self) -> Item {
        item([("agent_seq", Attr::number(self.agent_seq)), ("leaf", Attr::B(self.leaf.clone()))])
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        let row = Reader::new(item)?;
        Ok(Self { agent_seq: row.number("agent_seq")?, leaf: row.bytes("leaf")?.to_vec() })
    }
}

/// Moves a head on, if it still is where it was read: `from` is the size then, 0 for a log without a row.
pub fn advance(key: Key, from: u64, to: &HeadRow) -> Update {
    Update {
        key,
        update: "SET size = :size, nodes = :nodes, #at = :at, #v = :v",
        condition: Some(if from == 0 { "attribute_not_exists(pk)" } else { "size = :from" }),
        names: vec![("#at", "at".to_owned()), ("#v", VERSION_FIELD.to_owned())],
        values: [(":from", Attr::number(from))]
            .into_iter()
            // DynamoDB refuses a value that no expression names.
            .filter(|_| from != 0)
            .chain([
                (":size", Attr::number(to.size)),
                (":nodes", Attr::B(to.nodes.clone())),
                (":at", Attr::text(to.at)),
                (":v", Attr::number(VERSION)),
            ])
            .collect(),
    }
}

/// Says that a checkpoint of `size` is published, unless a later one is.
pub fn published(size: u64) -> Update {
    Update {
        key: Key::region_head(),
        update: "SET signed = :size",
        condition: Some("attribute_exists(pk) AND (attribute_not_exists(signed) OR signed < :size)"),
        names: Vec::new(),
        values: vec![(":size", Attr::number(size))],
    }
}

/// Takes over an agent's last record, unless a later one is known.
pub fn agent(key: Key, row: &AgentRow) -> Update {
    Update {
        key,
        update: "SET agent_seq = :seq, leaf = :leaf, #v = :v",
        condition: Some("attribute_not_exists(pk) OR agent_seq < :seq"),
        names: vec![("#v", VERSION_FIELD.to_owned())],
        values: vec![
            (":seq", Attr::number(row.agent_seq)),
            (":leaf", Attr::B(row.leaf.clone())),
            (":v", Attr::number(VERSION)),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::TenantId;

    #[test]
    fn rows_read_back() {
        let at = Timestamp::from_unix_millis(1_795_430_530_120).unwrap();
        let head = HeadRow { size: 5, nodes: vec![1; 64], at, signed: None };
        assert_eq!(HeadRow::from_item(&head.to_item()), Ok(head.clone()));
        let region = HeadRow { signed: Some(4), ..head };
        assert_eq!(HeadRow::from_item(&region.to_item()), Ok(region));
        let event = EventRow { seq: 0, expires: 9 };
        assert_eq!(EventRow::from_item(&event.to_item()), Ok(event));
        let agent = AgentRow { agent_seq: 7, leaf: vec![2; 32] };
        assert_eq!(AgentRow::from_item(&agent.to_item()), Ok(agent));
    }

    #[test]
    fn every_value_is_named_in_an_expression() {
        let at = Timestamp::from_unix_millis(1).unwrap();
        let to = HeadRow { size: 5, nodes: vec![], at, signed: None };
        let row = AgentRow { agent_seq: 7, leaf: vec![] };
        let key = Key::head(&TenantId::from_random([1; 10]));
        for update in
            [advance(key.clone(), 0, &to), advance(key.clone(), 3, &to), published(4), agent(key, &row)]
        {
            let text = format!("{} {}", update.update, update.condition.unwrap());
            for name in
                update.names.iter().map(|(name, _)| name).chain(update.values.iter().map(|(name, _)| name))
            {
                assert!(text.contains(name), "{name} in {text}");
            }
        }
    }

    /// A head per shard of the region's partitions: none may be missed.
    #[test]
    fn every_tenant_lies_in_one_of_the_shards() {
        for last in 0..=255 {
            let key = Key::head(&TenantId::from_random([0, 0, 0, 0, 0, 0, 0, 0, 0, last]));
            assert!(crate::HEAD_SHARDS.chars().any(|shard| Key::heads(shard) == key.pk));
        }
    }
}
