//! Resources whose objects are documents of the store, beside those that files own.

use serde_json::{Map, Value as Json, json};

use super::engine::Resource;
use super::listed::Asked;
use super::query::Query;
use super::source::{Object, Scene, Source, Wanted, realm};
use super::{Failure, date};
use crate::model::Owner;
use crate::people::{Action, Realm};
use crate::store::{Change, Connection, Document, DocumentSearch, Kind, Shelf, StoreError};

/// What is particular about a resource of documents.
pub(crate) trait Kept: Sync {
    /// Where they stand.
    const SHELF: Shelf;
    /// What a name is called.
    const NAME: &'static str = "name";
    /// What it takes to make one.
    const WRITE: Action;
    /// Whether they can be many. They say themselves whose they are then.
    const MANY: bool = false;

    /// Those that files own.
    fn of_file(&self, scene: Scene<'_>) -> Vec<Object>;

    /// The id of what all of them lie below here; `None` = whatever it is.
    ///
    /// # Errors
    /// [`Failure::NotFound`] if there is no such thing.
    fn parent(
        &self,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
    ) -> Result<Option<String>, Failure> {
        let _ = (scene, connection);
        Ok(None)
    }

    /// Completes one that is to be made, or refuses it.
    fn create(
        &self,
        scene: Scene<'_>,
        change: &mut Change<'_>,
        document: &mut Document,
    ) -> Result<(), Failure>;

    /// Completes one that is to be changed, or refuses it.
    fn update(
        &self,
        scene: Scene<'_>,
        change: &mut Change<'_>,
        before: &Document,
        document: &mut Document,
    ) -> Result<(), Failure> {
        let _ = (scene, change, before, document);
        Ok(())
    }

    /// Takes away what goes with one, or refuses that it goes.
    fn delete(
        &self,
        scene: Scene<'_>,
        change: &mut Change<'_>,
        document: &Document,
    ) -> Result<(), Failure>;

    /// What proxies decide from, if they do.
    fn touched(&self, document: &Document) -> Option<(Kind, String)>;

    /// Whose it is.
    fn realm(
        &self,
        connection: &mut dyn Connection,
        document: &Document,
    ) -> Result<Realm, StoreError> {
        let _ = connection;
        Ok(realm(&document.body))
    }

    /// Adds what is known of objects beside what they are kept as.
    fn show(
        &self,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
        objects: &mut [Object],
    ) -> Result<(), Failure> {
        let _ = (scene, connection, objects);
        Ok(())
    }

    /// A property that has to be asked for; what stands in the document is there without it.
    fn explicit(
        &self,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
        object: &Object,
        field: &str,
    ) -> Result<Option<Json>, Failure> {
        let _ = (scene, connection, object, field);
        Ok(None)
    }
}

impl<K: Kept> Source for K {
    fn all(
        &self,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
        _: &Query,
    ) -> Result<Vec<Object>, Failure> {
        let stored = match self.parent(scene, connection)? {
            Some(parent) => K::SHELF.below(connection, &parent)?,
            None => K::SHELF.all(connection)?,
        };
        let mut all = self.of_file(scene);
        for document in stored {
            all.push(object(self, connection, document)?);
        }
        Ok(all)
    }

    fn page(
        &self,
        resource: &Resource,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
        query: &Query,
    ) -> Result<Option<(Vec<Object>, usize)>, Failure> {
        if !K::MANY {
            return Ok(None);
        }
        let parent = self.parent(scene, connection)?;
        let search = DocumentSearch { parent, ..DocumentSearch::of(K::SHELF) };
        let asked = Asked::of(search, resource, scene, query, K::NAME);
        let object = |connection: &mut dyn Connection, document| object(self, connection, document);
        let of_file = self.of_file(scene);
        asked.page(resource, scene, connection, query, of_file, object).map(Some)
    }

    fn find(
        &self,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
        id: &str,
    ) -> Result<Option<Object>, Failure> {
        let parent = self.parent(scene, connection)?;
        if let Some(object) = self.of_file(scene).into_iter().find(|object| object.id == id) {
            return Ok(Some(object));
        }
        let document = K::SHELF.find(connection, id)?;
        let below = |document: &Document| parent.is_none_or(|parent| document.parent == parent);
        match document.filter(below) {
            Some(document) => Ok(Some(object(self, connection, document)?)),
            None => Ok(None),
        }
    }

    fn explicit(
        &self,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
        object: &Object,
        field: &str,
    ) -> Result<Option<Json>, Failure> {
        Kept::explicit(self, scene, connection, object, field)
    }

