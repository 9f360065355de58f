//! What the kinds of limits have in common: a word of a line, which is read and taken from.

use std::sync::Arc;
use std::sync::atomic::Ordering::{AcqRel, Relaxed};

use crate::limits::{Over, Present, QpsTaken, QuotaTaken};
use crate::{Line, Meters, Now, Qps, Quota, Reading, Refusal};

/// When a call is decided.
pub(in crate::decision) struct At<'a, P> {
    pub(in crate::decision) now: Now,
    pub(in crate::decision) present: P,
    pub(in crate::decision) meters: &'a Arc<Meters>,
}

/// A limit as it stands.
pub(in crate::decision) struct Look {
    pub(super) admits: Result<(), Over>,
    pub(super) ceiling: u64,
    pub(super) used: u64,
    /// `None` of requests at a time, which come back when they end.
    pub(super) reading: Option<Reading>,
}

impl Look {
    /// A ceiling of 0, which counts nothing.
    pub(super) const CLOSED: Self =
        Self { admits: Err(Over::CLOSED), ceiling: 0, used: 0, reading: None };
}

/// A ceiling over a word of a line.
pub(in crate::decision) trait Policy: Copy {
    /// What gives a taken call back.
    type Taken;

    /// What one refuses with that is the key's.
    const REFUSAL: Refusal;

    /// Whether a call would be admitted now.
    fn read(self, line: &Line, at: &At<impl Present>) -> Result<(), Over>;

    /// Where it stands, with the calls that it has counted.
    fn look(self, line: &Line, at: &At<impl Present>) -> Look;

    /// Counts a call if it is admitted now, and says where the limit stands then.
    fn take(
        self,
        line: &Line,
        at: &At<impl Present>,
    ) -> Result<(Self::Taken, Option<Reading>), Over>;
}

impl Policy for Qps {
    type Taken = QpsTaken;

    const REFUSAL: Refusal = Refusal::OverQps;

    fn read(self, line: &Line, at: &At<impl Present>) -> Result<(), Over> {
        Qps::read(&self, &line.qps, at.now.monotonic, &at.present)
    }

    fn look(self, line: &Line, at: &At<impl Present>) -> Look {
        let (admits, reading) = Qps::look(&self, &line.qps, at.now.monotonic, &at.present);
        let used = reading.quota - reading.remaining;
        Look { admits, ceiling: reading.ceiling, used, reading: Some(reading) }
    }

    fn take(self, line: &Line, at: &At<impl Present>) -> Result<(QpsTaken, Option<Reading>), Over> {
        let (taken, reading) = Qps::take(&self, &line.qps, at.now.monotonic, &at.present)?;
        Ok((taken, Some(reading)))
    }
}

impl Policy for Quota {
    type Taken = QuotaTaken;

    const REFUSAL: Refusal = Refusal::OverQuota;

    fn read(self, line: &Line, at: &At<impl Present>) -> Result<(), Over> {
        Quota::read(&self, &line.quota, at.now, &at.present)
    }

    fn look(self, line: &Line, at: &At<impl Present>) -> Look {
        let (admits, used, reading) = Quota::look(&self, &line.quota, at.now, &at.present);
        Look { admits, ceiling: reading.ceiling, used, reading: Some(reading) }
    }

    fn take(
        self,
        line: &Line,
        at: &At<impl Present>,
    ) -> Result<(QuotaTaken, Option<Reading>), Over> {
        let stepped_back = || at.meters.note_step_back();
        let (taken, reading) = Quota::take(&self, &line.quota, at.now, &at.present, stepped_back)?;
        Ok((taken, Some(reading)))
    }
}

/// Requests open at a time.
impl Policy for u32 {
    type Taken = ();

    const REFUSAL: Refusal = Refusal::OverConcurrency;

    fn read(self, line: &Line, _: &At<impl Present>) -> Result<(), Over> {
        if line.open.load(Relaxed) < self { Ok(()) } else { Err(Over::CLOSED) }
    }

    fn look(self, line: &Line, at: &At<impl Present>) -> Look {
        let used = u64::from(line.open.load(Relaxed));
        Look { admits: self.read(line, at), ceiling: self.into(), used, reading: None }
    }

    fn take(self, line: &Line, _: &At<impl Present>) -> Result<((), Option<Reading>), Over> {
        let mut open = line.open.load(Relaxed);
        while open < self {
            match line.open.compare_exchange_weak(open, open + 1, AcqRel, Relaxed) {
                Ok(_) => return Ok(((), None)),
                Err(other) => open = other,
            }
        }
        Err(Over::CLOSED)
    }
}
