//! The decision about one request: digest, record, times and states, entitlement, limits.

mod bearer;
mod call;
mod claims;

use std::sync::Arc;
use std::sync::atomic::Ordering::{AcqRel, Relaxed};

pub use bearer::Bearer;
pub use call::Call;
use claims::Claims;

use crate::limits::{Over, Present};
use crate::{
    Clock, Digest, KeyId, KeyIdForm, MeterId, Meters, Now, Reading, ReadingKind, Record, Refusal,
    Root, SnapshotReader, Status,
};

/// What was decided. Borrows from the snapshot that decided it.
#[derive(Debug)]
pub enum Decision<'a> {
    /// The request may go on, called by this caller.
    Admit(Permit, Caller<'a>),
    /// It may not.
    Refuse(Refused),
}

/// The proof that a request was admitted. Only [`Decider::decide`] makes one.
#[derive(Debug)]
pub struct Permit {
    digest: Digest,
    meter: MeterId,
    readings: Readings,
    _open: Option<Open>,
}

/// Who calls, as the upstream is told.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    /// The application.
    pub application: &'a Arc<str>,
    /// The package.
    pub package: &'a Arc<str>,
    /// The plan.
    pub plan: &'a Arc<str>,
    key: KeyId,
    long_name: Option<&'a str>,
}

impl<'a> Caller<'a> {
    /// The key's public name, written into `to` unless it is a long one.
    pub fn key<'b>(&self, to: &'b mut [u8; 36]) -> &'b str
    where
        'a: 'b,
    {
        self.key.write(to, |_| self.long_name)
    }
}

/// Why not, and when to try again.
#[derive(Clone, Copy, Debug)]
pub struct Refused {
    /// The reason.
    pub refusal: Refusal,
    /// Whole seconds until it may work, at least 1; `None` if waiting does not help.
    pub retry_after: Option<u64>,
    /// The limits as they stand, as far as they were reached.
    pub readings: Readings,
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, retry_after: None, readings: Readings::default() }
    }
}

/// Where the limits of a call stand, in the order of their taking.
#[derive(Clone, Copy, Debug, Default)]
pub struct Readings {
    held: [Option<(ReadingKind, Reading)>; 4],
}

impl Readings {
    /// Each limit that counted the call.
    pub fn iter(&self) -> impl Iterator<Item = &(ReadingKind, Reading)> {
        self.held.iter().flatten()
    }

    fn push(&mut self, kind: ReadingKind, reading: Reading) {
        if let Some(free) = self.held.iter_mut().find(|held| held.is_none()) {
            *free = Some((kind, reading));
        }
    }
}

/// A place among a key's open requests, given up when dropped.
#[derive(Debug)]
struct Open {
    meters: Arc<Meters>,
    meter: MeterId,
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(line) = self.meters.line(self.meter, crate::LineTag::KEY) {
            line.open.fetch_sub(1, AcqRel);
        }
    }
}

impl Permit {
    /// The digest of the key that was presented.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Where the call was counted.
    #[must_use]
    pub fn meter(&self) -> MeterId {
        self.meter
    }

    /// Where the limits stand after it.
    #[must_use]
    pub fn readings(&self) -> &Readings {
        &self.readings
    }
}

/// Decides about requests, on the thread that received them.
#[derive(Clone)]
pub struct Decider {
    reader: SnapshotReader,
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Decider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Decider").field(&self.reader).finish()
    }
}

impl Decider {
    /// Decides from the snapshots of `reader`, at instants that `clock` has read.
    #[must_use]
    pub fn new(reader: SnapshotReader, clock: Arc<dyn Clock>) -> Self {
        Self { reader, clock }
    }

    /// Decides whether a call may go on, and counts it if so. A refused call counts nowhere. `root`
    /// is a snapshot of this decider's reader, `now` a reading of its clock, both taken once for
    /// the request.
    #[must_use]
    pub fn decide<'a>(&self, root: &'a Root, call: &Call<'_>, now: Now) -> Decision<'a> {
        match self.consider(root, call, now) {
            Ok((permit, caller)) => Decision::Admit(permit, caller),
            Err(refused) => Decision::Refuse(refused),
        }
    }

