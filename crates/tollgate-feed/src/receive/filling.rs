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
