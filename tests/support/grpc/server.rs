//! The server.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use futures_util::stream::{BoxStream, unfold};
use futures_util::{StreamExt, TryStreamExt};
use h2::Reason;
use hyper::body::{Bytes, Frame, SizeHint};
use tokio::net::TcpListener;
use tonic::body::Body;
use tonic::codegen::{Context, Pin, Poll, Service, StdError, http};
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::server::{
    ClientStreamingService, Grpc, ServerStreamingService, StreamingService, UnaryService,
};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Code, Request, Response, Status, Streaming};

use super::{COUNT, DOUBLE, DOUBLE_EACH, Number, SUM, codec};
use crate::support::http2::runtime;
use crate::support::wait_for;

/// Does sums. What it sends first holds `x-server`; a call with `x-fail` ends with a status of
/// its own and metadata behind it, one with `x-reset` by a reset in place of the message after so many.
pub(crate) struct NumberServer {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    asked: Mutex<Vec<MetadataMap>>,
    /// Calls whose messages go both ways, or without end, and that have not ended.
    open: AtomicUsize,
    heard: AtomicUsize,
}

impl NumberServer {
    pub(crate) fn start() -> Self {
        let listener = runtime().block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::<State>::default();
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        let calls = Calls(Arc::clone(&state));
        runtime().spawn(Server::builder().serve_with_incoming(calls, incoming));
        Self { address, state }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What each call has brought beside its messages.
    pub(crate) fn asked(&self) -> Vec<MetadataMap> {
        self.state.asked.lock().unwrap().clone()
    }

    /// Waits until so many of its streams are open.
    pub(crate) fn wait_for_open(&self, count: usize) {
        wait_for("calls at the server", || (self.state.open.load(SeqCst) == count).then_some(()));
    }

    /// Messages that it has heard of calls with messages both ways.
    pub(crate) fn heard(&self) -> usize {
        self.state.heard.load(SeqCst)
    }
}

/// What calls are answered by.
#[derive(Clone)]
struct Calls(Arc<State>);

type Answer<T> = Pin<Box<dyn Future<Output = Result<Response<T>, Status>> + Send>>;
type Numbers = BoxStream<'static, Result<Number, Status>>;

/// Counts a call as open.
struct Open(Arc<State>);

impl Open {
    fn new(state: &Arc<State>) -> Self {
        state.open.fetch_add(1, SeqCst);
        Self(Arc::clone(state))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, SeqCst);
    }
}

impl Service<http::Request<Body>> for Calls {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, asked: http::Request<Body>) -> Self::Future {
        let calls = self.clone();
        let metadata = MetadataMap::from_headers(asked.headers().clone());
        let reset = metadata.get("x-reset").map(|count| count.to_str().unwrap().parse().unwrap());
        calls.0.asked.lock().unwrap().push(metadata);
        Box::pin(async move {
            let mut grpc = Grpc::new(codec());
            let answered = match asked.uri().path() {
                DOUBLE => grpc.unary(calls, asked).await,
                SUM => grpc.client_streaming(calls, asked).await,
                COUNT => grpc.server_streaming(calls, asked).await,
                DOUBLE_EACH => grpc.streaming(calls, asked).await,
                other => Status::unimplemented(other).into_http(),
            };
            Ok(match reset {
                None => answered,
                Some(left) => answered.map(|body| Body::new(Reset { body, left })),
            })
        })
    }
}

impl UnaryService<Number> for Calls {
    type Response = Number;
    type Future = Answer<Number>;

    fn call(&mut self, asked: Request<Number>) -> Self::Future {
        Box::pin(async move {
            fails(asked.metadata())?;
            Ok(answer((2 * asked.get_ref().value).into()))
        })
    }
}

impl ClientStreamingService<Number> for Calls {
    type Response = Number;
    type Future = Answer<Number>;

    fn call(&mut self, asked: Request<Streaming<Number>>) -> Self::Future {
        Box::pin(async move {
            let numbers = asked.into_inner();
            let sum = numbers.try_fold(0, |sum, number| async move { Ok(sum + number.value) });
            Ok(answer(sum.await?.into()))
        })
    }
}

impl ServerStreamingService<Number> for Calls {
    type Response = Number;
    type ResponseStream = Numbers;
    type Future = Answer<Numbers>;

    /// Counts up to the number, or without end to 0, and ends as the call wants it.
    fn call(&mut self, asked: Request<Number>) -> Self::Future {
        let (last, open) = (asked.get_ref().value, Open::new(&self.0));
        let end = fails(asked.metadata());
        let counted = unfold((1, end, open), move |(next, mut end, open)| async move {
            if last == 0 || next <= last {
                return Some((Ok(Number::from(next)), (next + 1, end, open)));
            }
            std::mem::replace(&mut end, Ok(())).err().map(|status| (Err(status), (next, end, open)))
        });
        Box::pin(async { Ok(answer(counted.boxed())) })
    }
}

impl StreamingService<Number> for Calls {
    type Response = Number;
    type ResponseStream = Numbers;
    type Future = Answer<Numbers>;

    fn call(&mut self, asked: Request<Streaming<Number>>) -> Self::Future {
        let open = Open::new(&self.0);
        let doubled = asked.into_inner().map_ok(move |number| {
            open.0.heard.fetch_add(1, SeqCst);
            Number { value: 2 * number.value, ..number }
        });
        Box::pin(async { Ok(answer(doubled.boxed())) })
    }
}

fn answer<T>(message: T) -> Response<T> {
    let mut response = Response::new(message);
    response.metadata_mut().insert("x-server", MetadataValue::from_static("numbers"));
    response
}

/// The status that a call wants to end with.
fn fails(asked: &MetadataMap) -> Result<(), Status> {
    let Some(words) = asked.get("x-fail") else { return Ok(()) };
    let mut behind = MetadataMap::new();
    behind.insert("x-behind", MetadataValue::from_static("the messages"));
    behind.insert_bin("x-behind-bin", MetadataValue::from_bytes(&[0, 1, 254, 255]));
    let (words, details) = (words.to_str().unwrap(), Bytes::from_static(b"details"));
    Err(Status::with_details_and_metadata(Code::DataLoss, words, details, behind))
}

/// A body that is reset where the piece after so many would be.
struct Reset {
    body: Body,
    left: usize,
}

impl tonic::codegen::Body for Reset {
    type Data = Bytes;
    type Error = StdError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, StdError>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if polled.is_ready() {
            let Some(left) = self.left.checked_sub(1) else {
                return Poll::Ready(Some(Err(h2::Error::from(Reason::CANCEL).into())));
            };
            self.left = left;
        }
        polled.map_err(Into::into)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
