use super::*;
use proptest::prelude::*;
use std::collections::HashMap;

use crate::OwnerId;

fn record(digest: Digest, owner: u32) -> Record {
    Record { digest, owner: OwnerId(owner), ..Record::VACANT }
}

/// Digests that crowd: few shards, few homes, few tags; enough of them for several chunks.
fn crowded() -> impl Strategy<Value = Digest> {
    (0u8..2, 0u8..8, 0u8..24).prop_map(|(shard, home, tail)| {
        let mut bytes = [0; 32];
        bytes[0] = shard << 7;
        bytes[8] = home << 5;
        bytes[31] = tail;
        Digest::new(bytes)
    })
}

proptest! {
    #[test]
    fn matches_a_map_and_leaves_older_versions_alone(
        steps in proptest::collection::vec((crowded(), prop::option::weighted(0.8, 0u32..100)), 1..150),
        room in proptest::collection::vec(crowded(), 0..150),
    ) {
        let mut table = Table::default();
        let mut map = HashMap::new();
        table.make_room(room.iter());
        for (digest, owner) in steps {
            let before = table.clone();
            let known: HashMap<_, _> = map.clone();
            match owner {
                Some(owner) => {
                    let old = table.put(record(digest, owner)).map(|record| record.owner.0);
                    prop_assert_eq!(old, map.insert(digest, owner));
                }
                None => {
                    let old = table.remove(&digest).map(|record| record.owner.0);
                    prop_assert_eq!(old, map.remove(&digest));
                }
            }
            for (table, map) in [(&table, &map), (&before, &known)] {
                prop_assert_eq!(table.len(), map.len());
                for (digest, owner) in map {
                    prop_assert_eq!(table.find(digest).map(|record| record.owner.0), Some(*owner));
                }
            }
        }
        prop_assert_eq!(table.iter().count(), map.len());
        let shards = table.groups.iter().flat_map(|group| group.iter());
        prop_assert_eq!(table.bytes(), shards.map(|shard| shard.bytes()).sum::<usize>());
    }
}

/// So many digests, as evenly spread as those of keys.
fn spread(count: u64) -> Vec<Digest> {
    let digest = |number: u64| {
        let [head, body] =
            [0x9e37_79b9_7f4a_7c15, 0xbf58_476d_1ce4_e5b9u64].map(|odd| number.wrapping_mul(odd));
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&head.to_be_bytes());
        bytes[8..16].copy_from_slice(&body.to_be_bytes());
        Digest::new(bytes)
    };
    (0..count).map(digest).collect()
}

#[test]
fn groups_have_as_many_shards_as_their_keys_fill_however_they_come() {
    for (count, shards) in [(1_000, 1..=1), (20_000, 4..=8), (400_000, 64..=128)] {
        let digests = spread(count);
        let records: Vec<_> = (0..).zip(&digests).map(|(owner, key)| record(*key, owner)).collect();
        let mut sorted = records.clone();
        sorted.sort_unstable_by_key(|record| *record.digest.bytes());
        let [mut one_by_one, mut filled, mut roomy] = [(); 3].map(|()| Table::default());
        let middle = sorted.len() / 3;
        filled.fill(&sorted[..middle]);
        filled.fill(&sorted[middle..]);
        roomy.make_room(digests.iter());
        for table in [&mut one_by_one, &mut roomy] {
            records.iter().for_each(|record| assert!(table.put(*record).is_none()));
        }
        for table in [&one_by_one, &filled, &roomy] {
            assert_eq!(table.len(), records.len());
            let found = |record: &Record| table.find(&record.digest).map(|found| found.owner);
            assert!(records.iter().all(|record| found(record) == Some(record.owner)));
            assert_eq!(table.iter().count(), records.len());
            assert!(table.groups.iter().all(|group| shards.contains(&group.len())));
            let bytes = table.groups.iter().map(|group| bytes(group)).sum::<usize>();
            assert_eq!(table.bytes(), bytes);
        }
    }
}

#[test]
fn room_is_made_once_and_for_little_more_than_what_comes() {
    let digests = spread(300_000);
    let mut table = Table::default();
    table.make_room(digests.iter());
    let room = table.bytes();
    for digest in &digests {
        table.put(record(*digest, 1));
    }
    assert_eq!(table.bytes(), room);
    assert!(room < digests.len() * 90, "{room} bytes");
}

#[test]
fn a_miss_has_something_to_look_at() {
    let mut table = Table::default();
    let digest = Digest::new([7; 32]);
    assert_eq!(table.near(&digest), None);
    table.put(record(digest, 7));
    assert_eq!(table.near(&digest).unwrap().owner.0, 7);
    let mut other = [7; 32];
    other[31] = 8;
    assert_eq!(table.near(&Digest::new(other)).unwrap().owner.0, 7);
}

#[test]
fn a_record_takes_72_bytes() {
    assert_eq!(size_of::<Record>(), 72);
}
