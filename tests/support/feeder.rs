//! A control plane, as far as it feeds: plain HTTP/2 on this machine.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use h2::server::SendResponse;
use h2::{RecvStream, SendStream};
use hyper::body::Bytes;
use hyper::{Request, Response, StatusCode};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tollgate_core::{Batch, Change, Record, Revision, Root, Status};
use tollgate_feed::encode::{self, Context};
use tollgate_feed::sign::SigningKey;
use tollgate_feed::synthetic::Synthetic;
use tollgate_feed::wire::frame::Frames;
use tollgate_feed::wire::{
    Numbering, SentBatch, ServerHeartbeat, SnapshotOffer, ToControl, ToProxy, VERSION, Welcome,
};

use super::wait_for;

pub(crate) struct Feeder {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    /// Dropped, it ends with all of its connections.
    _stop: oneshot::Sender<()>,
}

struct State {
    made: Synthetic,
    root: Root,
    batches: Vec<SentBatch>,
    heard: Vec<ToControl>,
    streams: Vec<mpsc::UnboundedSender<Bytes>>,
    secrets: Vec<String>,
    silent: bool,
    snapshots: usize,
    signer: Option<SigningKey>,
}

/// Milliseconds between heartbeats.
const HEARTBEAT: u32 = 100;

impl Feeder {
    /// One with so many keys, which are those of `Synthetic` with seed 7.
    pub(crate) fn start(keys: u32) -> Self {
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
        let made = Synthetic {
            seed: 7,
            keys,
            numbering: Numbering(1),
            environment: "production".to_owned(),
            upstream: "demo".to_owned(),
            revision: Revision { epoch: 1, number: 100 },
            published: u64::try_from(now.as_millis()).unwrap(),
        };
        let state = Arc::new(Mutex::new(State {
            root: made.root(),
            made,
            batches: Vec::new(),
            heard: Vec::new(),
            streams: Vec::new(),
            secrets: Vec::new(),
            silent: false,
            snapshots: 0,
            signer: None,
        }));
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let serves = Arc::clone(&state);
        std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).unwrap();
                tokio::select! {
                    () = accept(listener, serves) => {}
                    _ = stopped => {}
                }
            });
        });
        Self { address, state, _stop: stop }
    }

    /// The connect URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/feed/v1/edge-1", self.address)
    }

    pub(crate) fn key(&self, number: u32) -> String {
        self.state.lock().unwrap().made.key(number)
    }

    /// Changes what is known of a key; the revision.
    pub(crate) fn set(&self, number: u32, status: Status) -> u64 {
        let record = self.state.lock().unwrap().made.record(number);
        self.change(Batch {
            keys: vec![Change::Put(Record { status, ..record })],
            ..Batch::default()
        })
    }

    /// Takes keys out; the revision.
    pub(crate) fn remove(&self, numbers: std::ops::Range<u32>) -> u64 {
        let gone = |number| self.state.lock().unwrap().made.record(number).digest;
        let keys = numbers.map(|number| Change::Remove(gone(number))).collect();
        self.change(Batch { keys, ..Batch::default() })
    }

    fn change(&self, batch: Batch) -> u64 {
        let mut state = self.state.lock().unwrap();
        let present = state.root.revision;
        let revision = Revision { number: present.number + 1, ..present };
        let published = state.made.published;
        let context = Context {
            before: &state.root,
            revision,
            published,
            given: Vec::new(),
            schemes: None,
            counter: |record: &Record| Some(Synthetic::counter(record)),
        };
        let mut sent = encode::batch(&batch, context).unwrap();
        if let Some(signer) = &state.signer {
            signer.seal("production", state.made.numbering, &mut sent);
        }
        state.root = state.root.with(batch, revision, published / 1000);
        state.batches.push(sent.clone());
        state.say(&ToProxy::Batch(sent));
        revision.number
    }

    /// Goes on under other numbers, as one that was started anew.
    pub(crate) fn begin_anew(&self) {
        let mut state = self.state.lock().unwrap();
        state.made.numbering = Numbering(state.made.numbering.0 + 1);
        state.batches.clear();
        state.streams.clear();
    }

    /// Signs what it says from here on, or does not.
    pub(crate) fn sign_with(&self, key: Option<SigningKey>) {
        self.state.lock().unwrap().signer = key;
    }

    /// Answers nothing any more, as one that is cut off.
    pub(crate) fn be_silent(&self) {
        self.state.lock().unwrap().silent = true;
    }

    /// Waits until a revision is acknowledged.
    pub(crate) fn wait_applied(&self, number: u64) {
        wait_for("an acknowledgement", || self.applied().filter(|applied| *applied >= number));
    }

    /// The newest revision that was acknowledged.
    pub(crate) fn applied(&self) -> Option<u64> {
        let state = self.state.lock().unwrap();
        let applied = state.heard.iter().filter_map(|heard| match heard {
            ToControl::Applied(applied) => Some(applied.revision.number),
            ToControl::Heartbeat(heartbeat) => heartbeat.enforced.map(|revision| revision.number),
            _ => None,
        });
        applied.max()
    }

    /// Why revisions were refused.
    pub(crate) fn refused(&self) -> Vec<String> {
        let state = self.state.lock().unwrap();
        let refused = state.heard.iter().filter_map(|heard| match heard {
            ToControl::Refused(refused) => Some(refused.reason.clone()),
            _ => None,
        });
        refused.collect()
    }

    /// How many snapshots were fetched.
    pub(crate) fn snapshots(&self) -> usize {
        self.state.lock().unwrap().snapshots
    }

    /// What was brought as a secret.
    pub(crate) fn secrets(&self) -> Vec<String> {
        self.state.lock().unwrap().secrets.clone()
    }
}

