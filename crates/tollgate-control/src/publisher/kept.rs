//! Counters of this process by the names of what they count, so that another process, whose numbers
//! and lines are others, can go on with them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tollgate_core::{
    Counts, LineState, LineTag, MeterId, MeterNeeds, MethodId, Now, Period, ServiceId,
};

use super::Publisher;
use super::ledger::SharedNames;
use crate::compile::{GivenNumbers, Numbers};
use crate::model::Name;

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

/// Requests that another process has open on meters of this one.
#[derive(Debug, Default)]
pub struct OpenElsewhere(Vec<(MeterId, u32)>);

impl KeptMeters {
    /// How many meters have counted anything.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len() + self.services.len()
    }

    /// The quotas of keys, under names of [`MeterNames`].
    #[must_use]
    pub fn quotas(&self) -> Vec<(Vec<u8>, u64)> {
        let lines = self.keys.iter().flat_map(|key| {
            let counted = key.lines.iter().filter(|line| line.quota != 0);
            counted.filter_map(|line| {
                let name = KeptName(key.name.clone(), line.of.clone());
                Some((serde_json::to_vec(&name).ok()?, line.quota))
            })
        });
        lines.collect()
    }

    /// Whether nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Publisher {
    /// What was counted until now, of keys that are gone too, as long as it may matter. Nothing is to
    /// be admitted meanwhile. The second part are the meters with open requests, in the order in which
    /// [`Publisher::restore`] finds them.
    #[must_use]
    pub fn kept(&self, now: Now) -> (KeptMeters, OpenElsewhere) {
        let meters = self.writer.meters();
        let names = Names::of(&self.numbers);
        let mut kept = KeptMeters { signatures: meters.signatures().spent(), ..Default::default() };
        let mut open = Vec::new();
        for (name, meter, needs) in self.ledger.keys() {
            let states = meters.states(meter, now.monotonic);
            let lines =
                states.filter_map(|(tag, state)| Some(KeptLine::new(names.named(tag)?, &state)));
            let lines: Vec<_> = lines.collect();
            if lines.is_empty() {
                continue;
            }
            let opened: u32 = lines.iter().map(|line| line.open).sum();
            if opened > 0 {
                open.push((meter, opened));
            }
            let (longest, recovery) = (KeptPeriod(needs.longest), needs.recovery);
            kept.keys.push(KeptKey { name: name.to_string(), longest, recovery, lines });
        }
        for (name, meter) in self.ledger.services() {
            let states = meters.states(meter, now.monotonic);
            let lines = states.map(|(_, state)| (name.to_string(), KeptLine::new(vec![], &state)));
            kept.services.extend(lines);
        }
        (kept, OpenElsewhere(open))
    }

    /// Goes on with what another process has counted, before anything is counted here. Keys that are
    /// not there any more keep their counters until these mean nothing.
    ///
    /// # Errors
    /// If there are more meters than a process can have, or signatures are remembered otherwise.
    pub fn restore(&mut self, kept: &KeptMeters, now: Now) -> Result<OpenElsewhere, NotRestored> {
        let mut open = Vec::new();
        for key in &kept.keys {
            let Some(name) = Name::new(&key.name) else { continue };
            let lines: Vec<_> = key.lines.iter().collect();
            let tags: Vec<_> =
                lines.iter().filter_map(|line| tag(&mut self.numbers, &line.of)).collect();
            let needs = MeterNeeds { longest: key.longest.0, recovery: key.recovery };
            let meter = self.ledger.restored(&mut self.writer, name, &tags, needs, now.unix());
            let meter = meter.ok_or(NotRestored::MetersExhausted)?;
            let mut opened = 0;
            for line in lines {
                let Some(tag) = tag(&mut self.numbers, &line.of) else { continue };
                if self.writer.meters().restore(meter, tag, &line.state(), now.monotonic) {
                    opened += line.open;
                }
            }
            if opened > 0 {
                open.push((meter, opened));
            }
        }
        for (name, line) in &kept.services {
            if let Some(meter) = self.ledger.known_service(name) {
                self.writer.meters().restore(meter, LineTag::KEY, &line.state(), now.monotonic);
            }
        }
        let (room, spent) = &kept.signatures;
        if *room > 0 && !self.writer.meters().signatures().remember(*room, spent) {
            return Err(NotRestored::Signatures);
        }
        Ok(OpenElsewhere(open))
    }
}

