//! What is said, either way.

use bytes::Bytes;
use tollgate_core::Revision;

use super::codec::{Malformed, choice, fields};
use super::frame::{self, Frame};
use super::{Numbering, Reader, SentBatch, SentScheme, Wire};
use crate::sign::Seal;

/// The version of the wire format that is spoken here.
pub const VERSION: u16 = 1;

/// What a proxy says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToControl {
    /// First of all, and once.
    Hello(Hello),
    /// A revision is enforced.
    Applied(Applied),
    /// It is there.
    Heartbeat(ProxyHeartbeat),
    /// A revision cannot be enforced.
    Refused(Refused),
    /// It goes.
    Goodbye(Goodbye),
}

/// Who asks for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// The version of the wire format that it speaks.
    pub version: u16,
    /// The version of the program.
    pub software: String,
    /// The proxy's name, by which it is registered.
    pub name: String,
    /// Drawn at random when the process started: tells two processes of one name apart.
    pub instance: u64,
    /// The environment that it serves.
    pub environment: String,
    /// The region that it stands in, if it says one.
    pub region: Option<String>,
    /// What it enforces; `None` = nothing yet. Under no numbering where it asks for a snapshot, which
    /// is not to be older either.
    pub held: Option<Held>,
    /// For how many seconds it goes on without a control plane; `None` = without a bound.
    pub serve_for: Option<u64>,
    /// The schemes that it can digest keys under.
    pub schemes: Vec<SentScheme>,
    /// What it is or can do beyond this version: [`Hello::WATCHES`]. Bits that nobody knows mean nothing.
    pub capabilities: u64,
    /// Its wall clock, in milliseconds since 1970.
    pub unix_ms: u64,
}

impl Hello {
    /// It decides nothing and looks on only: whatever its environment, name and schemes are, it is not
    /// registered, has no lease, and nobody waits for it.
    pub const WATCHES: u64 = 1;

    /// Whether it looks on only.
    #[must_use]
    pub fn watches(&self) -> bool {
        self.capabilities & Self::WATCHES != 0
    }
}

/// What a proxy holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Whose numbers it goes by: batches follow within the same numbering only.
    pub numbering: Numbering,
    /// The revision.
    pub revision: Revision,
}

impl Held {
    /// The same, under numbers that nobody gives, so that no batch follows.
    #[must_use]
    pub fn under_no_numbering(self) -> Self {
        Self { numbering: Numbering::default(), ..self }
    }
}

/// Every worker of the proxy decides by a revision, and by none before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The revision.
    pub revision: Revision,
    /// Since when, by the proxy's wall clock, in milliseconds since 1970.
    pub unix_ms: u64,
    /// Microseconds from its arrival.
    pub took_us: u64,
    /// How many keys there are now.
    pub keys: u64,
}

/// A sign of life of a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProxyHeartbeat {
    /// When it was sent, by a clock that nobody else reads. It comes back in the answer, and with it the
    /// lease is renewed from that instant on.
    pub sent: u64,
    /// The revision that is enforced, if any is.
    pub enforced: Option<Revision>,
    /// How many keys there are.
    pub keys: u64,
    /// Its wall clock, in milliseconds since 1970.
    pub unix_ms: u64,
}

/// A revision that the proxy does not enforce. It goes on with the one before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The revision.
    pub revision: Revision,
    /// Why, for operators.
    pub reason: String,
}

/// The last message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Goodbye {
    /// Why.
    pub reason: GoodbyeReason,
    /// The same for operators.
    pub text: String,
}

/// Why a side goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GoodbyeReason {
    /// It ends, or hands over.
    ShuttingDown,
    /// The access key was revoked.
    AccessRevoked,
    /// It is for another environment or region.
    WrongPlace,
    /// A version that the other side does not speak.
    Version,
    /// It does not read what it is sent.
    TooSlow,
    /// Another process has come under the same name.
    Superseded,
    /// It was taken off the list of proxies.
    Forgotten,
    /// The other side does not keep to the format.
    Malformed,
}

/// What a control plane says.
#[derive(Clone, Debug)]
pub enum ToProxy {
    /// First of all, and once.
    Welcome(Welcome),
    /// Batches follow from this snapshot on; it is fetched apart.
    Snapshot(SnapshotOffer),
    /// The next revision.
    Batch(SentBatch),
    /// The answer to a heartbeat, or a sign of life.
    Heartbeat(ServerHeartbeat),
    /// It goes.
    Goodbye(Goodbye),
}

/// Whom the proxy speaks with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Welcome {
    /// The version of the wire format that is spoken from here on: at most that of the proxy.
    pub version: u16,
    /// The version of the program.
    pub software: String,
    /// Whose numbers follow.
    pub numbering: Numbering,
    /// The environment.
    pub environment: String,
    /// The newest revision.
    pub newest: Revision,
    /// How often, in milliseconds, each side is to say that it is there. One that was not heard for
    /// four times as long is taken for gone.
    pub heartbeat_ms: u32,
    /// As in [`Hello::capabilities`].
    pub capabilities: u64,
    /// Its wall clock, in milliseconds since 1970.
    pub unix_ms: u64,
}

