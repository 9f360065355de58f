//! What was written down, sent: by whoever takes it first, again and again until it has arrived or is
//! given up.

use std::collections::HashSet;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tollgate_core::Clock;

use super::{AddressRules, SigningSecret, Target, Webhook, WebhookMetrics};
use crate::seal::Sealer;
use crate::store::{
    Change, Deed, Delivery, DeliveryState, NotChanged, Reason, Store, StoreError, Tried,
};

/// How often it is looked whether something is due.
const LOOK: Duration = Duration::from_secs(1);

/// How often what is long over is forgotten.
const FORGET: Duration = Duration::from_secs(60 * 60);

/// How long one try may take: who took a delivery has it for twice as long.
pub(super) const LONGEST_TRY: Duration = Duration::from_secs(15);

/// So many webhooks are told at a time, and of each so many events.
const WEBHOOKS: usize = 16;
const EVENTS: i64 = 4;

/// It is given up after so many tries: a day, with the pauses below.
const TRIES: i64 = 12;

/// The first pause, and the longest.
const FIRST_PAUSE: i64 = 5_000;
const LONGEST_PAUSE: i64 = 4 * 60 * 60 * 1000;

const DAY: i64 = 24 * 60 * 60 * 1000;

/// What is sent.
pub struct Letter {
    /// Where to.
    pub target: Target,
    /// Which addresses it may go to.
    pub rules: AddressRules,
    /// `webhook-id`.
    pub id: String,
    /// `webhook-timestamp`.
    pub timestamp: String,
    /// `webhook-signature`.
    pub signature: String,
    /// The body, in JSON.
    pub body: String,
}

/// What was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// `Retry-After`, in seconds.
    pub retry_after: Option<u32>,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotSent {
    /// The name leads to no address.
    NoAddress,
    /// The name leads to addresses that are not allowed only.
    NotAllowed,
    /// Nobody takes the connection.
    NoConnection,
    /// The other side is not who it says it is, or speaks no TLS.
    NoTrust,
    /// The exchange broke off.
    Broken,
    /// It took too long.
    TooLate,
}

/// An answer that is awaited.
pub type Posted<'a> = Pin<Box<dyn Future<Output = Result<Answer, NotSent>> + Send + 'a>>;

/// What brings a letter to where it is to go, without following it anywhere else.
pub trait Post: Send + Sync {
    /// Sends one letter, once.
    fn post(&self, letter: Letter) -> Posted<'_>;
}

/// Sends what is due.
#[derive(Clone)]
pub struct Sender {
    /// Where deliveries are kept.
    pub store: Arc<Store>,
    /// What opens their secrets.
    pub sealer: Sealer,
    /// What brings them there.
    pub post: Arc<dyn Post>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Which addresses may be named.
    pub rules: AddressRules,
    /// What is counted.
    pub metrics: WebhookMetrics,
}

/// Nothing of it is ever refused.
enum Never {}

impl Reason for Never {
    fn code(&self) -> &str {
        match *self {}
    }
}

impl NotSent {
    /// In words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoAddress => "the name of the host leads to no address",
            Self::NotAllowed => "the host is in a private network, which is not allowed",
            Self::NoConnection => "the host takes no connection",
            Self::NoTrust => "the host has no certificate that can be trusted",
            Self::Broken => "the exchange broke off",
            Self::TooLate => "the answer took too long",
        }
    }
}

