//! What requests come upon, told: a quota that is nearly used up or used up, calls that are refused.
//!
//! Workers hand an event of a key over once a minute at most, and drop what they have no room for.
//! How often somebody hears of it is the package's to say, and stands in the store, so that it holds
//! over restarts and for all control planes together.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value as Json, json};
use tollgate_core::{Clock, Decider, KeyEvent, LimitState, MeterEvent, Now, Root, SnapshotReader};

use super::outbox::{instant, of};
use super::{EventKind, Webhook};
use crate::model::{Notified, Notify};
use crate::operations::{Context, Refused};
use crate::source;
use crate::store::{Change, Deed, NotChanged, Shelf, Store, StoreError, StoredChain};

/// How often what workers hand over is taken.
const PACE: Duration = Duration::from_secs(1);

/// Tells of what workers hand over.
pub struct MeterEvents {
    /// Takes what was handed over.
    pub take: Box<dyn FnMut() -> Vec<KeyEvent> + Send>,
    /// What keys are looked up in.
    pub reader: SnapshotReader,
    /// Where keys are kept.
    pub store: Arc<Store>,
    /// What events are told within, at present.
    pub context: Box<dyn Fn() -> Context + Send + Sync>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

/// An event, with what is known of its key here.
struct Seen {
    kind: EventKind,
    /// The id of the key.
    key: String,
    package: String,
    unix: u64,
    details: Map<String, Json>,
}

impl MeterEvents {
    /// Tells, for ever.
    pub async fn run(mut self) {
        loop {
            tokio::time::sleep(PACE).await;
            if let Err(error) = self.catch_up().await {
                // Whatever goes on is handed over again within a minute.
                tracing::warn!(%error, "events of keys were lost");
            }
        }
    }

    /// Tells of what was handed over.
    ///
    /// # Errors
    /// What the store said: it is lost then.
    pub async fn catch_up(&mut self) -> Result<(), StoreError> {
        let events = (self.take)();
        let Some(root) = self.reader.current().filter(|_| !events.is_empty()) else {
            return Ok(());
        };
        let decider = Decider::new(self.reader.clone(), Arc::clone(&self.clock));
        let now = self.clock.now();
        let seen = events.iter().filter_map(|event| Seen::of(event, &root, &decider, now));
        let seen: Vec<_> = seen.collect();
        let context = (self.context)();
        let deed = Deed {
            actor: "meters".to_owned(),
            action: "webhook.notify".to_owned(),
            kind: "webhook".to_owned(),
            object: String::new(),
            details: "{}".to_owned(),
        };
        let told = self.store.change(deed, move |change, _| {
            // What is told stands in the deliveries.
            change.leave_untold();
            for seen in &seen {
                seen.tell(&context, change)?;
            }
            Ok::<_, NotChanged<Refused>>(())
        });
        match told.await {
            Ok(_) => Ok(()),
            Err(NotChanged::Store(error)) => Err(error),
            Err(NotChanged::Refused(refused)) => Err(StoreError::Corrupt(refused.to_string())),
        }
    }
}

impl Seen {
    /// `None` for a key that is gone meanwhile, or has another plan.
    fn of(event: &KeyEvent, root: &Root, decider: &Decider, now: Now) -> Option<Self> {
        let record = root.keys.find(&event.key)?;
        let usage = decider.usage(root, record, now)?;
        let used = usage.grants.into_iter().find(|used| used.grant.service == event.service)?;
        let kind = match event.event {
            MeterEvent::NearQuota => EventKind::NearQuota,
            MeterEvent::OverQuota => EventKind::OverQuota,
            MeterEvent::OverThrottle => EventKind::OverThrottle,
        };
        let mut services = root.routes.services();
        let service = services.find(|service| service.id == event.service);
        let service = service.map(|service| service.name.to_string());
        let mut details = of([
            ("service", json!(service)),
            ("package", json!(&*used.grant.package)),
            ("plan", json!(&*used.grant.plan)),
        ]);
        let limit = match event.event {
            MeterEvent::NearQuota | MeterEvent::OverQuota => ("quota", used.quota),
            MeterEvent::OverThrottle => ("qps", used.qps),
        };
        if let (name, Some(limit)) = limit {
            details.insert(name.to_owned(), shown(&limit, now));
        }
        Some(Self {
            kind,
            key: root.key_name(record, &mut [0; 36]).to_owned(),
            package: used.grant.package.to_string(),
            unix: event.unix,
            details,
        })
    }

    fn tell(&self, context: &Context, change: &mut Change<'_>) -> Result<(), StoreError> {
        if Webhook::listening(change.connection(), self.kind)?.is_empty() {
            return Ok(());
        }
        let chain = StoredChain::of_key(change.connection(), &self.key)?;
        let of_file = context.files.keys.get(self.key.as_str());
        let counts_as = match (&chain, of_file) {
            (Some(chain), _) => chain.id.as_str(),
            (None, Some(key)) => key.counts_as.as_str(),
            (None, None) => return Ok(()),
        };
        let notify = match context.files.packages.get(self.package.as_str()) {
            Some(package) => package.notify,
            None => Shelf::Packages
                .find(change.connection(), &self.package)?
                .map_or(Notify::NOTHING, |document| source::notify(&document)),
        };
        for (audience, notified) in [("developer", notify.developer), ("admin", notify.admin)] {
            if !self.wanted(notified) || !self.first(change, counts_as, audience, notified)? {
                continue;
            }
            let mut details = self.details.clone();
            details.insert("audience".to_owned(), json!(audience));
            match (&chain, of_file) {
                (Some(chain), _) => {
                    let mut known = chain.credentials.iter();
                    let number = known.find(|(_, known)| known.id == self.key);
                    let number = number.map(|(number, _)| *number);
                    context.tell(change, self.kind, chain, number, details)?;
                }
                (None, Some(key)) => context.tell_of_file(change, self.kind, key, details)?,
                (None, None) => {}
            }
        }
        Ok(())
    }

    fn wanted(&self, notified: Notified) -> bool {
        match self.kind {
            EventKind::NearQuota => notified.near_quota,
            EventKind::OverQuota => notified.over_quota,
            _ => notified.over_throttle,
        }
    }

    /// Whether it is the first of its kind in its period, of which it is noted then.
    fn first(
        &self,
        change: &mut Change<'_>,
        counts_as: &str,
        audience: &str,
        notified: Notified,
    ) -> Result<bool, StoreError> {
        let name = format!("{}/{audience}/{}", self.kind.as_str(), counts_as);
        let until = notified.period.end(self.unix).cast_signed();
        let statement = "INSERT INTO told (name, until) VALUES ($1, $2) ON CONFLICT (name) \
                         DO UPDATE SET until = excluded.until WHERE told.until < excluded.until";
        Ok(change.connection().run(statement, &[name.into(), until.into()])? > 0)
    }
}

fn shown(limit: &LimitState, now: Now) -> Json {
    let resets = limit.reading.map(|reading| now.unix() + reading.reset);
    let resets = resets.map(|second| instant(second.cast_signed()));
    json!({ "ceiling": limit.ceiling, "used": limit.used, "resets": resets })
}
