//! What webhooks are told, from the change that it tells of until it has arrived.

use super::batch::insert;
use super::{Connection, Row, StoreError};

/// An event on its way to a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its id.
    pub id: String,
    /// The webhook.
    pub webhook: String,
    /// The id of the event: the same each time that it is tried, and for each webhook.
    pub event: String,
    /// What kind of event.
    pub kind: String,
    /// What is sent, in JSON.
    pub body: String,
    /// Milliseconds since 1970.
    pub created: i64,
    /// How it stands.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: i64,
    /// When it is tried next, or how long whoever tries it now has for that, in milliseconds since
    /// 1970; `None` once it is over.
    pub next: Option<i64>,
    /// When it was tried last.
    pub tried: Option<i64>,
    /// What was answered last.
    pub status: Option<i64>,
    /// Why it has not arrived, in words.
    pub failure: Option<String>,
}

/// How a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// It is tried, now or later.
    Waiting,
    /// It has arrived.
    Delivered,
    /// It was given up.
    Dead,
}

/// What came of a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// How the delivery stands now.
    pub state: DeliveryState,
    /// When it was tried, in milliseconds since 1970.
    pub at: i64,
    /// When it is tried again.
    pub next: Option<i64>,
    /// What was answered.
    pub status: Option<i64>,
    /// Why it has not arrived.
    pub failure: Option<String>,
}

const COLUMNS: &str =
    "id, webhook, event, kind, body, created, state, attempts, next, tried, status, failure";

impl DeliveryState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Waiting, Self::Delivered, Self::Dead];

    /// Its name in stores and answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }
}

impl Delivery {
    /// Puts deliveries there.
    ///
    /// # Errors
    /// What the store said; likewise below.
    pub fn insert_all(
        connection: &mut dyn Connection,
        deliveries: &[Self],
    ) -> Result<(), StoreError> {
        let rows = deliveries.iter().map(|delivery| {
            Ok(vec![
                delivery.id.as_str().into(),
                delivery.webhook.as_str().into(),
                delivery.event.as_str().into(),
                delivery.kind.as_str().into(),
                delivery.body.as_str().into(),
                delivery.created.into(),
                delivery.state.as_str().into(),
                delivery.attempts.into(),
                delivery.next.into(),
                delivery.tried.into(),
                delivery.status.into(),
                delivery.failure.as_deref().into(),
            ])
        });
        insert(connection, "deliveries", COLUMNS, rows)
    }

    /// The webhooks for which something is to be tried at `now`.
    pub fn due(connection: &mut dyn Connection, now: i64) -> Result<Vec<String>, StoreError> {
        let query = "SELECT DISTINCT webhook FROM deliveries WHERE next <= $1";
        let rows = connection.rows(query, &[now.into()])?;
        rows.iter().map(|row| row.text(0).map(str::to_owned)).collect()
    }

    /// Takes what is to be tried of a webhook at `now`, `most` at most. Nobody else tries it until
    /// `until`, when it is due again unless it was noted what came of it.
    pub fn claim(
        connection: &mut dyn Connection,
        webhook: &str,
        now: i64,
        until: i64,
        most: i64,
    ) -> Result<Vec<Self>, StoreError> {
        let query = format!(
            "SELECT {COLUMNS} FROM deliveries WHERE webhook = $1 AND next <= $2 \
             ORDER BY next, id LIMIT $3"
        );
        let rows = connection.rows(&query, &[webhook.into(), now.into(), most.into()])?;
        let mut claimed = rows.iter().map(Self::read).collect::<Result<Vec<_>, _>>()?;
        for delivery in &mut claimed {
            delivery.attempts += 1;
            delivery.next = Some(until);
            let claim = "UPDATE deliveries SET attempts = $1, next = $2 WHERE id = $3";
            let values = [delivery.attempts.into(), until.into(), delivery.id.as_str().into()];
            connection.run(claim, &values)?;
        }
        Ok(claimed)
    }

