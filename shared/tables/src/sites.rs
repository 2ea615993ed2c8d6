//! Where the functions that name one another are found. Terraform writes the row, once all of them have an address: in their
//! environments each would have to be made after the others.

use crate::codec::Row;
use crate::item::item;
use crate::{Attr, CodecError, Item, Key, Reader, Table};

impl Key {
    /// Where the functions that name one another are found.
    pub fn addresses() -> Self {
        Self::new(Table::Control, "PLATFORM".to_owned(), "ADDRESSES")
    }
}

/// Addresses as browsers and agents see them, without a slash at their ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SitesRow {
    pub admin: String,
    pub actions: String,
    pub approvals: String,
}

impl Row for SitesRow {
    fn to_item(&self) -> Item {
        item([
            ("admin", Attr::text(&self.admin)),
            ("actions", Attr::text(&self.actions)),
            ("approvals", Attr::text(&self.approvals)),
        ])
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        let row = Reader::new(item)?;
        Ok(Self {
            admin: row.parse("admin")?,
            actions: row.parse("actions")?,
            approvals: row.parse("approvals")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_row_is_as_terraform_writes_it() {
        let key = Key::addresses();
        assert_eq!((key.pk.as_str(), key.sk.as_str()), ("PLATFORM", "ADDRESSES"));
        let written = item([
            ("admin", Attr::text("https://admin.example")),
            ("actions", Attr::text("https://actions.example")),
            ("approvals", Attr::text("https://approvals.example")),
        ]);
        let row = SitesRow::from_item(&written).unwrap();
        assert_eq!(row.approvals, "https://approvals.example");
        assert_eq!(row.to_item(), written);
        let mut short = written;
        short.remove("actions");
        assert!(SitesRow::from_item(&short).is_err());
    }
}
