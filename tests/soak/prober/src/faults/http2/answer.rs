//! What the server says to one request.

use std::future::{pending, poll_fn};
use std::rc::Rc;

use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use hyper::body::Bytes;
use hyper::{Request, Response};
use tokio::time::sleep;

use super::wire::{Act, Then};
use super::{Leaving, Shared};
use crate::faults::case::{Case, Meets};
use crate::faults::fault::{Fault, Framing, Point};
use crate::faults::{PAUSE, pauses};
use crate::frames::{DATA, frame};

/// Answers well, or as badly as it is to.
pub(super) async fn answer(
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    shared: Rc<Shared>,
) -> Result<(), h2::Error> {
    let Some(case) = Case::of(request.uri().path()) else { return Ok(()) };
    let (case, meets) = shared.upstream.arrived(case, &shared.link);
    let early = meets.is_some_and(|m| m.point == Point::BeforeHead) && case.number % 2 == 1;
    let mut upload = request.into_body();
    if !early {
        let mut body = Vec::new();
        while let Some(data) = upload.data().await {
            let data = data?;
            upload.flow_control().release_capacity(data.len())?;
            body.extend(data);
        }
        shared.upstream.uploaded(&case, &body);
    }
    let body = shared.upstream.body(&case);
    let (first, rest) = (body.slice(..body.len() / 2), body.slice(body.len() / 2..));
    let Some(meets) = meets.filter(|meets| meets.fault != Fault::Leave) else {
        if meets.is_some() {
            shared.upstream.leaves();
            let _ = shared.leave.send(Leaving::InPeace);
        }
        let mut stream = respond.send_response(head(&case), body.is_empty())?;
        if pauses(&case) && !body.is_empty() {
            stream.send_data(first, false)?;
            sleep(PAUSE).await;
            stream.send_data(rest, true)?;
        } else if !body.is_empty() {
            stream.send_data(body, true)?;
        }
        return Ok(());
    };
    let id = respond.stream_id().as_u32();
    match meets.point {
        Point::BeforeHead => shared.commit(meets, &case, Sent::Nothing(&mut respond)).await,
        Point::WithinHead => {
            shared.wire.tear(id, Act { bytes: Vec::new(), then: then(meets.fault) });
            respond.send_response(head(&case), false)?;
            pending().await
        }
        Point::AfterHead | Point::WithinBody => {
            let mut stream = respond.send_response(head(&case), false)?;
            if meets.point == Point::WithinBody {
                let ends = meets.fault == Fault::Truncation;
                let half = first.len();
                stream.send_data(first, ends)?;
                shared.wire.carried(id, half).await;
            } else {
                shared.wire.carried(id, 0).await;
            }
            shared.commit(meets, &case, Sent::Part(&mut stream)).await
        }
    }
}

/// What has been sent of an answer.
enum Sent<'a> {
    Nothing(&'a mut SendResponse<Bytes>),
    Part(&'a mut SendStream<Bytes>),
}

impl Sent<'_> {
    fn reset(&mut self, reason: Reason) {
        match self {
            Self::Nothing(respond) => respond.send_reset(reason),
            Self::Part(stream) => stream.send_reset(reason),
        }
    }

    /// Until the gate has reset the stream.
    async fn given_up(&mut self) -> Result<(), h2::Error> {
        poll_fn(|cx| match self {
            Self::Nothing(respond) => respond.poll_reset(cx),
            Self::Part(stream) => stream.poll_reset(cx),
        })
        .await
        .map(|_| ())
    }
}

impl Shared {
    /// Commits the fault, at this point of the answer.
    async fn commit(&self, meets: Meets, case: &Case, mut sent: Sent<'_>) -> Result<(), h2::Error> {
        match meets.fault {
            Fault::Truncation => return Ok(()),
            Fault::StreamReset => {
                let reasons = [Reason::INTERNAL_ERROR, Reason::CANCEL, Reason::NO_ERROR];
                sent.reset(reasons[(case.number % 3) as usize]);
                return Ok(());
            }
            Fault::Refusal => {
                self.upstream.refused(case.number);
                sent.reset(Reason::REFUSED_STREAM);
                return Ok(());
            }
            Fault::GoAway => {
                self.upstream.breaks(&self.link);
                let _ = self.leave.send(Leaving::InAnger);
            }
            Fault::Hang => {
                let _waiting = self.upstream.wait();
                return sent.given_up().await;
            }
            fault => {
                let bytes = match (fault, case.number % 2) {
                    // A frame of no kind and too long, or a body of no stream.
                    (Fault::Garbage, 0) => vec![0xff; 64],
                    (Fault::Garbage, _) => frame(DATA, 0, 0, b"garbage"),
                    // Half a frame.
                    (_, 0) => frame(DATA, 0, 1, b"whole")[..11].to_vec(),
                    _ => Vec::new(),
                };
                self.wire.act(Act { bytes, then: then(fault) });
            }
        }
        pending().await
    }
}

fn head(case: &Case) -> Response<()> {
    let mut head = Response::new(());
    if case.framing == Framing::ContentLength {
        head.headers_mut().insert("content-length", case.length.into());
    }
    head
}

fn then(fault: Fault) -> Then {
    match fault {
        Fault::Reset => Then::Reset,
        Fault::HalfClose => Then::HalfClose,
        Fault::Garbage => Then::Wait,
        _ => Then::Close,
    }
}
