//! Data classes of the audit record's fields, enforced by the compiler.
//!
//! A class says which types may hold its data. A personal field can only hold [`SealedBytes`], so forgetting to
//! seal one is a type error, and a field without a class is a syntax error in the `audit_record!` table.

use std::collections::BTreeMap;

use crate::record::{Actor, Description, Digest, Opaque};
use crate::{
    ActionId, ActorType, AgentId, Authority, Code, Decided, EventId, EventType, Metadata, Name, OrgId, Phase,
    Region, SealedBytes, TenantId, Timestamp,
};

/// What kind of data a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DataClass {
    /// Our own random ids. The mapping to a person lies elsewhere and can be erased.
    Identifier,
    /// A word from a closed catalogue, or a name from the tenant's configuration.
    Word,
    /// A number of things.
    Count,
    /// A time.
    Time,
    /// A keyed digest that shows what was said without saying it.
    Commitment,
    /// Personal data: sealed by the producer before it leaves the process.
    Personal,
}

/// `Class: Carries<T>` reads "data of this class may be held by a `T`".
pub(crate) trait Carries<T> {
    const CLASS: DataClass;
}

macro_rules! carries {
    ($($class:ident: $($ty:ty),+ $(,)?;)+) => {
        $(
            pub(crate) struct $class;
            $(
                impl Carries<$ty> for $class {
                    const CLASS: DataClass = DataClass::$class;
                }
                impl Carries<Option<$ty>> for $class {
                    const CLASS: DataClass = DataClass::$class;
                }
            )+
        )+
    };
}

carries! {
    Identifier: ActionId, AgentId, EventId, OrgId, TenantId, Actor, Opaque, Vec<Opaque>;
    Word: ActorType, Authority, Code, Decided, Description, EventType, Metadata, Name, Phase, Region, Vec<Code>, bool;
    Count: BTreeMap<Code, u64>, u8, u64;
    Time: Timestamp;
    Commitment: Digest;
    Personal: SealedBytes;
}
