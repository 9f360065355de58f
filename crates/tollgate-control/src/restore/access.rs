//! Who may log in and do what, as the present store has it.

use std::collections::{BTreeSet, HashMap};

use serde_json::json;

use super::Again;
use crate::proxies::RegisteredProxy;
use crate::store::{
    Change, Connection, Document, Kind, Row, Shelf, StoreError, Value, insert_rows,
};

/// Members that are not active any more are not active again, and nobody has a role again that they
/// had lost.
pub(super) fn members(
    change: &mut Change<'_>,
    present: &mut dyn Connection,
    leave: &BTreeSet<String>,
    again: &mut Again,
) -> Result<(), StoreError> {
    let known = Shelf::Members.all(present)?.into_iter();
    let known: HashMap<_, _> = known.map(|member| (member.id.clone(), member)).collect();
    for mut member in Shelf::Members.all(change.connection())? {
        let before = member.body.clone();
        match known.get(&member.id) {
            None => {
                member.body.insert("areaStatus".to_owned(), json!("disabled"));
            }
            Some(known) => {
                if known.body.get("areaStatus").is_some_and(|status| status != "active") {
                    adopt(&mut member, known, "areaStatus");
                }
                adopt(&mut member, known, "roles");
            }
        }
        if member.body == before || again.leaves(leave, &[&member.id]) {
            continue;
        }
        Shelf::Members.update(change.connection(), &member)?;
        change.touch(Kind::Member, member.id.as_str());
        again.members.insert(member.id);
    }
    Ok(())
}

fn adopt(member: &mut Document, known: &Document, field: &str) {
    match known.body.get(field) {
        Some(value) => member.body.insert(field.to_owned(), value.clone()),
        None => member.body.remove(field),
    };
}

/// A password that was changed is not good again.
pub(super) fn passwords(
    restored: &mut dyn Connection,
    present: &mut dyn Connection,
) -> Result<(), StoreError> {
    const MEMBERS: &str = "SELECT id FROM documents WHERE shelf = 'members'";
    let known = ids(present, MEMBERS)?;
    for member in ids(restored, "SELECT member FROM passwords")?.intersection(&known) {
        restored.run("DELETE FROM passwords WHERE member = $1", &[member.as_str().into()])?;
    }
    let here = ids(restored, MEMBERS)?;
    copy_rows(present, restored, "passwords", "member, hash, changed", &here)
}

/// Clients that were removed are not registered again, and none has a secret again that it had lost.
pub(super) fn clients(
    restored: &mut dyn Connection,
    present: &mut dyn Connection,
) -> Result<(), StoreError> {
    let here = ids(restored, "SELECT id FROM clients")?;
    restored.run("DELETE FROM clients", &[])?;
    copy_rows(present, restored, "clients", "id, name, digest, created", &here)
}

/// Access keys that were revoked or deleted are not good again, and none has a secret again that it had
/// lost. Those that were made since are kept: proxies go by them.
pub(super) fn access_keys(
    restored: &mut dyn Connection,
    present: &mut dyn Connection,
) -> Result<(), StoreError> {
    restored.run("DELETE FROM access_keys", &[])?;
    let known = ids(present, "SELECT id FROM access_keys")?;
    let columns = "id, capability, region, member, organization, organization_group, created, \
                   revoked, digest, certificate";
    copy_rows(present, restored, "access_keys", columns, &known)
}

/// The proxies that are registered are those of the present, with how long each may go on.
pub(super) fn proxies(
    restored: &mut dyn Connection,
    present: &mut dyn Connection,
) -> Result<(), StoreError> {
    restored.run("DELETE FROM proxies", &[])?;
    let known = ids(present, "SELECT name FROM proxies")?;
    copy_rows(present, restored, "proxies", RegisteredProxy::COLUMNS, &known)
}

/// Logins that have ended do not go on again, and no token is good again that was not any more.
pub(super) fn logins(
    restored: &mut dyn Connection,
    present: &mut dyn Connection,
) -> Result<(), StoreError> {
    let here = ids(restored, "SELECT id FROM logins")?;
    restored.run("DELETE FROM tokens", &[])?;
    restored.run("DELETE FROM logins", &[])?;
    let columns = "id, member, client, kind, name, created, expires";
    copy_rows(present, restored, "logins", columns, &here)?;
    let go_on = ids(restored, "SELECT id FROM logins")?;
    copy_rows(present, restored, "tokens", "login, digest, kind, expires, spent", &go_on)
}

/// What webhooks are signed with is what it is at present, and none of what they were told is told
/// again.
pub(super) fn webhooks(
    restored: &mut dyn Connection,
    present: &mut dyn Connection,
) -> Result<(), StoreError> {
    let here = ids(restored, "SELECT webhook FROM webhook_secrets")?;
    let known = ids(present, "SELECT webhook FROM webhook_secrets")?;
    for webhook in here.intersection(&known) {
        let statement = "DELETE FROM webhook_secrets WHERE webhook = $1";
        restored.run(statement, &[webhook.as_str().into()])?;
    }
    copy_rows(present, restored, "webhook_secrets", "webhook, sealed", &here)?;
    restored.run("DELETE FROM deliveries WHERE next IS NOT NULL", &[]).map(|_| ())
}

/// The texts that a query finds.
fn ids(connection: &mut dyn Connection, query: &str) -> Result<BTreeSet<String>, StoreError> {
    let mut ids = BTreeSet::new();
    connection.each(query, &[], &mut |row| {
        ids.insert(row.text(0)?.to_owned());
        Ok(())
    })?;
    Ok(ids)
}

/// Copies those rows of a table whose first column holds one of `wanted`.
fn copy_rows(
    from: &mut dyn Connection,
    to: &mut dyn Connection,
    table: &str,
    columns: &str,
    wanted: &BTreeSet<String>,
) -> Result<(), StoreError> {
    let mut rows: Vec<Vec<Value>> = Vec::new();
    from.each(&format!("SELECT {columns} FROM {table}"), &[], &mut |row: Row| {
        if wanted.contains(row.text(0)?) {
            rows.push(row.0);
        }
        Ok(())
    })?;
    insert_rows(to, table, columns, rows.into_iter().map(Ok))
}
