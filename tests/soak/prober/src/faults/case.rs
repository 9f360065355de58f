//! One request: what it asks for, and what it is to meet.

use std::fmt;

use hyper::body::Bytes;

use super::fault::{Fault, Framing, Point};
use super::pattern;
use crate::connection::{PROTOCOLS, Protocol};
use crate::random::Random;

/// One of so many requests meets a fault.
const FAULTY: u64 = 10;

/// Bodies of requests have numbers from here on.
const UPLOADS: u64 = 1 << 40;

#[derive(Clone, Copy)]
pub(super) struct Case {
    pub(super) number: u64,
    /// What the upstream speaks.
    pub(super) upstream: Protocol,
    /// Of a POST.
    pub(super) uploaded: Option<usize>,
    /// Of the good answer.
    pub(super) length: usize,
    pub(super) framing: Framing,
    pub(super) meets: Option<Meets>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Meets {
    pub(super) fault: Fault,
    pub(super) point: Point,
    /// Sent again it meets nothing.
    pub(super) once: bool,
}

impl Case {
    /// Whatever comes.
    pub(super) fn drawn(number: u64, random: &Random) -> Self {
        let mut case = Self::good(number, random);
        if random.below(FAULTY) == 0 {
            let fits = |fault: &Fault| !fault.points(case.upstream, case.framing).is_empty();
            let faults: Vec<_> = Fault::all().filter(fits).collect();
            let fault = faults[random.below(faults.len() as u64) as usize];
            let points = fault.points(case.upstream, case.framing);
            let point = points[random.below(points.len() as u64) as usize];
            case.meets = Some(Meets { fault, point, once: random.below(2) == 0 });
            // What is cut in the middle has two ends; what follows an answer has to come with it.
            case.length =
                if fault == Fault::Surplus { case.length.min(1000) } else { case.length.max(2) };
        }
        case
    }

    /// One that meets nothing.
    pub(super) fn good(number: u64, random: &Random) -> Self {
        let upstream = PROTOCOLS[random.below(2) as usize];
        let framings = [Framing::ContentLength, Framing::Chunked, Framing::UntilClose];
        let possible = if upstream == Protocol::Http1 { 3 } else { 2 };
        let uploaded = random.below(5) == 0;
        Self {
            number,
            upstream,
            uploaded: uploaded.then(|| length(random) / 8),
            length: length(random),
            framing: framings[random.below(possible) as usize],
            meets: None,
        }
    }

    /// The body of its request.
    pub(super) fn upload(&self) -> Bytes {
        pattern::body(self.number + UPLOADS, self.uploaded.unwrap_or(0))
    }

    /// From the target of its request.
    pub(super) fn of(target: &str) -> Option<Self> {
        let mut parts = target.split('/').skip(1);
        let upstream = match parts.next()? {
            "http1" => Protocol::Http1,
            "http2" => Protocol::Http2,
            _ => return None,
        };
        let mut next = || parts.next()?.parse::<u64>().ok();
        let (number, uploaded, length) = (next()?, next()?, next()?);
        let framing = match next()? {
            0 => Framing::ContentLength,
            1 => Framing::Chunked,
            _ => Framing::UntilClose,
        };
        let fault = next()?.checked_sub(1).and_then(|index| Fault::all().nth(index as usize));
        let point = match next()? {
            0 => Point::BeforeHead,
            1 => Point::WithinHead,
            2 => Point::AfterHead,
            _ => Point::WithinBody,
        };
        let once = next()? == 1;
        Some(Self {
            number,
            upstream,
            uploaded: uploaded.checked_sub(1).map(|length| length as usize),
            length: length as usize,
            framing,
            meets: fault.map(|fault| Meets { fault, point, once }),
        })
    }
}

/// Its target.
impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, length, .. } = self;
        let uploaded = self.uploaded.map_or(0, |length| length + 1);
        let (fault, point, once) = self.meets.map_or((0, 0, 0), |meets| {
            let index = Fault::all().position(|fault| fault == meets.fault);
            (index.map_or(0, |index| index + 1), meets.point as usize, usize::from(meets.once))
        });
        let (upstream, framing) = (name(self.upstream), self.framing as usize);
        write!(f, "/{upstream}/{number}/{uploaded}/{length}/{framing}/{fault}/{point}/{once}")
    }
}

pub(super) fn name(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Http1 => "http1",
        Protocol::Http2 => "http2",
    }
}

/// Of a body: none, small, or up to 300 KiB.
fn length(random: &Random) -> usize {
    let length = match random.below(10) {
        0 => 0,
        1..=5 => random.below(2000),
        6..=8 => random.below(40_000),
        _ => random.below(300 << 10),
    };
    length as usize
}
