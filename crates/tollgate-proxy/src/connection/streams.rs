//! The tasks of a connection's streams, each by itself: one that is ended while its client does not read
//! is polled by nobody, and has to be stopped from outside.

use std::cell::Cell;
use std::future::Future;
use std::rc::Rc;

use hyper::rt::Executor;
use tokio::task::{AbortHandle, spawn_local};

/// Runs the streams of one connection on the worker's own thread.
#[derive(Clone, Default)]
pub(super) struct Streams(Rc<Inner>);

#[derive(Default)]
struct Inner {
    last: Cell<u32>,
    /// The request whose task is about to be made, 0 if none is: hyper makes it as soon as it has called the service.
    called: Cell<u32>,
    /// A task that has not run yet. None waits for long, so that mostly there is but this one.
    made: Cell<Option<Made>>,
    /// Further ones.
    more: Cell<Vec<Made>>,
}

/// A task, by the number of its request.
type Made = (u32, AbortHandle);

/// A request of a stream, by which its task is found when it runs first.
pub(crate) struct Stream {
    streams: Streams,
    number: u32,
}

impl Streams {
    /// A request has come.
    pub(super) fn call(&self) -> Stream {
        let number = self.0.last.get() + 1;
        self.0.last.set(number);
        self.0.called.set(number);
        Stream { streams: self.clone(), number }
    }
}

impl Stream {
    /// What stops the task, which is the one that asks; the client sees a reset of the stream.
    pub(crate) fn task(self) -> Option<AbortHandle> {
        let Inner { made, more, .. } = &*self.streams.0;
        match made.take() {
            Some((number, task)) if number == self.number => return Some(task),
            other => made.set(other),
        }
        let mut others = more.take();
        let at = others.iter().position(|(number, _)| *number == self.number);
        let task = at.map(|at| others.swap_remove(at).1);
        more.set(others);
        task
    }
}

impl<F: Future<Output = ()> + 'static> Executor<F> for Streams {
    fn execute(&self, stream: F) {
        let task = spawn_local(stream);
        // A task that no request was the reason for belongs to a tunnel.
        let number = self.0.called.take();
        if number == 0 {
            return;
        }
        if let Some(earlier) = self.0.made.replace(Some((number, task.abort_handle()))) {
            let mut more = self.0.more.take();
            more.push(earlier);
            self.0.more.set(more);
        }
    }
}
