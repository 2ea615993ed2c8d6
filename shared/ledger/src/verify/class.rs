//! Classes of faults. Their codes are the exit codes of `countersign verify`: pinned, scripts compare them.

use serde::{Serialize, Serializer};

macro_rules! classes {
    ($($(#[$doc:meta])* $name:ident = $code:literal $word:literal $says:literal,)+) => {
        /// What can be wrong, from the nearest to the cause outwards.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Class {
            $($(#[$doc])* #[doc = $says] $name),+
        }

        impl Class {
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The exit code.
            pub const fn code(self) -> u8 {
                match self { $(Self::$name => $code),+ }
            }

            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word),+ }
            }

            /// What it means, for people.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $says),+ }
            }
        }
    };
}

classes! {
    Manifest = 10 "manifest" "a file of the export is missing, changed, or not in its manifest",
    SecondVersion = 11 "second_version" "a locked object has more than one version",
    DeleteMarker = 12 "delete_marker" "a locked object is hidden by a delete marker",
    Retention = 13 "retention" "a locked object can be deleted earlier than agreed",
    UnknownObject = 14 "unknown_object" "an object that has no place in the ledger",
    BundleForm = 15 "bundle_form" "an object is no bundle, or lies under another's name",
    LeafForm = 16 "leaf_form" "a leaf is no record, or not in canonical form",
    Gap = 17 "gap" "bundles are missing in the middle of a log",
    Overlap = 18 "overlap" "two bundles claim the same numbers",
    Sequence = 19 "sequence" "a leaf says another number than its place",
    WrongTenant = 20 "wrong_tenant" "a leaf of one tenant lies in another's log",
    Checkpoint = 21 "checkpoint" "a checkpoint is missing, unreadable, or not signed by the region's key",
    RegionGap = 22 "region_gap" "an interval or its checkpoint is missing",
    RegionRoot = 23 "region_root" "a checkpoint is not over the intervals that are there",
    RegionHeads = 24 "region_heads" "an interval's heads are not those whose root it names",
    TenantRemoved = 25 "tenant_removed" "a tenant that was signed for is gone",
    HeadShrank = 26 "head_shrank" "a later interval names a shorter or another log",
    TailCut = 27 "tail_cut" "a log is shorter than what was signed",
    RootMismatch = 28 "root_mismatch" "a log's content is not what was signed",
    PinnedAhead = 29 "pinned_ahead" "the pinned checkpoint is newer than everything that is here",
    PinnedContradicts = 30 "pinned_contradicts" "history is not the one that the pinned checkpoint is over",
    Witness = 31 "witness" "fewer witnesses than agreed have signed the newest checkpoint",
    Stale = 32 "stale" "the newest checkpoint is older than agreed",
    Trailer = 33 "trailer" "a bundle's trailer does not say what the bundle holds",
    TimeBack = 34 "time_back" "time goes backwards",
    DuplicateEvent = 35 "duplicate_event" "an event is there twice",
    AgentChain = 36 "agent_chain" "an agent's records are not numbered and chained without a gap",
    Certificate = 37 "certificate" "a producer is certified by no key that is trusted",
    Signature = 38 "signature" "a record is not what its producer signed",
    ProducerRepeat = 39 "producer_repeat" "a producer's number is there twice, or names another record before it",
    ProducerGap = 40 "producer_gap" "a record that a producer has sent is not in the log",
    RowDiffers = 41 "row_differs" "a row for SQL is not what the ledger holds",
    RowMissing = 42 "row_missing" "a record has no row for SQL",
    OutcomeAlone = 43 "outcome_alone" "an outcome has no attempt",
    PairTwice = 44 "pair_twice" "an action has two attempts or two outcomes",
    Admitted = 45 "admitted" "the gates settled more calls than the ledger has outcomes",
    Unpaired = 46 "unpaired" "an attempt has no outcome: the process died, or its record is missing",
}

impl Serialize for Class {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
