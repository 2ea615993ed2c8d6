//! The effects, in their one order: the locked object, then the row, then (by returning) the acknowledgement.

use crate::decide::Object;
use crate::store::{ObjectStore, PutFault};

/// Creates what does not exist yet. An object that exists is this event, delivered before.
///
/// # Errors
/// The store did not confirm; the message comes again.
pub async fn perform<S: ObjectStore>(store: &S, objects: [Object; 2]) -> Result<(), &'static str> {
    for object in objects {
        match store.create(&object).await {
            Ok(()) | Err(PutFault::Exists) => {}
            Err(PutFault::Conflict) => return Err("conflict"),
            Err(PutFault::Unavailable) => return Err("store_unavailable"),
        }
    }
    Ok(())
}
