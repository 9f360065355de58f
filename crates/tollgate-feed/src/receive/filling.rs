//! A table that is filled by a thread of its own, while what comes next is still being made out.

use std::panic::resume_unwind;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};

use tollgate_core::{Record, Table};

#[derive(Debug)]
pub(super) enum Filling {
    /// By whoever has the records.
    Here(Box<Table>),
    /// By a thread.
    Apart {
        /// What takes the records.
        to: SyncSender<Vec<Record>>,
        /// Ends with all of them.
        table: JoinHandle<Table>,
    },
}

/// So many portions of records may wait.
const WAITING: usize = 16;

/// Fewer keys than these are put in sooner than a thread is there.
const MANY: u64 = 1 << 16;

impl Filling {
    /// Of a table of so many keys.
    pub(super) fn begin(keys: u64) -> Self {
        if keys < MANY {
            return Self::Here(Box::default());
        }
        let (to, records) = sync_channel::<Vec<Record>>(WAITING);
        let fill = move || {
            let mut table = Table::default();
            records.iter().for_each(|records| table.fill(&records));
            table
        };
        match Builder::new().name("table".to_owned()).spawn(fill) {
            Ok(table) => Self::Apart { to, table },
            Err(_) => Self::Here(Box::default()),
        }
    }

    pub(super) fn put(&mut self, records: Vec<Record>) {
        match self {
            Self::Here(table) => table.fill(&records),
            // It takes them all, unless it has panicked, which is gone on with at the end.
            Self::Apart { to, .. } => drop(to.send(records)),
        }
    }

    pub(super) fn end(self) -> Table {
        match self {
            Self::Here(table) => *table,
            Self::Apart { to, table } => {
                drop(to);
                table.join().unwrap_or_else(|panic| resume_unwind(panic))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tollgate_core::{Digest, Keyed};

    use super::*;

    fn digest(number: u32) -> Digest {
        let mut bytes = [0; 32];
        bytes[..4].copy_from_slice(&number.wrapping_mul(0x9e37_79b9).to_be_bytes());
        bytes[8..12].copy_from_slice(&number.to_be_bytes());
        Digest::new(bytes)
    }

    #[test]
    fn a_thread_fills_it_as_whoever_has_the_records_does() {
        let mut records: Vec<_> = (0..70_000)
            .map(|number| Record { digest: digest(number), not_after: number, ..Record::VACANT })
            .collect();
        records.sort_by(|one, next| one.digest.bytes().cmp(next.digest.bytes()));
        let mut here = Filling::Here(Box::default());
        let mut apart = Filling::begin(records.len() as u64);
        assert!(matches!(apart, Filling::Apart { .. }));
        for portion in records.chunks(900) {
            here.put(portion.to_vec());
            apart.put(portion.to_vec());
        }
        let (here, apart) = (here.end(), apart.end());
        assert_eq!((apart.len(), apart.bytes()), (records.len(), here.bytes()));
        for record in &records {
            assert_eq!(apart.find(&record.digest), Some(record));
            assert_eq!(apart.find(&record.digest), here.find(&record.digest));
        }
        let absent = (70_000..140_000).map(digest);
        assert!(absent.into_iter().all(|digest| apart.find(&digest).is_none()));
    }
}
