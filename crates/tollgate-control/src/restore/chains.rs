//! Keys, and the applications and subscriptions that they depend on.

use std::collections::{BTreeSet, HashMap};

use super::Again;
use crate::directory::text;
use crate::life_cycle::{Event, Key, State};
use crate::operations::{Context, Refused};
use crate::store::{
    Change, Connection, Document, Kind, NotChanged, PAGE, Row, Shelf, StoreError, StoredChain,
    Value, numbered,
};

type Done = Result<(), NotChanged<Refused>>;

/// What tells a chain from itself changed.
const MARKS: &str = "id, version, updated";

/// Applications that are suspended in the present store are suspended again.
pub(super) fn applications(
    context: &Context,
    change: &mut Change<'_>,
    present: &mut dyn Connection,
    leave: &BTreeSet<String>,
    again: &mut Again,
) -> Done {
    let is_suspended =
        |application: &Document| text(&application.body, "status") == Some("suspended");
    for application in Shelf::Applications.all(present)?.into_iter().filter(is_suspended) {
        let found = Shelf::Applications.find(change.connection(), &application.id)?;
        if found.is_none_or(|found| is_suspended(&found)) || again.leaves(leave, &[&application.id])
        {
            continue;
        }
        context.suspend_application(change, &application.id)?;
        again.applications.insert(application.id);
    }
    Ok(())
}

/// Keys that do not work in the present store do not work again.
pub(super) fn chains(
    context: &Context,
    change: &mut Change<'_>,
    present: &mut dyn Connection,
    leave: &BTreeSet<String>,
    again: &mut Again,
) -> Done {
    let next = format!("SELECT {MARKS} FROM chains WHERE id > $1 ORDER BY id LIMIT {PAGE}");
    let mut last = String::new();
    loop {
        let page = change.connection().rows(&next, &[last.as_str().into()])?;
        let Some(end) = page.last() else { return Ok(()) };
        last = end.text(0)?.to_owned();
        let known = find(present, &page)?;
        for marks in &page {
            let id = marks.text(0)?;
            if known.get(id) == Some(marks) {
                continue;
            }
            let known = StoredChain::find(present, id)?;
            if let Some(restored) = StoredChain::find(change.connection(), id)? {
                treat(context, change, &restored, known.as_ref(), leave, again)?;
            }
        }
    }
}

fn find(present: &mut dyn Connection, page: &[Row]) -> Result<HashMap<String, Row>, StoreError> {
    let ids = page.iter().map(|row| row.text(0).map(Value::from));
    let ids = ids.collect::<Result<Vec<_>, _>>()?;
    let query = format!("SELECT {MARKS} FROM chains WHERE id IN ({})", numbered(ids.len()));
    let found = present.rows(&query, &ids)?;
    found.into_iter().map(|row| Ok((row.text(0)?.to_owned(), row))).collect()
}

fn treat(
    context: &Context,
    change: &mut Change<'_>,
    restored: &StoredChain,
    known: Option<&StoredChain>,
    leave: &BTreeSet<String>,
    again: &mut Again,
) -> Done {
    if restored.life.state().is_over() {
        return Ok(());
    }
    let id = &*restored.id;
    let latest = &restored.life.latest;
    if has_ended(restored, latest, known) {
        let latest_id = restored.key_id(latest.number).unwrap_or(id);
        if again.leaves(leave, &[id, latest_id]) {
            return Ok(());
        }
        if restored.life.state() == State::Pending {
            StoredChain::delete(change.connection(), id)?;
            change.touch(Kind::Key, id);
            again.deleted.insert(id.to_owned());
        } else {
            context.live(change, id, None, &Event::Revoke { key: latest.number })?;
            again.revoked.insert(id.to_owned());
        }
        return Ok(());
    }
    if let Some(old) = restored.life.superseded()
        && has_ended(restored, old, known)
        && let Some(old_id) = restored.key_id(old.number)
        && !again.leaves(leave, &[id, old_id])
    {
        context.live(change, id, None, &Event::Revoke { key: old.number })?;
        again.revoked.insert(old_id.to_owned());
    }
    suspend(context, change, id, known, leave, again)
}

/// Whether a key of a restored chain is over in the present store, or will be, in favour of a
/// successor that the restored one has not. One that dies of age does so here too.
fn has_ended(restored: &StoredChain, key: &Key, known: Option<&StoredChain>) -> bool {
    let Some(known) = known else { return true };
    let id = restored.key_id(key.number);
    let Some(same) = known.life.keys().find(|same| known.key_id(same.number) == id) else {
        return true;
    };
    if same.state == State::Expired && same.expiration == key.expiration {
        return false;
    }
    same.state.is_over() || (same.superseded_until.is_some() && key.superseded_until.is_none())
}

/// Suspends a chain that is suspended in the present store, if its application's suspension has not
/// done it.
fn suspend(
    context: &Context,
    change: &mut Change<'_>,
    id: &str,
    known: Option<&StoredChain>,
    leave: &BTreeSet<String>,
    again: &mut Again,
) -> Done {
    let state = |chain: &StoredChain| chain.life.state();
    let works = StoredChain::find(change.connection(), id)?.as_ref().map(state);
    if known.map(state) != Some(State::Suspended)
        || works != Some(State::Active)
        || again.leaves(leave, &[id])
    {
        return Ok(());
    }
    context.live(change, id, None, &Event::Suspend)?;
    again.suspended.insert(id.to_owned());
    Ok(())
}

/// Subscriptions that were cancelled do not hold again.
pub(super) fn subscriptions(
    change: &mut Change<'_>,
    present: &mut dyn Connection,
    leave: &BTreeSet<String>,
    again: &mut Again,
) -> Done {
    let cancelled = "SELECT id, cancelled FROM subscriptions WHERE cancelled IS NOT NULL";
    for row in present.rows(cancelled, &[])? {
        let (id, at) = (row.text(0)?, row.integer(1)?);
        let holds = "SELECT chain FROM subscriptions WHERE id = $1 AND cancelled IS NULL";
        let Some(held) = change.connection().row(holds, &[id.into()])? else { continue };
        if again.leaves(leave, &[id]) {
            continue;
        }
        let cancel = "UPDATE subscriptions SET cancelled = $1 WHERE id = $2";
        change.connection().run(cancel, &[at.into(), id.into()])?;
        change.touch(Kind::Key, held.text(0)?);
        again.subscriptions.insert(id.to_owned());
    }
    Ok(())
}
