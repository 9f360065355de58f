//! Whose key it is and whether it may be used, in a time that does not tell why not.
//!
//! An unknown key and one that may not be used look alike to whoever brought them. So both take the
//! same road: as many digests and look-ups, one record for each scheme and all that speaks for or
//! against it. Only a key that may be used is spared the previous scheme.

use std::hint::black_box;

use super::CallKey;
use crate::{Digest, Keyed, MeterId, Meters, Now, Record, Refusal, Root, Status};

/// A key that may not be used, and its record if it has one.
pub(super) struct Unfit<'a> {
    pub(super) refusal: Refusal,
    pub(super) record: Option<&'a Record>,
}

/// The record of `key`, if it may be used now.
pub(super) fn identify<'a>(
    root: &'a Root,
    meters: &Meters,
    key: &CallKey<'_>,
    now: Now,
) -> Result<&'a Record, Unfit<'a>> {
    let key = match key {
        CallKey::Presented(key) => key,
        CallKey::Keyless(digest) => return named(root, digest, now),
    };
    let schemes = &root.schemes;
    if schemes.brand.as_ref().is_some_and(|brand| brand.disowns(key)) {
        return Err(Unfit { refusal: Refusal::KeyMalformed, record: None });
    }
    let previous = || schemes.previous.as_ref().map(|scheme| scheme.digest(key));
    recognize(root, meters, &schemes.current.digest(key), previous, now)
}

/// The same of a key of which the digests are known, by the current scheme and by the previous one.
pub(super) fn recognize<'a>(
    root: &'a Root,
    meters: &Meters,
    current: &Digest,
    previous: impl FnOnce() -> Option<Digest>,
    now: Now,
) -> Result<&'a Record, Unfit<'a>> {
    let current = Sight::of(root, meters, current, now);
    if let Sight { known: Some(record), standing: Ok(()) } = current {
        return Ok(record);
    }
    let previous = previous().map(|digest| Sight::of(root, meters, &digest, now));
    let seen = if current.known.is_some() { current } else { previous.unwrap_or(current) };
    match seen {
        Sight { known: Some(record), standing: Ok(()) } => Ok(record),
        Sight { known, standing: Err(refusal) } if known.is_some() => {
            Err(Unfit { refusal, record: known })
        }
        _ => Err(Unfit { refusal: Refusal::KeyUnknown, record: None }),
    }
}

/// The record of the key that calls without one are charged to. Nobody brought it, so the time that
/// this takes tells nothing.
pub(super) fn named<'a>(
    root: &'a Root,
    digest: &Digest,
    now: Now,
) -> Result<&'a Record, Unfit<'a>> {
    let unfit = |refusal, record| Unfit { refusal, record };
    let record = root.keys.find(digest).ok_or(unfit(Refusal::KeyUnknown, None))?;
    check_standing(root, record, now).map_err(|refusal| unfit(refusal, Some(record)))?;
    Ok(record)
}

/// What a look-up saw.
#[derive(Clone, Copy)]
struct Sight<'a> {
    known: Option<&'a Record>,
    /// Whether the record may be used; where there is none, whether another one may, which nobody
    /// is to use, but for the time that it takes.
    standing: Result<(), Refusal>,
}

impl<'a> Sight<'a> {
    fn of(root: &'a Root, meters: &Meters, digest: &Digest, now: Now) -> Self {
        let known = root.keys.find(digest);
        let looked_at = known.unwrap_or_else(|| {
            let near = root.keys.near(digest).unwrap_or(&Record::VACANT);
            black_box(near.digest == *digest);
            near
        });
        // It is as far from all else in memory as the record was, and on its way while the owner is looked at.
        meters.fetch(looked_at.meter);
        let standing = check_standing(root, looked_at, now);
        // Neither the compiler may leave out what turns out not to matter.
        black_box(Self { known, standing })
    }
}

/// Whether the key of `digest` that counts on `meter` may still be used under `root`, whatever it
/// calls: what decides over requests that are open when a revision arrives. A key whose value is
/// another's now is gone.
///
/// # Errors
/// The reason why not.
pub fn standing(root: &Root, digest: &Digest, meter: MeterId, now: Now) -> Result<(), Refusal> {
    let record = root.keys.find(digest).filter(|record| record.meter == meter);
    let record = record.ok_or(Refusal::KeyUnknown)?;
    check_standing(root, record, now)
}

/// What can speak against a key, in the order in which it is reported.
const FAULTS: [Refusal; 7] = [
    Refusal::KeyPending,
    Refusal::KeySuspended,
    Refusal::KeyRevoked,
    Refusal::KeyNotYetValid,
    Refusal::KeyExpired,
    Refusal::OwnerInactive,
    Refusal::PlanInactive,
];

