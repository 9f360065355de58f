//! Finding documents among many.

use super::{COLUMNS, Document, Shelf};
use crate::people::Realm;
use crate::store::condition::Condition;
use crate::store::{Connection, StoreError, Value, Within};

/// Which documents are looked for. What is `None` or empty is not asked about; everything that is
/// has to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentSearch {
    /// Where they stand.
    pub shelf: Shelf,
    /// Below this.
    pub parent: Option<String>,
    /// Within one of these realms, read as those of a [`crate::store::ChainSearch`].
    pub realms: Option<Vec<Realm>>,
    /// With this id.
    pub id: Option<String>,
    /// Of this name.
    pub name: Option<String>,
    /// When it was made, in milliseconds since 1970.
    pub created: Vec<Within>,
    /// When it was last changed, in milliseconds since 1970.
    pub updated: Vec<Within>,
    /// In whose words these stand, whatever their case: in its name or anything that it says. Only
    /// members and applications are found by these.
    pub texts: Vec<String>,
}

const TABLE: &str = "documents d";

/// Where a document stands among all by age.
pub(crate) type Age = (i64, String);

impl DocumentSearch {
    /// All documents of a shelf.
    #[must_use]
    pub fn of(shelf: Shelf) -> Self {
        Self {
            shelf,
            parent: None,
            realms: None,
            id: None,
            name: None,
            created: Vec::new(),
            updated: Vec::new(),
            texts: Vec::new(),
        }
    }

    /// How many there are.
    ///
    /// # Errors
    /// What the store said; likewise below.
    pub fn count(&self, connection: &mut dyn Connection) -> Result<u64, StoreError> {
        self.condition(connection)?.count(connection, TABLE)
    }

    /// A page of them, the oldest first.
    pub fn page(
        &self,
        connection: &mut dyn Connection,
        offset: u64,
        limit: u64,
    ) -> Result<Vec<Document>, StoreError> {
        let mut condition = self.condition(connection)?;
        let limit = condition.parameter(Value::Integer(limit.cast_signed()));
        let offset = condition.parameter(Value::Integer(offset.cast_signed()));
        documents(&condition, connection, &format!("LIMIT {limit} OFFSET {offset}"))
    }

    /// Hands over id and name of each of them, the oldest first.
    pub fn names(
        &self,
        connection: &mut dyn Connection,
        mut each: impl FnMut(&str, &str),
    ) -> Result<(), StoreError> {
        let condition = self.condition(connection)?;
        let from = condition.of(TABLE);
        let query = format!("SELECT d.id, d.name FROM {from} ORDER BY d.created, d.id");
        connection.each(&query, &condition.values, &mut |row| {
            each(row.text(0)?, row.text(1)?);
            Ok(())
        })
    }

    /// So many of them at most, from the oldest one that is younger than one of that age.
    pub fn younger(
        &self,
        connection: &mut dyn Connection,
        than: Option<&Age>,
        most: usize,
    ) -> Result<Vec<Document>, StoreError> {
        let mut condition = self.condition(connection)?;
        if let Some((created, id)) = than {
            let created = condition.parameter((*created).into());
            let id = condition.parameter(id.as_str().into());
            condition.terms.push(format!("(d.created, d.id) > ({created}, {id})"));
        }
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let most = condition.parameter(Value::Integer(most));
        documents(&condition, connection, &format!("LIMIT {most}"))
    }

    fn condition(&self, connection: &mut dyn Connection) -> Result<Condition, StoreError> {
        let mut texts: Vec<_> = self.texts.iter().map(|text| text.to_lowercase()).collect();
        // The longest text is that of the fewest, most likely.
        texts.sort_by_key(String::len);
        let longest = texts.pop();
        let shelf = self.shelf.as_str();
        let mut condition = Condition::of_words(connection, shelf, longest.as_deref())?;
        condition.equal("d.shelf", shelf.into());
        for (column, text) in
            [("d.parent", &self.parent), ("d.id", &self.id), ("d.name", &self.name)]
        {
            if let Some(text) = text {
                condition.equal(column, text.as_str().into());
            }
        }
        texts.iter().for_each(|text| condition.contains("d.words", text));
        self.created.iter().for_each(|within| condition.within("d.created", *within));
        self.updated.iter().for_each(|within| condition.within("d.updated", *within));
        if let Some(realms) = &self.realms {
            condition.within_any("d", realms);
        }
        Ok(condition)
    }
}

fn documents(
    condition: &Condition,
    connection: &mut dyn Connection,
    limit: &str,
) -> Result<Vec<Document>, StoreError> {
    let columns = COLUMNS.split(", ").map(|column| format!("d.{column}")).collect::<Vec<_>>();
    let query = format!(
        "SELECT {} FROM {} ORDER BY d.created, d.id {limit}",
        columns.join(", "),
        condition.of(TABLE)
    );
    let mut documents = Vec::new();
    connection.each(&query, &condition.values, &mut |row| {
        documents.push(Document::read(&row)?);
        Ok(())
    })?;
    Ok(documents)
}
