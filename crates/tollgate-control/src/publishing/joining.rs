//! Joining the control planes of a store, and waiting for them.

use std::sync::Arc;

use super::equal::{self, Parts};
use super::reload::Contradicts;
use super::{Publishing, PublishingError};
use crate::model::Objects;
use crate::store::{Connection, Deed, NotChanged, Store, StoreError};

impl Publishing {
    /// Has the file that waits read again, once no other control plane has another.
    pub(super) async fn look_at_others(&mut self) {
        let Some((presence, wants)) = self.store.presence().cloned().zip(self.wants.clone()) else {
            return;
        };
        let look = move |connection: &mut dyn Connection| {
            equal::against(connection, &presence, &wants, false)
        };
        match self.store.read(look).await {
            Ok(others) if others.is_empty() => {
                self.wants = None;
                self.again.notify_one();
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "it is not known what files others have"),
        }
    }
}

/// What a file holds, on a thread that may take its time; nothing where nobody asks.
pub(super) async fn parts(
    asked: bool,
    file: &Arc<Objects>,
) -> Result<Option<Parts>, PublishingError> {
    if !asked {
        return Ok(None);
    }
    let file = Arc::clone(file);
    let parts = tokio::task::spawn_blocking(move || Parts::of(&file)).await;
    parts.map(Some).map_err(|_| StoreError::Closed.into())
}

/// Joins the control planes of the store, if they run with the same file.
pub(super) async fn join(
    store: &Store,
    file: &Arc<Objects>,
) -> Result<Option<Parts>, PublishingError> {
    let Some(presence) = store.presence().cloned() else { return Ok(None) };
    let Some(has) = parts(true, file).await? else { return Ok(None) };
    let deed = Deed {
        actor: "start".to_owned(),
        action: "file.begin".to_owned(),
        kind: "file".to_owned(),
        object: String::new(),
        details: "{}".to_owned(),
    };
    let said = has.clone();
    let begun = store.change(deed, move |change, _| {
        change.leave_untold();
        let connection = change.connection();
        let others = equal::against(connection, &presence, &said, true)?;
        if others.is_empty() {
            equal::say(connection, &presence, &said, None)?;
        }
        Ok::<_, NotChanged<Contradicts>>(others)
    });
    match begun.await {
        Ok((others, _)) if others.is_empty() => Ok(Some(has)),
        Ok((others, _)) => Err(PublishingError::OtherFiles(others)),
        Err(NotChanged::Refused(Contradicts(conflicts))) => {
            Err(PublishingError::Conflicts(conflicts))
        }
        Err(NotChanged::Store(error)) => Err(error.into()),
    }
}
