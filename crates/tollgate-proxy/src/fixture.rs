//! What several tests need.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::Wake;

/// A task that counts how often it is woken.
#[derive(Default)]
pub(crate) struct Wakes(AtomicUsize);

impl Wakes {
    pub(crate) fn count(&self) -> usize {
        self.0.load(SeqCst)
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// What has no way to be printed: `Type::silent()` does not compile for a type that has one, as
/// two traits would fit then.
pub(crate) trait Unprinted<Which> {
    fn silent() {}
}

impl<T: ?Sized> Unprinted<()> for T {}

pub(crate) struct Printed;

impl<T: ?Sized + std::fmt::Debug> Unprinted<Printed> for T {}

pub(crate) struct Shown;

impl<T: ?Sized + std::fmt::Display> Unprinted<Shown> for T {}