impl Sender {
    /// Sends, for ever.
    pub async fn run(self) {
        let mut couriers = JoinSet::new();
        let mut busy: HashSet<String> = HashSet::new();
        let mut forget = tokio::time::interval(FORGET);
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                Some(ended) = couriers.join_next() => {
                    if let Ok(webhook) = ended {
                        busy.remove(&webhook);
                    }
                    continue;
                }
                _ = forget.tick() => {
                    if let Err(error) = self.forget().await {
                        tracing::warn!(%error, "old deliveries cannot be forgotten");
                    }
                }
            }
            let now = self.now();
            match self.store.read(move |connection| Delivery::due(connection, now)).await {
                Ok(due) => {
                    for webhook in due {
                        if busy.len() < WEBHOOKS && busy.insert(webhook.clone()) {
                            couriers.spawn(self.clone().courier(webhook));
                        }
                    }
                }
                Err(error) => tracing::warn!(%error, "deliveries to webhooks cannot be read"),
            }
        }
    }

    /// Sends what is due to one webhook, and returns it.
    async fn courier(self, webhook: String) -> String {
        while let Ok(sent) = self.round(&webhook).await.inspect_err(
            |error| tracing::warn!(%error, webhook, "a webhook cannot be told; it is tried again"),
        ) {
            if !sent {
                break;
            }
        }
        webhook
    }

    /// Sends everything that is due, once, webhook by webhook: for tests that hold the clock.
    ///
    /// # Errors
    /// What the store said.
    pub async fn catch_up(&self) -> Result<(), StoreError> {
        let now = self.now();
        for webhook in self.store.read(move |connection| Delivery::due(connection, now)).await? {
            while self.round(&webhook).await? {}
        }
        Ok(())
    }

    /// Sends some of what is due to a webhook. Returns whether there was any.
    async fn round(&self, id: &str) -> Result<bool, StoreError> {
        let asked = id.to_owned();
        let found = self.store.read(move |connection| {
            let webhook = Webhook::find(connection, &asked)?;
            Ok((webhook, SigningSecret::sealed(connection, &asked)?))
        });
        let (Some(webhook), Some(sealed)) = found.await? else {
            return Ok(false);
        };
        if !webhook.enabled {
            return Ok(false);
        }
        let secret = SigningSecret::open(&self.sealer, id, &sealed);
        let secret = secret.map_err(|error| StoreError::Corrupt(error.to_string()))?;
        let (asked, now) = (id.to_owned(), self.now());
        let lease = i64::try_from(2 * LONGEST_TRY.as_millis()).unwrap_or(i64::MAX);
        let claim = move |change: &mut Change<'_>| {
            Delivery::claim(change.connection(), &asked, now, now + lease, EVENTS)
        };
        let claimed = self.change(claim).await?;
        let sent = !claimed.is_empty();
        let (webhook, secret) = (Arc::new(webhook), Arc::new(secret));
        let mut tries = JoinSet::new();
        for delivery in claimed {
            let (this, webhook, secret) = (self.clone(), Arc::clone(&webhook), Arc::clone(&secret));
            tries.spawn(async move {
                let tried = this.attempt(&webhook, &secret, &delivery).await;
                (delivery, tried)
            });
        }
        while let Some(ended) = tries.join_next().await {
            // One that panicked is due again when its time is over.
            let Ok((delivery, tried)) = ended else { continue };
            self.change(move |change| delivery.note(change.connection(), &tried)).await?;
        }
        Ok(sent)
    }

    /// Tries one delivery.
    async fn attempt(
        &self,
        webhook: &Webhook,
        secret: &SigningSecret,
        delivery: &Delivery,
    ) -> Tried {
        let at = self.now();
        let answered = match Target::read(&webhook.url, self.rules) {
            // What may be named has changed since it was.
            Err(_) => Err(NotSent::NotAllowed),
            Ok(target) => {
                let timestamp = at.div_euclid(1000);
                let letter = Letter {
                    target,
                    rules: self.rules,
                    id: delivery.event.clone(),
                    timestamp: timestamp.to_string(),
                    signature: secret.sign(&delivery.event, timestamp, &delivery.body),
                    body: delivery.body.clone(),
                };
                let posted = tokio::time::timeout(LONGEST_TRY, self.post.post(letter)).await;
                posted.unwrap_or(Err(NotSent::TooLate))
            }
        };
        let tried = outcome(answered, delivery.attempts, at, chance());
        self.metrics.note(match tried.state {
            DeliveryState::Delivered => "delivered",
            DeliveryState::Waiting => "failed",
            DeliveryState::Dead => "dead",
        });
        if tried.state == DeliveryState::Dead {
            let failure = tried.failure.as_deref().unwrap_or_default();
            tracing::warn!(webhook = %webhook.id, delivery = %delivery.id, failure, "gave a delivery up");
        }
        tried
    }

    async fn forget(&self) -> Result<(), StoreError> {
        let now = self.now();
        let forget = move |change: &mut Change<'_>| {
            let over = "DELETE FROM told WHERE until < $1";
            change.connection().run(over, &[now.div_euclid(1000).into()])?;
            Delivery::forget(change.connection(), now - 7 * DAY, now - 30 * DAY)
        };
        self.change(forget).await.map(drop)
    }

    /// Changes the store, which nobody has to be told of: what was sent stands in the deliveries.
    async fn change<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Change<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let deed = Deed {
            actor: "webhooks".to_owned(),
            action: "webhook.deliver".to_owned(),
            kind: "webhook".to_owned(),
            object: String::new(),
            details: "{}".to_owned(),
        };
        let changed = self.store.change(deed, move |change, _| {
            change.leave_untold();
            Ok::<_, NotChanged<Never>>(work(change)?)
        });
        match changed.await {
            Ok((done, _)) => Ok(done),
            Err(NotChanged::Store(error)) => Err(error),
            Err(NotChanged::Refused(never)) => match never {},
        }
    }

    fn now(&self) -> i64 {
        i64::try_from(self.clock.now().unix_ms).unwrap_or(i64::MAX)
    }
}

