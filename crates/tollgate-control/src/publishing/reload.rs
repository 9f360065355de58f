//! A file that was read anew.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::oneshot;

use super::joining::parts;
use super::{Publishing, PublishingError, equal};
use crate::Published;
use crate::model::Objects;
use crate::source::{self, Conflict};
use crate::store::{Deed, Kind, NotChanged, Reason, StoreError};

/// A file that was read anew.
pub struct Reload {
    /// What it says.
    pub files: Arc<Objects>,
    /// When it was noticed that it had changed.
    pub changed: Instant,
    /// Where the answer goes.
    pub answer: oneshot::Sender<Result<Published, PublishingError>>,
}

impl Publishing {
    /// Takes a file that was read anew into force, if it does not contradict the store. What is
    /// refused leaves no trace, nor does what is in force already; all else is a change like any
    /// other.
    pub(super) async fn reload(&mut self, reload: &Reload) -> Result<Published, PublishingError> {
        let deed = Deed {
            actor: "file".to_owned(),
            action: "file.reload".to_owned(),
            kind: "file".to_owned(),
            object: String::new(),
            details: "{}".to_owned(),
        };
        let present = Arc::clone(&self.files.borrow());
        if self.wants.is_none() && self.is_in_force(&reload.files).await? {
            return Ok(Published::Unchanged);
        }
        let (files, before) = (Arc::clone(&reload.files), Arc::clone(&present));
        let newest = self.files.clone();
        let presence = self.store.presence().cloned();
        let next = parts(presence.is_some(), &reload.files).await?;
        let all = presence.zip(self.has.clone()).zip(next.clone());
        let changed = self.store.change(deed, move |change, _| {
            let conflicts = source::conflicts(&files, Some(&before), change.connection())?;
            if !conflicts.is_empty() {
                return Err(NotChanged::Refused(Contradicts(conflicts)));
            }
            if let Some(((presence, has), next)) = all {
                let connection = change.connection();
                let others = match has == next {
                    true => Vec::new(),
                    false => equal::against(connection, &presence, &next, false)?,
                };
                if !others.is_empty() {
                    equal::say(connection, &presence, &has, Some(&next))?;
                    change.leave_untold();
                    return Ok(others);
                }
                equal::say(connection, &presence, &next, None)?;
            }
            change.touch(Kind::File, "");
            // Changes are made one after another: whatever comes next is held against this file.
            newest.send_replace(files);
            Ok(Vec::new())
        });
        self.wants = None;
        let revision = match changed.await {
            Ok((_, Some(revision))) => revision,
            Ok((others, None)) => {
                self.wants = next;
                return Err(PublishingError::OtherFiles(others));
            }
            Err(NotChanged::Refused(Contradicts(conflicts))) => {
                return Err(PublishingError::Conflicts(conflicts));
            }
            Err(NotChanged::Store(error)) => {
                self.files.send_replace(present);
                return Err(error.into());
            }
        };
        self.has = next;
        // Its own commit comes by as well, and finds it published.
        self.publish_all(revision, reload.changed).await?;
        Ok(Published::Revision(revision))
    }

    /// Whether a file says what the one in force says, to the line.
    async fn is_in_force(&self, files: &Arc<Objects>) -> Result<bool, PublishingError> {
        let (files, present) = (Arc::clone(files), Arc::clone(&self.files.borrow()));
        let equal = tokio::task::spawn_blocking(move || files == present).await;
        equal.map_err(|_| StoreError::Closed.into())
    }
}

/// A file that contradicts the store, as the audit log names it.
pub(super) struct Contradicts(pub(super) Vec<Conflict>);

impl Reason for Contradicts {
    fn code(&self) -> &str {
        "contradicts_store"
    }
}
