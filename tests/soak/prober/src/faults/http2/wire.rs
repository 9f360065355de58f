//! Frames on their way from a server to the gate, and what goes wrong between them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::pending;
use std::io;
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, copy, sink, split};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::Notify;

use crate::faults::upstream::{Link, Upstream};
use crate::frames::{DATA, HEADERS};

/// What goes wrong.
pub(super) struct Act {
    /// In place of what would have come.
    pub(super) bytes: Vec<u8>,
    pub(super) then: Then,
}

/// How the connection goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    Close,
    Reset,
    HalfClose,
    /// Until the gate has had enough.
    Wait,
}

#[derive(Default)]
pub(super) struct Wire {
    act: RefCell<Option<Act>>,
    /// What is done in the middle of the head on this stream.
    torn: RefCell<Option<(u32, Act)>>,
    told: Notify,
    /// Bytes of the body that have been sent on each stream whose head has.
    sent: RefCell<HashMap<u32, usize>>,
    advanced: Notify,
}

impl Wire {
    /// Does this between two frames, at once.
    pub(super) fn act(&self, act: Act) {
        self.act.borrow_mut().get_or_insert(act);
        self.told.notify_one();
    }

    /// Does this in the middle of the head on this stream.
    pub(super) fn tear(&self, stream: u32, act: Act) {
        self.torn.borrow_mut().get_or_insert((stream, act));
    }

    /// Until the head, and so much of the body, has been sent on this stream.
    pub(super) async fn carried(&self, stream: u32, length: usize) {
        while self.sent.borrow().get(&stream).is_none_or(|sent| *sent < length) {
            self.advanced.notified().await;
        }
    }

    fn note(&self, frame: &Frame) {
        if frame.kind == HEADERS || frame.kind == DATA {
            let length = if frame.kind == DATA { frame.length - HEAD } else { 0 };
            *self.sent.borrow_mut().entry(frame.stream).or_default() += length;
            self.advanced.notify_waiters();
        }
    }

    fn torn(&self, frame: &Frame) -> Option<Act> {
        let mut torn = self.torn.borrow_mut();
        let here = torn.as_ref().is_some_and(|(stream, _)| *stream == frame.stream);
        torn.take_if(|_| here && frame.kind == HEADERS).map(|(_, act)| act)
    }
}

/// Carries everything both ways, to the end of the connection.
pub(super) async fn carry(
    stream: TcpStream,
    server: DuplexStream,
    wire: &Wire,
    upstream: &Upstream,
    link: &Link,
) -> io::Result<()> {
    let (mut from_gate, mut to_gate) = stream.into_split();
    let (mut from_server, mut to_server) = split(server);
    let outward = async {
        let Some(act) = send_frames(&mut from_server, &mut to_gate, wire).await? else {
            return Ok(());
        };
        upstream.breaks(link);
        to_gate.write_all(&act.bytes).await?;
        match act.then {
            Then::Close => return Ok(()),
            Then::Reset => {
                return SockRef::from(to_gate.as_ref()).set_linger(Some(Duration::ZERO));
            }
            Then::HalfClose => to_gate.shutdown().await?,
            Then::Wait => {}
        }
        let _waiting = upstream.wait();
        copy(&mut from_server, &mut sink()).await?;
        pending().await
    };
    tokio::select! {
        sent = outward => sent,
        received = copy(&mut from_gate, &mut to_server) => received.map(|_| ()),
    }
}

/// Until something goes wrong, or the server has ended.
async fn send_frames(
    server: &mut ReadHalf<DuplexStream>,
    gate: &mut OwnedWriteHalf,
    wire: &Wire,
) -> io::Result<Option<Act>> {
    let mut bytes = Vec::new();
    loop {
        while let Some(frame) = Frame::of(&bytes) {
            if let Some(mut act) = wire.torn(&frame) {
                act.bytes.splice(..0, bytes[..frame.length / 2].iter().copied());
                return Ok(Some(act));
            }
            gate.write_all(&bytes[..frame.length]).await?;
            wire.note(&frame);
            bytes.drain(..frame.length);
        }
        if let Some(act) = wire.act.take() {
            return Ok(Some(act));
        }
        tokio::select! {
            read = server.read_buf(&mut bytes) => {
                if read? == 0 {
                    return Ok(None);
                }
            }
            () = wire.told.notified() => {}
        }
    }
}

/// The head of a frame (RFC 9113 §4.1).
const HEAD: usize = 9;

struct Frame {
    /// With its head.
    length: usize,
    kind: u8,
    stream: u32,
}

impl Frame {
    /// The first of these, once it is whole.
    fn of(bytes: &[u8]) -> Option<Self> {
        let head = bytes.get(..HEAD)?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize + HEAD;
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        (bytes.len() >= length).then_some(Self { length, kind: head[3], stream })
    }
}
