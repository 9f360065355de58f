//! Objects whose fields stand in a JSON object: all but keys and what belongs to them.

mod search;

use serde_json::{Map, Value as Json};

use super::batch::{BATCH, insert, numbered};
use super::texts::words;
use super::{Connection, Row, StoreError, Value};
use crate::directory::realm;
use crate::people::Realm;

pub use search::DocumentSearch;

/// Which objects stand together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Shelf {
    /// Organizations.
    Organizations,
    /// Groups, below organizations.
    Groups,
    /// Members; the name is the user name.
    Members,
    /// Applications, below members.
    Applications,
    /// Packages.
    Packages,
    /// Plans, below packages.
    Plans,
    /// Services.
    Services,
    /// Policy templates.
    Policies,
    /// Webhooks.
    Webhooks,
}

/// An object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its id, unique on its shelf.
    pub id: String,
    /// The id of what it lies below; empty where it lies below nothing.
    pub parent: String,
    /// Its name.
    pub name: String,
    /// Its other fields.
    pub body: Map<String, Json>,
    /// Milliseconds since 1970.
    pub created: i64,
    /// Milliseconds since 1970.
    pub updated: i64,
}

const COLUMNS: &str = "id, parent, name, body, created, updated";

/// What is derived of a document, for searches.
const DERIVED: &str = "words, organization, organization_group";

