//! Keys with their callers and a rate each.

use std::collections::HashMap;
use std::error::Error;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use http::HeaderValue;

pub struct Keys {
    entries: HashMap<Box<[u8]>, Entry>,
    start: Instant,
}

pub struct Entry {
    pub caller: HeaderValue,
    /// When the next call would be exactly on time (GCRA), in nanoseconds since the start.
    due: AtomicU64,
    interval: u64,
}

impl Keys {
    /// A key and its caller on each line; `rate` calls a second of each key, and as many at once.
    pub fn of(lines: &str, rate: u64) -> Result<Self, Box<dyn Error>> {
        let entry = |line: &str| {
            let (key, caller) = line.split_once(' ').ok_or("a key and its caller on each line")?;
            let caller = HeaderValue::from_str(caller)?;
            let entry = Entry { caller, due: AtomicU64::new(0), interval: 1_000_000_000 / rate };
            Ok((key.as_bytes().into(), entry))
        };
        let entries = lines.lines().map(entry).collect::<Result<_, Box<dyn Error>>>()?;
        Ok(Self { entries, start: Instant::now() })
    }

    pub fn find(&self, key: &[u8]) -> Option<&Entry> {
        self.entries.get(key)
    }

    pub fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

impl Entry {
    /// Whether one more call is within the rate; it is counted then.
    pub fn admits(&self, now: u64) -> bool {
        let one = |due: u64| (due <= now + 1_000_000_000).then(|| due.max(now) + self.interval);
        self.due.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one).is_ok()
    }
}
