//! How a store came to look as it does: one script for each version, applied in order.

use super::texts::wording;
use super::{Connection, Engine, Shelf, StoreError};
use crate::directory::realm;
use crate::people::Realm;

/// What a version does that SQL cannot.
type Program = fn(&dyn Engine, &mut dyn Connection) -> Result<(), StoreError>;

/// Every version's script, and what follows it. One that was released is never changed, only followed
/// by another.
const VERSIONS: [(&str, Option<Program>); 18] = [
    (include_str!("migrations/1.sql"), None),
    (include_str!("migrations/2.sql"), None),
    (include_str!("migrations/3.sql"), None),
    (include_str!("migrations/4.sql"), None),
    (include_str!("migrations/5.sql"), None),
    (include_str!("migrations/6.sql"), Some(own_chains)),
    (include_str!("migrations/7.sql"), None),
    (include_str!("migrations/8.sql"), Some(word_documents)),
    (include_str!("migrations/9.sql"), None),
    (include_str!("migrations/10.sql"), None),
    (include_str!("migrations/11.sql"), Some(word_chains)),
    ("", Some(plan_queries)),
    (include_str!("migrations/13.sql"), Some(keep_lists)),
    (include_str!("migrations/14.sql"), None),
    (include_str!("migrations/15.sql"), Some(take_home)),
    (include_str!("migrations/16.sql"), None),
    (include_str!("migrations/17.sql"), None),
    (include_str!("migrations/18.sql"), None),
];

/// Brings the store to the newest version, where it is at home. The history of a new one begins with
/// `epoch`.
///
/// # Errors
/// [`StoreError::TooNew`] for a store of a later version, [`StoreError::NotReconciled`] for a copy,
/// else what the database said. All is applied wholly or not at all.
pub(super) fn migrate(
    engine: &dyn Engine,
    connection: &mut dyn Connection,
    epoch: i64,
) -> Result<(), StoreError> {
    connection.script(engine.begin())?;
    let migrated = bring(engine, connection, epoch).and_then(|()| engine.hold_home(connection));
    let end = if migrated.is_ok() { "COMMIT" } else { "ROLLBACK" };
    connection.script(end)?;
    migrated
}

/// Brings the store to the newest version wherever it is, in a transaction that has begun.
///
/// # Errors
/// [`StoreError::TooNew`] for a store of a later version, else what the database said.
pub(crate) fn bring(
    engine: &dyn Engine,
    connection: &mut dyn Connection,
    epoch: i64,
) -> Result<(), StoreError> {
    apply(engine, connection, epoch)?;
    connection.script(engine.index_words())
}

/// Refuses a database of a later version, and one that is no store.
pub(super) fn refuse_later(connection: &mut dyn Connection) -> Result<(), StoreError> {
    let found = connection.row("SELECT coalesce(max(version), 0) FROM versions", &[]);
    let found = found.map_err(|error| StoreError::Corrupt(format!("no store: {error}")))?;
    match found.map_or(Ok(0), |row| row.integer(0))? {
        0 => Err(StoreError::Corrupt("no store".to_owned())),
        found if found > known() => Err(StoreError::TooNew { found, known: known() }),
        _ => Ok(()),
    }
}

/// The newest version.
fn known() -> i64 {
    i64::try_from(VERSIONS.len()).unwrap_or(i64::MAX)
}

fn apply(
    engine: &dyn Engine,
    connection: &mut dyn Connection,
    epoch: i64,
) -> Result<(), StoreError> {
    connection.script("CREATE TABLE IF NOT EXISTS versions (version BIGINT PRIMARY KEY)")?;
    let newest = connection.row("SELECT coalesce(max(version), 0) FROM versions", &[])?;
    let found = newest.map_or(Ok(0), |row| row.integer(0))?;
    if found > known() {
        return Err(StoreError::TooNew { found, known: known() });
    }
    for (version, (script, program)) in (1..).zip(VERSIONS) {
        if version > found {
            connection.script(script)?;
            if let Some(program) = program {
                program(engine, connection)?;
            }
            connection.run("INSERT INTO versions (version) VALUES ($1)", &[version.into()])?;
        }
    }
    if found == 0 {
        let begin = "INSERT INTO feed (id, epoch, number) VALUES (1, $1, 0)";
        connection.run(begin, &[epoch.into()])?;
    }
    Ok(())
}

/// Writes the documents that are there anew, with what they are found by.
fn word_documents(_: &dyn Engine, connection: &mut dyn Connection) -> Result<(), StoreError> {
    for shelf in [Shelf::Applications, Shelf::Members] {
        for document in shelf.all(connection)? {
            shelf.update(connection, &document)?;
        }
    }
    Ok(())
}