impl Shelf {
    /// Its name in the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Organizations => "organizations",
            Self::Groups => "groups",
            Self::Members => "members",
            Self::Applications => "applications",
            Self::Packages => "packages",
            Self::Plans => "plans",
            Self::Services => "services",
            Self::Policies => "policies",
            Self::Webhooks => "webhooks",
        }
    }

    /// Whether its objects can be many, and are found by their words.
    fn is_worded(self) -> bool {
        matches!(self, Self::Members | Self::Applications)
    }

    fn derived(self, document: &Document) -> [Value; 3] {
        let Document { name, body, .. } = document;
        let words = if self.is_worded() { words(name, body) } else { String::new() };
        let Realm { organization, group } = realm(body);
        [words.into(), organization.into(), group.into()]
    }

    /// The object of an id.
    ///
    /// # Errors
    /// What the store said; likewise below.
    pub fn find(
        self,
        connection: &mut dyn Connection,
        id: &str,
    ) -> Result<Option<Document>, StoreError> {
        let query = format!("SELECT {COLUMNS} FROM documents WHERE shelf = $1 AND id = $2");
        let row = connection.row(&query, &[self.as_str().into(), id.into()])?;
        row.as_ref().map(Document::read).transpose()
    }

    /// The object of a name, the oldest if there are several.
    pub fn named(
        self,
        connection: &mut dyn Connection,
        name: &str,
    ) -> Result<Option<Document>, StoreError> {
        let query = format!(
            "SELECT {COLUMNS} FROM documents WHERE shelf = $1 AND name = $2 \
             ORDER BY created, id LIMIT 1"
        );
        let row = connection.row(&query, &[self.as_str().into(), name.into()])?;
        row.as_ref().map(Document::read).transpose()
    }

    /// The objects that have one of some names, the oldest first.
    pub fn named_any(
        self,
        connection: &mut dyn Connection,
        names: &[&str],
    ) -> Result<Vec<Document>, StoreError> {
        self.having(connection, "name", names)
    }

    /// The objects below any of some parents, the oldest first.
    pub fn below_any(
        self,
        connection: &mut dyn Connection,
        parents: &[&str],
    ) -> Result<Vec<Document>, StoreError> {
        self.having(connection, "parent", parents)
    }

    fn having(
        self,
        connection: &mut dyn Connection,
        column: &str,
        texts: &[&str],
    ) -> Result<Vec<Document>, StoreError> {
        let mut found = Vec::new();
        for some in texts.chunks(BATCH) {
            let numbers = numbered(some.len() + 1);
            let (shelf, others) = numbers.split_once(", ").unwrap_or((&numbers, ""));
            let query = format!(
                "SELECT {COLUMNS} FROM documents WHERE shelf = {shelf} AND {column} IN ({others})"
            );
            let mut values = vec![Value::from(self.as_str())];
            values.extend(some.iter().map(|text| Value::from(*text)));
            for row in connection.rows(&query, &values)? {
                found.push(Document::read(&row)?);
            }
        }
        found.sort_by(|one, other| (one.created, &one.id).cmp(&(other.created, &other.id)));
        Ok(found)
    }

    /// All objects, the oldest first.
    pub fn all(self, connection: &mut dyn Connection) -> Result<Vec<Document>, StoreError> {
        let query =
            format!("SELECT {COLUMNS} FROM documents WHERE shelf = $1 ORDER BY created, id");
        let rows = connection.rows(&query, &[self.as_str().into()])?;
        rows.iter().map(Document::read).collect()
    }

    /// The objects below `parent`, the oldest first.
    pub fn below(
        self,
        connection: &mut dyn Connection,
        parent: &str,
    ) -> Result<Vec<Document>, StoreError> {
        let query = format!(
            "SELECT {COLUMNS} FROM documents WHERE shelf = $1 AND parent = $2 ORDER BY created, id"
        );
        let rows = connection.rows(&query, &[self.as_str().into(), parent.into()])?;
        rows.iter().map(Document::read).collect()
    }

    /// Puts an object there.
    pub fn insert(
        self,
        connection: &mut dyn Connection,
        document: &Document,
    ) -> Result<(), StoreError> {
        self.insert_all(connection, std::slice::from_ref(document))
    }

    /// Puts objects there.
    pub fn insert_all(
        self,
        connection: &mut dyn Connection,
        documents: &[Document],
    ) -> Result<(), StoreError> {
        let rows = documents.iter().map(|document| {
            let Document { id, parent, name, body, created, updated } = document;
            let mut values = vec![
                self.as_str().into(),
                id.as_str().into(),
                parent.as_str().into(),
                name.as_str().into(),
                text(body)?,
                (*created).into(),
                (*updated).into(),
            ];
            values.extend(self.derived(document));
            Ok(values)
        });
        insert(connection, "documents", &format!("shelf, {COLUMNS}, {DERIVED}"), rows)
    }

    /// Changes an object. Returns whether it is there.
    pub fn update(
        self,
        connection: &mut dyn Connection,
        document: &Document,
    ) -> Result<bool, StoreError> {
        let Document { id, parent, name, body, updated, .. } = document;
        let [words, organization, group] = self.derived(document);
        let changed = connection.run(
            "UPDATE documents SET parent = $1, name = $2, body = $3, updated = $4, words = $5, \
             organization = $6, organization_group = $7 WHERE shelf = $8 AND id = $9",
            &[
                parent.as_str().into(),
                name.as_str().into(),
                text(body)?,
                (*updated).into(),
                words,
                organization,
                group,
                self.as_str().into(),
                id.as_str().into(),
            ],
        )?;
        Ok(changed > 0)
    }

    /// Takes an object away. Returns whether it was there.
    pub fn delete(self, connection: &mut dyn Connection, id: &str) -> Result<bool, StoreError> {
        let statement = "DELETE FROM documents WHERE shelf = $1 AND id = $2";
        Ok(connection.run(statement, &[self.as_str().into(), id.into()])? > 0)
    }
}

impl Document {
    fn read(row: &Row) -> Result<Self, StoreError> {
        let body = serde_json::from_str(row.text(3)?);
        Ok(Self {
            id: row.text(0)?.to_owned(),
            parent: row.text(1)?.to_owned(),
            name: row.text(2)?.to_owned(),
            body: body.map_err(|_| StoreError::Corrupt("a body that is no object".to_owned()))?,
            created: row.integer(4)?,
            updated: row.integer(5)?,
        })
    }
}

fn text(body: &Map<String, Json>) -> Result<Value, StoreError> {
    serde_json::to_string(body).map(Value::Text).map_err(StoreError::failed)
}