/// Where a snapshot is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotOffer {
    /// Which revision it is.
    pub revision: Revision,
    /// Whose numbers it goes by.
    pub numbering: Numbering,
    /// Names the file.
    pub etag: String,
    /// How long the file is.
    pub bytes: u64,
    /// How many keys it holds.
    pub keys: u64,
}

/// A sign of life of a control plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerHeartbeat {
    /// [`ProxyHeartbeat::sent`] of the newest one that has arrived, if any has. A proxy that enforces
    /// [`ServerHeartbeat::newest`] renews its lease from then on.
    pub answers: Option<u64>,
    /// The newest revision.
    pub newest: Revision,
    /// Its wall clock, in milliseconds since 1970.
    pub unix_ms: u64,
}

fields!(Hello {
    version,
    software,
    name,
    instance,
    environment,
    region,
    held,
    serve_for,
    schemes,
    capabilities,
    unix_ms,
});
fields!(Held { numbering, revision });
fields!(Applied { revision, unix_ms, took_us, keys });
fields!(ProxyHeartbeat { sent, enforced, keys, unix_ms });
fields!(Refused { revision, reason });
fields!(Goodbye { reason, text });
fields!(Welcome {
    version,
    software,
    numbering,
    environment,
    newest,
    heartbeat_ms,
    capabilities,
    unix_ms,
});
fields!(SnapshotOffer { revision, numbering, etag, bytes, keys });
fields!(ServerHeartbeat { answers, newest, unix_ms });
choice!(GoodbyeReason, "a reason to go" {
    0 => ShuttingDown,
    1 => AccessRevoked,
    2 => WrongPlace,
    3 => Version,
    4 => TooSlow,
    5 => Superseded,
    6 => Forgotten,
    7 => Malformed,
});

// Kinds of frames. A later version gives what it adds other ones, and keeps these two.
const HELLO: u8 = 1;
const WELCOME: u8 = 1;
const GOODBYE: u8 = 2;
const HEARTBEAT: u8 = 3;
const APPLIED: u8 = 4;
const REFUSED: u8 = 5;
const SNAPSHOT: u8 = 4;
const BATCH: u8 = 5;
const SEALED: u8 = 6;

impl ToControl {
    /// Appends it as a frame.
    pub fn write(&self, to: &mut Vec<u8>) {
        let mut body = Vec::new();
        let kind = match self {
            Self::Hello(hello) => put(HELLO, hello, &mut body),
            Self::Applied(applied) => put(APPLIED, applied, &mut body),
            Self::Heartbeat(heartbeat) => put(HEARTBEAT, heartbeat, &mut body),
            Self::Refused(refused) => put(REFUSED, refused, &mut body),
            Self::Goodbye(goodbye) => put(GOODBYE, goodbye, &mut body),
        };
        frame::write(kind, &body, to);
    }

    /// What a frame says.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn read(frame: &Frame) -> Result<Self, Malformed> {
        let body = Reader::new(&frame.body);
        match frame.kind {
            HELLO => body.whole().map(Self::Hello),
            APPLIED => body.whole().map(Self::Applied),
            HEARTBEAT => body.whole().map(Self::Heartbeat),
            REFUSED => body.whole().map(Self::Refused),
            GOODBYE => body.whole().map(Self::Goodbye),
            _ => Err(Malformed("a frame is of no known kind")),
        }
    }
}

impl ToProxy {
    /// Appends it as a frame.
    pub fn write(&self, to: &mut Vec<u8>) {
        let mut body = Vec::new();
        let kind = match self {
            Self::Welcome(welcome) => put(WELCOME, welcome, &mut body),
            Self::Snapshot(offer) => put(SNAPSHOT, offer, &mut body),
            Self::Batch(batch) => match &batch.seal {
                None => put(BATCH, batch, &mut body),
                Some(seal) => {
                    seal.write(&mut body);
                    SEALED
                }
            },
            Self::Heartbeat(heartbeat) => put(HEARTBEAT, heartbeat, &mut body),
            Self::Goodbye(goodbye) => put(GOODBYE, goodbye, &mut body),
        };
        frame::write(kind, &body, to);
    }

    /// It as a frame, to be sent to many.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        let mut bytes = Vec::new();
        self.write(&mut bytes);
        bytes.into()
    }

    /// What a frame says.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn read(frame: &Frame) -> Result<Self, Malformed> {
        let body = Reader::new(&frame.body);
        match frame.kind {
            WELCOME => body.whole().map(Self::Welcome),
            SNAPSHOT => body.whole().map(Self::Snapshot),
            BATCH => body.whole().map(Self::Batch),
            SEALED => Seal::read(&frame.body).map(Self::Batch),
            HEARTBEAT => body.whole().map(Self::Heartbeat),
            GOODBYE => body.whole().map(Self::Goodbye),
            _ => Err(Malformed("a frame is of no known kind")),
        }
    }
}

fn put(kind: u8, message: &impl Wire, to: &mut Vec<u8>) -> u8 {
    message.write(to);
    kind
}
