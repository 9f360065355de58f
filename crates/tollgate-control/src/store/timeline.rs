//! What has happened to a chain, entry by entry.

use super::batch::insert;
use super::{Connection, Row, StoreError, Value};
use crate::life_cycle::{Entry, Happening, Instant, KeyNumber, Rotation, Schedule, State};

/// Appends entries to the timeline of a chain.
///
/// # Errors
/// What the store said; likewise below.
pub fn append(
    connection: &mut dyn Connection,
    chain: &str,
    entries: &[Entry],
) -> Result<(), StoreError> {
    let last = "SELECT coalesce(max(number), 0) FROM timeline WHERE chain = $1";
    let last = connection.row(last, &[chain.into()])?;
    let last = last.map_or(Ok(0), |row| row.integer(0))?;
    let rows = (last + 1..).zip(entries).map(|(number, entry)| Ok(row(chain, number, entry)));
    insert(connection, "timeline", COLUMNS, rows)
}

/// Begins the timelines of new chains.
pub fn begin<'a>(
    connection: &mut dyn Connection,
    chains: impl Iterator<Item = (&'a str, &'a [Entry])>,
) -> Result<(), StoreError> {
    let rows = chains.flat_map(|(chain, entries)| {
        (1..).zip(entries).map(move |(number, entry)| Ok(row(chain, number, entry)))
    });
    insert(connection, "timeline", COLUMNS, rows)
}

const COLUMNS: &str = "chain, number, at, key_number, what, details";

fn row(chain: &str, number: i64, entry: &Entry) -> Vec<Value> {
    let (what, details) = write(&entry.what);
    vec![
        chain.into(),
        number.into(),
        entry.at.into(),
        i64::from(entry.key.0).into(),
        what.into(),
        details,
    ]
}

/// The timeline of a chain, from its beginning.
pub fn of_chain(connection: &mut dyn Connection, chain: &str) -> Result<Vec<Entry>, StoreError> {
    let query =
        "SELECT at, key_number, what, details FROM timeline WHERE chain = $1 ORDER BY number";
    let rows = connection.rows(query, &[chain.into()])?;
    rows.iter().map(read).collect()
}

/// What an entry says, as the columns `what` and `details` hold it.
fn write(what: &Happening) -> (&'static str, Value) {
    match what {
        Happening::Issued(state) => ("issued", state.as_str().into()),
        Happening::Provisioned => ("provisioned", Value::Null),
        Happening::Became(state) => ("became", state.as_str().into()),
        Happening::Failed(reason) => ("failed", reason.as_str().into()),
        Happening::Rotated => ("rotated", Value::Null),
        Happening::SupersededUntil(second) => ("superseded_until", second.to_string().into()),
        Happening::PolicyChanged => ("policy_changed", Value::Null),
        Happening::Rescheduled { from, to } => {
            ("rescheduled", format!("{} {}", schedule(*from), schedule(*to)).into())
        }
        Happening::ExpiryChanged(None) => ("expiry_changed", Value::Null),
        Happening::ExpiryChanged(Some(Instant::Day(second))) => {
            ("expiry_changed", format!("day {second}").into())
        }
        Happening::ExpiryChanged(Some(Instant::Second(second))) => {
            ("expiry_changed", format!("second {second}").into())
        }
    }
}

/// Planned rotation, when it runs, and expiration, in seconds since 1970: `1795714265,1795710665,`.
fn schedule(Schedule { rotation, expiration }: Schedule) -> String {
    let (planned, due) = rotation.map(|rotation| (rotation.planned, rotation.due)).unzip();
    let dates = [planned, due, expiration.map(Instant::start)];
    dates.map(|date| date.map(|second| second.to_string()).unwrap_or_default()).join(",")
}

fn read_schedule(text: &str) -> Option<Schedule> {
    let date = |text: &str| match text {
        "" => Some(None),
        second => second.parse().ok().map(Some),
    };
    let dates: Option<Vec<Option<i64>>> = text.split(',').map(date).collect();
    let [planned, due, expiration] = dates?.try_into().ok()?;
    Some(Schedule {
        rotation: planned.zip(due).map(|(planned, due)| Rotation { planned, due }),
        // A policy plans instants.
        expiration: expiration.map(Instant::Second),
    })
}

fn read(row: &Row) -> Result<Entry, StoreError> {
    let corrupt = || StoreError::Corrupt("an entry of a timeline".to_owned());
    let details = row.optional_text(3)?;
    let state = || details.and_then(State::named).ok_or_else(corrupt);
    let second = |text: &str| text.parse().map_err(|_| corrupt());
    let what = match row.text(2)? {
        "issued" => Happening::Issued(state()?),
        "provisioned" => Happening::Provisioned,
        "became" => Happening::Became(state()?),
        "failed" => Happening::Failed(details.ok_or_else(corrupt)?.to_owned()),
        "rotated" => Happening::Rotated,
        "superseded_until" => Happening::SupersededUntil(second(details.ok_or_else(corrupt)?)?),
        "policy_changed" => Happening::PolicyChanged,
        "rescheduled" => {
            let details = details.ok_or_else(corrupt)?;
            let (from, to) = details.split_once(' ').ok_or_else(corrupt)?;
            let read = |text| read_schedule(text).ok_or_else(corrupt);
            Happening::Rescheduled { from: read(from)?, to: read(to)? }
        }
        "expiry_changed" => {
            Happening::ExpiryChanged(match details.map(|text| text.split_once(' ')) {
                None => None,
                Some(Some(("day", text))) => Some(Instant::Day(second(text)?)),
                Some(Some(("second", text))) => Some(Instant::Second(second(text)?)),
                Some(_) => return Err(corrupt()),
            })
        }
        _ => return Err(corrupt()),
    };
    let key = u32::try_from(row.integer(1)?).map_err(|_| corrupt())?;
    Ok(Entry { at: row.integer(0)?, key: KeyNumber(key), what })
}
