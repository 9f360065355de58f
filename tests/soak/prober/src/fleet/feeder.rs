//! A control plane, as far as it hands out one snapshot: a file.

use std::convert::Infallible;
use std::fs::File;
use std::io::{BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tollgate_feed::file::{Header, SnapshotFile};
use tollgate_feed::wire::frame::Frames;
use tollgate_feed::wire::{ServerHeartbeat, SnapshotOffer, ToControl, ToProxy, VERSION, Welcome};

use crate::Failure;

/// Bytes that are read at once.
const PIECE: usize = 256 << 10;

/// What it hands out.
struct Feeder {
    file: PathBuf,
    header: Header,
    bytes: u64,
}

/// What is told, as it comes.
struct Told(mpsc::Receiver<Bytes>);

impl Body for Told {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|bytes| Some(Ok(Frame::data(bytes?))))
    }
}

/// Starts one on a port of the kernel's choice.
pub(super) async fn start(file: &Path) -> Result<SocketAddr, Failure> {
    let opened = SnapshotFile::open(BufReader::new(File::open(file)?));
    let header = opened.map_err(|error| error.to_string())?.header().clone();
    let bytes = std::fs::metadata(file)?.len();
    let feeder = Arc::new(Feeder { file: file.to_owned(), header, bytes });
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let feeder = Arc::clone(&feeder);
            let service = service_fn(move |request: Request<Incoming>| {
                let (to, told) = mpsc::channel(2);
                let feeder = Arc::clone(&feeder);
                if request.uri().path().contains("/snapshots/") {
                    tokio::task::spawn_blocking(move || feeder.hand_out(&to));
                } else {
                    tokio::spawn(feeder.follow(request.into_body(), to));
                }
                async { Ok::<_, Infallible>(Response::new(Told(told))) }
            });
            let serving = http2::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service);
            tokio::spawn(async { serving.await.unwrap_or(()) });
        }
    });
    Ok(address)
}

impl Feeder {
    fn hand_out(&self, to: &mpsc::Sender<Bytes>) -> Option<()> {
        let mut file = File::open(&self.file).ok()?;
        loop {
            let mut piece = vec![0; PIECE];
            let read = file.read(&mut piece).ok().filter(|read| *read > 0)?;
            piece.truncate(read);
            to.blocking_send(piece.into()).ok()?;
        }
    }

    async fn follow(self: Arc<Self>, mut said: Incoming, to: mpsc::Sender<Bytes>) -> Option<()> {
        let mut frames = Frames::default();
        loop {
            let frame = said.frame().await?.ok()?;
            frames.push(frame.data_ref()?);
            while let Ok(Some(frame)) = frames.frame() {
                for answer in self.answers(&ToControl::read(&frame).ok()?) {
                    to.send(answer.to_bytes()).await.ok()?;
                }
            }
        }
    }

    fn answers(&self, said: &ToControl) -> Vec<ToProxy> {
        let Header { environment, numbering, revision, keys, .. } = self.header.clone();
        match said {
            ToControl::Hello(_) => vec![
                ToProxy::Welcome(Welcome {
                    version: VERSION,
                    software: "soak".to_owned(),
                    numbering,
                    environment,
                    newest: revision,
                    heartbeat_ms: 5000,
                    capabilities: 0,
                    unix_ms: 0,
                }),
                ToProxy::Snapshot(SnapshotOffer {
                    revision,
                    numbering,
                    etag: "newest".to_owned(),
                    bytes: self.bytes,
                    keys,
                }),
            ],
            ToControl::Heartbeat(heartbeat) => vec![ToProxy::Heartbeat(ServerHeartbeat {
                answers: Some(heartbeat.sent),
                newest: revision,
                unix_ms: 0,
            })],
            _ => Vec::new(),
        }
    }
}
