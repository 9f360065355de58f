//! The data plane as a whole: workers on their threads, and the way to talk to them.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::{oneshot, watch};
use tollgate_core::{Clock, Mailbox, Notice, SnapshotReader, Strangers};

use crate::access_log::{AccessLog, Writer, Writing};
use crate::key_events::{KeyEventRings, rings as rings_of_key_events};
use crate::listen::{BindError, ListenAddress, Listener, SocketFile, open, share};
use crate::metrics::{Cells, Connections, Metrics};
#[cfg(feature = "otlp")]
use crate::spans::SpanRings;
use crate::upstream::{Share, Upstreams};
use crate::worker::{Crew, Entrance, Mail, Seat, WorkerSettings, run};

/// What a data plane is made of.
pub struct Plan {
    /// How many workers there are, at least 1.
    pub workers: usize,
    /// Where it listens.
    pub listeners: Vec<Listener>,
    /// What holds for every request.
    pub settings: WorkerSettings,
    /// Where snapshots come from.
    pub reader: SnapshotReader,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// Who is throttled for credentials that failed; `None` = nobody.
    pub strangers: Option<Arc<Strangers>>,
    /// Where requests are logged; `None` = nowhere.
    pub access_log: Option<AccessLog>,
    /// Sampled requests that each worker holds until they are exported; `None` = none is.
    #[cfg(feature = "otlp")]
    pub spans: Option<usize>,
    /// What is known of upstreams.
    pub upstreams: Upstreams,
    /// Tells that more of quotas is written down; `None` = they are not kept beyond the process.
    pub kept: Option<watch::Receiver<()>>,
}

/// A data plane whose sockets are bound, but which serves nobody yet.
pub struct Bound {
    seats: Vec<Seat>,
    mailboxes: Vec<UnboundedSender<Mail>>,
    addresses: Vec<(String, ListenAddress)>,
    files: Vec<SocketFile>,
    sockets: Vec<Sockets>,
    metrics: Metrics,
    writer: Option<Writer>,
    key_events: KeyEventRings,
    #[cfg(feature = "otlp")]
    spans: SpanRings,
}

/// The sockets of a listener, as another process can take them over.
#[derive(Debug)]
pub struct Sockets {
    /// What the listener is called.
    pub name: String,
    /// Where it was to listen.
    pub address: ListenAddress,
    /// All of them.
    pub sockets: Vec<OwnedFd>,
    /// The file of a Unix socket is neither this process's nor that of one that takes over.
    pub foreign: bool,
}

/// A data plane that serves.
pub struct DataPlane {
    threads: Vec<JoinHandle<io::Result<usize>>>,
    mailboxes: Vec<UnboundedSender<Mail>>,
    writing: Option<Writing>,
    /// Of its Unix sockets, removed with it.
    files: Vec<SocketFile>,
}

impl Plan {
    /// Binds every listener, so that an address in use is known before anything starts.
    ///
    /// # Errors
    /// The first address that cannot be listened on.
    pub fn bind(self) -> Result<Bound, BindError> {
        let cells: Vec<_> = (0..self.workers).map(|_| Arc::<Cells>::default()).collect();
        let (mailboxes, mail): (Vec<_>, Vec<_>) = cells.iter().map(|_| unbounded_channel()).unzip();
        let crew = Crew::new(cells.iter().cloned().zip(mailboxes.iter().cloned()));
        let crew = Arc::new(crew);
        let mut seats = Vec::new();
        let mut rings = Vec::new();
        #[cfg(feature = "otlp")]
        let mut span_rings = Vec::new();
        let (key_events, taken) = rings_of_key_events(self.workers);
        let workers = cells.iter().zip(key_events).zip(mail).enumerate();
        for (number, ((cells, key_events), mail)) in workers {
            let ring = self.access_log.as_ref().map(AccessLog::ring);
            let (ring, other_end) = ring.unzip();
            rings.extend(other_end);
            #[cfg(feature = "otlp")]
            let spans = self.spans.map(|requests| {
                let (ring, other_end) = crate::spans::ring(requests);
                span_rings.push(other_end);
                ring
            });
            seats.push(Seat {
                number,
                crew: Arc::clone(&crew),
                entrances: Vec::new(),
                mail,
                reader: self.reader.clone(),
                clock: Arc::clone(&self.clock),
                cells: Arc::clone(cells),
                settings: self.settings.clone(),
                strangers: self.strangers.clone(),
                access_log: ring,
                #[cfg(feature = "otlp")]
                spans,
                key_events,
                upstreams: self.upstreams.clone(),
                share: Share::new(number, self.workers),
                kept: self.kept.clone(),
            });
        }
        let mut addresses = Vec::new();
        let mut listeners = Vec::new();
        let (mut handed, mut files) = (Vec::new(), Vec::new());
        for Listener { name, address, settings, tls, inherited, foreign } in self.listeners {
            let opened = open(&address, (inherited, foreign), self.workers)?;
            let shares = share(&opened.sockets, self.workers);
            let shares = shares.map_err(|source| BindError::new(&address, source))?;
            let connections = Arc::new(Connections::new(&settings, tls.is_some()));
            addresses.push((name.clone(), opened.address));
            let foreign = opened.file.as_ref().is_some_and(SocketFile::is_left);
            files.extend(opened.file);
            for (seat, sockets) in seats.iter_mut().zip(shares) {
                let (settings, tls) = (settings.clone(), tls.clone());
                let connections = Arc::clone(&connections);
                seat.entrances.push(Entrance { sockets, settings, tls, connections });
            }
            let sockets = opened.sockets.into_iter().map(OwnedFd::from).collect();
            handed.push(Sockets { name: name.clone(), address, sockets, foreign });
            listeners.push((name, connections));
        }
        let names = addresses.iter().map(|(name, _)| name.clone()).collect();
        let writer = self.access_log.map(|log| log.writer(rings, names));
        let written = writer.as_ref().map(Writer::written).unwrap_or_default();
        let metrics = Metrics::new(
            cells,
            listeners,
            self.reader,
            self.strangers,
            written,
            self.upstreams,
            self.clock,
        );
        Ok(Bound {
            seats,
            mailboxes,
            addresses,
            sockets: handed,
            files,
            metrics,
            writer,
            key_events: taken,
            #[cfg(feature = "otlp")]
            spans: SpanRings::new(span_rings),
        })
    }
}

