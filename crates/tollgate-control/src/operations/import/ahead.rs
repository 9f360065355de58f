//! The rows of an import, written ahead of the change by which they come.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{Receiver, channel};
use tollgate_core::Revision;

use super::super::{Context, Refused};
use super::basis::Basis;
use super::made::{BATCH, Made};
use super::{ImportDraft, Imported, NotImported};
use crate::store::{
    Ahead, Begun, Change, Deed, Document, Kind, NotChanged, Shelf, Store, StoreError,
};

/// An import whose rows are all written, and seen by nobody yet.
pub struct ImportAhead {
    pub(super) imported: Imported,
    pub(super) ahead: Ahead,
    pub(super) rests: Rests,
    /// What proxies decide from of what it makes.
    pub(super) touched: Vec<(Kind, String)>,
}

/// What an import rests on, as far as it was looked at.
#[derive(Clone)]
pub(super) struct Rests {
    basis: Arc<Basis>,
    /// The newest revision that it stood at.
    seen: Revision,
}

/// So many batches of rows are in memory at most, while one is written.
const MADE: usize = 4;

/// How often it is looked whether another process has written its rows, and how often at most.
const PAUSE: Duration = Duration::from_millis(250);
const LOOKS: usize = 2_400;

impl Rests {
    /// Goes on to the newest revision.
    ///
    /// # Errors
    /// [`NotImported::Overtaken`] if another draft would be made now.
    pub(super) fn stand(
        &mut self,
        context: &Context,
        change: &mut Change<'_>,
    ) -> Result<(), NotChanged<NotImported>> {
        let seen = self.basis.stands(context, change.connection(), self.seen)?;
        self.seen = seen.ok_or(NotChanged::Refused(NotImported::Overtaken))?;
        Ok(())
    }
}

impl ImportDraft {
    /// Writes all of its rows, some in a change, so that others go on changing things in between.
    /// Nobody sees them until [`Context::import`]; `context` is what changes are made within at
    /// each moment.
    ///
    /// # Errors
    /// [`NotImported::Overtaken`] if another draft would be made now. Of what was written nothing is
    /// left then.
    pub async fn write_ahead(
        self,
        store: &Store,
        context: impl Fn() -> Context + Clone + Send + 'static,
    ) -> Result<ImportAhead, NotChanged<NotImported>> {
        let Self { imported, seen, rows } = self;
        let (basis, now) = (rows.basis(), rows.now());
        let ahead = begin(store, rows.bounds()).await?;
        let rests = Rests { basis: Arc::clone(&basis), seen };
        let mut writing = Writing { store, context, ahead: ahead.clone(), rests };
        let (sender, made) = channel(MADE);
        let making = tokio::task::spawn_blocking(move || {
            for made in rows {
                if sender.blocking_send(made).is_err() {
                    return;
                }
            }
        });
        let written = writing.all(&basis, now, made).await;
        let rests = writing.rests;
        // One that has failed has not made all of them, which is found out.
        drop(making.await);
        match written {
            Ok(touched) => {
                let keys = touched.iter().filter(|(kind, _)| *kind == Kind::Key).count();
                let written = ImportAhead { imported, ahead, rests, touched };
                if keys == written.imported.keys {
                    return Ok(written);
                }
                written.end(store).await?;
                Err(StoreError::Closed.into())
            }
            Err(not) => {
                store.end_ahead(ahead).await?;
                Err(not)
            }
        }
    }
}

impl ImportAhead {
    /// Takes its rows away, unless it was carried out.
    ///
    /// # Errors
    /// What the store said. Then they are taken away at the next start, or before the next import.
    pub async fn end(&self, store: &Store) -> Result<(), StoreError> {
        store.end_ahead(self.ahead.clone()).await
    }
}

/// Begins to write rows, once nobody else writes any.
async fn begin(store: &Store, ids: (String, String)) -> Result<Ahead, NotChanged<NotImported>> {
    for _ in 0..LOOKS {
        match store.begin_ahead(ids.clone()).await? {
            Begun::Here(ahead) => return Ok(ahead),
            Begun::Leftovers => store.sweep_ahead().await?,
            Begun::Others => tokio::time::sleep(PAUSE).await,
        }
    }
    Err(NotChanged::Refused(NotImported::Underway))
}

/// Where rows are written to.
struct Writing<'a, C> {
    store: &'a Store,
    context: C,
    ahead: Ahead,
    rests: Rests,
}

impl<C: Fn() -> Context + Clone + Send + 'static> Writing<'_, C> {
    async fn all(
        &mut self,
        basis: &Basis,
        now: i64,
        mut made: Receiver<Result<Made, Refused>>,
    ) -> Result<Vec<(Kind, String)>, NotChanged<NotImported>> {
        let mut touched = Vec::new();
        let accounts = &basis.accounts;
        for (kind, shelf, documents) in [
            (Kind::Member, Shelf::Members, accounts.new_members(now)),
            (Kind::Application, Shelf::Applications, accounts.new_applications(now)),
        ] {
            touched.extend(documents.iter().map(|document| (kind, document.id.clone())));
            for some in documents.chunks(BATCH) {
                let some: Vec<Document> = some.to_vec();
                self.some(move |change| Ok(shelf.insert_all(change.connection(), &some)?)).await?;
            }
        }
        while let Some(made) = made.recv().await {
            let made = made?;
            touched.extend(made.ids().map(|id| (Kind::Key, id.to_owned())));
            self.some(move |change| made.write(change)).await?;
        }
        Ok(touched)
    }

    /// Writes some rows in a change of their own.
    async fn some(
        &mut self,
        write: impl FnOnce(&mut Change<'_>) -> Result<(), NotChanged<NotImported>> + Send + 'static,
    ) -> Result<(), NotChanged<NotImported>> {
        let (context, ahead, mut rests) =
            (self.context.clone(), self.ahead.clone(), self.rests.clone());
        let written = self.store.change(Deed::default(), move |change, _| {
            change.leave_untold();
            if !ahead.is_open(change.connection())? {
                return Err(NotChanged::Refused(NotImported::Overtaken));
            }
            rests.stand(&context(), change)?;
            write(change)?;
            Ok(rests)
        });
        self.rests = written.await?.0;
        Ok(())
    }
}
