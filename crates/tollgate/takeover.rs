//! One process takes the place of another: its listening sockets, so that no connection is lost, and its
//! counters, so that no limit is filled up again (design decision 15).
//!
//! The two speak over a Unix socket of the older one. The older serves until the last step, and goes on
//! serving if the newer ends, fails or falls silent before it:
//!
//! 1. The newer claims the place, and is given copies of all sockets. It reads its configuration and
//!    makes everything that it can make beside the older.
//! 2. The older lets its changes come to their end: it answers the requests of its admin API that have
//!    begun, closes the store and follows no file any more. New calls of the admin API wait in its socket.
//! 3. The newer opens the store and publishes its first snapshot.
//! 4. The older stops accepting. What is on its way on open connections it still decides, each as the
//!    last request of its connection; new connections wait in the sockets. Then it admits nothing more
//!    and says what it has counted.
//! 5. The newer goes on from there and says so. The older tells it to go: from here on the newer accepts
//!    and counts, and the older finishes what it has open.
//!
//! So at no time do both admit. Requests that the older has open count towards the ceilings of
//! concurrency of the newer, which is told when they end.

mod claim;
mod link;
mod offer;

use serde::{Deserialize, Serialize};
use tollgate_control::KeptMeters;

pub(crate) use claim::{Claimed, Inherited, claim};
pub(crate) use offer::{Held, Predecessor, Standing};

/// What the two have to agree on. A change of any [`Word`] is another protocol.
const PROTOCOL: u32 = 1;

/// What is said.
#[derive(Debug, Serialize, Deserialize)]
enum Word {
    /// The newer wants the place.
    Claim { protocol: u32, version: String, environment: String },
    /// The older has these sockets, which follow.
    Offer { version: String, sockets: Vec<Offered> },
    /// It is not given, or not taken.
    Refuse(String),
    /// The newer has made what it can make beside the older.
    Prepared,
    /// Nothing changes at the older any more.
    Quiet,
    /// The newer could serve.
    Ready,
    /// The older admits nothing any more, and has counted this.
    Meters(Box<KeptMeters>),
    /// The newer has it.
    Loaded,
    /// The newer is to serve.
    Go,
    /// So many requests are still open at the older, of each meter that had any.
    Open(Vec<u32>),
}

/// Some sockets, by what they are for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Offered {
    purpose: Purpose,
    /// What a listener is called; empty of all others.
    name: String,
    /// The address or path, as its configuration has it.
    place: String,
    count: usize,
    /// The file of a Unix socket is kept by whoever has made it: neither of the two processes.
    #[serde(default)]
    foreign: bool,
}

/// What a socket is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Purpose {
    /// Traffic.
    Data,
    /// Health and metrics.
    Ops,
    /// The admin API.
    Admin,
    /// Explaining.
    Explain,
    /// The next process.
    Takeover,
}
