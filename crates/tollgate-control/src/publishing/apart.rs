//! Work that takes long, apart from the thread that runs everything else.

use super::PublishingError;
use crate::store::StoreError;

/// Something that is worked with here, or by one closure on a thread that may block.
pub(super) struct Apart<T>(Option<T>);

impl<T: Send + 'static> Apart<T> {
    pub(super) fn new(thing: T) -> Self {
        Self(Some(thing))
    }

    /// It, to be worked with here: shortly.
    ///
    /// # Errors
    /// The process ends, and it did not come back; likewise below.
    pub(super) fn here(&mut self) -> Result<&mut T, PublishingError> {
        self.0.as_mut().ok_or_else(|| StoreError::Closed.into())
    }

    /// It, for good.
    pub(super) fn back(self) -> Result<T, PublishingError> {
        self.0.ok_or_else(|| StoreError::Closed.into())
    }

    /// Works with it on a thread that may block.
    pub(super) async fn work<R: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut T) -> R + Send + 'static,
    ) -> Result<R, PublishingError> {
        let mut thing = self.0.take().ok_or(StoreError::Closed)?;
        let worked = tokio::task::spawn_blocking(move || {
            let done = work(&mut thing);
            (thing, done)
        });
        match worked.await {
            Ok((thing, done)) => {
                self.0 = Some(thing);
                Ok(done)
            }
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Err(StoreError::Closed.into()),
            },
        }
    }
}
