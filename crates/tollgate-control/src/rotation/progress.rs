//! How far rotations have come.

use crate::model::SchemeSettings;
use crate::operations::Context;
use crate::store::{Connection, StoreError};

/// What is kept of the keys of a store, by what it is kept with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Keys, their secrets and those of webhooks, which are sealed.
    pub sealed: Stood,
    /// Digests of keys that can still work.
    pub digested: Stood,
    /// Of those that are digested under the previous scheme, those that cannot be moved because the
    /// keys themselves are not kept.
    pub unmovable: u64,
}

/// What is sealed. Answers to repeated requests are not sealed anew: they are forgotten after a day.
const SEALED: [(&str, &str); 4] = [
    ("keys", "sealed"),
    ("keys", "sealed_secret"),
    ("webhook_secrets", "sealed"),
    ("answers", "answer"),
];

/// How many stand where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stood {
    /// With what is in use.
    pub present: u64,
    /// With what was in use before, as it is configured.
    pub previous: u64,
    /// With neither, or it is not known.
    pub other: u64,
}

impl Progress {
    /// Counts. Reads all keys.
    ///
    /// # Errors
    /// What the store said.
    pub fn of(context: &Context, connection: &mut dyn Connection) -> Result<Self, StoreError> {
        let mut progress = Self::default();
        for (table, column) in SEALED {
            let marks = format!(
                "SELECT substr({column}, 2, 4), count(*) FROM {table} \
                 WHERE {column} IS NOT NULL GROUP BY substr({column}, 2, 4)"
            );
            for row in connection.rows(&marks, &[])? {
                let mark = row.bytes(0)?;
                let is_previous = context.sealer.previous_mark().is_some_and(|known| known == mark);
                let place = match context.sealer.mark() == mark {
                    true => &mut progress.sealed.present,
                    false if is_previous => &mut progress.sealed.previous,
                    false => &mut progress.sealed.other,
                };
                *place += row.integer(1)?.cast_unsigned();
            }
        }
        progress.count_digests(context, connection)?;
        Ok(progress)
    }

    fn count_digests(
        &mut self,
        context: &Context,
        connection: &mut dyn Connection,
    ) -> Result<(), StoreError> {
        let digests = &context.files.digests;
        let present = digests.current.mark();
        let previous = digests.previous.as_ref().map(SchemeSettings::mark);
        let marks = "SELECT scheme, count(*), count(sealed) FROM keys \
                     WHERE state NOT IN ('revoked', 'expired') GROUP BY scheme";
        for row in connection.rows(marks, &[])? {
            let mark = row.optional_text(0)?;
            let count = row.integer(1)?.cast_unsigned();
            if mark == Some(&*present) {
                self.digested.present += count;
            } else if mark.is_some() && mark == previous.as_deref() {
                self.digested.previous += count;
                self.unmovable += count - row.integer(2)?.cast_unsigned();
            } else {
                self.digested.other += count;
            }
        }
        Ok(())
    }
}
