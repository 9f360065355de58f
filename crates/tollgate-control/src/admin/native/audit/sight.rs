//! Which entries of the audit log somebody sees.

use std::collections::HashMap;

use crate::admin::native::input::Page;
use crate::admin::v3::{Failure, Scene};
use crate::directory::realm;
use crate::people::{Action, Realm};
use crate::store::{AuditPage, AuditSearch, Connection, Entry, Shelf, StoredChain};

/// So many entries are looked at in one go.
const LOOK: u64 = 1000;

/// Whose the objects of entries are, looked up once each; `None` = it is gone, or nothing that could
/// be somebody's.
#[derive(Default)]
pub(in crate::admin::native) struct Sight(HashMap<(String, String), Option<Realm>>);

/// A page of the entries that are looked for and that the caller sees, the newest first, and how many
/// there are of these.
pub(in crate::admin::native) fn page(
    scene: Scene<'_>,
    connection: &mut dyn Connection,
    search: &AuditSearch,
    page: Page,
) -> Result<(Vec<Entry>, u64), Failure> {
    if scene.caller.sees(scene.permissions(), Action::AuditRead).is_none() {
        let AuditPage { entries, total } = search.page(connection, page.offset, page.limit)?;
        return Ok((entries, total));
    }
    let (mut sight, mut search) = (Sight::default(), search.clone());
    let (mut seen, mut total) = (Vec::new(), 0);
    loop {
        let some = search.newest(connection, LOOK)?;
        let Some(last) = some.last() else { return Ok((seen, total)) };
        search.below = Some(last.number);
        for entry in some {
            if !sight.sees(scene, connection, &entry)? {
                continue;
            }
            if total >= page.offset && (seen.len() as u64) < page.limit {
                seen.push(entry);
            }
            total += 1;
        }
    }
}

impl Sight {
    /// Whether the caller sees an entry.
    pub(in crate::admin::native) fn sees(
        &mut self,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
        entry: &Entry,
    ) -> Result<bool, Failure> {
        let (caller, permissions) = (scene.caller, scene.permissions());
        if entry.deed.actor == caller.member
            || caller.sees(permissions, Action::AuditRead).is_none()
        {
            return Ok(true);
        }
        let object = (entry.deed.kind.clone(), entry.deed.object.clone());
        if !self.0.contains_key(&object) {
            let realm = realm_of(scene, connection, &object.0, &object.1)?;
            self.0.insert(object.clone(), realm);
        }
        let realm = self.0.get(&object).and_then(Option::as_ref);
        Ok(realm.is_some_and(|realm| caller.may(permissions, Action::AuditRead, realm)))
    }
}

/// Whose an object is.
fn realm_of(
    scene: Scene<'_>,
    connection: &mut dyn Connection,
    kind: &str,
    id: &str,
) -> Result<Option<Realm>, Failure> {
    let file = scene.file();
    let shelf = match kind {
        "package_key" | "key_set" if file.keys.contains_key(id) => {
            return Ok(Some(Realm::default()));
        }
        "package_key" | "key_set" => {
            return Ok(StoredChain::find(connection, id)?.map(|chain| chain.realm));
        }
        "plan" => {
            let plan = Shelf::Plans.find(connection, id)?;
            let package = plan.map(|plan| Shelf::Packages.find(connection, &plan.parent));
            let package = package.transpose()?.flatten();
            return Ok(package.map(|package| realm(&package.body)));
        }
        "group" => {
            let group = Shelf::Groups.find(connection, id)?;
            return Ok(group
                .map(|group| Realm { organization: Some(group.parent), group: Some(group.id) }));
        }
        "organization" => {
            let found = Shelf::Organizations.find(connection, id)?;
            return Ok(found.map(|found| Realm { organization: Some(found.id), group: None }));
        }
        "member" => Shelf::Members,
        "application" => Shelf::Applications,
        "package" => Shelf::Packages,
        "service" => Shelf::Services,
        _ => return Ok(None),
    };
    Ok(shelf.find(connection, id)?.map(|document| realm(&document.body)))
}