impl Publisher {
    /// Has meters known by their names to others than this publisher. To be asked before any meter is
    /// made.
    pub fn meter_names(&mut self) -> MeterNames {
        MeterNames { names: self.ledger.share_names(), given: self.given.subscribe() }
    }

    /// Goes on with quotas that were written down under names of [`MeterNames`], before anything is
    /// counted.
    ///
    /// # Errors
    /// If there are more meters than a process can have, or a name is none of them.
    pub fn restore_quotas(&mut self, kept: &[(Vec<u8>, u64)], now: Now) -> Result<(), NotRestored> {
        for (name, word) in kept {
            let KeptName(name, of) =
                serde_json::from_slice(name).map_err(|_| NotRestored::Unreadable)?;
            let name = Name::new(&name).ok_or(NotRestored::Unreadable)?;
            let tag = tag(&mut self.numbers, &of).ok_or(NotRestored::Unreadable)?;
            // A window lasts no longer than a month, whatever the period was.
            let needs = MeterNeeds { longest: Period::Month, recovery: 0 };
            let meter = self.ledger.restored(&mut self.writer, name, &[tag], needs, now.unix());
            let meter = meter.ok_or(NotRestored::MetersExhausted)?;
            let state = LineState { quota: *word, ..LineState::default() };
            self.writer.meters().restore(meter, tag, &state, now.monotonic);
        }
        Ok(())
    }
}

/// The names of meters, for those who know only the meters.
#[derive(Clone)]
pub struct MeterNames {
    names: SharedNames,
    given: watch::Receiver<Arc<GivenNumbers>>,
}

impl MeterNames {
    /// What a line of a meter of keys counts; `None` = no key counts there.
    #[must_use]
    pub fn name(&self, meter: MeterId, tag: LineTag) -> Option<Vec<u8>> {
        let name = self.names.get(meter)?.to_string();
        let of = self.given.borrow().named(tag)?;
        serde_json::to_vec(&KeptName(name, of)).ok()
    }
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

impl std::fmt::Display for NotRestored {
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

/// Names by the numbers that were given.
struct Names<'a> {
    services: std::collections::HashMap<u32, &'a Name>,
    methods: std::collections::HashMap<u32, &'a (Name, Name, Name)>,
}

impl<'a> Names<'a> {
    fn of(numbers: &'a Numbers) -> Self {
        Self { services: numbers.services.values(), methods: numbers.methods.values() }
    }
}

impl Names<'_> {
    /// What a line counts.
    fn named(&self, tag: LineTag) -> Option<Vec<String>> {
        Some(match Counts::of(tag) {
            Counts::Key => Vec::new(),
            Counts::Grant(service) => vec![self.services.get(&service.0)?.to_string()],
            Counts::Method(method) => {
                let (service, endpoint, method) = self.methods.get(&method.0)?;
                [service, endpoint, method].map(ToString::to_string).into()
            }
        })
    }
}

/// The tag of the line that counts what is named, in this process.
fn tag(numbers: &mut Numbers, of: &[String]) -> Option<LineTag> {
    let counts = match of {
        [] => Counts::Key,
        [service] => Counts::Grant(ServiceId(numbers.services.number(&Name::new(service)?))),
        [service, endpoint, method] => {
            let name = (Name::new(service)?, Name::new(endpoint)?, Name::new(method)?);
            Counts::Method(MethodId(numbers.methods.number(&name)))
        }
        _ => return None,
    };
    Some(counts.tag())
}

impl OpenElsewhere {
    /// How many requests are still open on each, in their order.
    #[must_use]
    pub fn counts(&self, meters: &tollgate_core::Meters) -> Vec<u32> {
        self.0.iter().map(|(meter, _)| meters.open(*meter)).collect()
    }

    /// Notes that so many are still open elsewhere. Whatever has ended makes room here.
    pub fn note(&mut self, counts: &[u32], meters: &tollgate_core::Meters) {
        for ((meter, open), left) in self.0.iter_mut().zip(counts) {
            let ended = open.saturating_sub(*left);
            meters.ended_elsewhere(*meter, ended);
            *open -= ended;
        }
    }

    /// Notes that nothing is open elsewhere.
    pub fn end(&mut self, meters: &tollgate_core::Meters) {
        let none = vec![0; self.0.len()];
        self.note(&none, meters);
    }

    /// Whether nothing is open elsewhere.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|(_, open)| *open == 0)
    }
}
