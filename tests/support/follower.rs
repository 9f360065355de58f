//! A proxy that follows the key feed, as far as its control plane can tell.

use std::net::SocketAddr;
use std::sync::mpsc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use http_body_util::BodyExt;
use hyper::body::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};
use tokio::net::TcpStream;
use tokio::sync::mpsc as channel;
use tollgate_control::feed::Sent;
use tollgate_core::Revision;
use tollgate_feed::wire::frame::Frames;
use tollgate_feed::wire::{
    Applied, GoodbyeReason, Held, Hello, ProxyHeartbeat, SentBatch, SentScheme, SnapshotOffer,
    ToControl, ToProxy, VERSION, Welcome,
};

use super::{PATIENCE, Response, runtime};

/// So many messages may wait to be sent.
const WAITING: usize = 1024;

/// A proxy that is connected, or was.
pub(crate) struct Follower {
    to: channel::Sender<Bytes>,
    from: mpsc::Receiver<ToProxy>,
    pub(crate) welcome: Welcome,
}

/// What a proxy of this name says first, which digests under whatever it is told.
pub(crate) fn hello(name: &str) -> Hello {
    Hello {
        version: VERSION,
        software: "test".to_owned(),
        name: name.to_owned(),
        instance: 1,
        environment: "production".to_owned(),
        region: None,
        held: None,
        serve_for: Some(60),
        schemes: vec![SentScheme::Sha256],
        capabilities: 0,
        unix_ms: now(),
    }
}

/// It has this pepper, too.
pub(crate) fn with_pepper(pepper: &str, hello: Hello) -> Hello {
    let digest: [u8; 32] = Sha256::digest(pepper.trim().as_bytes()).into();
    let scheme = SentScheme::HmacSha256(*digest.first_chunk().unwrap());
    Hello { schemes: vec![scheme, SentScheme::Sha256], ..hello }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}

impl Follower {
    /// Follows the feed by an access key, until it is welcome.
    pub(crate) fn follow(address: SocketAddr, access_key: &Json, hello: Hello) -> Self {
        let (to, from) = Self::say(address, access_key, hello).expect("no body to read");
        match from.recv_timeout(PATIENCE).expect("nothing was said in time") {
            ToProxy::Welcome(welcome) => Self { to, from, welcome },
            other => panic!("it is not welcome: {other:?}"),
        }
    }

    /// Is told why it may not.
    pub(crate) fn refused(address: SocketAddr, access_key: &Json, hello: Hello) -> GoodbyeReason {
        let (_to, from) = Self::say(address, access_key, hello).expect("no body to read");
        goodbye(&from)
    }

    /// Is not even heard.
    pub(crate) fn unheard(address: SocketAddr, access_key: &Json) -> Response {
        match Self::say(address, access_key, hello("x")) {
            Ok(_) => panic!("it was heard"),
            Err(refused) => refused,
        }
    }

    fn say(
        address: SocketAddr,
        access_key: &Json,
        hello: Hello,
    ) -> Result<(channel::Sender<Bytes>, mpsc::Receiver<ToProxy>), Response> {
        let id = access_key["id"].as_str().unwrap();
        let secret = access_key["secret"].as_str().unwrap();
        let (to, said) = channel::channel(WAITING);
        say(&to, &ToControl::Hello(hello));
        let request = hyper::Request::builder()
            .method("POST")
            .uri(format!("http://{address}/feed/v1/{id}/stream"))
            .header("authorization", format!("Bearer {secret}"))
            .header("content-type", "application/vnd.tollgate.feed")
            .body(Sent(said))
            .unwrap();
        let (heard, from) = mpsc::channel();
        runtime().block_on(async move {
            let stream = TcpStream::connect(address).await.unwrap();
            stream.set_nodelay(true).unwrap();
            let (mut sender, connection) =
                hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
                    .await
                    .unwrap();
            tokio::spawn(async { connection.await.unwrap_or(()) });
            let (head, mut body) = sender.send_request(request).await.unwrap().into_parts();
            if head.status != 200 {
                let body = body.collect().await.unwrap().to_bytes().to_vec();
                return Err(Response {
                    status: head.status.as_u16(),
                    fields: super::http2::to_fields(&head.headers),
                    body,
                    trailers: Default::default(),
                });
            }
            tokio::spawn(async move {
                let _connected = sender;
                let mut frames = Frames::default();
                while let Some(Ok(piece)) = body.frame().await {
                    frames.push(piece.data_ref().unwrap());
                    while let Some(frame) = frames.frame().unwrap() {
                        // The test may have seen enough.
                        let _ = heard.send(ToProxy::read(&frame).unwrap());
                    }
                }
            });
            Ok(())
        })?;
        Ok((to, from))
    }

    /// The next that is no sign of life.
    pub(crate) fn next(&self) -> ToProxy {
        loop {
            match self.from.recv_timeout(PATIENCE).expect("nothing was said in time") {
                ToProxy::Heartbeat(_) => {}
                other => return other,
            }
        }
    }

    pub(crate) fn offer(&self) -> SnapshotOffer {
        match self.next() {
            ToProxy::Snapshot(offer) => offer,
            other => panic!("no snapshot: {other:?}"),
        }
    }

    pub(crate) fn batch(&self) -> SentBatch {
        match self.next() {
            ToProxy::Batch(batch) => batch,
            other => panic!("no batch: {other:?}"),
        }
    }

    /// Whether nothing but signs of life comes.
    pub(crate) fn is_told_nothing(&self, within: Duration) -> bool {
        let end = Instant::now() + within;
        loop {
            match self.from.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(ToProxy::Heartbeat(_)) => {}
                other => return other.is_err(),
            }
        }
    }

    /// Follows on what it enforces already.
    pub(crate) fn held(&self, revision: Revision) -> Option<Held> {
        Some(Held { numbering: self.welcome.numbering, revision })
    }

    pub(crate) fn applies(&self, revision: Revision) {
        let applied = Applied { revision, unix_ms: now(), took_us: 1, keys: 1 };
        say(&self.to, &ToControl::Applied(applied));
    }

    /// Is told that its lease is renewed.
    pub(crate) fn beats(&self, enforced: Option<Revision>) {
        let sent = now();
        let beat = ProxyHeartbeat { sent, enforced, keys: 1, unix_ms: sent };
        say(&self.to, &ToControl::Heartbeat(beat));
        loop {
            match self.from.recv_timeout(PATIENCE).expect("no answer in time") {
                ToProxy::Heartbeat(beat) if beat.answers == Some(sent) => return,
                ToProxy::Heartbeat(_) => {}
                other => panic!("no answer: {other:?}"),
            }
        }
    }

    /// Waits until it is told to go.
    pub(crate) fn goes(&self) -> GoodbyeReason {
        goodbye(&self.from)
    }
}

fn say(to: &channel::Sender<Bytes>, message: &ToControl) {
    let mut frame = Vec::new();
    message.write(&mut frame);
    // Nobody may listen any more.
    let _ = to.try_send(frame.into());
}

fn goodbye(from: &mpsc::Receiver<ToProxy>) -> GoodbyeReason {
    loop {
        if let ToProxy::Goodbye(goodbye) = from.recv_timeout(PATIENCE).expect("no goodbye in time")
        {
            return goodbye.reason;
        }
    }
}