impl Bound {
    /// The name and the real address of each listener.
    #[must_use]
    pub fn addresses(&self) -> &[(String, ListenAddress)] {
        &self.addresses
    }

    /// The sockets of all listeners, which listen for as long as these are kept. There is nothing to
    /// take the second time.
    pub fn sockets(&mut self) -> Vec<Sockets> {
        std::mem::take(&mut self.sockets)
    }

    /// What the data plane will count.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Where events of keys can be taken from. There is nothing to take the second time.
    pub fn key_events(&mut self) -> KeyEventRings {
        std::mem::take(&mut self.key_events)
    }

    /// Where requests can be taken from to be exported. There is nothing to take the second time.
    #[cfg(feature = "otlp")]
    pub fn spans(&mut self) -> SpanRings {
        std::mem::take(&mut self.spans)
    }

    /// A mailbox for each worker, to be told of swaps.
    pub fn mailboxes(&self) -> impl Iterator<Item = Box<dyn Mailbox>> {
        let box_up = |sender: &UnboundedSender<Mail>| Box::new(Post(sender.clone())) as Box<_>;
        self.mailboxes.iter().map(box_up)
    }

    /// Starts the workers.
    ///
    /// # Errors
    /// If a thread cannot be started.
    pub fn start(self) -> io::Result<DataPlane> {
        let start = |(number, seat): (usize, Seat)| {
            std::thread::Builder::new().name(format!("worker-{number}")).spawn(move || run(seat))
        };
        let threads = self.seats.into_iter().enumerate().map(start).collect::<io::Result<_>>()?;
        let writing = self.writer.map(Writer::start).transpose()?;
        Ok(DataPlane { threads, mailboxes: self.mailboxes, writing, files: self.files })
    }
}

impl DataPlane {
    /// Has every worker accept nothing more and, once the requests that were on their way have come,
    /// admit nothing more: then it returns. What is open goes on; connections wait in the sockets.
    ///
    /// # Errors
    /// If a worker has ended.
    pub async fn pause(&self) -> io::Result<()> {
        let ask = |mailbox: &UnboundedSender<Mail>| {
            let (answer, answered) = oneshot::channel();
            // A worker that is gone drops the letter, and with it the answer.
            let _ = mailbox.send(Mail::Pause(answer));
            answered
        };
        let answers: Vec<_> = self.mailboxes.iter().map(ask).collect();
        for answered in answers {
            answered.await.map_err(|_| io::Error::other("a worker has ended"))?;
        }
        Ok(())
    }

    /// Has every worker serve again, wherever a pause has come to.
    pub fn resume(&self) {
        for mailbox in &self.mailboxes {
            // A worker that is gone is noticed elsewhere.
            let _ = mailbox.send(Mail::Resume);
        }
    }

    /// Leaves the files of its Unix sockets to another process, whose they are from here on.
    pub fn leave(&self) {
        self.files.iter().for_each(SocketFile::leave);
    }

    /// Has every worker accept nothing more, finish what it has open within `patience`, and end.
    /// Blocks until they have, and until the access log is written. Returns how many requests were cut.
    ///
    /// # Errors
    /// What ended a worker before its time.
    pub fn drain(self, patience: Duration) -> io::Result<usize> {
        for mailbox in &self.mailboxes {
            // A worker that is gone has nothing to drain.
            let _ = mailbox.send(Mail::Drain(patience));
        }
        let mut cut = 0;
        for thread in self.threads {
            cut += thread.join().map_err(|_| io::Error::other("a worker has panicked"))??;
        }
        if let Some(writing) = self.writing {
            writing.end();
        }
        Ok(cut)
    }

    /// Opens the access log once more, if there is one: its file may have been renamed.
    pub fn reopen_access_log(&self) {
        if let Some(writing) = &self.writing {
            writing.reopen();
        }
    }

    /// Whether any worker has ended, which none does unless told to.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.threads.iter().any(JoinHandle::is_finished)
    }
}

struct Post(UnboundedSender<Mail>);

impl Mailbox for Post {
    fn post(&self, notice: Notice) {
        // A worker that is gone decides nothing any more: the dropped notice is its answer.
        let _ = self.0.send(Mail::Notice(notice));
    }
}
