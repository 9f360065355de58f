//! Fresh ids: UUIDs of version 7 (RFC 9562 §5.7), so that rows of one time lie together.

use std::cell::Cell;

/// Fresh ids of one instant, each behind the one before: rows that are made together lie together.
pub(super) struct Ids {
    now: i64,
    counter: uuid::ContextV7,
}

/// The same, of a set of ids that is taken as a whole: there are no others between its first and its
/// last, as 34 random bits behind the instant are its own.
pub(super) struct Reserved {
    pub(super) now: i64,
    /// What 40 bits of are in each of its ids; six of these say that it is an id at all.
    tag: [u8; 5],
    next: Cell<u64>,
}

/// The bits that are left for the number of an id in its set.
const NUMBER: u32 = 40;

impl Ids {
    /// Ids of an instant in milliseconds since 1970.
    pub(super) fn at(now: i64) -> Self {
        Self { now, counter: uuid::ContextV7::new() }
    }

    pub(super) fn next(&self) -> String {
        let (seconds, milliseconds) = (self.now.div_euclid(1000), self.now.rem_euclid(1000));
        let nanoseconds = u32::try_from(milliseconds).unwrap_or(0) * 1_000_000;
        let seconds = u64::try_from(seconds).unwrap_or(0);
        let instant = uuid::Timestamp::from_unix(&self.counter, seconds, nanoseconds);
        uuid::Uuid::new_v7(instant).to_string()
    }
}

impl Reserved {
    /// A set of an instant in milliseconds since 1970.
    pub(super) fn at(now: i64) -> Self {
        // The first bytes of an id of version 4 are all random.
        let [a, b, c, d, e, ..] = *uuid::Uuid::new_v4().as_bytes();
        Self { now, tag: [a, b, c, d, e], next: Cell::new(0) }
    }

    pub(super) fn next(&self) -> String {
        let number = self.next.get();
        self.next.set(number + 1);
        self.id(number)
    }

    /// The ids between which all of it lie.
    pub(super) fn bounds(&self) -> (String, String) {
        (self.id(0), self.id((1 << NUMBER) - 1))
    }

    fn id(&self, number: u64) -> String {
        let [a, b, c, d, e] = self.tag;
        let [.., v, w, x, y, z] = number.to_be_bytes();
        let now = u64::try_from(self.now).unwrap_or(0);
        let bytes = [a, b, c, d, e, v, w, x, y, z];
        uuid::Builder::from_unix_timestamp_millis(now, &bytes).into_uuid().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_a_set_lie_between_its_bounds_in_their_order_and_no_others_do() {
        let (reserved, ids) = (Reserved::at(1_767_225_600_000), Ids::at(1_767_225_600_000));
        let (first, last) = reserved.bounds();
        let own: Vec<_> = (0..1_000).map(|_| reserved.next()).collect();
        assert!(own.is_sorted() && own[0] == first && own[999] < last);
        for id in &own {
            assert_eq!(uuid::Uuid::parse_str(id).unwrap().get_version_num(), 7, "{id}");
        }
        let other = Reserved::at(1_767_225_600_000);
        for id in (0..1_000).flat_map(|_| [ids.next(), other.next()]) {
            assert!(id < first || id > last, "{id}");
        }
    }
}
