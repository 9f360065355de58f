//! Answers that are given again when the same request comes again.

use super::{Connection, StoreError, Value};

/// What was answered to a change that a client gave a key of its own to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAnswer {
    /// The member who asked.
    pub member: String,
    /// The client's own key.
    pub client_key: String,
    /// What was asked and answered, sealed.
    pub answer: Vec<u8>,
    /// When, in milliseconds since 1970.
    pub at: i64,
}

const COLUMNS: &str = "member, client_key, answer, at";

impl KeptAnswer {
    /// The answer to a member's request with this key.
    ///
    /// # Errors
    /// What the store said; likewise below.
    pub fn find(
        connection: &mut dyn Connection,
        member: &str,
        client_key: &str,
    ) -> Result<Option<Self>, StoreError> {
        let query = format!("SELECT {COLUMNS} FROM answers WHERE member = $1 AND client_key = $2");
        let row = connection.row(&query, &[member.into(), client_key.into()])?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(Self {
            member: row.text(0)?.to_owned(),
            client_key: row.text(1)?.to_owned(),
            answer: row.bytes(2)?.to_vec(),
            at: row.integer(3)?,
        }))
    }

    /// Keeps it.
    pub fn insert(&self, connection: &mut dyn Connection) -> Result<(), StoreError> {
        let statement = format!("INSERT INTO answers ({COLUMNS}) VALUES ($1, $2, $3, $4)");
        let values = [
            self.member.as_str().into(),
            self.client_key.as_str().into(),
            Value::Bytes(self.answer.clone()),
            self.at.into(),
        ];
        connection.run(&statement, &values).map(|_| ())
    }

    /// Forgets what was answered before `at`. Returns how many answers that were.
    pub fn sweep(connection: &mut dyn Connection, at: i64) -> Result<u64, StoreError> {
        connection.run("DELETE FROM answers WHERE at < $1", &[at.into()])
    }

    /// Whether anything was answered before `at` that is still kept.
    pub fn is_due(connection: &mut dyn Connection, at: i64) -> Result<bool, StoreError> {
        Ok(connection.row("SELECT at FROM answers WHERE at < $1 LIMIT 1", &[at.into()])?.is_some())
    }
}
