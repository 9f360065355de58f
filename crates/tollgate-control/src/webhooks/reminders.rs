//! What is told ahead of time: that a key expires in 30, 7 or 1 days, that an overlap ends.
//!
//! Each reminder goes through the keys in the order of the dates that it is about, once: where it
//! has got to stands in the store. So each date is told of once, whoever runs it and however often
//! it is restarted; what came due meanwhile is told when it runs again, unless that date has
//! passed or a nearer reminder is due as well. A date that is set later than it would have been told
//! of is not.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tollgate_core::Clock;

use super::outbox::{OVERLAP_ENDING, instant, of};
use super::{EventKind, Webhook};
use crate::life_cycle::{Event, Instant, KeyNumber, due};
use crate::operations::{Context, Refused};
use crate::store::{Change, Deed, NotChanged, Store, StoreError, StoredChain};

/// How late one is told at the latest.
const PACE: Duration = Duration::from_secs(60);

/// So many keys are told of in one change.
const STEP: i64 = 500;

const DAY: i64 = 86_400;

/// Reminds.
pub struct Reminders {
    /// Where keys are kept.
    pub store: Arc<Store>,
    /// What events are told within, at present.
    pub context: Box<dyn Fn() -> Context + Send + Sync>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

/// A reminder: so many seconds ahead of which date, of which keys.
#[derive(Clone, Copy, Debug)]
struct Reminder {
    name: &'static str,
    column: &'static str,
    of: &'static str,
    ahead: i64,
    /// A date that is so near is told of by another, or has passed.
    nearer: i64,
}

const EXPIRING: Reminder = Reminder {
    name: "",
    column: "expiration",
    of: "latest = 1 AND state IN ('active', 'suspended')",
    ahead: 0,
    nearer: 0,
};

const ALL: [Reminder; 4] = [
    Reminder { name: "reminded/expiring/30", ahead: 30 * DAY, nearer: 7 * DAY, ..EXPIRING },
    Reminder { name: "reminded/expiring/7", ahead: 7 * DAY, nearer: DAY, ..EXPIRING },
    Reminder { name: "reminded/expiring/1", ahead: DAY, nearer: 0, ..EXPIRING },
    Reminder {
        name: "reminded/overlap",
        column: "superseded_until",
        of: "latest = 0 AND state IN ('active', 'suspended')",
        ahead: OVERLAP_ENDING,
        nearer: 0,
    },
];

/// Where a reminder has got to: everything up to this date, and of this date up to this chain.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    date: i64,
    chain: String,
}

impl Reminders {
    /// Reminds, for ever.
    pub async fn run(self) {
        loop {
            if let Err(error) = self.catch_up().await {
                tracing::error!(%error, "reminders cannot be told; it is tried again");
            }
            tokio::time::sleep(PACE).await;
        }
    }

    /// Tells everything that is due now.
    ///
    /// # Errors
    /// What the store said. What was told until then is told.
    pub async fn catch_up(&self) -> Result<(), StoreError> {
        for reminder in ALL {
            while self.step(reminder).await? {}
        }
        Ok(())
    }

    /// Tells of some keys. Returns whether there may be more.
    async fn step(&self, reminder: Reminder) -> Result<bool, StoreError> {
        let context = (self.context)();
        let deed = Deed {
            actor: "scheduler".to_owned(),
            action: "webhook.remind".to_owned(),
            kind: "webhook".to_owned(),
            object: String::new(),
            details: "{}".to_owned(),
        };
        let told = self.store.change(deed, move |change, _| {
            // What is told stands in the deliveries.
            change.leave_untold();
            Ok::<_, NotChanged<Refused>>(reminder.tell(&context, change)?)
        });
        match told.await {
            Ok((more, _)) => Ok(more),
            Err(NotChanged::Store(error)) => Err(error),
            Err(NotChanged::Refused(refused)) => Err(StoreError::Corrupt(refused.to_string())),
        }
    }
}

