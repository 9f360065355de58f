//! What happens to a subscriber, and what it has done.

use std::fmt;

use tollgate_core::Revision;

use crate::receive::{At, Unfit};
use crate::wire::{GoodbyeReason, Held, SentBatch, SentScheme, SnapshotOffer, ToControl, ToProxy};

/// One reading of the time.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// Milliseconds of a clock that never goes back.
    pub monotonic: u64,
    /// Milliseconds since 1970.
    pub unix: u64,
}

/// What holds as long as the process runs.
#[derive(Clone, Debug)]
pub struct SubscriberSettings {
    /// The proxy's name.
    pub name: String,
    /// Drawn at random.
    pub instance: u64,
    /// The version of the program.
    pub software: String,
    /// The environment.
    pub environment: String,
    /// The region, if it says one.
    pub region: Option<String>,
    /// The schemes of the process.
    pub schemes: Vec<SentScheme>,
    /// For how many seconds it goes on without a control plane; `None` = without a bound.
    pub serve_for: Option<u64>,
}

/// What has happened.
#[derive(Debug)]
pub enum Event {
    /// Time has passed. To be told several times a second.
    Tick,
    /// The connection that was asked for is there.
    Opened,
    /// It has ended, or could not be had.
    Closed(String),
    /// Something was said.
    Arrived(Box<ToProxy>),
    /// A batch was published, or not.
    Published(Revision, Result<Taken, Unfit>),
    /// A snapshot was fetched and published, and is on the disk. Or not, for this reason.
    Fetched(Result<(Held, Taken), String>),
    /// Everything up to a revision is on the disk.
    Synced(Revision),
    /// Every worker decides by a revision, or a later one.
    Enforced(Revision),
    /// An operator has accepted what was withheld, or upstreams have changed; what still is.
    Withheld(Option<String>),
}

/// What has become of something that was published.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Whether it has to be on the disk before anybody is told.
    pub to_sync: bool,
    /// How many keys there are.
    pub keys: u64,
    /// What of it is not enforced.
    pub withheld: Option<String>,
}

/// What is to be done.
#[derive(Debug)]
pub enum Act {
    /// Connect; [`Event::Opened`] or [`Event::Closed`] is what comes of it.
    Connect,
    /// Drop the connection. Nothing is told of it any more.
    Close,
    /// Say something.
    Send(ToControl),
    /// Publish a batch; [`Event::Published`] is what comes of it.
    Publish(Box<SentBatch>),
    /// Fetch a snapshot, publish and keep it; [`Event::Fetched`] is what comes of it.
    Fetch(SnapshotOffer),
    /// Refuse every decision from this millisecond of the monotonic clock on; `None` = never.
    Lease(Option<u64>),
    /// It is this many milliseconds since 1970 at the least, as the control plane says.
    Time(u64),
    /// The lease counts from this millisecond of the monotonic clock. Whoever writes that down has
    /// everything on the disk before that was published until now: a lease is of what is acknowledged.
    Contact(u64),
    /// Tell operators.
    Tell(Alarm),
}

/// What operators are to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Alarm {
    /// The connection is gone, or could not be had.
    Disconnected(String),
    /// What was sent is older than what is held.
    Backwards {
        /// What was sent.
        sent: Revision,
        /// What is held.
        held: Revision,
    },
    /// Revisions are missing; a snapshot is fetched.
    Gap {
        /// What the batch follows.
        previous: Revision,
        /// What is held.
        held: Revision,
    },
    /// Something cannot be enforced.
    Refused(Revision, String),
    /// The control plane goes.
    Goodbye(GoodbyeReason, String),
    /// It does not keep to the format.
    Malformed(&'static str),
}

impl fmt::Display for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disconnected(why) => write!(f, "the feed is not connected: {why}"),
            Self::Backwards { sent, held } => {
                write!(f, "the feed goes back to {}, {} is held and stays", At(*sent), At(*held))
            }
            Self::Gap { previous, held } => {
                write!(f, "the feed goes on after {}, {} is held", At(*previous), At(*held))
            }
            Self::Refused(revision, why) => write!(f, "revision {}: {why}", At(*revision)),
            Self::Goodbye(reason, text) => {
                write!(f, "the control plane ends the feed: {reason:?}: {text}")
            }
            Self::Malformed(why) => write!(f, "the feed is malformed: {why}"),
        }
    }
}
