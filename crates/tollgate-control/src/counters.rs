//! Counters of a process by the names of what they count, so that another process, whose numbers and
//! lines are others, can go on with them.

mod open;
mod received;

use std::fmt::Display;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tollgate_core::{LineState, LineTag, MeterId, MeterNeeds, Meters, Now, Period};

pub use open::OpenElsewhere;

/// The counters of a process.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct KeptMeters {
    keys: Vec<KeptKey>,
    services: Vec<(String, KeptLine)>,
    /// Spent signatures by their places, among so many.
    signatures: (usize, Vec<(u32, u64)>),
}

/// What keys that count under one name have counted.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct KeptKey {
    /// The name that they count under.
    name: String,
    /// The longest period that their limits have counted over.
    longest: KeptPeriod,
    /// Seconds in which any burst that was spent is there again.
    recovery: u64,
    lines: Vec<KeptLine>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct KeptLine {
    /// What it counts: nothing = the key, or a service; one name = a grant for that service; three = a
    /// method of an endpoint of a service.
    of: Vec<String>,
    qps: u64,
    quota: u64,
    failed_proofs: u64,
    open: u32,
    last_uses: [u64; 2],
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", remote = "Period")]
enum RemotePeriod {
    Minute,
    Hour,
    Day,
    Month,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct KeptPeriod(#[serde(with = "RemotePeriod")] Period);

/// What a meter's line counts, by names: that under which keys count, and what of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct KeptName(String, Vec<String>);

/// What a line of a meter of keys counts, for those who know only the meters; `None` = no key counts there.
pub type MeterNames = Arc<dyn Fn(MeterId, LineTag) -> Option<Vec<u8>> + Send + Sync>;

/// Who makes the meters of a process, and knows what they count.
pub trait Counters {
    /// Where is counted.
    fn meters(&self) -> &Arc<Meters>;

    /// Tells of every name that keys count under, or have counted under.
    fn each_key(&self, tell: &mut dyn FnMut(&dyn Display, MeterId, MeterNeeds));

    /// Tells of every service.
    fn each_service(&self, tell: &mut dyn FnMut(&str, MeterId));

    /// What tells of lines what they count, by names.
    fn lines(&self) -> Box<dyn Fn(LineTag) -> Option<Vec<String>> + '_>;

    /// The tag of the line that counts what is named, in this process.
    fn tag(&mut self, of: &[String]) -> Option<LineTag>;

    /// The meter of a name that another process has counted under, with lines for `tags`. If no key
    /// counts under it here, it is given up, once what it `needs` is over.
    ///
    /// # Errors
    /// If there are no more meters, or that is no name.
    fn restored(
        &mut self,
        name: &str,
        tags: &[LineTag],
        needs: MeterNeeds,
        unix: u64,
    ) -> Result<MeterId, NotRestored>;

    /// The meter of a service that is there.
    fn known_service(&self, name: &str) -> Option<MeterId>;

    /// Has meters known by their names to others. To be asked before any meter is made.
    fn meter_names(&mut self) -> MeterNames;
}

/// Why this process cannot go on with what another has counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotRestored {
    /// All lines of the process's meters are in use.
    MetersExhausted,
    /// It remembers another number of signatures.
    Signatures,
    /// What was kept is not under names that mean anything.
    Unreadable,
}

impl Display for NotRestored {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::MetersExhausted => "there are more counters than meters",
            Self::Unreadable => "what was kept of counters cannot be understood",
            Self::Signatures => {
                "process.remembered_signatures is not what it was, so signatures that were accepted \
                 could be accepted again"
            }
        })
    }
}

impl std::error::Error for NotRestored {}

