//! Registered clients: the programs through which members log in.

use subtle::ConstantTimeEq;

use super::Secret;
use crate::store::{Connection, Row, StoreError, Value};

/// A program that is registered. Its secret is known by its digest only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// What it calls itself: the user name of its Basic credentials.
    pub id: String,
    /// For people.
    pub name: String,
    /// Milliseconds since 1970.
    pub created: i64,
    digest: [u8; 32],
}

const COLUMNS: &str = "id, name, digest, created";

impl Client {
    /// A client with this secret.
    #[must_use]
    pub fn new(id: &str, name: &str, secret: &Secret, created: i64) -> Self {
        Self { id: id.to_owned(), name: name.to_owned(), created, digest: secret.digest() }
    }

    /// Whether this is its secret. Takes as long whatever it is.
    #[must_use]
    pub fn has(&self, secret: &Secret) -> bool {
        self.digest.ct_eq(&secret.digest()).into()
    }

    /// The client of an id.
    ///
    /// # Errors
    /// What the store said; likewise below.
    pub fn find(connection: &mut dyn Connection, id: &str) -> Result<Option<Self>, StoreError> {
        let query = format!("SELECT {COLUMNS} FROM clients WHERE id = $1");
        connection.row(&query, &[id.into()])?.as_ref().map(Self::read).transpose()
    }

    /// All clients, the oldest first.
    pub fn all(connection: &mut dyn Connection) -> Result<Vec<Self>, StoreError> {
        let query = format!("SELECT {COLUMNS} FROM clients ORDER BY created, id");
        connection.rows(&query, &[])?.iter().map(Self::read).collect()
    }

    /// Registers it.
    pub fn insert(&self, connection: &mut dyn Connection) -> Result<(), StoreError> {
        let statement = format!("INSERT INTO clients ({COLUMNS}) VALUES ($1, $2, $3, $4)");
        let Self { id, name, created, digest } = self;
        let digest = Value::Bytes(digest.to_vec());
        let values = [id.as_str().into(), name.as_str().into(), digest, (*created).into()];
        connection.run(&statement, &values).map(|_| ())
    }

    /// Takes a client away, with every login that was made through it. Returns whether it was there.
    pub fn delete(connection: &mut dyn Connection, id: &str) -> Result<bool, StoreError> {
        connection.run("DELETE FROM logins WHERE client = $1", &[id.into()])?;
        Ok(connection.run("DELETE FROM clients WHERE id = $1", &[id.into()])? > 0)
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        let digest = row.bytes(2)?.try_into();
        Ok(Self {
            id: row.text(0)?.to_owned(),
            name: row.text(1)?.to_owned(),
            digest: digest.map_err(|_| StoreError::Corrupt("a digest that is none".to_owned()))?,
            created: row.integer(3)?,
        })
    }
}