    /// Notes what came of this try, unless another was begun meanwhile. Returns whether it counts.
    pub fn note(&self, connection: &mut dyn Connection, tried: &Tried) -> Result<bool, StoreError> {
        let statement = "UPDATE deliveries SET state = $1, next = $2, tried = $3, status = $4, \
                         failure = $5 WHERE id = $6 AND attempts = $7";
        let changed = connection.run(
            statement,
            &[
                tried.state.as_str().into(),
                tried.next.into(),
                tried.at.into(),
                tried.status.into(),
                tried.failure.as_deref().into(),
                self.id.as_str().into(),
                self.attempts.into(),
            ],
        )?;
        Ok(changed > 0)
    }

    /// All of a webhook, the oldest first.
    pub fn of_webhook(
        connection: &mut dyn Connection,
        webhook: &str,
    ) -> Result<Vec<Self>, StoreError> {
        let query =
            format!("SELECT {COLUMNS} FROM deliveries WHERE webhook = $1 ORDER BY created, id");
        let rows = connection.rows(&query, &[webhook.into()])?;
        rows.iter().map(Self::read).collect()
    }

    /// A page of a webhook's, the oldest first.
    pub fn page(
        connection: &mut dyn Connection,
        webhook: &str,
        offset: usize,
        limit: usize,
    ) -> Result<Vec<Self>, StoreError> {
        let query = format!(
            "SELECT {COLUMNS} FROM deliveries WHERE webhook = $1 \
             ORDER BY created, id LIMIT $2 OFFSET $3"
        );
        let number = |number| i64::try_from(number).unwrap_or(i64::MAX);
        let values = [webhook.into(), number(limit).into(), number(offset).into()];
        let rows = connection.rows(&query, &values)?;
        rows.iter().map(Self::read).collect()
    }

    /// How many a webhook has.
    pub fn count(connection: &mut dyn Connection, webhook: &str) -> Result<usize, StoreError> {
        let query = "SELECT count(*) FROM deliveries WHERE webhook = $1";
        let row = connection.row(query, &[webhook.into()])?;
        let count = row.map_or(Ok(0), |row| row.integer(0))?;
        Ok(usize::try_from(count).unwrap_or(0))
    }

    /// One of a webhook's.
    pub fn find(
        connection: &mut dyn Connection,
        webhook: &str,
        id: &str,
    ) -> Result<Option<Self>, StoreError> {
        let query = format!("SELECT {COLUMNS} FROM deliveries WHERE webhook = $1 AND id = $2");
        let row = connection.row(&query, &[webhook.into(), id.into()])?;
        row.as_ref().map(Self::read).transpose()
    }

    /// Forgets what was over before these instants: what has arrived, and what was given up.
    pub fn forget(
        connection: &mut dyn Connection,
        delivered: i64,
        dead: i64,
    ) -> Result<u64, StoreError> {
        let statement = "DELETE FROM deliveries WHERE created < $1 AND state = $2";
        let mut forgotten = 0;
        for (before, state) in [(delivered, DeliveryState::Delivered), (dead, DeliveryState::Dead)]
        {
            forgotten += connection.run(statement, &[before.into(), state.as_str().into()])?;
        }
        Ok(forgotten)
    }

    /// Forgets all of a webhook.
    pub fn forget_webhook(connection: &mut dyn Connection, id: &str) -> Result<(), StoreError> {
        connection.run("DELETE FROM deliveries WHERE webhook = $1", &[id.into()]).map(drop)
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        let text = |column| row.text(column).map(str::to_owned);
        let state = row.text(6)?;
        let state = DeliveryState::ALL.into_iter().find(|known| known.as_str() == state);
        Ok(Self {
            id: text(0)?,
            webhook: text(1)?,
            event: text(2)?,
            kind: text(3)?,
            body: text(4)?,
            created: row.integer(5)?,
            state: state.ok_or_else(|| StoreError::Corrupt("a state of a delivery".to_owned()))?,
            attempts: row.integer(7)?,
            next: row.optional_integer(8)?,
            tried: row.optional_integer(9)?,
            status: row.optional_integer(10)?,
            failure: row.optional_text(11)?.map(str::to_owned),
        })
    }
}