    fn show(
        &self,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
        objects: &mut [Object],
    ) -> Result<(), Failure> {
        Kept::show(self, scene, connection, objects)
    }

    fn create(
        &self,
        scene: Scene<'_>,
        change: &mut Change<'_>,
        wanted: Wanted,
    ) -> Result<Object, Failure> {
        let parent = self.parent(scene, change.connection())?.unwrap_or_default();
        let mut body = wanted.given;
        let name = take_name(&mut body, K::NAME);
        let mut document = Document {
            // Later ones sort behind earlier ones, also of one instant.
            id: uuid::Uuid::now_v7().to_string(),
            parent,
            name: name.unwrap_or_default(),
            body,
            created: change.now(),
            updated: change.now(),
        };
        Kept::create(self, scene, change, &mut document)?;
        let mut owner = self.realm(change.connection(), &document)?;
        if owner.is_shared()
            && let Some(home) = scene.caller.home(scene.permissions(), K::WRITE)
        {
            // What somebody makes who is somebody in one place only belongs to that place.
            put(&mut document.body, "organization", home.organization.as_deref());
            put(&mut document.body, "group", home.group.as_deref());
            owner = self.realm(change.connection(), &document)?;
        }
        permit(scene, K::WRITE, &owner)?;
        K::SHELF.insert(change.connection(), &document)?;
        if let Some(hash) = wanted.password {
            hash.set(change, &document.id)?;
        }
        touch(self, change, &document);
        object(self, change.connection(), document).map_err(Failure::from)
    }

    fn update(
        &self,
        scene: Scene<'_>,
        change: &mut Change<'_>,
        object: Object,
        wanted: Wanted,
    ) -> Result<Object, Failure> {
        let Some(before) = object.document else { return Err(gone()) };
        let mut document = before.clone();
        let mut given = wanted.given;
        if let Some(name) = take_name(&mut given, K::NAME) {
            document.name = name;
        }
        document.body.extend(given);
        document.updated = change.now().max(before.updated + 1);
        Kept::update(self, scene, change, &before, &mut document)?;
        let owner = self.realm(change.connection(), &document)?;
        permit(scene, K::WRITE, &owner)?;
        K::SHELF.update(change.connection(), &document)?;
        if let Some(hash) = wanted.password {
            hash.set(change, &document.id)?;
        }
        touch(self, change, &document);
        self::object(self, change.connection(), document).map_err(Failure::from)
    }

    fn delete(
        &self,
        scene: Scene<'_>,
        change: &mut Change<'_>,
        object: Object,
    ) -> Result<(), Failure> {
        let Some(document) = object.document else { return Err(gone()) };
        Kept::delete(self, scene, change, &document)?;
        K::SHELF.delete(change.connection(), &document.id)?;
        touch(self, change, &document);
        Ok(())
    }
}

/// Refuses what the caller may not do to what belongs to `realm`.
pub(crate) fn permit(scene: Scene<'_>, action: Action, realm: &Realm) -> Result<(), Failure> {
    let may = scene.caller.may(scene.permissions(), action, realm);
    if may { Ok(()) } else { Err(Failure::Forbidden(action)) }
}

/// What a document looks like.
fn object<K: Kept>(
    kept: &K,
    connection: &mut dyn Connection,
    document: Document,
) -> Result<Object, StoreError> {
    Ok(Object {
        id: document.id.clone(),
        json: shown(&document, K::NAME),
        realm: kept.realm(connection, &document)?,
        owner: Owner::Store,
        document: Some(document),
        application: None,
        chain: None,
    })
}

/// A document's properties.
pub(crate) fn shown(document: &Document, name: &str) -> Map<String, Json> {
    let mut json = document.body.clone();
    json.insert("id".to_owned(), json!(document.id));
    json.insert(name.to_owned(), json!(document.name));
    json.insert("created".to_owned(), json!(date::show(document.created)));
    json.insert("updated".to_owned(), json!(date::show(document.updated)));
    json
}

fn touch<K: Kept>(kept: &K, change: &mut Change<'_>, document: &Document) {
    if let Some((kind, id)) = kept.touched(document) {
        change.touch(kind, id);
    }
}

fn take_name(body: &mut Map<String, Json>, name: &str) -> Option<String> {
    match body.remove(name) {
        Some(Json::String(name)) => Some(name),
        _ => None,
    }
}

fn put(body: &mut Map<String, Json>, name: &str, id: Option<&str>) {
    if let Some(id) = id {
        body.insert(name.to_owned(), json!(id));
    }
}

/// Another request took it away.
fn gone() -> Failure {
    Failure::NotFound("it is not there any more".to_owned())
}
