//! Rows that are written ahead of the change by which they come, in as many transactions as it takes:
//! others go on changing things in between, nobody sees them, and one last change reveals them all.
//!
//! They are chains and documents whose ids lie between two that were picked for them. While there are
//! any, every query of a reader and of a change is asked of tables without them. Digests are the
//! exception: what a key that nobody sees yet has is taken. What was given up, and what a process has
//! left that is gone, is taken away in as many changes again.

use super::texts::{Narrowed, Words};
use super::{Connection, Presence, Row, StoreError, Value};

/// So many rows are taken away in one change.
const SWEPT: i64 = 500;

/// The ids of rows that are written ahead; of none where there are none.
const HIDDEN: &str = "BETWEEN coalesce((SELECT first FROM ahead), '~') \
                      AND coalesce((SELECT last FROM ahead), '')";

/// What tallies of chains tell apart.
const KINDS: [(&str, &str); 2] = [
    (
        "tallies",
        "is_key_set, state, auth_type, package, plan, organization, organization_group, \
         qps_limit_exempt, rate_limit_exempt",
    ),
    ("application_tallies", "application, is_key_set, state"),
];

/// What stands in front of a query that is not to see them; `past` is what leads past the names that
/// it gives away.
fn veil(past: &str) -> String {
    let without = ["chains", "documents"].map(|table| {
        format!("{table} AS NOT MATERIALIZED (SELECT * FROM {past}{table} WHERE id NOT {HIDDEN})")
    });
    // Tallies are kept where rows are written, so what is hidden is taken off again.
    let less = KINDS.map(|(table, kind)| {
        format!(
            "{table} AS NOT MATERIALIZED (SELECT {kind}, number FROM {past}{table} \
             UNION ALL SELECT {kind}, -1 FROM {past}chains WHERE id {HIDDEN})"
        )
    });
    // In PostgreSQL a name means what it did before for whatever stands in front of where it is given away.
    format!("WITH {}, {} ", less.join(", "), without.join(", "))
}

/// Rows that are written ahead, by the ids between which theirs lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ahead {
    first: String,
    last: String,
}

/// What came of beginning to write rows ahead.
pub(crate) enum Begun {
    /// They can be written.
    Here(Ahead),
    /// Others of before have to be taken away.
    Leftovers,
    /// Another process writes its own.
    Others,
}

/// By what number a process is known that has its database for itself.
const ALONE: i64 = 0;

impl Ahead {
    /// Begins. One process writes such rows at a time, and of its own only one set: one that is there
    /// already was left behind.
    ///
    /// # Errors
    /// What the store said; likewise below.
    pub(super) fn begin(
        connection: &mut dyn Connection,
        presence: Option<&Presence>,
        ids: (String, String),
    ) -> Result<Begun, StoreError> {
        let us = presence.map_or(ALONE, |presence| presence.id);
        if let Some(row) = find(connection)? {
            let (owner, over) = (row.integer(2)?, row.switch(3)?);
            if !over && owner != us && is_live(connection, presence, owner)? {
                return Ok(Begun::Others);
            }
            connection.run("UPDATE ahead SET over = 1", &[])?;
            return Ok(Begun::Leftovers);
        }
        let (first, last) = ids;
        connection.run(
            "INSERT INTO ahead (id, first, last, owner, over) VALUES (1, $1, $2, $3, 0)",
            &[first.as_str().into(), last.as_str().into(), us.into()],
        )?;
        Ok(Begun::Here(Self { first, last }))
    }

    /// Whether they may still be written to and revealed: nobody has given them up.
    pub(crate) fn is_open(&self, connection: &mut dyn Connection) -> Result<bool, StoreError> {
        let row = find(connection)?;
        row.map_or(Ok(false), |row| Ok(row.text(0)? == self.first && !row.switch(3)?))
    }

    /// Has everybody see them, once the change is committed.
    pub(crate) fn reveal(&self, connection: &mut dyn Connection) -> Result<(), StoreError> {
        let gone = connection.run("DELETE FROM ahead WHERE over = 0 AND first = $1", &self.id())?;
        if gone == 1 { Ok(()) } else { Err(StoreError::Corrupt("no rows ahead".to_owned())) }
    }

