//! A call that is only tried: its change is handed to whoever tries it, who makes it, looks at what
//! came of it and takes it back. The call itself does not notice.

use tokio::sync::{mpsc, oneshot};

use super::once::Made;
use super::v3::Failure;
use crate::store::{Change, Deed, StoreError};

type Work = Box<dyn FnOnce(&mut Change<'_>, &mut Deed) -> Result<Made, Failure> + Send>;

/// The way of a call to whoever tries it. Stands among the extensions of its request.
#[derive(Clone, Debug)]
pub(super) struct Trial(mpsc::Sender<Submitted>);

/// What a call would do to the store.
pub(super) struct Submitted {
    deed: Deed,
    work: Work,
    answer: oneshot::Sender<Result<Made, Failure>>,
}

/// Where a call waits for what comes of its change.
pub(super) struct Waiting(oneshot::Sender<Result<Made, Failure>>);

/// What a call would do to the store, without the call.
pub(super) struct Tried {
    deed: Deed,
    work: Work,
}

impl Trial {
    /// A way for one call, and where its change arrives.
    pub(super) fn new() -> (Self, mpsc::Receiver<Submitted>) {
        let (sender, receiver) = mpsc::channel(1);
        (Self(sender), receiver)
    }

    /// Hands over a change, and waits for what comes of it.
    ///
    /// # Errors
    /// What the change refused. [`Failure::Store`] if nobody tries it any more.
    pub(super) async fn submit(
        &self,
        deed: Deed,
        work: impl FnOnce(&mut Change<'_>, &mut Deed) -> Result<Made, Failure> + Send + 'static,
    ) -> Result<Made, Failure> {
        let (answer, answered) = oneshot::channel();
        let submitted = Submitted { deed, work: Box::new(work), answer };
        let gone = || Failure::Store(StoreError::Closed);
        self.0.send(submitted).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

impl Submitted {
    /// The change, and where its call waits.
    pub(super) fn apart(self) -> (Tried, Waiting) {
        let Self { deed, work, answer } = self;
        (Tried { deed, work }, Waiting(answer))
    }
}

impl Tried {
    /// Makes the change.
    ///
    /// # Errors
    /// What it refuses.
    pub(super) fn make(mut self, change: &mut Change<'_>) -> Result<Made, Failure> {
        (self.work)(change, &mut self.deed)
    }
}

impl Waiting {
    /// Has the call refuse as it would.
    pub(super) fn refuse(self, failure: Failure) {
        // Whoever called may be gone.
        let _ = self.0.send(Err(failure));
    }
}