    fn consider<'a>(
        &self,
        root: &'a Root,
        call: &Call<'_>,
        now: Now,
    ) -> Result<(Permit, Caller<'a>), Refused> {
        let route = call.route;
        let record = find(root, call.key).ok_or(Refusal::KeyUnknown)?;
        check_standing(root, record, now)?;
        let owner = root.owners.get(record.owner.0).ok_or(Refusal::OwnerInactive)?;
        let terms = root.terms.get(record.terms.0).ok_or(Refusal::PlanInactive)?;
        let service = root.routes.service(route.service).ok_or(Refusal::RouteNotFound)?;
        let grant = terms.grant(route.service).ok_or(Refusal::NotEntitled)?;
        if !grant.active {
            return Err(Refusal::PlanInactive.into());
        }
        let method = grant.opens(route).ok_or(Refusal::NotEntitled)?;
        let meters = self.reader.meters();
        let claims = Claims::of(meters, record.meter, terms, grant, method, service)
            .ok_or(Refusal::NoSnapshot)?;
        let present = Confirmation { decider: self, root };
        claims.read(now, &present)?;
        let (readings, counted) = claims.take(meters, now, &present)?;
        let open = counted.then(|| Open { meters: Arc::clone(meters), meter: record.meter });
        let permit = Permit { digest: record.digest, meter: record.meter, readings, _open: open };
        let caller = Caller {
            application: &owner.application,
            package: &grant.package,
            plan: &grant.plan,
            key: record.id,
            long_name: long_name(root, record),
        };
        Ok((permit, caller))
    }
}

fn long_name<'a>(root: &'a Root, record: &Record) -> Option<&'a str> {
    match record.id.form() {
        KeyIdForm::Long(index) => root.names.get(index).map(|name| &***name),
        KeyIdForm::Short | KeyIdForm::Uuid => None,
    }
}

struct Confirmation<'a> {
    decider: &'a Decider,
    root: &'a Root,
}

impl Present for Confirmation<'_> {
    fn confirm(&self) -> Option<u64> {
        let current = self.decider.reader.is_current(self.root);
        current.then(|| self.decider.clock.monotonic())
    }
}

fn find<'a>(root: &'a Root, key: &[u8]) -> Option<&'a Record> {
    let schemes = &root.schemes;
    root.keys.find(&schemes.current.digest(key)).or_else(|| {
        let previous = schemes.previous.as_ref()?;
        root.keys.find(&previous.digest(key))
    })
}

/// Whether the key of `digest` may still be used under `root`, whatever it calls: what decides
/// over requests that are open when a revision arrives.
///
/// # Errors
/// The reason why not.
pub fn standing(root: &Root, digest: &Digest, now: Now) -> Result<(), Refusal> {
    let record = root.keys.find(digest).ok_or(Refusal::KeyUnknown)?;
    check_standing(root, record, now)
}

fn check_standing(root: &Root, record: &Record, now: Now) -> Result<(), Refusal> {
    match record.status {
        Status::Active => {}
        Status::Waiting => return Err(Refusal::KeyPending),
        Status::Suspended => return Err(Refusal::KeySuspended),
        Status::Revoked => return Err(Refusal::KeyRevoked),
    }
    // A wall clock that was set back does not revive an expired key (design decision 14).
    let unix = now.unix().max(root.published);
    if unix < u64::from(record.not_before) {
        return Err(Refusal::KeyNotYetValid);
    }
    if record.not_after != Record::NEVER && unix >= u64::from(record.not_after) {
        return Err(Refusal::KeyExpired);
    }
    if !root.owners.get(record.owner.0).is_some_and(|owner| owner.active) {
        return Err(Refusal::OwnerInactive);
    }
    if root.terms.get(record.terms.0).is_none_or(|terms| terms.inactive()) {
        return Err(Refusal::PlanInactive);
    }
    Ok(())
}

impl Refused {
    pub(crate) fn over(refusal: Refusal, over: Over, kind: Option<ReadingKind>) -> Self {
        const SECOND: u64 = 1_000_000_000;
        let mut readings = Readings::default();
        if let Some((kind, reading)) = kind.zip(over.reading) {
            readings.push(kind, reading);
        }
        let retry_after = over.wait.map(|wait| wait.div_ceil(SECOND).max(1));
        Self { refusal, retry_after, readings }
    }
}

/// Takes a place among the open requests of a key, if one is free.
fn open(line: &crate::Line, ceiling: u32) -> bool {
    let mut open = line.open.load(Relaxed);
    while open < ceiling {
        match line.open.compare_exchange_weak(open, open + 1, AcqRel, Relaxed) {
            Ok(_) => return true,
            Err(other) => open = other,
        }
    }
    false
}

#[cfg(test)]
mod tests;
