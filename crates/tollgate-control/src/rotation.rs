//! Moving what is kept of keys to the sealing key and the digest scheme in use.
//!
//! While a previous one of either is configured, keys go on working and can be shown: both are tried.
//! What is moved is moved in small changes, each whole, so that a process that is killed goes on
//! where it was. A key that is not kept itself cannot be digested anew and stays under the scheme that
//! it was made under.

mod progress;

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::watch;

use crate::model::Objects;
use crate::operations::{Context, Refused};
use crate::store::{
    Change, Connection, Credential, Deed, Kind, NotChanged, Reason, Store, StoreError,
};
use crate::webhooks::SigningSecret;

pub use progress::{Progress, Stood};

/// So many keys are moved in one change.
const BATCH: i64 = 200;

/// How often it is looked at again, for what another control plane has made under older settings.
const PACE: Duration = Duration::from_secs(60 * 60);

/// How long a store that failed is left alone.
const PAUSE: Duration = Duration::from_secs(10);

/// Moves keys.
pub struct Rotation {
    /// Where keys are kept.
    pub store: Arc<Store>,
    /// What they are to be kept by, at present.
    pub context: Box<dyn Fn() -> Context + Send + Sync>,
    /// Tells when that may have changed.
    pub files: watch::Receiver<Arc<Objects>>,
}

/// What a look at all keys has moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// Keys, and secrets of webhooks, that were sealed or digested anew.
    pub keys: u64,
    /// Those that are left as they were, because they are not kept or cannot be opened.
    pub left: u64,
}

impl Rotation {
    /// Moves what is to be moved, for ever.
    pub async fn run(mut self) {
        loop {
            let wait = match self.pass().await {
                Ok(moved) => {
                    tell(moved);
                    PACE
                }
                Err(error) => {
                    tracing::error!(%error, "keys cannot be moved to the present sealing key and digest scheme; it is tried again");
                    PAUSE
                }
            };
            if let Ok(Err(_)) = tokio::time::timeout(wait, self.files.changed()).await {
                return;
            }
        }
    }

    /// Moves every key that is to be moved and can be.
    ///
    /// # Errors
    /// What the store said. What was moved until then is moved.
    pub async fn pass(&self) -> Result<Moved, StoreError> {
        let context = (self.context)();
        let left = self.store.read(move |connection| unmovable(&context, connection)).await?;
        let mut moved = Moved { keys: 0, left };
        let mut last = String::new();
        loop {
            let context = (self.context)();
            let after = last.clone();
            let find = move |connection: &mut dyn Connection| behind(&context, connection, &after);
            let ids = self.store.read(find).await?;
            let Some(end) = ids.last() else { break };
            last.clone_from(end);
            let done = self.step(ids).await?;
            moved.keys += done.keys;
            moved.left += done.left;
        }
        let of_webhooks = self.webhooks().await?;
        moved.keys += of_webhooks.keys;
        moved.left += of_webhooks.left;
        Ok(moved)
    }

    /// Seals the secrets of webhooks anew, of which there are few.
    async fn webhooks(&self) -> Result<Moved, StoreError> {
        let context = (self.context)();
        let renew = move |change: &mut Change<'_>, told: &mut Deed| {
            let (keys, left) = SigningSecret::renew_all(&context.sealer, change.connection())?;
            let moved = Moved { keys, left };
            match moved.keys {
                0 => change.leave_untold(),
                _ => *told = deed(moved),
            }
            Ok::<_, NotChanged<Refused>>(moved)
        };
        let changed = self.store.change(deed(Moved::default()), renew).await;
        changed.map(|(moved, _)| moved).map_err(of_store)
    }

    /// Moves some keys in one change.
    async fn step(&self, ids: Vec<String>) -> Result<Moved, StoreError> {
        let context = (self.context)();
        let step = move |change: &mut Change<'_>, told: &mut Deed| {
            let mut moved = Moved::default();
            for id in ids {
                match advance(&context, change, &id)? {
                    true => moved.keys += 1,
                    false => moved.left += 1,
                }
            }
            match moved.keys {
                0 => change.leave_untold(),
                _ => *told = deed(moved),
            }
            Ok(moved)
        };
        let changed = self.store.change(deed(Moved::default()), step).await;
        changed.map(|(moved, _)| moved).map_err(of_store)
    }
}

/// How many keys stay under another digest scheme because they are not kept themselves.
fn unmovable(context: &Context, connection: &mut dyn Connection) -> Result<u64, StoreError> {
    let query = "SELECT count(*) FROM keys \
                 WHERE sealed IS NULL AND (scheme IS NULL OR scheme <> $1)";
    let count = connection.row(query, &[context.scheme_mark().into()])?;
    Ok(count.map_or(Ok(0), |row| row.integer(0))?.cast_unsigned())
}

/// Keys that are sealed or digested otherwise than at present and are kept, so that they can be
/// moved, behind one in the order of ids.
fn behind(
    context: &Context,
    connection: &mut dyn Connection,
    after: &str,
) -> Result<Vec<String>, StoreError> {
    let query = "SELECT id FROM keys WHERE id > $1 AND ((sealed IS NOT NULL AND (scheme IS NULL OR scheme <> $2)) \
                 OR substr(sealed, 2, 4) <> $3 OR substr(sealed_secret, 2, 4) <> $4) \
                 ORDER BY id LIMIT $5";
    let mark = context.sealer.mark();
    let parameters = [
        after.into(),
        context.scheme_mark().into(),
        mark.as_slice().into(),
        mark.as_slice().into(),
        BATCH.into(),
    ];
    let found = connection.rows(query, &parameters)?;
    found.iter().map(|row| row.text(0).map(str::to_owned)).collect()
}

/// Moves one key. Returns whether anything of it has moved.
fn advance(
    context: &Context,
    change: &mut Change<'_>,
    id: &str,
) -> Result<bool, NotChanged<Refused>> {
    let Some((chain, before)) = Credential::find(change.connection(), id)? else {
        return Ok(false);
    };
    let after = match context.renewed(&before) {
        Ok(after) => after,
        Err(error) => {
            tracing::warn!(key = id, %error, "a key stays as it was sealed and digested");
            return Ok(false);
        }
    };
    if after == before {
        return Ok(false);
    }
    after.write(change.connection())?;
    if (after.digest, &after.secret_digest) != (before.digest, &before.secret_digest) {
        change.touch(Kind::Key, chain);
    }
    Ok(true)
}

fn tell(moved: Moved) {
    let Moved { keys, left } = moved;
    if keys > 0 {
        tracing::info!(keys, "keys were moved to the present sealing key and digest scheme");
    }
    if left > 0 {
        tracing::warn!(
            keys = left,
            "keys stay under another sealing key or digest scheme; see `tollgate rotation`"
        );
    }
}

fn deed(Moved { keys, left }: Moved) -> Deed {
    Deed {
        actor: "rotation".to_owned(),
        action: "key.reseal".to_owned(),
        kind: "key".to_owned(),
        object: String::new(),
        details: json!({ "keys": keys, "left": left }).to_string(),
    }
}

/// No rule stands against it.
fn of_store(not: NotChanged<Refused>) -> StoreError {
    match not {
        NotChanged::Store(error) => error,
        NotChanged::Refused(refused) => StoreError::Corrupt(refused.code().to_owned()),
    }
}
