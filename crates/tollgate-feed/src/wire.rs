//! Messages and their binary form.
//!
//! One request of a proxy carries both directions: its body what the proxy says, [`ToControl`], the
//! body of the response what the control plane says, [`ToProxy`]. Either body is a sequence of
//! [frames](frame). Numbers are LEB128 unless said otherwise; a text is its length and its UTF-8; a list
//! is its length and what it holds; what may be absent begins with 0 or 1.
//!
//! Reading is total: whatever the bytes are, the answer is a message or [`Malformed`], and what is
//! read takes memory in proportion to the bytes.
//!
//! Services, endpoints, methods, terms and owners have numbers here that hold within one
//! [numbering](Numbering): that of one process of the control plane. [Names](GivenName) say what the
//! first three stand for, so that a proxy goes on counting under another numbering.

mod batch;
pub(crate) mod codec;
mod counter;
pub mod frame;
mod given;
mod key;
mod message;
mod routes;
mod scheme;
mod service;
mod switches;
mod terms;

pub use batch::{KeyChange, SecretChange, SentBatch};
pub use codec::Malformed;
pub use counter::Counter;
pub use given::{GivenName, Numbering};
pub use key::{SentKey, SentKeyName};
pub use message::{
    Applied, Goodbye, GoodbyeReason, Held, Hello, ProxyHeartbeat, Refused, ServerHeartbeat,
    SnapshotOffer, ToControl, ToProxy, VERSION, Welcome,
};
pub use routes::{MAX_FRONTS, SentRoutes};
pub use scheme::{SentScheme, SentSchemes};
pub use service::SentService;

pub(crate) use codec::{Reader, Wire, fields};