    /// Gives them up, unless they were revealed. Returns whether they are to be taken away.
    pub(super) fn give_up(&self, connection: &mut dyn Connection) -> Result<bool, StoreError> {
        Ok(connection.run("UPDATE ahead SET over = 1 WHERE first = $1", &self.id())? > 0)
    }

    fn id(&self) -> [Value; 1] {
        [self.first.as_str().into()]
    }
}

/// Gives up what a process has left that is gone, and what this one has. To be called while this one
/// writes none.
pub(super) fn give_up_left(
    connection: &mut dyn Connection,
    presence: Option<&Presence>,
) -> Result<(), StoreError> {
    let Some(row) = find(connection)? else { return Ok(()) };
    let (owner, us) = (row.integer(2)?, presence.map_or(ALONE, |presence| presence.id));
    if owner == us || !is_live(connection, presence, owner)? {
        connection.run("UPDATE ahead SET over = 1", &[])?;
    }
    Ok(())
}

/// Takes some away of those that were given up. Returns whether there are more.
pub(super) fn sweep(connection: &mut dyn Connection) -> Result<bool, StoreError> {
    let Some(row) = find(connection)?.filter(|row| matches!(row.switch(3), Ok(true))) else {
        return Ok(false);
    };
    let bounds = [row.text(0)?.into(), row.text(1)?.into(), SWEPT.into()];
    // Uses, tokens and whatever else is known of an object come after it is seen.
    let swept = connection.run(
        "DELETE FROM chains WHERE id IN \
         (SELECT id FROM chains WHERE id BETWEEN $1 AND $2 ORDER BY id LIMIT $3)",
        &bounds,
    )?;
    if swept > 0 {
        return Ok(true);
    }
    for shelf in ["applications", "members"] {
        let statement = format!(
            "DELETE FROM documents WHERE shelf = '{shelf}' AND id IN (SELECT id FROM documents \
             WHERE shelf = '{shelf}' AND id BETWEEN $1 AND $2 ORDER BY id LIMIT $3)"
        );
        if connection.run(&statement, &bounds)? > 0 {
            return Ok(true);
        }
    }
    connection.run("DELETE FROM ahead WHERE over = 1", &[])?;
    Ok(false)
}

/// Whether there are any.
pub(super) fn is_there(connection: &mut dyn Connection) -> Result<bool, StoreError> {
    Ok(find(connection)?.is_some())
}

fn find(connection: &mut dyn Connection) -> Result<Option<Row>, StoreError> {
    connection.row("SELECT first, last, owner, over FROM ahead", &[])
}

fn is_live(
    connection: &mut dyn Connection,
    presence: Option<&Presence>,
    owner: i64,
) -> Result<bool, StoreError> {
    let Some(presence) = presence else { return Ok(false) };
    let live = connection.rows(presence.live, &[])?;
    Ok(live.iter().any(|row| row.integer(0).is_ok_and(|id| id == owner)))
}

/// A connection whose queries see nothing of rows that are written ahead.
pub(super) struct Veiled<'a> {
    connection: &'a mut dyn Connection,
    veil: String,
}

impl<'a> Veiled<'a> {
    pub(super) fn new(connection: &'a mut dyn Connection) -> Self {
        let veil = veil(connection.past_queries());
        Self { connection, veil }
    }
}

impl Connection for Veiled<'_> {
    fn run(&mut self, statement: &str, parameters: &[Value]) -> Result<u64, StoreError> {
        self.connection.run(statement, parameters)
    }

    fn each(
        &mut self,
        query: &str,
        parameters: &[Value],
        each: &mut dyn FnMut(Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.connection.each(&format!("{}{query}", self.veil), parameters, each)
    }

    fn script(&mut self, statements: &str) -> Result<(), StoreError> {
        self.connection.script(statements)
    }

    fn narrow(&mut self, within: Words<'_>, text: &str) -> Result<Option<Narrowed>, StoreError> {
        self.connection.narrow(within, text)
    }

    fn one_of(&self, column: &str, parameter: &str) -> String {
        self.connection.one_of(column, parameter)
    }

    fn past_queries(&self) -> &'static str {
        self.connection.past_queries()
    }
}