impl State {
    fn say(&mut self, said: &ToProxy) {
        let bytes = said.to_bytes();
        self.streams.retain(|stream| stream.send(bytes.clone()).is_ok());
    }

    /// What answers a message.
    fn hear(&mut self, heard: ToControl) -> Vec<ToProxy> {
        let newest = self.root.revision;
        let mut said = Vec::new();
        match &heard {
            ToControl::Hello(hello) => {
                let numbering = self.made.numbering;
                said.push(ToProxy::Welcome(Welcome {
                    version: VERSION,
                    software: "test".to_owned(),
                    numbering,
                    environment: "production".to_owned(),
                    newest,
                    heartbeat_ms: HEARTBEAT,
                    capabilities: 0,
                    unix_ms: 0,
                }));
                let held = hello.held.filter(|held| held.numbering == numbering);
                let at = held.and_then(|held| match held.revision {
                    revision if revision == newest => Some(self.batches.len()),
                    revision => self.batches.iter().position(|batch| batch.previous == revision),
                });
                match at {
                    Some(at) => said.extend(self.batches[at..].iter().cloned().map(ToProxy::Batch)),
                    None => said.push(ToProxy::Snapshot(SnapshotOffer {
                        revision: newest,
                        numbering,
                        etag: "newest".to_owned(),
                        bytes: 0,
                        keys: self.root.keys.len() as u64,
                    })),
                }
            }
            ToControl::Heartbeat(heartbeat) => said.push(ToProxy::Heartbeat(ServerHeartbeat {
                answers: Some(heartbeat.sent),
                newest,
                unix_ms: 0,
            })),
            _ => {}
        }
        self.heard.push(heard);
        if self.silent { Vec::new() } else { said }
    }
}

async fn accept(listener: TcpListener, state: Arc<Mutex<State>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            let Ok(mut connection) = h2::server::handshake(stream).await else { return };
            while let Some(Ok((request, respond))) = connection.accept().await {
                tokio::spawn(answer(request, respond, Arc::clone(&state)));
            }
        });
    }
}

async fn answer(
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    state: Arc<Mutex<State>>,
) {
    let secret = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    state.lock().unwrap().secrets.extend(secret.map(str::to_owned));
    let ok = Response::new(());
    match request.uri().path() {
        "/feed/v1/edge-1/stream" => {
            let to = respond.send_response(ok, false).unwrap();
            follow(request.into_body(), to, state).await;
        }
        "/feed/v1/edge-1/snapshots/newest" => {
            let file = {
                let mut state = state.lock().unwrap();
                state.snapshots += 1;
                let mut made = state.made.clone();
                made.revision = state.root.revision;
                let mut file = Vec::new();
                let signed = ("test", state.signer.as_ref());
                made.write_signed(&state.root, signed, &mut file).unwrap();
                file
            };
            let mut to = respond.send_response(ok, false).unwrap();
            send(&mut to, file.into(), true).await;
        }
        _ => {
            let response = Response::builder().status(StatusCode::NOT_FOUND).body(()).unwrap();
            respond.send_response(response, true).unwrap();
        }
    }
}

async fn follow(mut from: RecvStream, mut to: SendStream<Bytes>, state: Arc<Mutex<State>>) {
    let mut frames = Frames::default();
    let (stream, mut said) = mpsc::unbounded_channel();
    let mut hello = Some(stream);
    loop {
        tokio::select! {
            data = from.data() => {
                let Some(Ok(data)) = data else { return };
                from.flow_control().release_capacity(data.len()).unwrap();
                frames.push(&data);
                while let Some(frame) = frames.frame().unwrap() {
                    let heard = ToControl::read(&frame).unwrap();
                    let answers = {
                        let mut state = state.lock().unwrap();
                        // From here on it is told of changes, after what is said to its hello.
                        state.streams.extend(hello.take());
                        state.hear(heard)
                    };
                    for answer in answers {
                        send(&mut to, answer.to_bytes(), false).await;
                    }
                }
            }
            bytes = said.recv() => match bytes {
                Some(bytes) => send(&mut to, bytes, false).await,
                None => return,
            },
        }
    }
}

async fn send(to: &mut SendStream<Bytes>, mut bytes: Bytes, ends: bool) {
    while !bytes.is_empty() {
        to.reserve_capacity(bytes.len());
        let Some(Ok(room)) = std::future::poll_fn(|context| to.poll_capacity(context)).await else {
            return;
        };
        let part = bytes.split_to(room.min(bytes.len()));
        let last = ends && bytes.is_empty();
        if to.send_data(part, last).is_err() {
            return;
        }
    }
}