impl KeptMeters {
    /// What was counted until now, of keys that are gone too, as long as it may matter. Nothing is to
    /// be admitted meanwhile. The second part are the meters with open requests, in the order in which
    /// [`KeptMeters::restore`] finds them.
    #[must_use]
    pub fn of(counters: &dyn Counters, now: Now) -> (Self, OpenElsewhere) {
        let (meters, what) = (counters.meters(), counters.lines());
        let mut kept = Self { signatures: meters.signatures().spent(), ..Self::default() };
        let mut open = Vec::new();
        counters.each_key(&mut |name, meter, needs| {
            let states = meters.states(meter, now.monotonic);
            let lines = states.filter_map(|(tag, state)| Some(KeptLine::new(what(tag)?, &state)));
            let lines: Vec<_> = lines.collect();
            if lines.is_empty() {
                return;
            }
            let opened: u32 = lines.iter().map(|line| line.open).sum();
            if opened > 0 {
                open.push((meter, opened));
            }
            let (longest, recovery) = (KeptPeriod(needs.longest), needs.recovery);
            kept.keys.push(KeptKey { name: name.to_string(), longest, recovery, lines });
        });
        counters.each_service(&mut |name, meter| {
            let states = meters.states(meter, now.monotonic);
            let lines = states.map(|(_, state)| (name.to_owned(), KeptLine::new(vec![], &state)));
            kept.services.extend(lines);
        });
        (kept, OpenElsewhere::new(open))
    }

    /// Goes on with it, before anything is counted here. Keys that are not there any more keep their
    /// counters until these mean nothing.
    ///
    /// # Errors
    /// See [`NotRestored`].
    pub fn restore(
        &self,
        counters: &mut dyn Counters,
        now: Now,
    ) -> Result<OpenElsewhere, NotRestored> {
        let mut open = Vec::new();
        for key in &self.keys {
            let tags: Vec<_> = key.lines.iter().filter_map(|line| counters.tag(&line.of)).collect();
            let needs = MeterNeeds { longest: key.longest.0, recovery: key.recovery };
            let meter = match counters.restored(&key.name, &tags, needs, now.unix()) {
                Err(NotRestored::Unreadable) => continue,
                meter => meter?,
            };
            let mut opened = 0;
            for line in &key.lines {
                let Some(tag) = counters.tag(&line.of) else { continue };
                if counters.meters().restore(meter, tag, &line.state(), now.monotonic) {
                    opened += line.open;
                }
            }
            if opened > 0 {
                open.push((meter, opened));
            }
        }
        for (name, line) in &self.services {
            if let Some(meter) = counters.known_service(name) {
                counters.meters().restore(meter, LineTag::KEY, &line.state(), now.monotonic);
            }
        }
        let (room, spent) = &self.signatures;
        if *room > 0 && !counters.meters().signatures().remember(*room, spent) {
            return Err(NotRestored::Signatures);
        }
        Ok(OpenElsewhere::new(open))
    }

    /// How many meters have counted anything.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len() + self.services.len()
    }

    /// Whether nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The quotas of keys, under names of [`MeterNames`].
    #[must_use]
    pub fn quotas(&self) -> Vec<(Vec<u8>, u64)> {
        let lines = self.keys.iter().flat_map(|key| {
            let counted = key.lines.iter().filter(|line| line.quota != 0);
            counted.filter_map(|line| Some((named(&key.name, line.of.clone())?, line.quota)))
        });
        lines.collect()
    }
}

/// Goes on with quotas that were written down under names of [`MeterNames`], before anything is counted.
///
/// # Errors
/// See [`NotRestored`].
pub fn restore_quotas(
    counters: &mut dyn Counters,
    kept: &[(Vec<u8>, u64)],
    now: Now,
) -> Result<(), NotRestored> {
    for (name, word) in kept {
        let KeptName(name, of) =
            serde_json::from_slice(name).map_err(|_| NotRestored::Unreadable)?;
        let tag = counters.tag(&of).ok_or(NotRestored::Unreadable)?;
        // A window lasts no longer than a month, whatever the period was.
        let needs = MeterNeeds { longest: Period::Month, recovery: 0 };
        let meter = counters.restored(&name, &[tag], needs, now.unix())?;
        let state = LineState { quota: *word, ..LineState::default() };
        counters.meters().restore(meter, tag, &state, now.monotonic);
    }
    Ok(())
}

/// What a line counts, as it is written down.
pub(crate) fn named(name: impl Display, of: Vec<String>) -> Option<Vec<u8>> {
    serde_json::to_vec(&KeptName(name.to_string(), of)).ok()
}

impl KeptLine {
    fn new(of: Vec<String>, state: &LineState) -> Self {
        let LineState { qps, quota, failed_proofs, open, last_uses } = *state;
        Self { of, qps, quota, failed_proofs, open, last_uses }
    }

    fn state(&self) -> LineState {
        let Self { qps, quota, failed_proofs, open, last_uses, .. } = *self;
        LineState { qps, quota, failed_proofs, open, last_uses }
    }
}
