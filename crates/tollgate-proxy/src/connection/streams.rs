//! The tasks of a connection's streams, each by itself: one that is ended while its client does not read
//! is polled by nobody, and has to be stopped from outside.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::rc::Rc;

use hyper::rt::Executor;
use tokio::task::{AbortHandle, spawn_local};

/// Runs the streams of one connection on the worker's own thread.
#[derive(Clone, Debug, Default)]
pub(super) struct Streams(Rc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    last: Cell<u64>,
    /// The request whose task is about to be made: hyper makes it as soon as it has called the service.
    called: Cell<Option<u64>>,
    /// Tasks that have not run yet, by the numbers of their requests. None of them waits for long.
    made: RefCell<Vec<(u64, AbortHandle)>>,
}

/// A request of a stream, by which its task is found when it runs first.
#[derive(Debug)]
pub(crate) struct Stream {
    streams: Streams,
    number: u64,
}

impl Streams {
    /// A request has come.
    pub(super) fn call(&self) -> Stream {
        let number = self.0.last.get() + 1;
        self.0.last.set(number);
        self.0.called.set(Some(number));
        Stream { streams: self.clone(), number }
    }
}

impl Stream {
    /// What stops the task, which is the one that asks; the client sees a reset of the stream.
    pub(crate) fn task(self) -> Option<AbortHandle> {
        let mut made = self.streams.0.made.borrow_mut();
        let at = made.iter().position(|(number, _)| *number == self.number)?;
        Some(made.swap_remove(at).1)
    }
}

impl<F: Future<Output = ()> + 'static> Executor<F> for Streams {
    fn execute(&self, stream: F) {
        let task = spawn_local(stream);
        // A task that no request was the reason for belongs to a tunnel.
        if let Some(number) = self.0.called.take() {
            self.0.made.borrow_mut().push((number, task.abort_handle()));
        }
    }
}