/// What comes of a try, the `attempts`th, at an instant. `chance` is from 0 to 255.
fn outcome(answered: Result<Answer, NotSent>, attempts: i64, at: i64, chance: u8) -> Tried {
    let (status, retry_after, failure) = match answered {
        Ok(Answer { status, .. }) if (200..300).contains(&status) => {
            let (state, status) = (DeliveryState::Delivered, Some(status.into()));
            return Tried { state, at, next: None, status, failure: None };
        }
        Ok(Answer { status, retry_after }) => {
            (Some(i64::from(status)), retry_after, format!("the answer was {status}"))
        }
        Err(not_sent) => (None, None, not_sent.as_str().to_owned()),
    };
    let failure = Some(failure);
    // 410 is what Standard Webhooks have an endpoint say that wants nothing more.
    if attempts >= TRIES || status == Some(410) {
        return Tried { state: DeliveryState::Dead, at, next: None, status, failure };
    }
    let asked = i64::from(retry_after.unwrap_or(0)).saturating_mul(1000).min(LONGEST_PAUSE);
    let next = Some(at + pause(attempts, chance).max(asked));
    Tried { state: DeliveryState::Waiting, at, next, status, failure }
}

/// How long it is waited after so many tries, in milliseconds: four times as long each time, give or
/// take a fifth, so that those who failed together do not come again together.
fn pause(attempts: i64, chance: u8) -> i64 {
    let exponent = u32::try_from(attempts.clamp(1, 12) - 1).unwrap_or(0);
    let pause = FIRST_PAUSE.saturating_mul(4_i64.saturating_pow(exponent)).min(LONGEST_PAUSE);
    pause * (80 * 255 + 40 * i64::from(chance)) / (100 * 255)
}

fn chance() -> u8 {
    getrandom::u32().map_or(128, |random| random.to_le_bytes()[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_hours_and_end() {
        let pauses: Vec<_> = (1..TRIES).map(|attempts| pause(attempts, 127) / 1000).collect();
        assert_eq!(pauses[..6], [4, 19, 79, 319, 1278, 5115]);
        assert!(pauses[7..].iter().all(|pause| (14_370..14_400).contains(pause)));
        let all: i64 = pauses.iter().sum();
        assert!((20 * 3600..30 * 3600).contains(&all), "{all}");
        assert_eq!((pause(1, 0), pause(1, 255)), (4000, 6000));
        let failed = Ok(Answer { status: 500, retry_after: None });
        assert_eq!(outcome(failed, TRIES - 1, 0, 0).state, DeliveryState::Waiting);
        assert_eq!(outcome(failed, TRIES, 0, 0).state, DeliveryState::Dead);
    }

    #[test]
    fn an_endpoint_says_when_it_wants_to_hear_again_or_never() {
        let answer = |status, retry_after| outcome(Ok(Answer { status, retry_after }), 1, 0, 128);
        assert_eq!(answer(204, None).state, DeliveryState::Delivered);
        assert_eq!(answer(503, Some(60)).next, Some(60_000));
        assert_eq!(answer(503, Some(u32::MAX)).next, Some(LONGEST_PAUSE));
        assert_eq!(answer(410, None).state, DeliveryState::Dead);
        assert_eq!(answer(302, None).state, DeliveryState::Waiting, "nothing is followed");
        assert_eq!(outcome(Err(NotSent::TooLate), 1, 0, 128).status, None);
    }
}
