//! An upstream that speaks HTTP/2, stream by stream.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use h2::server::{Builder, SendResponse};
use h2::{Reason, RecvStream};
use hyper::body::Bytes;
use hyper::{HeaderMap, Request, Response};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::support::runtime;

/// What it does with a stream.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    /// Sends back what it got, with a trailer behind it.
    Echo,
    /// Says that it did nothing with it.
    Refuse,
}

pub(super) struct Server {
    pub(super) address: SocketAddr,
    state: Arc<State>,
    open: watch::Sender<bool>,
}

struct State {
    act: Box<dyn Fn(usize) -> Act + Send + Sync>,
    max_streams: u32,
    connections: AtomicUsize,
    streams: AtomicUsize,
    /// Streams that wait for the door, and how many of one connection did at most.
    waiting: AtomicUsize,
    most: AtomicUsize,
    seen: Mutex<Vec<Request<()>>>,
    trailers: Mutex<Vec<HeaderMap>>,
}

impl Server {
    /// Its door is open; `act` is told the number of the stream, over all connections.
    pub(super) fn start(act: impl Fn(usize) -> Act + Send + Sync + 'static) -> Self {
        Self::new(None, 100, true, act)
    }

    pub(super) fn over_tls(mut config: ServerConfig) -> Self {
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Self::new(Some(config), 100, true, |_| Act::Echo)
    }

    /// Answers nothing before [`Server::open`], and takes so many streams a connection.
    pub(super) fn shut(max_streams: u32) -> Self {
        Self::new(None, max_streams, false, |_| Act::Echo)
    }

    fn new(
        tls: Option<ServerConfig>,
        max_streams: u32,
        open: bool,
        act: impl Fn(usize) -> Act + Send + Sync + 'static,
    ) -> Self {
        let state = Arc::new(State {
            act: Box::new(act),
            max_streams,
            connections: AtomicUsize::new(0),
            streams: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            seen: Mutex::default(),
            trailers: Mutex::default(),
        });
        let (open, door) = watch::channel(open);
        let listener = runtime().block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let acceptor = tls.map(|config| TlsAcceptor::from(Arc::new(config)));
        let serving = Arc::clone(&state);
        runtime().spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (state, door) = (Arc::clone(&serving), door.clone());
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    match acceptor {
                        None => state.serve(stream, door).await,
                        Some(acceptor) => match acceptor.accept(stream).await {
                            Ok(stream) => state.serve(stream, door).await,
                            Err(_) => Ok(()),
                        },
                    }
                });
            }
        });
        Self { address, state, open }
    }

    pub(super) fn open(&self) {
        self.open.send(true).unwrap();
    }

    pub(super) fn close(&self) {
        self.open.send(false).unwrap();
    }

    pub(super) fn connections(&self) -> usize {
        self.state.connections.load(SeqCst)
    }

    pub(super) fn streams(&self) -> usize {
        self.state.streams.load(SeqCst)
    }

    pub(super) fn waiting(&self) -> usize {
        self.state.waiting.load(SeqCst)
    }

    pub(super) fn most(&self) -> usize {
        self.state.most.load(SeqCst)
    }

    pub(super) fn requests(&self) -> Vec<Request<()>> {
        self.state.seen.lock().unwrap().clone()
    }

    /// The fields that stood behind each body.
    pub(super) fn trailers(&self) -> Vec<HeaderMap> {
        self.state.trailers.lock().unwrap().clone()
    }
}

impl State {
    async fn serve(
        self: Arc<Self>,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        door: watch::Receiver<bool>,
    ) -> Result<(), h2::Error> {
        self.connections.fetch_add(1, SeqCst);
        let mut builder = Builder::new();
        builder.max_concurrent_streams(self.max_streams);
        let mut connection = builder.handshake::<_, Bytes>(stream).await?;
        let here = Arc::new(AtomicUsize::new(0));
        while let Some(accepted) = connection.accept().await {
            let (request, answer) = accepted?;
            let act = (self.act)(self.streams.fetch_add(1, SeqCst));
            let (state, mut door, here) = (Arc::clone(&self), door.clone(), Arc::clone(&here));
            tokio::spawn(async move {
                state.waiting.fetch_add(1, SeqCst);
                state.most.fetch_max(here.fetch_add(1, SeqCst) + 1, SeqCst);
                door.wait_for(|open| *open).await.unwrap();
                here.fetch_sub(1, SeqCst);
                state.waiting.fetch_sub(1, SeqCst);
                state.answer(act, request, answer).await
            });
        }
        Ok(())
    }

    async fn answer(
        &self,
        act: Act,
        request: Request<RecvStream>,
        mut answer: SendResponse<Bytes>,
    ) -> Result<(), h2::Error> {
        if act == Act::Refuse {
            answer.send_reset(Reason::REFUSED_STREAM);
            return Ok(());
        }
        let (head, mut body) = request.into_parts();
        self.seen.lock().unwrap().push(Request::from_parts(head, ()));
        let mut echo = answer.send_response(Response::new(()), false)?;
        while let Some(data) = body.data().await {
            let data = data?;
            body.flow_control().release_capacity(data.len())?;
            echo.send_data(data, false)?;
        }
        let trailers = body.trailers().await?.unwrap_or_default();
        self.trailers.lock().unwrap().push(trailers);
        let mut sum = HeaderMap::new();
        sum.insert("x-sum", "7".parse().unwrap());
        echo.send_trailers(sum)
    }
}
