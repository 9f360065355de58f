//! Where a store that was restored goes on: behind everything that the one before it has said.

use tollgate_core::Revision;

use super::audit::signed;
use super::batch::insert;
use super::{Connection, Engine, Row, StoreError, migrations, writer};

const AUDIT: &str =
    "number, at, actor, action, kind, object, outcome, details, epoch, revision, hash";

const REVISIONS: &str = "epoch, number, at, actor, touched";

/// So many rows are in memory at once.
const PAGE: i64 = 10_000;

/// Brings `restored`, on whose `connection` a transaction has begun, to the newest version, and begins an epoch in it that is later than any that
/// it or `present` has seen, and than `epoch`. With `present`, its audit log and its revisions go on
/// where those of `present` are: what was written to an append-only log stays. Revisions are
/// numbered on from the greater number, so that none of a store's is ever given twice.
///
/// Returns whether the log of `restored` was the beginning of that of `present`. If not, the caller
/// rolls back.
///
/// # Errors
/// What either said.
pub(crate) fn go_on(
    restored: &dyn Engine,
    connection: &mut dyn Connection,
    present: Option<&mut dyn Connection>,
    epoch: u64,
) -> Result<bool, StoreError> {
    migrations::bring(restored, connection, epoch.cast_signed())?;
    let mut newest = writer::newest(connection)?;
    if let Some(present) = present {
        if !begins(connection, present)? {
            return Ok(false);
        }
        copy_entries(present, connection)?;
        copy_revisions(present, connection)?;
        let other = writer::newest(present)?;
        newest = Revision {
            epoch: newest.epoch.max(other.epoch),
            number: newest.number.max(other.number),
        };
    }
    let begun = Revision { epoch: epoch.max(newest.epoch + 1), ..newest };
    let (epoch, number) = signed(begun);
    let begin = "UPDATE feed SET epoch = $1, number = $2";
    connection.run(begin, &[epoch.into(), number.into()])?;
    Ok(true)
}

/// Whether the log of `restored` is the beginning of that of `present`.
fn begins(restored: &mut dyn Connection, present: &mut dyn Connection) -> Result<bool, StoreError> {
    let last = "SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1";
    let Some(last) = restored.row(last, &[])? else { return Ok(true) };
    let same = "SELECT hash FROM audit WHERE number = $1";
    let same = present.row(same, &[last.integer(0)?.into()])?;
    same.map_or(Ok(false), |same| Ok(same.bytes(0)? == last.bytes(1)?))
}

fn copy_entries(
    present: &mut dyn Connection,
    restored: &mut dyn Connection,
) -> Result<(), StoreError> {
    let page = format!("SELECT {AUDIT} FROM audit WHERE number > $1 ORDER BY number LIMIT $2");
    loop {
        let last = restored.row("SELECT coalesce(max(number), 0) FROM audit", &[])?;
        let last = last.map_or(Ok(0), |row| row.integer(0))?;
        let rows = present.rows(&page, &[last.into(), PAGE.into()])?;
        if rows.is_empty() {
            return Ok(());
        }
        insert(restored, "audit", AUDIT, rows.into_iter().map(|Row(values)| Ok(values)))?;
    }
}

fn copy_revisions(
    present: &mut dyn Connection,
    restored: &mut dyn Connection,
) -> Result<(), StoreError> {
    let page = format!(
        "SELECT {REVISIONS} FROM revisions WHERE epoch > $1 OR (epoch = $2 AND number > $3) \
         ORDER BY epoch, number LIMIT $4"
    );
    let last = "SELECT epoch, number FROM revisions ORDER BY epoch DESC, number DESC LIMIT 1";
    loop {
        let last = restored.row(last, &[])?;
        let last =
            last.map_or(Ok((0, 0)), |row| Ok::<_, StoreError>((row.integer(0)?, row.integer(1)?)));
        let (epoch, number) = last?;
        let last = [epoch.into(), epoch.into(), number.into(), PAGE.into()];
        let rows = present.rows(&page, &last)?;
        if rows.is_empty() {
            return Ok(());
        }
        insert(restored, "revisions", REVISIONS, rows.into_iter().map(|Row(values)| Ok(values)))?;
    }
}
