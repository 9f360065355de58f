//! Quotas on disk, reserved ahead.
//!
//! One thread hears which quotas run low, writes down that a chunk more of each is used, and says so once
//! that is on the disk. Requests count in memory, and wait only where a count goes beyond what is
//! written down. A process that was killed begins where the file says: nothing that was admitted is
//! forgotten, and of each quota a chunk at most is lost. One that ends in good order writes down what
//! was really counted.

mod journal;

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::watch;
use tollgate_core::{Ask, Clock, LineTag, MeterId, Meters, Quota};

pub use journal::JournalError;
use journal::{Journal, Words};

/// How long the thread waits after the disk has failed.
const PAUSE: Duration = Duration::from_millis(100);

/// A file is written anew once it has grown by so much and to four times what it would have.
const GROWTH: u64 = 1 << 20;

/// What a line of a meter counts, in words that mean the same in every process; `None` = nobody knows any
/// more.
pub type Names = Box<dyn Fn(MeterId, LineTag) -> Option<Vec<u8>> + Send>;

/// What was written down, by the names of what it counts: the words of quotas.
pub type Kept = Vec<(Vec<u8>, u64)>;

/// What is asked for by meters, whether a checkpoint is open or not.
pub struct Asks {
    told: Sender<Told>,
    heard: Receiver<Told>,
}

/// A checkpoint that is open.
#[derive(Debug)]
pub struct Checkpoint {
    journal: Journal,
    words: Words,
}

/// A checkpoint that follows what is counted.
pub struct Checkpointing {
    told: Sender<Told>,
    thread: JoinHandle<Receiver<Told>>,
}

enum Told {
    Ask(Ask),
    End,
}

/// The thread.
struct Writer {
    journal: Journal,
    words: Words,
    meters: Arc<Meters>,
    names: Names,
    clock: Arc<dyn Clock>,
    written: watch::Sender<()>,
    /// Bytes of the file when it was last written anew.
    whole: u64,
    /// Lines that something was written down of.
    lines: HashMap<(MeterId, LineTag), Vec<u8>>,
    /// The file may end in half a frame, after which nothing may be added.
    broken: bool,
}

impl Asks {
    /// Those of `meters`, which ask from here on. To be made before any meter is.
    #[must_use]
    pub fn of(meters: &Meters) -> Self {
        let (told, heard) = channel();
        let asks = told.clone();
        // Whoever asks after the end waits in vain, as it should.
        meters.keep_by(move |ask| drop(asks.send(Told::Ask(ask))));
        Self { told, heard }
    }
}

impl Checkpoint {
    /// Opens a file, or makes it, and says what is written down in it.
    ///
    /// # Errors
    /// See [`JournalError`].
    pub fn open(path: &Path, environment: &str) -> Result<(Self, Kept), JournalError> {
        let (journal, words) = Journal::open(path, environment)?;
        let kept = words.iter().map(|(name, word)| (name.clone(), *word)).collect();
        Ok((Self { journal, words }, kept))
    }

    /// Has these be written down too, in place of what is under the same names.
    ///
    /// # Errors
    /// If the disk does not take it.
    pub fn adopt(&mut self, counted: Kept) -> io::Result<()> {
        self.words.extend(counted);
        self.journal.replace(&self.words)
    }

    /// Begins to write down what is asked for. `written` tells that more is written down.
    ///
    /// # Errors
    /// If there is no thread to be had.
    pub fn begin(
        self,
        asks: Asks,
        meters: Arc<Meters>,
        names: Names,
        clock: Arc<dyn Clock>,
        written: watch::Sender<()>,
    ) -> io::Result<Checkpointing> {
        let (Self { journal, words }, Asks { told, heard }) = (self, asks);
        let whole = journal.bytes();
        let (lines, broken) = (HashMap::new(), false);
        let writer = Writer { journal, words, meters, names, clock, written, whole, lines, broken };
        let thread = thread::Builder::new().name("checkpoint".to_owned());
        let thread = thread.spawn(move || writer.run(heard))?;
        Ok(Checkpointing { told, thread })
    }
}

impl Checkpointing {
    /// Writes down what was really counted, and lets the file go. Nothing is admitted meanwhile. Blocks.
    /// `None` if the thread has panicked.
    pub fn end(self) -> Option<Asks> {
        let Self { told, thread } = self;
        // It hears of it unless it has panicked.
        let _ = told.send(Told::End);
        let heard = thread.join().ok()?;
        Some(Asks { told, heard })
    }
}

impl Writer {
    fn run(mut self, heard: Receiver<Told>) -> Receiver<Told> {
        while let Ok(Told::Ask(first)) = heard.recv() {
            let mut asks = vec![first];
            let mut ends = false;
            for told in heard.try_iter() {
                match told {
                    Told::Ask(ask) => asks.push(ask),
                    Told::End => {
                        ends = true;
                        break;
                    }
                }
            }
            self.reserve(&asks);
            if ends {
                break;
            }
        }
        self.settle();
        heard
    }

