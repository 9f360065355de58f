//! The one thread that changes the store. Changes that wait together share one synced commit; each
//! is answered after it.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use tokio::sync::{mpsc::UnboundedSender, oneshot};
use tollgate_core::{Clock, Revision};

use super::ahead::{self, Veiled};
use super::audit::{self, DONE, Deed, Tail};
use super::change::{Change, Kind, NotChanged, Reason, Traces};
use super::{Connection, Engine, StoreError};

/// So many changes share a commit at most, so that the first does not wait for ever.
const GROUP: usize = 256;

/// A change that was committed: what proxies decide from is to be read again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Its revision.
    pub revision: Revision,
    /// The objects that it made, changed or deleted.
    pub touched: Vec<(Kind, String)>,
}

/// A change that waits.
trait Task: Send {
    /// Does it, in a transaction of its own within the group's.
    fn work(&mut self, group: &mut Group<'_>) -> Result<Option<Committed>, StoreError>;

    /// Tells who waits what came of it.
    fn answer(self: Box<Self>, committed: Result<(), Arc<StoreError>>);
}

/// What a change said, and its revision.
pub(crate) type Outcome<T, E> = Result<(T, Option<Revision>), NotChanged<E>>;

struct Asked<F, T, E> {
    deed: Deed,
    work: Option<F>,
    outcome: Option<Outcome<T, E>>,
    answer: oneshot::Sender<Outcome<T, E>>,
}

/// The transaction that several changes share.
struct Group<'a> {
    connection: &'a mut dyn Connection,
    now: i64,
    tail: Tail,
    feed: Revision,
}

/// The way to the thread.
pub(super) struct Writer {
    tasks: Sender<Box<dyn Task>>,
    thread: Option<JoinHandle<()>>,
}

impl<F, T, E> Task for Asked<F, T, E>
where
    F: FnOnce(&mut Change<'_>, &mut Deed) -> Result<T, NotChanged<E>> + Send,
    T: Send,
    E: Reason + Send,
{
    fn work(&mut self, group: &mut Group<'_>) -> Result<Option<Committed>, StoreError> {
        let Some(work) = self.work.take() else { return Ok(None) };
        let (outcome, committed) = group.perform(&mut self.deed, work)?;
        self.outcome = Some(outcome);
        Ok(committed)
    }

    fn answer(self: Box<Self>, committed: Result<(), Arc<StoreError>>) {
        let outcome = match committed {
            Ok(()) => self.outcome.unwrap_or(Err(StoreError::Closed.into())),
            Err(error) => Err(StoreError::Group(error).into()),
        };
        // Whoever asked may have gone away; what was committed stays.
        let _ = self.answer.send(outcome);
    }
}

impl Group<'_> {
    fn begin<'a>(
        engine: &dyn Engine,
        connection: &'a mut dyn Connection,
        now: i64,
    ) -> Result<Group<'a>, StoreError> {
        connection.script(engine.begin())?;
        engine.still_home(connection)?;
        Group::on(connection, now)
    }

    /// In a transaction that has begun.
    fn on(connection: &mut dyn Connection, now: i64) -> Result<Group<'_>, StoreError> {
        let feed = newest(connection)?;
        let tail = Tail::find(connection)?;
        Ok(Group { connection, now, tail, feed })
    }

    /// Makes one change, or takes back what it has begun.
    fn perform<T, E: Reason>(
        &mut self,
        deed: &mut Deed,
        work: impl FnOnce(&mut Change<'_>, &mut Deed) -> Result<T, NotChanged<E>>,
    ) -> Result<(Outcome<T, E>, Option<Committed>), StoreError> {
        self.connection.script("SAVEPOINT change")?;
        let veiled = ahead::is_there(self.connection)?;
        let now = self.now;
        let perform = |connection: &mut dyn Connection| {
            let mut change = Change::new(connection, now);
            let worked = work(&mut change, deed);
            (worked, change.into_traces())
        };
        let (worked, traces) = match veiled {
            false => perform(&mut *self.connection),
            true => perform(&mut Veiled::new(&mut *self.connection)),
        };
        let Traces { touched, differences, told, others } = traces;
        match worked {
            Ok(value) => {
                let committed = self.revise(deed, touched)?;
                let revision = committed.as_ref().map(|committed| committed.revision);
                for (deed, outcome) in others {
                    self.log(&deed, &outcome, revision)?;
                }
                if told {
                    differences.add_to(&mut deed.details);
                    self.log(deed, DONE, revision)?;
                }
                self.connection.script("RELEASE SAVEPOINT change")?;
                Ok((Ok((value, revision)), committed))
            }
            Err(not) => {
                self.connection.script("ROLLBACK TO SAVEPOINT change; RELEASE SAVEPOINT change")?;
                if let NotChanged::Refused(refused) = &not
                    && told
                {
                    self.log(deed, refused.code(), None)?;
                }
                Ok((Err(not), None))
            }
        }
    }

    /// Gives the change its revision, if it touched anything.
    fn revise(
        &mut self,
        deed: &Deed,
        touched: Vec<(Kind, String)>,
    ) -> Result<Option<Committed>, StoreError> {
        if touched.is_empty() {
            return Ok(None);
        }
        self.feed.number += 1;
        let (epoch, number) = audit::signed(self.feed);
        let list = serde_json::to_string(&touched).map_err(StoreError::failed)?;
        self.connection.run(
            "INSERT INTO revisions (epoch, number, at, actor, touched) VALUES ($1, $2, $3, $4, $5)",
            &[
                epoch.into(),
                number.into(),
                self.now.into(),
                deed.actor.as_str().into(),
                list.into(),
            ],
        )?;
        self.connection.run("UPDATE feed SET number = $1", &[number.into()])?;
        Ok(Some(Committed { revision: self.feed, touched }))
    }

    fn log(
        &mut self,
        deed: &Deed,
        outcome: &str,
        revision: Option<Revision>,
    ) -> Result<(), StoreError> {
        self.tail.append(self.connection, self.now, deed.clone(), outcome, revision)
    }
}

