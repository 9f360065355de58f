//! What a proxy says, message by message.

use axum::body::Body;
use http_body_util::BodyExt as _;
use tollgate_feed::wire::ToControl;
use tollgate_feed::wire::frame::Frames;

/// No message of a proxy is as long.
const LONGEST: usize = 64 << 10;

/// Messages out of a body.
pub(super) struct Messages {
    body: Body,
    frames: Frames,
}

impl Messages {
    pub(super) fn of(body: Body) -> Self {
        Self { body, frames: Frames::default() }
    }

    /// The next message; `None` = there is none any more. What was read of one stays when nobody waits
    /// for it.
    ///
    /// # Errors
    /// What is wrong with what was sent: nothing after it can be read.
    pub(super) async fn next(&mut self) -> Result<Option<ToControl>, String> {
        loop {
            if let Some(frame) = self.frames.frame().map_err(|error| error.to_string())? {
                return ToControl::read(&frame).map(Some).map_err(|error| error.to_string());
            }
            if self.frames.waiting() > LONGEST {
                return Err("a message is too long".to_owned());
            }
            match self.body.frame().await {
                Some(Ok(frame)) => {
                    if let Some(piece) = frame.data_ref() {
                        self.frames.push(piece);
                    }
                }
                // The connection is gone.
                Some(Err(_)) | None => return Ok(None),
            }
        }
    }
}