    /// Writes down a chunk more for each that asks. What the disk does not take is asked for again.
    fn reserve(&mut self, asks: &[Ask]) {
        if self.broken {
            self.anew();
        }
        let mut next = HashMap::new();
        for ask in asks {
            let line = (ask.meter, ask.tag);
            if next.contains_key(&line) {
                continue;
            }
            let Some(word) = self.meters.next_reserve(ask) else { continue };
            let Some(name) = (self.names)(ask.meter, ask.tag) else { continue };
            next.insert(line, (name, word));
        }
        if next.is_empty() {
            return;
        }
        let entries = next.values().map(|(name, word)| (&**name, *word));
        let added = if self.broken { Ok(()) } else { self.journal.add(entries) };
        if let Err(error) = added {
            tracing::error!(%error, "quotas cannot be written down; calls beyond are refused");
            self.broken = true;
        }
        if self.broken {
            thread::sleep(PAUSE);
            return;
        }
        for ((meter, tag), (name, word)) in next {
            self.meters.note_reserved(meter, tag, word);
            self.words.insert(name.clone(), word);
            self.lines.insert((meter, tag), name);
        }
        // Nobody may be waiting.
        let _ = self.written.send(());
        let bytes = self.journal.bytes();
        if bytes > self.whole + GROWTH && bytes > 4 * self.whole {
            self.anew();
        }
    }

    /// Writes the file anew, without what is over.
    fn anew(&mut self) {
        let unix = self.clock.now().unix();
        self.words.retain(|_, word| !Quota::is_over(*word, unix));
        match self.journal.replace(&self.words) {
            Ok(()) => {
                self.whole = self.journal.bytes();
                self.broken = false;
            }
            Err(error) => tracing::error!(%error, "the checkpoint cannot be written anew"),
        }
    }

    /// Has the file hold what was really counted.
    fn settle(&mut self) {
        for ((meter, tag), name) in &self.lines {
            let named = (self.names)(*meter, *tag).as_ref() == Some(name);
            if let Some(counted) = self.meters.counted(*meter, *tag).filter(|_| named) {
                self.words.insert(name.clone(), counted);
                self.meters.note_reserved(*meter, *tag, counted);
            }
        }
        self.anew();
    }
}

#[cfg(test)]
mod tests {
    use tollgate_core::{LineState, Now, handoff};

    use super::*;

    struct Noon;

    impl Clock for Noon {
        fn now(&self) -> Now {
            Now { monotonic: 1, unix_ms: 1_767_268_800_000 }
        }
    }

    /// So many calls in the window of this clock's day.
    fn word(count: u64) -> u64 {
        2 << 62 | (1_767_268_800 / 86_400) << 34 | count
    }

    fn begin(path: &Path) -> (Checkpointing, Arc<Meters>, MeterId, watch::Receiver<()>, Kept) {
        let (mut writer, reader) = handoff();
        let asks = Asks::of(reader.meters());
        let meter = writer.allot(&[]).unwrap();
        let (checkpoint, kept) = Checkpoint::open(path, "here").unwrap();
        let (written, told) = watch::channel(());
        let meters = Arc::clone(reader.meters());
        let names: Names = Box::new(|_, _| Some(b"key".to_vec()));
        let begun = checkpoint.begin(asks, Arc::clone(&meters), names, Arc::new(Noon), written);
        (begun.unwrap(), meters, meter, told, kept)
    }

    fn count(meters: &Meters, meter: MeterId, count: u64) {
        let state = LineState { quota: word(count), ..LineState::default() };
        assert!(meters.restore(meter, LineTag::KEY, &state, 1));
    }

    #[test]
    fn more_is_written_down_than_is_counted_until_it_ends_in_good_order() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint");
        let (checkpointing, meters, meter, mut told, kept) = begin(&path);
        assert!(kept.is_empty());
        count(&meters, meter, 3);
        let ask = Ask { meter, tag: LineTag::KEY, ceiling: 100 };
        checkpointing.told.send(Told::Ask(ask)).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(told.changed()).unwrap();
        // As if it were killed here: another process finds the file as it is.
        let copy = folder.path().join("copy");
        std::fs::copy(&path, &copy).unwrap();
        let (_, kept) = Checkpoint::open(&copy, "here").unwrap();
        assert_eq!(kept, [(b"key".to_vec(), word(13))]);
        assert!(checkpointing.end().is_some());
        let (_, kept) = Checkpoint::open(&path, "here").unwrap();
        assert_eq!(kept, [(b"key".to_vec(), word(3))]);
    }
}
