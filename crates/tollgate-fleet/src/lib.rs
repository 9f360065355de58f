//! Counters of Tollgate beyond one process.
//!
//! Quotas are reserved ahead on disk: what is written down is never less than what was admitted, so
//! that a process that is killed goes on with no quota filled up again.

mod checkpoint;

pub use checkpoint::{Asks, Checkpoint, Checkpointing, JournalError, Kept, Names};
