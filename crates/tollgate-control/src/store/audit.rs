//! The audit log: append-only, each entry chained to the one before by its hash (S4-26 and the
//! design's change road).
//!
//! Whoever changes an entry has to change every later one too; whoever has kept a later hash, from
//! a backup or a printout, finds it out.

mod search;
mod shown;

use sha2::{Digest, Sha256};
use tollgate_core::Revision;

use super::{Connection, Row, StoreError, Value};
pub use search::{AuditPage, AuditSearch};
pub use shown::AuditEntry;

/// What somebody asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deed {
    /// Who: a member's id, `cli`, or `scheduler`.
    pub actor: String,
    /// What, as in `key.suspend`.
    pub action: String,
    /// The kind of object that it was done to, as in `key`.
    pub kind: String,
    /// The object's id; empty where it has none.
    pub object: String,
    /// What changed, as a JSON object. Never a secret.
    pub details: String,
}

/// An entry of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Counts entries from 1.
    pub number: i64,
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// What was asked for.
    pub deed: Deed,
    /// [`DONE`], or the code of the refusal.
    pub outcome: String,
    /// The revision that it made, if it changed what proxies decide from.
    pub revision: Option<Revision>,
    /// SHA-256 of the hash before and of everything above.
    pub hash: [u8; 32],
}

/// The outcome of a deed that was done.
pub const DONE: &str = "done";

/// What the first entry is chained to.
const GENESIS: [u8; 32] = [0; 32];

const COLUMNS: &str =
    "number, at, actor, action, kind, object, outcome, details, epoch, revision, hash";

/// Where the log ends.
pub(super) struct Tail {
    number: i64,
    hash: [u8; 32],
}

impl Tail {
    /// Finds the end of the log.
    pub(super) fn find(connection: &mut dyn Connection) -> Result<Self, StoreError> {
        let last = "SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1";
        match connection.row(last, &[])? {
            Some(row) => Ok(Self { number: row.integer(0)?, hash: hash(&row, 1)? }),
            None => Ok(Self { number: 0, hash: GENESIS }),
        }
    }

    /// Appends an entry.
    pub(super) fn append(
        &mut self,
        connection: &mut dyn Connection,
        at: i64,
        deed: Deed,
        outcome: &str,
        revision: Option<Revision>,
    ) -> Result<(), StoreError> {
        let outcome = outcome.to_owned();
        let number = self.number + 1;
        let mut entry = Entry { number, at, deed, outcome, revision, hash: GENESIS };
        entry.hash = entry.chained_to(&self.hash);
        entry.insert(connection)?;
        *self = Self { number, hash: entry.hash };
        Ok(())
    }
}

impl Entry {
    /// The hash that the entry has after one with the hash `before`. Every field is preceded by
    /// its length, so that no two entries read the same.
    fn chained_to(&self, before: &[u8; 32]) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(before);
        hash.update(self.number.to_be_bytes());
        hash.update(self.at.to_be_bytes());
        let Deed { actor, action, kind, object, details } = &self.deed;
        for text in [actor, action, kind, object, &self.outcome, details] {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        }
        if let Some(Revision { epoch, number }) = self.revision {
            hash.update(epoch.to_be_bytes());
            hash.update(number.to_be_bytes());
        }
        hash.finalize().into()
    }

    fn insert(&self, connection: &mut dyn Connection) -> Result<(), StoreError> {
        let Deed { actor, action, kind, object, details } = &self.deed;
        let revision = self.revision.map(signed);
        connection.run(
            &format!(
                "INSERT INTO audit ({COLUMNS}) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
            ),
            &[
                self.number.into(),
                self.at.into(),
                actor.as_str().into(),
                action.as_str().into(),
                kind.as_str().into(),
                object.as_str().into(),
                self.outcome.as_str().into(),
                details.as_str().into(),
                revision.map(|(epoch, _)| epoch).into(),
                revision.map(|(_, number)| number).into(),
                Value::Bytes(self.hash.to_vec()),
            ],
        )?;
        Ok(())
    }

    /// Reads an entry out of a row of [`COLUMNS`].
    fn read(row: &Row) -> Result<Self, StoreError> {
        let text = |column| row.text(column).map(str::to_owned);
        let revision = row.optional_integer(8)?.zip(row.optional_integer(9)?);
        Ok(Self {
            number: row.integer(0)?,
            at: row.integer(1)?,
            deed: Deed {
                actor: text(2)?,
                action: text(3)?,
                kind: text(4)?,
                object: text(5)?,
                details: text(7)?,
            },
            outcome: text(6)?,
            revision: revision.map(unsigned),
            hash: hash(row, 10)?,
        })
    }
}

/// Checks the whole log and returns how many entries it has.
///
/// # Errors
/// The number of the first entry that is not what was appended, or that is missing.
pub fn verify(connection: &mut dyn Connection) -> Result<Result<i64, i64>, StoreError> {
    let mut tail = Tail { number: 0, hash: GENESIS };
    let mut broken = None;
    let all = format!("SELECT {COLUMNS} FROM audit ORDER BY number");
    connection.each(&all, &[], &mut |row| {
        let entry = Entry::read(&row)?;
        let whole = entry.number == tail.number + 1 && entry.hash == entry.chained_to(&tail.hash);
        if !whole {
            broken.get_or_insert(tail.number + 1);
        }
        tail = Tail { number: entry.number, hash: entry.hash };
        Ok(())
    })?;
    Ok(broken.map_or(Ok(tail.number), Err))
}

/// A revision as the columns `epoch` and `number` hold it.
pub(super) fn signed(revision: Revision) -> (i64, i64) {
    (revision.epoch.cast_signed(), revision.number.cast_signed())
}

/// A revision out of the columns `epoch` and `number`.
pub(super) fn unsigned((epoch, number): (i64, i64)) -> Revision {
    Revision { epoch: epoch.cast_unsigned(), number: number.cast_unsigned() }
}

fn hash(row: &Row, column: usize) -> Result<[u8; 32], StoreError> {
    let bytes = row.bytes(column)?;
    bytes.try_into().map_err(|_| StoreError::Corrupt("a hash that is none".to_owned()))
}