/// Looks at everything before it says anything.
fn check_standing(root: &Root, record: &Record, now: Now) -> Result<(), Refusal> {
    // A wall clock that was set back does not revive an expired key (design decision 14).
    let unix = now.unix().max(root.published);
    let owner = root.owners.get(record.owner.0);
    let terms = root.terms.get(record.terms.0);
    let faults = [
        record.status == Status::Waiting,
        record.status == Status::Suspended,
        record.status == Status::Revoked,
        unix < u64::from(record.not_before),
        record.not_after != Record::NEVER && unix >= u64::from(record.not_after),
        owner.is_none_or(|owner| !owner.active),
        terms.is_none_or(|terms| terms.inactive()),
    ];
    let bits = faults.iter().rev().fold(0u32, |bits, fault| bits << 1 | u32::from(*fault));
    match FAULTS.get(black_box(bits).trailing_zeros() as usize) {
        Some(refusal) => Err(*refusal),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::fixture::{KEY, Limits, World, at};
    use crate::{Batch, Change, Scheme, Schemes};

    /// The key as both schemes have it, in these states; `None` = not at all.
    fn identified(current: Option<Status>, previous: Option<Status>) -> Result<Status, Refusal> {
        let mut world = World::new(Limits::default());
        let pepper = crate::Pepper::new(b"a-pepper").unwrap();
        let before = Scheme::HmacSha256(pepper);
        let schemes = Schemes { previous: Some(before.clone()), ..Schemes::only(Scheme::Sha256) };
        let mut keys = vec![Change::Remove(Scheme::Sha256.digest(KEY))];
        for (scheme, status) in [(Scheme::Sha256, current), (before, previous)] {
            let Some(status) = status else { continue };
            let record = Record { digest: scheme.digest(KEY), status, ..world.record };
            keys.push(Change::Put(record));
        }
        world.publish(Batch { keys, schemes: Some(Arc::new(schemes)), ..Batch::default() });
        let root = world.reader.current().unwrap();
        match identify(&root, world.reader.meters(), &CallKey::Presented(KEY), at(0)) {
            Ok(record) => Ok(record.status),
            Err(unfit) => {
                assert_eq!(unfit.record.is_none(), unfit.refusal == Refusal::KeyUnknown);
                Err(unfit.refusal)
            }
        }
    }

    #[test]
    fn the_previous_scheme_is_for_what_the_current_one_does_not_find() {
        use Status::{Active, Revoked, Suspended};
        assert_eq!(identified(Some(Active), None), Ok(Active));
        assert_eq!(identified(None, Some(Active)), Ok(Active));
        assert_eq!(identified(Some(Active), Some(Revoked)), Ok(Active));
        assert_eq!(identified(Some(Suspended), Some(Active)), Err(Refusal::KeySuspended));
        assert_eq!(identified(Some(Suspended), None), Err(Refusal::KeySuspended));
        assert_eq!(identified(None, Some(Revoked)), Err(Refusal::KeyRevoked));
        assert_eq!(identified(None, None), Err(Refusal::KeyUnknown));
    }

    #[test]
    fn a_key_whose_value_is_anothers_now_is_gone() {
        let mut world = World::new(Limits::default());
        let other = Record { meter: world.writer.allot(&[]).unwrap(), ..world.record };
        world.publish(Batch { keys: vec![Change::Put(other)], ..Batch::default() });
        let root = world.reader.current().unwrap();
        let of = |meter| standing(&root, &world.record.digest, meter, at(0));
        assert_eq!(of(world.record.meter), Err(Refusal::KeyUnknown));
        assert_eq!(of(other.meter), Ok(()));
    }

    #[test]
    fn the_first_fault_is_reported_whatever_comes_after() {
        let world = World::new(Limits::default());
        let root = world.reader.current().unwrap();
        let faulty = Record {
            status: Status::Revoked,
            not_before: u32::MAX - 1,
            not_after: 1,
            owner: crate::OwnerId(9),
            terms: crate::TermsId(9),
            ..world.record
        };
        let mut record = faulty;
        let mut reported = Vec::new();
        let repairs: [fn(&mut Record, &Record); 5] = [
            |record, good| record.status = good.status,
            |record, good| record.not_before = good.not_before,
            |record, good| record.not_after = good.not_after,
            |record, good| record.owner = good.owner,
            |record, good| record.terms = good.terms,
        ];
        for repair in repairs {
            reported.push(check_standing(&root, &record, at(0)).unwrap_err());
            repair(&mut record, &world.record);
        }
        assert_eq!(reported, FAULTS[2..]);
        assert_eq!(check_standing(&root, &record, at(0)), Ok(()));
        for (status, refusal) in [(Status::Waiting, FAULTS[0]), (Status::Suspended, FAULTS[1])] {
            let record = Record { status, ..faulty };
            assert_eq!(check_standing(&root, &record, at(0)), Err(refusal));
        }
    }
}
