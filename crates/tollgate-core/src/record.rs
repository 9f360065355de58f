//! What a snapshot knows of one key.

use crate::table::Keyed;
use crate::{Digest, KeyId, MeterId, OwnerId, TermsId};

/// The state of a package key as its control plane last said it. Expiry is not a status: it is the
/// instant in [`Record::not_after`], enforced by the proxy's own clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Made but not yet provisioned (v3 `waiting`, key set `Pending`).
    Waiting,
    /// Usable.
    Active,
    /// Barred until it is activated again (v3 `disabled`).
    Suspended,
    /// Barred for good.
    Revoked,
}

/// One key. Everything that many keys share stands elsewhere in the snapshot and is named here by
/// index, so that a change of it does not touch the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// Stands for the key itself.
    pub digest: Digest,
    /// Its public name.
    pub id: KeyId,
    /// Where its calls are counted: the chain's, so that a rotated key keeps its counters.
    pub meter: MeterId,
    /// What it may call, and how often.
    pub terms: TermsId,
    /// The application it belongs to.
    pub owner: OwnerId,
    /// First second of validity, since 1970; 0 for always.
    pub not_before: u32,
    /// First second after validity, since 1970; [`Record::NEVER`] for never.
    pub not_after: u32,
    /// Which one it is of the successive keys that count on its meter, modulo 65,536: with it goes
    /// when it was last used.
    pub number: u16,
    /// Its state.
    pub status: Status,
}

impl Record {
    /// A `not_after` that does not come.
    pub const NEVER: u32 = u32::MAX;
}

impl Keyed for Record {
    const VACANT: Self = Self {
        digest: Digest::new([0; 32]),
        id: KeyId::EMPTY,
        meter: MeterId(0),
        terms: TermsId(0),
        owner: OwnerId(0),
        not_before: 0,
        not_after: 0,
        number: 0,
        status: Status::Waiting,
    };

    fn digest(&self) -> &Digest {
        &self.digest
    }
}