/// Gives the chains that are there what stands for their words.
fn word_chains(_: &dyn Engine, connection: &mut dyn Connection) -> Result<(), StoreError> {
    for row in connection.rows("SELECT id, words FROM chains", &[])? {
        let (id, words) = (row.text(0)?, row.text(1)?);
        let statement = "UPDATE chains SET wording = $1 WHERE id = $2";
        connection.run(statement, &[wording(words), id.into()])?;
    }
    Ok(())
}

/// Gives the chains that are there the organization and group of their applications.
fn own_chains(_: &dyn Engine, connection: &mut dyn Connection) -> Result<(), StoreError> {
    for application in Shelf::Applications.all(connection)? {
        let Realm { organization, group } = realm(&application.body);
        if organization.is_none() && group.is_none() {
            continue;
        }
        connection.run(
            "UPDATE chains SET organization = $1, organization_group = $2 WHERE application = $3",
            &[organization.into(), group.into(), application.id.into()],
        )?;
    }
    Ok(())
}

/// Has the store be at home where it is.
fn take_home(engine: &dyn Engine, connection: &mut dyn Connection) -> Result<(), StoreError> {
    engine.take_home(connection)
}

/// Indexes and counts chains as the engine does it.
fn keep_lists(engine: &dyn Engine, connection: &mut dyn Connection) -> Result<(), StoreError> {
    connection.script(engine.lists())?;
    plan_queries(engine, connection)
}

/// Tells an engine that counts nothing by itself what it needs to plan its queries.
fn plan_queries(engine: &dyn Engine, connection: &mut dyn Connection) -> Result<(), StoreError> {
    connection.script(engine.plan_queries())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Document, Sqlite};

    #[test]
    fn what_is_rare_is_looked_up_before_what_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let engine = Sqlite::open(&folder.path().join("store.db")).unwrap();
        let mut connection = engine.writer().unwrap();
        migrate(&engine, &mut *connection, 1).unwrap();
        let mut reader = engine.reader().unwrap();
        for (rare, looked_up) in [
            ("c.id IN (SELECT chain FROM keys WHERE digest IN ('x'))", "(id=?)"),
            ("c.qps_limit_ceiling = 7", "(is_key_set=? AND qps_limit_ceiling=?)"),
            ("c.application = 'x'", "(application=? AND is_key_set=?)"),
            ("c.expiration >= 1 AND c.expiration <= 2", "(is_key_set=? AND expiration>? AND"),
        ] {
            let query = format!(
                "EXPLAIN QUERY PLAN SELECT c.id FROM chains c WHERE c.is_key_set = 0 AND {rare} \
                 ORDER BY c.created + 0, c.id LIMIT 100"
            );
            let plan = (&mut *reader as &mut dyn Connection).rows(&query, &[]).unwrap();
            assert!(plan[0].text(3).unwrap().contains(looked_up), "{rare}: {plan:?}");
        }
    }

    #[test]
    fn chains_that_are_there_belong_to_whom_their_applications_do() {
        let folder = tempfile::tempdir().unwrap();
        let engine = Sqlite::open(&folder.path().join("store.db")).unwrap();
        let mut connection = engine.writer().unwrap();
        migrate(&engine, &mut *connection, 1).unwrap();
        for (id, body) in [
            ("theirs", r#"{"organization": "north", "group": {"id": "shops"}}"#),
            ("nobodys", "{}"),
        ] {
            let body = serde_json::from_str(body).unwrap();
            let [id, parent, name] = [id, "jo", id].map(str::to_owned);
            let application = Document { id, parent, name, body, created: 1, updated: 1 };
            Shelf::Applications.insert(&mut *connection, &application).unwrap();
            let chain = format!(
                "INSERT INTO chains (id, version, name, application, auth_type, suspended_itself, \
                 application_suspended, qps_limit_exempt, rate_limit_exempt, body, created, updated, \
                 is_key_set, words) VALUES ('{0}', 1, '', '{0}', '', 0, 0, 0, 0, '{{}}', 1, 1, 1, '')",
                application.id
            );
            connection.script(&chain).unwrap();
        }
        own_chains(&engine, &mut *connection).unwrap();
        let query =
            "SELECT id FROM chains WHERE organization = 'north' AND organization_group = 'shops'";
        let owned = (&mut *connection as &mut dyn Connection).rows(query, &[]).unwrap();
        assert_eq!(owned.len(), 1);
        assert_eq!(owned[0].text(0).unwrap(), "theirs");
        let nobodys = "SELECT id FROM chains WHERE organization IS NULL";
        let nobodys = (&mut *connection as &mut dyn Connection).rows(nobodys, &[]).unwrap();
        assert_eq!(nobodys[0].text(0).unwrap(), "nobodys");
    }
}
