//! A chain as a store keeps it over a restart: rows of text, without the keys that are over.

use std::fmt::Write;
use std::str::FromStr;

use crate::life_cycle::{Chain, Failure, Instant, Key, KeyNumber, Rotation, State};

/// Stores a chain and reads it back.
pub(super) fn restarted(chain: &Chain) -> Chain {
    let mut rows = String::new();
    for key in chain.earlier.iter().filter(|key| !key.state.is_over()) {
        write_key(&mut rows, key);
    }
    write_key(&mut rows, &chain.latest);
    let mut keys: Vec<_> = rows.lines().map(read_key).collect();
    Chain {
        version: read(&chain.version.to_string()).unwrap(),
        policy: chain.policy,
        suspended_itself: chain.suspended_itself,
        application_suspended: chain.application_suspended,
        last_error: chain.last_error.as_ref().map(|error| Failure {
            at: read(&error.at.to_string()).unwrap(),
            reason: error.reason.clone(),
        }),
        latest: keys.pop().unwrap(),
        earlier: keys,
    }
}

fn write_key(rows: &mut String, key: &Key) {
    let rotation = key.rotation.map(|rotation| (rotation.planned, rotation.due));
    let columns = [
        key.superseded_until,
        key.issued,
        key.provisioned,
        rotation.map(|(planned, _)| planned),
        rotation.map(|(_, due)| due),
        key.rotated,
        key.expiration.map(Instant::start),
        key.expired,
        key.revoked,
    ];
    let kind = matches!(key.expiration, Some(Instant::Day(_)));
    write!(rows, "{},{},{kind}", key.number.0, key.state).unwrap();
    for column in columns {
        write!(rows, ",{}", column.map(|second| second.to_string()).unwrap_or_default()).unwrap();
    }
    rows.push('\n');
}

fn read_key(row: &str) -> Key {
    let columns: Vec<_> = row.split(',').collect();
    let date = |column: usize| read::<i64>(columns[column]);
    let instant = if columns[2] == "true" { Instant::Day } else { Instant::Second };
    Key {
        number: KeyNumber(read(columns[0]).unwrap()),
        state: State::named(columns[1]).unwrap(),
        superseded_until: date(3),
        issued: date(4),
        provisioned: date(5),
        rotation: date(6).zip(date(7)).map(|(planned, due)| Rotation { planned, due }),
        rotated: date(8),
        expiration: date(9).map(instant),
        expired: date(10),
        revoked: date(11),
    }
}

fn read<T: FromStr>(column: &str) -> Option<T> {
    column.parse().ok()
}
