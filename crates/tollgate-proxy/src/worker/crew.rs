//! The workers of a process as each of them sees all: how many connections they have, and where one
//! is sent that another is to serve.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use tokio::sync::mpsc::{UnboundedSender, WeakUnboundedSender};

use super::Mail;
use super::accept::OpenConnection;
use crate::metrics::Cells;
use crate::socket::LooseSocket;

/// The part of its connections by which a worker may have more than another: to send one over costs
/// both of them some system calls.
const SLACK: usize = 8;

/// All workers, by their numbers.
pub(crate) struct Crew(Box<[Member]>);

struct Member {
    cells: Arc<Cells>,
    /// Weak: workers end when nobody else can tell them anything.
    mailbox: WeakUnboundedSender<Mail>,
    /// Whether it takes connections that others have accepted.
    open: AtomicBool,
}

/// A connection that counts among those of a worker, until it is dropped.
#[derive(Debug)]
pub(crate) struct Load(Arc<Cells>);

/// A connection that another worker has accepted.
#[derive(Debug)]
pub(crate) struct Arrival {
    /// The number of the listener that it came by.
    pub(crate) door: usize,
    pub(crate) socket: LooseSocket,
    /// `None` = by a Unix socket.
    pub(crate) peer: Option<IpAddr>,
    pub(crate) seat: OpenConnection,
    pub(crate) load: Load,
}

impl Crew {
    pub(crate) fn new(workers: impl Iterator<Item = (Arc<Cells>, UnboundedSender<Mail>)>) -> Self {
        let member = |(cells, mailbox): (_, UnboundedSender<_>)| Member {
            cells,
            mailbox: mailbox.downgrade(),
            open: AtomicBool::new(true),
        };
        Self(workers.map(member).collect())
    }

    /// Who is to serve a connection that worker `own` has accepted, for whom it counts from now on: the
    /// one with the fewest, unless `own` has hardly more.
    ///
    /// A count that has moved since it was looked at is looked at again, so that workers which accept
    /// at once do not all choose the same one.
    /// `None` = there is no such worker.
    pub(crate) fn choose(&self, own: usize) -> Option<(usize, Load)> {
        loop {
            let mine = self.count(own);
            let most = mine - mine / SLACK;
            let others = self.0.iter().enumerate().filter(|(_, member)| member.open.load(SeqCst));
            let counts = others.map(|(number, _)| (number, self.count(number)));
            let least = counts.min_by_key(|(_, count)| *count).filter(|(_, count)| *count < most);
            let (number, seen) = least.unwrap_or((own, mine));
            let member = self.0.get(number)?;
            let count = &member.cells.connections;
            if count.compare_exchange(seen, seen + 1, SeqCst, SeqCst).is_err() {
                continue;
            }
            let load = Load(Arc::clone(&member.cells));
            // One that closes looks for what is counted only afterwards: one of the two sees the other.
            if number == own || member.open.load(SeqCst) {
                return Some((number, load));
            }
        }
    }

    /// Counts a connection among those of worker `own`, whoever has more.
    pub(crate) fn take(&self, own: usize) -> Option<Load> {
        let cells = &self.0.get(own)?.cells;
        cells.connections.fetch_add(1, SeqCst);
        Some(Load(Arc::clone(cells)))
    }

    /// Says whether a worker takes connections that others have accepted.
    pub(crate) fn set_open(&self, number: usize, open: bool) {
        if let Some(member) = self.0.get(number) {
            member.open.store(open, SeqCst);
        }
    }

    /// Where worker `number` is told something; `None` once it has ended.
    pub(crate) fn mailbox(&self, number: usize) -> Option<UnboundedSender<Mail>> {
        self.0.get(number)?.mailbox.upgrade()
    }

    /// How many connections a worker has, those that are on their way to it among them.
    pub(crate) fn count(&self, number: usize) -> usize {
        self.0.get(number).map_or(0, |member| member.cells.connections.load(SeqCst))
    }
}

impl fmt::Debug for Crew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Crew").field(&self.0.len()).finish()
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::unbounded_channel;

    use super::*;

    fn crew(workers: usize) -> Crew {
        Crew::new((0..workers).map(|_| (Arc::<Cells>::default(), unbounded_channel().0)))
    }

    fn counts(crew: &Crew) -> Vec<usize> {
        (0..crew.0.len()).map(|number| crew.count(number)).collect()
    }

    #[test]
    fn a_few_connections_are_spread_evenly_whoever_accepts_them() {
        let crew = crew(4);
        let mut held: Vec<_> = (0..8).map(|_| crew.choose(2).unwrap().1).collect();
        assert_eq!(counts(&crew), [2, 2, 2, 2]);
        held.push(crew.choose(3).unwrap().1);
        assert_eq!(counts(&crew), [2, 2, 2, 3]);
        drop(held);
        assert_eq!(counts(&crew), [0; 4]);
        assert_eq!(crew.choose(1).unwrap().0, 1);
        assert!(crew.choose(4).is_none());
    }

    #[test]
    fn nothing_is_sent_to_one_that_ends() {
        let crew = crew(3);
        crew.set_open(0, false);
        let held: Vec<_> = (0..4).map(|_| crew.choose(1).unwrap()).collect();
        assert_eq!(counts(&crew), [0, 2, 2]);
        crew.set_open(0, true);
        assert_eq!(crew.choose(1).unwrap().0, 0);
        drop(held);
    }

    #[test]
    fn of_many_a_worker_keeps_its_own_until_it_has_clearly_more() {
        let crew = crew(2);
        let held: Vec<_> = (0..1000).map(|_| crew.choose(0).unwrap().1).collect();
        let counts = counts(&crew);
        assert_eq!(counts.iter().sum::<usize>(), held.len());
        assert!(counts[1] < counts[0] && counts[0] - counts[1] <= counts[0] / SLACK, "{counts:?}");
    }

    #[test]
    fn workers_that_accept_at_once_do_not_choose_the_same() {
        let crew = crew(4);
        let held: Vec<_> = std::thread::scope(|scope| {
            let crew = &crew;
            let accept = |own| (0..2).map(|_| crew.choose(own).unwrap().1).collect::<Vec<_>>();
            let threads: Vec<_> = (0..4).map(|own| scope.spawn(move || accept(own))).collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(held.len(), 8);
        assert_eq!(counts(&crew), [2, 2, 2, 2]);
    }
}
