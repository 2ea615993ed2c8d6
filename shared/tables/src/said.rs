//! Rows beside somebody's word about a request: what they wrote, and how they decide.

use domain::{CommentRow, VotedRow};

use crate::codec::{Row, sealed};
use crate::item::item;
use crate::{Attr, CodecError, Item, Reader};

impl Row for CommentRow {
    fn to_item(&self) -> Item {
        item([
            ("user_id", Attr::text(&self.user)),
            ("at", Attr::text(self.at)),
            ("sealed", Attr::B(self.sealed.as_bytes().to_vec())),
        ])
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        let row = Reader::new(item)?;
        Ok(Self { user: row.parse("user_id")?, at: row.parse("at")?, sealed: sealed(&row, "sealed")? })
    }
}

impl Row for VotedRow {
    fn to_item(&self) -> Item {
        item([
            ("tenant_id", Attr::text(&self.tenant)),
            ("approval_id", Attr::text(&self.approval)),
            ("say", Attr::text(self.say)),
            ("at", Attr::text(self.at)),
            ("took_ms", Attr::number(self.took_ms)),
        ])
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        let row = Reader::new(item)?;
        Ok(Self {
            tenant: row.parse("tenant_id")?,
            approval: row.parse("approval_id")?,
            say: row.parse("say")?,
            at: row.parse("at")?,
            took_ms: row.number("took_ms")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Key;
    use crate::testing::reads_back;
    use domain::{ApprovalId, Say, SealedBytes, TenantId, Timestamp, UserId};

    #[test]
    fn what_was_written_is_read() {
        let (at, user) = (Timestamp::MAX, UserId::from_random([1; 10]));
        let bytes = [b"CSE1".as_slice(), &[0; 90]].concat();
        let sealed = SealedBytes::from_sealed_form(bytes).unwrap();
        reads_back(CommentRow { user, at, sealed }, &[]);
        let (tenant, approval) = (TenantId::from_random([2; 10]), ApprovalId::from_bytes([7; 16]));
        reads_back(VotedRow { tenant, approval, say: Say::Deny, at, took_ms: 9 }, &[]);
    }

    #[test]
    fn what_was_decided_last_comes_first() {
        let (user, id) = (UserId::from_random([1; 10]), ApprovalId::from_bytes([7; 16]));
        let key = |ms| Key::voted(&user, Timestamp::from_unix_millis(ms).unwrap(), &id).sk;
        assert!(key(2_000) < key(1_000) && key(1_790_000_000_000) < key(999));
    }
}
