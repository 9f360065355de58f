//! Changes that are made once however often they are asked for: a client gives a request a key of
//! its own, and the same request with the same key is answered as it was.
//!
//! What was answered is kept in the transaction of the change itself, so that there is never the
//! one without the other. A refusal is not kept: nothing was done, and it may be done now.

use std::time::Duration;

use http::{HeaderMap, HeaderName};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::Plane;
use super::ask::Ask;
use super::v3::Failure;
use crate::operations::{Context, Retrieval};
use crate::people::Caller;
use crate::seal::SealError;
use crate::store::{Change, Connection, Deed, KeptAnswer, NotChanged, StoreError};

static IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// How long answers are kept, in milliseconds.
const KEPT: i64 = 24 * 60 * 60 * 1000;

/// How often they are looked at.
const SWEEP: Duration = Duration::from_secs(60);

/// The longest key of a client.
const LONGEST: usize = 255;

/// What a field of a row is called where an answer is sealed.
const FIELD: &str = "answer";

/// What was made of a change, to be answered with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Made {
    pub(crate) body: Json,
    /// What tells the object in it from itself changed.
    pub(crate) etag: Option<String>,
    /// It holds the value of a key.
    pub(crate) secret: bool,
}

/// A request that is to be done once.
#[derive(Clone, Debug)]
pub(super) struct Once {
    member: String,
    client_key: String,
    /// SHA-256 of what is asked, and of the roles of who asks: with other roles the answer could be
    /// another one. It is sealed with the answer, as what is asked can hold a password.
    request: [u8; 32],
}

/// What is sealed.
#[derive(Serialize, Deserialize)]
struct Kept {
    request: [u8; 32],
    made: Made,
}

impl Made {
    /// This body.
    ///
    /// # Errors
    /// [`Failure::Store`] for what JSON cannot say, which nothing here is.
    pub(crate) fn new(body: &impl Serialize, etag: Option<String>) -> Result<Self, Failure> {
        let body = serde_json::to_value(body);
        let body = body.map_err(|error| Failure::Store(StoreError::Corrupt(error.to_string())))?;
        Ok(Self { body, etag, secret: false })
    }

    /// Says whether it holds the value of a key.
    pub(crate) fn with_secrets(self, secret: bool) -> Self {
        Self { secret, ..self }
    }
}

impl Once {
    /// What a request says of it; `None` = nothing.
    ///
    /// # Errors
    /// [`Failure::Invalid`] for a key that cannot be one.
    pub(super) fn read(ask: &Ask, caller: &Caller) -> Result<Option<Self>, Failure> {
        let Some(client_key) = client_key(&ask.headers)? else { return Ok(None) };
        let mut request = Sha256::new();
        let condition = ask.headers.get(http::header::IF_MATCH).map(http::HeaderValue::as_bytes);
        let roles = serde_json::to_vec(&caller.grants).unwrap_or_default();
        let parts = [
            &roles,
            ask.method.as_str().as_bytes(),
            ask.path.as_bytes(),
            ask.query.as_bytes(),
            condition.unwrap_or_default(),
            &ask.body,
        ];
        for part in parts {
            request.update((part.len() as u64).to_be_bytes());
            request.update(part);
        }
        let request = request.finalize().into();
        Ok(Some(Self { member: caller.member.clone(), client_key, request }))
    }

