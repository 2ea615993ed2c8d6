//! What tests of row formats share.

use crate::codec::Row;

/// What was written is read; what is not `optional` must not be left out.
pub fn reads_back<T: Row + PartialEq + std::fmt::Debug>(row: T, optional: &[&str]) {
    let item = row.to_item();
    assert_eq!(T::from_item(&item).as_ref(), Ok(&row));
    for missing in item.keys() {
        let mut without = item.clone();
        without.remove(missing);
        let may = optional.contains(&missing.as_str());
        assert!(T::from_item(&without).is_err() || may, "{missing} may be left out");
    }
}
