//! A connection in the hands of the one request that uses it.

use std::future::{Future, poll_fn};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Response;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;

use super::failure::Unanswered;
use super::form::{in_one, in_two};
use super::http1::{Http1, Upload};
use super::shared::Place;
use crate::body::{CutOff, poll_streamed};
use crate::forward::Asked;
use crate::tunnel::{End, begun};

/// What comes of a request. The body of a response comes by the lease.
pub(crate) type Sent = Result<Response<()>, Unanswered>;

/// A connection, held by the one request that uses it.
#[derive(Debug)]
pub(crate) struct Lease {
    road: Road,
    /// It has carried a request before.
    pub(crate) reused: bool,
}

/// How a request goes.
#[derive(Debug)]
pub(super) enum Road {
    /// By itself.
    Http1 {
        /// On the heap, as it goes from hand to hand.
        one: Box<Http1>,
        /// What is left of the request's body.
        upload: Option<Upload>,
    },
    /// Among others.
    Http2 {
        place: Place,
        /// The response's body.
        incoming: Option<Incoming>,
    },
}

impl Road {
    pub(super) fn http1(one: Box<Http1>) -> Self {
        Self::Http1 { one, upload: None }
    }

    pub(super) fn http2(place: Place) -> Self {
        Self::Http2 { place, incoming: None }
    }
}

impl Lease {
    pub(super) fn new(road: Road, reused: bool) -> Self {
        Self { road, reused }
    }

    /// The connection, if it can be kept for another request.
    pub(super) fn into_free(self) -> Option<Box<Http1>> {
        match self.road {
            Road::Http1 { one, upload: None } if one.is_free() => Some(one),
            _ => None,
        }
    }

    /// The bytes of a connection or stream whose server has switched to another protocol, once the request
    /// is sent, with the lease of one that is a stream. `None` if it has not switched.
    ///
    /// # Errors
    /// What `ended` says.
    pub(crate) async fn into_end<E>(
        self,
        response: &mut Response<()>,
        ended: impl Fn(&Context<'_>) -> Poll<E>,
    ) -> Result<Option<(Box<dyn End>, Option<Self>)>, E> {
        let Road::Http1 { mut one, mut upload } = self.road else {
            // It is there with the response.
            let stream = hyper::upgrade::on(response).await.ok();
            return Ok(stream.map(|stream| (Box::new(stream) as _, Some(self))));
        };
        let sent = poll_fn(|cx| match ended(cx) {
            Poll::Ready(end) => Poll::Ready(Err(end)),
            Poll::Pending => one.poll_send(cx, &mut upload).map(Ok),
        });
        if sent.await?.is_err() {
            return Ok(None);
        }
        let (stream, read) = one.into_parts();
        Ok(Some((begun(TokioIo::new(stream), read), None)))
    }

    /// The next piece of the response's body.
    pub(crate) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CutOff>>> {
        match &mut self.road {
            Road::Http1 { one, upload } => one.poll_frame(cx, upload),
            Road::Http2 { incoming: Some(incoming), .. } => poll_streamed(incoming, cx),
            Road::Http2 { incoming: None, .. } => Poll::Ready(None),
        }
    }

    /// Whether all of the response is here.
    pub(crate) fn is_over(&self) -> bool {
        match &self.road {
            Road::Http1 { one, .. } => one.is_over(),
            Road::Http2 { incoming, .. } => incoming.as_ref().is_none_or(Body::is_end_stream),
        }
    }

    /// How much of the response's body is still to come.
    pub(crate) fn size_hint(&self) -> SizeHint {
        match &self.road {
            Road::Http1 { one, .. } => one.size_hint(),
            Road::Http2 { incoming, .. } => {
                incoming.as_ref().map_or(SizeHint::with_exact(0), Body::size_hint)
            }
        }
    }

    /// Whether the server takes tunnels beside the streams of others, once it has said so.
    pub(crate) async fn takes_tunnels(&self) -> bool {
        match &self.road {
            Road::Http1 { .. } => false,
            Road::Http2 { place, .. } => place.takes_tunnels().await,
        }
    }

    /// Whether other requests use the same connection.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self.road, Road::Http2 { .. })
    }

    /// Brings the request into the form of the version that is spoken; `None` if it has none.
    pub(crate) fn shape(&self, asked: &mut Asked<'_>) -> Option<()> {
        let Asked { request, introduction } = asked;
        match &self.road {
            Road::Http1 { .. } => in_one(request),
            Road::Http2 { place, .. } => {
                introduction.join(request.headers_mut());
                in_two(request, place.scheme())
            }
        }
    }

    /// Sends a request and waits until there is a response, or none will be, or `ended` says that it is
    /// over. Without a response the request stays whole where it may go `again`, as far as all of it is here.
    pub(crate) async fn send<E>(
        &mut self,
        Asked { request, introduction }: &mut Asked<'_>,
        again: bool,
        ended: impl Fn(&Context<'_>) -> Poll<E>,
    ) -> Result<Sent, E> {
        match &mut self.road {
            Road::Http1 { one, upload } => {
                *upload = Upload::of(request);
                one.ask(request, introduction.fields(), upload.as_ref());
                poll_fn(|cx| {
                    let fields = request.headers_mut();
                    until(cx, &ended, |cx| one.poll_answer(cx, upload, fields))
                })
                .await
            }
            // Boxed, so that requests to others have no room for it in their future.
            Road::Http2 { place, incoming } => {
                let sending = async {
                    let (head, body) = place.send(request, again).await?.into_parts();
                    *incoming = Some(body);
                    Ok(Response::from_parts(head, ()))
                };
                let mut sending = Box::pin(sending);
                poll_fn(|cx| until(cx, &ended, |cx| sending.as_mut().poll(cx))).await
            }
        }
    }
}

fn until<E>(
    cx: &mut Context<'_>,
    ended: &impl Fn(&Context<'_>) -> Poll<E>,
    mut poll: impl FnMut(&mut Context<'_>) -> Poll<Sent>,
) -> Poll<Result<Sent, E>> {
    if let Poll::Ready(end) = ended(cx) {
        return Poll::Ready(Err(end));
    }
    match poll(cx) {
        Poll::Pending => Poll::Pending,
        // The client's side of the exchange may be what broke it.
        Poll::Ready(Err(error)) => match ended(cx) {
            Poll::Ready(end) => Poll::Ready(Err(end)),
            Poll::Pending => Poll::Ready(Ok(Err(error))),
        },
        Poll::Ready(Ok(response)) => Poll::Ready(Ok(Ok(response))),
    }
}