    /// Does it, unless it was done before. Returns what was made of it, and whether that was before.
    ///
    /// # Errors
    /// Those of `work`, and [`Failure::Reused`] if another request had its key.
    pub(super) fn perform(
        &self,
        context: &Context,
        change: &mut Change<'_>,
        deed: &mut Deed,
        work: impl FnOnce(&mut Change<'_>, &mut Deed) -> Result<Made, Failure>,
    ) -> Result<(Made, bool), Failure> {
        let now = change.now();
        if let Some(made) = self.answered(change.connection(), context, now)? {
            deed.details = json!({ "repeated": true }).to_string();
            return Ok((made, true));
        }
        let made = work(change, deed)?;
        self.keep(change.connection(), context, &made, now)?;
        Ok((made, false))
    }

    /// What was answered to it before, if it was, at the present instant in milliseconds.
    ///
    /// # Errors
    /// [`Failure::Reused`] if another request had its key.
    fn answered(
        &self,
        connection: &mut dyn Connection,
        context: &Context,
        now: i64,
    ) -> Result<Option<Made>, Failure> {
        KeptAnswer::sweep(connection, now.saturating_sub(KEPT))?;
        let kept = KeptAnswer::find(connection, &self.member, &self.client_key)?;
        let Some(kept) = kept else { return Ok(None) };
        let opened = match context.sealer.open(&self.row(), FIELD, &kept.answer) {
            Ok(opened) => Zeroizing::new(opened),
            // It was done, and is not done again.
            Err(SealError::OtherKey) => {
                let gone = "it was done, and its answer was sealed with a key that is gone";
                return Err(Failure::Conflict(gone.to_owned()));
            }
            Err(error) => return Err(error.into()),
        };
        let kept = serde_json::from_slice(&opened);
        let Kept { request, made } =
            kept.map_err(|_| StoreError::Corrupt("a kept answer that is none".to_owned()))?;
        if request == self.request { Ok(Some(made)) } else { Err(Failure::Reused) }
    }

    /// Keeps what is answered to it. What is shown once is not kept: the values of keys where the
    /// policy says so, and the secrets of clients and tokens always.
    fn keep(
        &self,
        connection: &mut dyn Connection,
        context: &Context,
        made: &Made,
        now: i64,
    ) -> Result<(), Failure> {
        let mut made = made.clone();
        if !made.secret || context.retrieval == Retrieval::Once {
            strip(&mut made.body);
        }
        let kept = serde_json::to_vec(&Kept { request: self.request, made });
        let kept = kept.map_err(|error| StoreError::Corrupt(error.to_string()))?;
        let answer = context.sealer.seal(&self.row(), FIELD, &Zeroizing::new(kept))?;
        let Self { member, client_key, .. } = self.clone();
        Ok(KeptAnswer { member, client_key, answer, at: now }.insert(connection)?)
    }

    fn row(&self) -> String {
        format!("{}/{}", self.member, self.client_key)
    }
}

/// Forgets answers that have been kept for long enough, for ever.
pub(super) async fn forget(plane: Plane) {
    let mut looks = tokio::time::interval(SWEEP);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        if let Err(error) = sweep(&plane).await {
            tracing::warn!(%error, "answers that were kept for a day cannot be forgotten");
        }
    }
}

async fn sweep(plane: &Plane) -> Result<(), StoreError> {
    let before = plane.now().saturating_sub(KEPT);
    if !plane.store.read(move |connection| KeptAnswer::is_due(connection, before)).await? {
        return Ok(());
    }
    let deed = Deed {
        actor: "sweep".to_owned(),
        action: "answer.forget".to_owned(),
        kind: "answer".to_owned(),
        object: String::new(),
        details: "{}".to_owned(),
    };
    let swept = plane.store.change(deed, move |change, _| {
        change.leave_untold();
        KeptAnswer::sweep(change.connection(), before)?;
        Ok::<_, NotChanged<Failure>>(())
    });
    match swept.await {
        Ok(_) | Err(NotChanged::Refused(_)) => Ok(()),
        Err(NotChanged::Store(error)) => Err(error),
    }
}

fn client_key(headers: &HeaderMap) -> Result<Option<String>, Failure> {
    let mut given = headers.get_all(&IDEMPOTENCY_KEY).iter();
    let Some(key) = given.next() else { return Ok(None) };
    let text = key.to_str().ok().filter(|_| given.next().is_none());
    let fits = |text: &&str| {
        (1..=LONGEST).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
    };
    let expected = || format!("expected one of 1 to {LONGEST} printable ASCII characters");
    let text = text.filter(fits).ok_or_else(|| Failure::invalid("Idempotency-Key", expected()))?;
    Ok(Some(text.to_owned()))
}

/// Takes the values of keys and secrets out, wherever they stand.
fn strip(json: &mut Json) {
    match json {
        Json::Object(object) => {
            object.retain(|name, value| {
                !value.is_string() || !matches!(&**name, "apikey" | "secret")
            });
            object.values_mut().for_each(strip);
        }
        Json::Array(list) => list.iter_mut().for_each(strip),
        _ => {}
    }
}
