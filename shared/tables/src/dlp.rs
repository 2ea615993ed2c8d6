//! Rows of DLP: policies as they were written, and what tokens stand for.
//!
//! A policy is written over the version that was read, so that of two operators at once one hears of the other. A token is
//! put once and never changed; DynamoDB forgets it some time after it expired, and until then readers compare the time.

use std::future::Future;

use domain::{DlpPolicyRow, Timestamp, TokenRow};

use crate::codec::{Row, sealed};
use crate::gates::{GateFault, Update};
use crate::item::{VERSION, VERSION_FIELD, item};
use crate::{Attr, CodecError, Item, Key, ReadFault, Reader};

impl Row for DlpPolicyRow {
    fn to_item(&self) -> Item {
        item([("version", Attr::number(self.version)), ("document", Attr::text(&self.document))])
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        let row = Reader::new(item)?;
        Ok(Self { version: row.number("version")?, document: row.str("document")?.to_owned() })
    }
}

impl Row for TokenRow {
    fn to_item(&self) -> Item {
        let mut row = item([
            ("agent", Attr::text(&self.agent)),
            ("kind", Attr::text(&self.kind)),
            ("sealed", Attr::B(self.sealed.as_bytes().to_vec())),
            ("expires_at", Attr::number(self.expires_at.unix_millis())),
            // DynamoDB's own clock counts seconds, and forgets no row before its last moment has passed.
            ("ttl", Attr::number(self.expires_at.unix_millis().div_ceil(1_000))),
        ]);
        for (name, id) in [("conversation", &self.conversation), ("subject", &self.subject)] {
            row.extend(id.as_ref().map(|id| (name.to_owned(), Attr::text(id))));
        }
        row
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        let row = Reader::new(item)?;
        // Without it DynamoDB would keep the row for ever.
        row.number("ttl")?;
        let expires = i64::try_from(row.number("expires_at")?).ok();
        let expires = expires.and_then(|millis| Timestamp::from_unix_millis(millis).ok());
        Ok(Self {
            agent: row.parse("agent")?,
            conversation: row.optional("conversation")?,
            kind: row.parse("kind")?,
            subject: row.optional("subject")?,
            sealed: sealed(&row, "sealed")?,
            expires_at: expires.ok_or(CodecError::Form("expires_at"))?,
        })
    }
}

/// One write of a policy: version `from + 1`, if version `from` is still there. `from` is 0 where there is no row yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WritePolicy {
    pub key: Key,
    pub from: u64,
    pub row: DlpPolicyRow,
}

impl WritePolicy {
    /// The document behind version `from`.
    pub fn over(key: Key, from: u64, document: String) -> Self {
        Self { key, from, row: DlpPolicyRow { version: from.saturating_add(1), document } }
    }

    pub fn to_update(&self) -> Update {
        let mut values = vec![
            (":next", Attr::number(self.row.version)),
            (":document", Attr::text(&self.row.document)),
            (":v", Attr::number(VERSION)),
        ];
        let mut condition = "attribute_not_exists(pk)";
        if self.from > 0 {
            values.push((":from", Attr::number(self.from)));
            condition = "#version = :from";
        }
        Update {
            key: self.key.clone(),
            update: "SET #version = :next, #document = :document, #v = :v",
            condition: Some(condition),
            names: vec![
                ("#version", "version".to_owned()),
                ("#document", "document".to_owned()),
                ("#v", VERSION_FIELD.to_owned()),
            ],
            values,
        }
    }
}

/// The joint to the rows of policies. Production: DynamoDB. Tests: in memory, with faults.
///
/// A write is atomic, and reads are strongly consistent.
pub trait PolicyStore {
    fn read_policy(&self, key: &Key) -> impl Future<Output = Result<Option<Item>, ReadFault>> + Send;

    fn write_policy(&self, write: &WritePolicy) -> impl Future<Output = Result<(), GateFault>> + Send;
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{AgentId, SealedBytes, TenantId};

    fn token() -> TokenRow {
        TokenRow {
            agent: AgentId::from_random([3; 10]),
            conversation: "cnv_abc".parse().ok(),
            kind: "email".parse().unwrap(),
            subject: "psn_abc".parse().ok(),
            sealed: SealedBytes::from_sealed_form([b"CSE1".as_slice(), &[0; 90]].concat()).unwrap(),
            expires_at: Timestamp::from_unix_millis(1_790_000_000_123).unwrap(),
        }
    }

    #[test]
    fn a_row_is_never_forgotten_before_it_expires_and_never_plain() {
        let item = token().to_item();
        assert_eq!(item["ttl"], Attr::number(1_790_000_001));
        let plain = Item::from_iter(item.into_iter().chain([("sealed".to_owned(), Attr::B(vec![7; 99]))]));
        assert_eq!(TokenRow::from_item(&plain), Err(CodecError::Form("sealed")));
    }

    #[test]
    fn a_policys_debug_form_shows_nothing_of_it() {
        let row = DlpPolicyRow { version: 1, document: "planted-value".to_owned() };
        assert_eq!(format!("{row:?}"), "DlpPolicyRow(version 1, 13 bytes)");
    }

    /// Names and values that no expression uses are an error of DynamoDB's, and so are those that are missing.
    #[test]
    fn a_write_holds_to_the_version_that_was_read() {
        let key = Key::dlp_policy(&TenantId::from_random([2; 10]), None);
        for (from, condition) in [(0, "attribute_not_exists(pk)"), (4, "#version = :from")] {
            let write = WritePolicy::over(key.clone(), from, "{}".to_owned());
            let update = write.to_update();
            assert_eq!((update.condition, write.row.version), (Some(condition), from + 1));
            let text = format!("{} {condition}", update.update);
            let words: Vec<_> =
                text.split([' ', ',', '=']).filter(|word| word.starts_with([':', '#'])).collect();
            let given = update.values.iter().map(|(name, _)| *name);
            let given: Vec<_> = given.chain(update.names.iter().map(|(name, _)| *name)).collect();
            assert!(words.iter().all(|word| given.contains(word)), "{words:?} {given:?}");
            assert!(given.iter().all(|name| words.contains(name)), "{words:?} {given:?}");
        }
    }
}