impl Writer {
    /// Starts the thread. `committed` hears of every change in the order of its revisions.
    pub(super) fn start(
        engine: Arc<dyn Engine>,
        clock: Arc<dyn Clock>,
        committed: UnboundedSender<Committed>,
    ) -> Result<Self, StoreError> {
        let connection = engine.writer()?;
        let (tasks, waiting) = channel();
        let thread = thread::Builder::new().name("store".to_owned());
        let thread =
            thread.spawn(move || run(&*engine, connection, &*clock, &waiting, &committed))?;
        Ok(Self { tasks, thread: Some(thread) })
    }

    /// Hands over a change. What is returned is ready once it is committed, or refused.
    pub(super) fn ask<F, T, E>(&self, deed: Deed, work: F) -> oneshot::Receiver<Outcome<T, E>>
    where
        F: FnOnce(&mut Change<'_>, &mut Deed) -> Result<T, NotChanged<E>> + Send + 'static,
        T: Send + 'static,
        E: Reason + Send + 'static,
    {
        let (answer, receiver) = oneshot::channel();
        let asked = Asked { deed, work: Some(work), outcome: None, answer };
        // If the thread has gone, the answer's sender is dropped, which says so.
        let _ = self.tasks.send(Box::new(asked));
        receiver
    }
}

impl Drop for Writer {
    /// Waits until everything that was handed over is answered.
    fn drop(&mut self) {
        self.tasks = channel().0;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(
    engine: &dyn Engine,
    connection: Box<dyn Connection>,
    clock: &dyn Clock,
    waiting: &Receiver<Box<dyn Task>>,
    committed: &UnboundedSender<Committed>,
) {
    let mut connection = Some(connection);
    while let Ok(first) = waiting.recv() {
        let mut tasks: Vec<_> =
            std::iter::once(first).chain(waiting.try_iter().take(GROUP - 1)).collect();
        let now = i64::try_from(clock.now().unix_ms).unwrap_or(i64::MAX);
        match commit(engine, &mut connection, now, &mut tasks) {
            Ok(changes) => {
                // Where others commit too, what is heard of them is heard of this process as well,
                // so that all of it comes in one order.
                for change in changes.into_iter().filter(|_| !engine.is_shared()) {
                    // Nobody listens any more when the process ends.
                    let _ = committed.send(change);
                }
                tasks.into_iter().for_each(|task| task.answer(Ok(())));
            }
            Err(error) => {
                tracing::error!(%error, "changes were not committed");
                // What state the connection is in is anybody's guess.
                connection = None;
                let error = Arc::new(error);
                tasks.into_iter().for_each(|task| task.answer(Err(Arc::clone(&error))));
            }
        }
    }
}

fn commit(
    engine: &dyn Engine,
    connection: &mut Option<Box<dyn Connection>>,
    now: i64,
    tasks: &mut [Box<dyn Task>],
) -> Result<Vec<Committed>, StoreError> {
    let connection = match connection {
        Some(connection) => connection,
        None => connection.insert(engine.writer()?),
    };
    let mut group = Group::begin(engine, &mut **connection, now)?;
    let mut changes = Vec::new();
    for task in tasks {
        changes.extend(task.work(&mut group)?);
    }
    if let Some(tell) = engine.tell_others()
        && !changes.is_empty()
    {
        connection.script(tell)?;
    }
    end(&mut **connection)?;
    Ok(changes)
}

/// Makes one change in a transaction that has begun, and that the caller ends.
pub(crate) fn change_within<T, E: Reason>(
    connection: &mut dyn Connection,
    now: i64,
    mut deed: Deed,
    work: impl FnOnce(&mut Change<'_>, &mut Deed) -> Result<T, NotChanged<E>>,
) -> Outcome<T, E> {
    let (outcome, _) = Group::on(connection, now)?.perform(&mut deed, work)?;
    outcome
}

/// Commits.
pub(crate) fn end(connection: &mut dyn Connection) -> Result<(), StoreError> {
    connection.script("COMMIT").map_err(|error| match error {
        StoreError::Unavailable(error) => StoreError::Unknown(error),
        other => other,
    })
}

/// The newest revision.
pub(crate) fn newest(connection: &mut dyn Connection) -> Result<Revision, StoreError> {
    let row = connection.row("SELECT epoch, number FROM feed", &[])?;
    let row = row.ok_or_else(|| StoreError::Corrupt("no feed".to_owned()))?;
    Ok(audit::unsigned((row.integer(0)?, row.integer(1)?)))
}