impl Reminder {
    fn tell(self, context: &Context, change: &mut Change<'_>) -> Result<bool, StoreError> {
        let now = change.now().div_euclid(1000);
        let end = Place { date: now + self.ahead + 1, chain: String::new() };
        let place = match self.place(change)? {
            Some(place) => place,
            None => {
                // It begins now: what lies ahead of keys that were there before is theirs to know.
                self.put(change, &end)?;
                return Ok(false);
            }
        };
        if place.date >= end.date {
            return Ok(false);
        }
        let kind = if self.column == "expiration" {
            EventKind::Expiring
        } else {
            EventKind::OverlapEnding
        };
        if Webhook::listening(change.connection(), kind)?.is_empty() {
            self.put(change, &end)?;
            return Ok(false);
        }
        let found = self.next(change, &place, &end)?;
        let more = i64::try_from(found.len()).is_ok_and(|found| found >= STEP);
        for (date, id, number) in &found {
            if *date > now + self.nearer {
                self.tell_of(context, change, id, KeyNumber(*number))?;
            }
        }
        let last = found.last().filter(|_| more);
        let reached = last.map(|(date, id, _)| Place { date: *date, chain: id.clone() });
        self.put(change, &reached.unwrap_or(end))?;
        Ok(more)
    }

    /// The next keys: their dates, chains and numbers.
    fn next(
        self,
        change: &mut Change<'_>,
        place: &Place,
        end: &Place,
    ) -> Result<Vec<(i64, String, u32)>, StoreError> {
        let Self { column, of, .. } = self;
        let query = format!(
            "SELECT {column}, chain, number FROM keys WHERE ({column}, chain) > ($1, $2) \
             AND {column} < $3 AND {of} ORDER BY {column}, chain LIMIT $4"
        );
        let values = [place.date.into(), place.chain.as_str().into(), end.date.into(), STEP.into()];
        let rows = change.connection().rows(&query, &values)?;
        let read = rows.iter().map(|row| {
            let number = u32::try_from(row.integer(2)?).unwrap_or(0);
            Ok((row.integer(0)?, row.text(1)?.to_owned(), number))
        });
        read.collect()
    }

    fn tell_of(
        self,
        context: &Context,
        change: &mut Change<'_>,
        id: &str,
        number: KeyNumber,
    ) -> Result<(), StoreError> {
        let Some(chain) = StoredChain::find(change.connection(), id)? else { return Ok(()) };
        let next = due(&chain.life).map(|due| due.event);
        let (kind, details) = if self.column == "expiration" {
            let Some(expiration) = chain.life.latest.expiration else { return Ok(()) };
            // A rotation that comes first is the end of it: the key does not live to expire.
            if next == Some(Event::RotationDue) {
                return Ok(());
            }
            let expires = match expiration {
                Instant::Day(second) => instant(second).chars().take(10).collect(),
                Instant::Second(second) => instant(second),
            };
            let details = of([("expires", json!(expires)), ("days", json!(self.ahead / DAY))]);
            (EventKind::Expiring, details)
        } else {
            let Some(key) = chain.life.superseded().filter(|key| key.number == number) else {
                return Ok(());
            };
            let ends = key.superseded_until.unwrap_or_default();
            (EventKind::OverlapEnding, of([("ends", json!(instant(ends)))]))
        };
        context.tell(change, kind, &chain, Some(number), details)
    }

    fn place(self, change: &mut Change<'_>) -> Result<Option<Place>, StoreError> {
        let query = "SELECT value FROM facts WHERE name = $1";
        let Some(row) = change.connection().row(query, &[self.name.into()])? else {
            return Ok(None);
        };
        let corrupt = || StoreError::Corrupt("a place of a reminder".to_owned());
        let (date, chain) = row.text(0)?.split_once(' ').ok_or_else(corrupt)?;
        let date = date.parse().map_err(|_| corrupt())?;
        Ok(Some(Place { date, chain: chain.to_owned() }))
    }

    fn put(self, change: &mut Change<'_>, place: &Place) -> Result<(), StoreError> {
        let statement = "INSERT INTO facts (name, value) VALUES ($1, $2) \
                         ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        let value = format!("{} {}", place.date, place.chain);
        change.connection().run(statement, &[self.name.into(), value.into()]).map(drop)
    }
}
