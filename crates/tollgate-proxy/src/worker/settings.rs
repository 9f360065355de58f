//! What an operator says once for all requests.

use http::HeaderValue;
use tollgate_core::ErrorDialect;

use crate::live::OnKeyDead;
use crate::request_id::RequestIdSettings;
use crate::trace::TraceSettings;
use crate::upstream::own;

/// What holds for every request of a process.
#[derive(Clone, Debug)]
pub struct WorkerSettings {
    /// The `Via` field of requests; `None` = none.
    pub via: Option<HeaderValue>,
    /// What happens to open requests whose key dies.
    pub on_key_dead: OnKeyDead,
    /// How refusals are worded where no service is known.
    pub error_dialect: ErrorDialect,
    /// What `X-Mashery-Responder` says in the Mashery dialect; `None` = no such field.
    pub responder: Option<HeaderValue>,
    /// What becomes of `X-Request-Id`.
    pub request_ids: RequestIdSettings,
    /// Bytes that a worker's connections of HTTP/2 may hold for what they have once needed, beyond what every connection
    /// and each open body may.
    pub idle_room: u64,
    /// How requests are traced; `None` = what clients say of traces goes on as it came.
    pub traces: Option<TraceSettings>,
}

impl WorkerSettings {
    /// A copy for one worker, which shares no reference count with another's.
    pub(crate) fn own(&self) -> Self {
        Self {
            via: self.via.as_ref().map(own),
            responder: self.responder.as_ref().map(own),
            ..*self
        }
    }
}
