//! Requests that were refused for their credential, and who has too many of them.

use std::sync::Arc;
use std::time::Duration;

use http::Response;
use tokio::time::sleep;
use tollgate_core::{Clock, Now, Refused, Service, Source, Strangers};

use crate::body::Content;
use crate::worker::Worker;

/// How often sources are looked at, and how often it is looked for some where there are none.
const LOOK: Duration = Duration::from_secs(1);
const LOOK_FOR_ANY: Duration = Duration::from_secs(4);

impl Worker {
    /// The answer to a request that was refused at its credential or later. If the credential was
    /// the reason, it stands against `source`.
    pub(crate) fn turn_away(
        &self,
        source: Source,
        service: &Service,
        refused: Refused,
        now: Now,
    ) -> Response<Content> {
        let refused = match &self.strangers {
            Some(strangers) => strangers.judge(source, refused, now),
            None => refused,
        };
        self.refuse_with(Some(service), &refused, now)
    }
}

/// Lets sources go that have recovered, and logs those that guess, for ever. It is no worker's
/// task: a log that is slow delays no request.
pub async fn watch_strangers(strangers: Arc<Strangers>, clock: Arc<dyn Clock>) {
    loop {
        let none = strangers.counts().sources == 0;
        sleep(if none { LOOK_FOR_ANY } else { LOOK }).await;
        let swept = strangers.sweep(clock.monotonic());
        for guesser in &swept.guessers {
            tracing::warn!(
                source = %guesser.source,
                failed = guesser.failed,
                throttled = guesser.throttled,
                "a source tries keys that fail"
            );
        }
        if swept.more > 0 {
            tracing::warn!(sources = swept.more, "more sources try keys that fail");
        }
    }
}
