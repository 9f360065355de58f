//! Clients that send one request after another and compare every byte.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use hyper::Request;
use tokio::time::{sleep, timeout};

use super::case::Case;
use super::judge::Judge;
use super::upstream::Upstream;
use super::{PAUSE, pattern};
use crate::Failure;
use crate::connection::{Connection, Protocol};

/// So many share a connection of HTTP/2.
const SHARING: u64 = 8;

/// The gate's own timeouts, of two seconds each, for the head and for the body, and five seconds.
const PATIENCE: Duration = Duration::from_secs(9);

/// What came of a request.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The whole answer, and no other.
    Right,
    /// The gate's own answer, whole, with this status.
    Refused(u16),
    /// The right answer, broken off so that it shows.
    BrokenOff,
    /// Nothing, for too long.
    Hung,
    /// What must not be.
    Wrong(String),
}

pub(super) struct Client {
    pub(super) gate: SocketAddr,
    pub(super) connection: Connection,
    /// That of HTTP/1.1 first.
    pub(super) upstreams: [Rc<Upstream>; 2],
    pub(super) judge: Rc<RefCell<Judge>>,
}

impl Client {
    /// So many of each version of HTTP. Of HTTP/2 several share a connection.
    pub(super) async fn several(
        count: u64,
        gate: SocketAddr,
        upstreams: &[Rc<Upstream>; 2],
        judge: &Rc<RefCell<Judge>>,
    ) -> Result<Vec<Self>, Failure> {
        let mut connections = Vec::new();
        for number in 0..count {
            connections.push(Connection::open(gate, Protocol::Http1).await?);
            let shared = connections.iter().rev().find_map(Connection::beside);
            connections.push(match shared.filter(|_| number % SHARING != 0) {
                Some(shared) => shared,
                None => Connection::open(gate, Protocol::Http2).await?,
            });
        }
        let clients = connections.into_iter().map(|connection| Self {
            gate,
            connection,
            upstreams: upstreams.clone(),
            judge: Rc::clone(judge),
        });
        Ok(clients.collect())
    }

    /// Sends them, one after the other.
    pub(super) async fn run(mut self, cases: impl Iterator<Item = Case>) -> Result<(), Failure> {
        for case in cases {
            self.send(&case).await?;
        }
        Ok(())
    }

    /// Sends this one and has it judged.
    async fn send(&mut self, case: &Case) -> Result<(), Failure> {
        if !self.connection.is_open().await {
            // One of HTTP/2 is shared, and nothing that is wrong with one request ends it.
            if self.connection.protocol == Protocol::Http2 {
                return Err("the gate has ended a connection of HTTP/2".into());
            }
            self.connection = Connection::open(self.gate, Protocol::Http1).await?;
        }
        let began = Instant::now();
        let asked = timeout(PATIENCE, ask(&mut self.connection, case)).await;
        let outcome = match asked {
            Err(_) => Outcome::Hung,
            // With the rest of the answer its head may have been taken off the wire.
            Ok(Err(failure)) if is_reset(&failure) => Outcome::BrokenOff,
            Ok(Err(failure)) => Outcome::Wrong(format!("no answer: {failure}")),
            Ok(Ok(outcome)) => outcome,
        };
        let [one, two] = &self.upstreams;
        let upstream = if case.upstream == Protocol::Http1 { one } else { two };
        self.judge.borrow_mut().judge(case, outcome, began, upstream);
        if upstream.is_down.get() {
            sleep(PAUSE).await;
        }
        Ok(())
    }
}

async fn ask(connection: &mut Connection, case: &Case) -> Result<Outcome, Failure> {
    let request = match case.uploaded {
        Some(_) => Request::post(case.to_string()),
        None => Request::get(case.to_string()),
    };
    let request = request.header("x-api-key", "steady").body(Full::new(case.upload()))?;
    let (head, mut body) = connection.send(request).await?.into_parts();
    let mut received = Vec::new();
    let mut is_whole = true;
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => received.extend(frame.into_data().unwrap_or_default()),
            Err(_) => {
                is_whole = false;
                break;
            }
        }
    }
    let expected = pattern::body(case.number, case.length);
    Ok(match head.status.as_u16() {
        200 if is_whole && received == expected => Outcome::Right,
        200 if !is_whole && expected.starts_with(&received) => Outcome::BrokenOff,
        200 if expected.starts_with(&received) => {
            Outcome::Wrong(format!("{} of {} bytes as the whole", received.len(), expected.len()))
        }
        200 => Outcome::Wrong("other bytes".to_owned()),
        status @ (502..=504) if is_whole && is_refusal(&received) => Outcome::Refused(status),
        status => Outcome::Wrong(format!("a {status}: {:?}", String::from_utf8_lossy(&received))),
    })
}

/// Whether the gate has reset a stream.
fn is_reset(failure: &Failure) -> bool {
    let reason = failure.source().and_then(|source| source.downcast_ref::<h2::Error>());
    reason.is_some_and(|error| error.is_reset() && error.is_remote())
}

/// Whether the gate says that its upstream has failed.
fn is_refusal(body: &[u8]) -> bool {
    let problem: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    problem["code"].as_str().is_some_and(|code| code.starts_with("upstream_"))
}
