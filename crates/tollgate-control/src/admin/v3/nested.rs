//! Resources whose objects stand in arrays within another object: endpoints of a service, methods
//! of an endpoint, services of a plan. The object that they stand in is changed as a whole.

use serde_json::{Map, Value as Json, json};

use super::engine::owned_by_store;
use super::query::Query;
use super::source::{Object, Scene, Source, Wanted};
use super::{Failure, date};
use crate::people::random_text;
use crate::store::{Change, Connection, StoreError};

/// Objects in arrays.
pub(crate) struct Nested {
    /// What the outermost object is, in messages.
    pub(crate) noun: &'static str,
    /// Where the outermost object comes from.
    pub(crate) roots: &'static dyn Source,
    /// The outermost object's id in the path.
    pub(crate) root: &'static str,
    /// The arrays from the outside in: the name of each, and the id of the object in it that leads
    /// on in the path. The last one's is not looked at.
    pub(crate) levels: &'static [(&'static str, &'static str)],
    /// Adds what is known of the objects beside what they are kept as.
    pub(crate) show: Show,
}

/// See [`Source::show`].
pub(crate) type Show = fn(Scene<'_>, &mut dyn Connection, &mut [Object]) -> Result<(), Failure>;

/// Adds nothing.
pub(crate) const NOTHING_MORE: Show = |_, _, _| Ok(());

/// How long a generated id is (domain.md §1.1).
const ID_LENGTH: usize = 24;

impl Nested {
    fn root(&self, scene: Scene<'_>, connection: &mut dyn Connection) -> Result<Object, Failure> {
        let id = scene.within.get(self.root).unwrap_or_default();
        let found = self.roots.find(scene, connection, id)?;
        found.ok_or_else(|| Failure::NotFound(format!("there is no such {}", self.noun)))
    }

    /// The array that the path leads to.
    fn array<'j>(
        &self,
        scene: Scene<'_>,
        root: &'j mut Map<String, Json>,
    ) -> Result<&'j mut Vec<Json>, Failure> {
        let mut object = root;
        let (last, outer) = self.levels.split_last().ok_or_else(lost)?;
        for (name, parameter) in outer {
            let id = scene.within.get(parameter).unwrap_or_default();
            let entries = object.get_mut(*name).and_then(Json::as_array_mut);
            let entry = entries.and_then(|entries| entries.iter_mut().find(|each| has(each, id)));
            let missing = || Failure::NotFound(format!("there is no such {parameter}"));
            object = entry.and_then(Json::as_object_mut).ok_or_else(missing)?;
        }
        object.entry(last.0).or_insert_with(|| json!([])).as_array_mut().ok_or_else(lost)
    }

    fn object(&self, root: &Object, entry: &Json) -> Object {
        let json = entry.as_object().cloned().unwrap_or_default();
        let id = json.get("id").and_then(Json::as_str).unwrap_or_default().to_owned();
        let (realm, owner) = (root.realm.clone(), root.owner.clone());
        Object {
            id,
            json,
            realm,
            owner,
            document: root.document.clone(),
            application: None,
            chain: None,
        }
    }

    /// Changes the array that the path leads to, and returns the object of an id in it after that.
    fn change(
        &self,
        scene: Scene<'_>,
        change: &mut Change<'_>,
        id: &str,
        work: impl FnOnce(&mut Vec<Json>) -> Result<(), Failure>,
    ) -> Result<Option<Object>, Failure> {
        let root = self.root(scene, change.connection())?;
        owned_by_store(&root.owner)?;
        let (outermost, _) = self.levels.first().ok_or_else(lost)?;
        let mut body = root.document.as_ref().map(|root| root.body.clone()).unwrap_or_default();
        work(self.array(scene, &mut body)?)?;
        let mut given = Map::new();
        given.extend(body.remove(*outermost).map(|array| ((*outermost).to_owned(), array)));
        let mut root = self.roots.update(scene, change, root, Wanted { given, password: None })?;
        let array = self.array(scene, &mut root.json)?.clone();
        Ok(array.iter().find(|entry| has(entry, id)).map(|entry| self.object(&root, entry)))
    }
}

impl Source for Nested {
    fn all(
        &self,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
        _: &Query,
    ) -> Result<Vec<Object>, Failure> {
        let mut root = self.root(scene, connection)?;
        let array = self.array(scene, &mut root.json)?.clone();
        Ok(array.iter().map(|entry| self.object(&root, entry)).collect())
    }

    fn find(
        &self,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
        id: &str,
    ) -> Result<Option<Object>, Failure> {
        let mut root = self.root(scene, connection)?;
        let array = self.array(scene, &mut root.json)?.clone();
        Ok(array.iter().find(|entry| has(entry, id)).map(|entry| self.object(&root, entry)))
    }

    fn show(
        &self,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
        objects: &mut [Object],
    ) -> Result<(), Failure> {
        (self.show)(scene, connection, objects)
    }

    fn create(
        &self,
        scene: Scene<'_>,
        change: &mut Change<'_>,
        wanted: Wanted,
    ) -> Result<Object, Failure> {
        let mut entry = wanted.given;
        let id = match entry.get("id").and_then(Json::as_str) {
            Some(id) => id.to_owned(),
            None => new_id()?,
        };
        entry.insert("id".to_owned(), json!(id));
        let now = json!(date::show(change.now()));
        entry.insert("created".to_owned(), now.clone());
        entry.insert("updated".to_owned(), now);
        let made = self.change(scene, change, &id, |array| {
            if array.iter().any(|entry| has(entry, &id)) {
                return Err(Failure::invalid("id", "is there already"));
            }
            array.push(Json::Object(entry));
            Ok(())
        });
        made?.ok_or_else(lost)
    }

    fn update(
        &self,
        scene: Scene<'_>,
        change: &mut Change<'_>,
        object: Object,
        wanted: Wanted,
    ) -> Result<Object, Failure> {
        let now = json!(date::show(change.now()));
        let made = self.change(scene, change, &object.id, |array| {
            let entry = array.iter_mut().find(|entry| has(entry, &object.id));
            let entry = entry.and_then(Json::as_object_mut).ok_or_else(lost)?;
            entry.extend(wanted.given);
            entry.insert("updated".to_owned(), now);
            Ok(())
        });
        made?.ok_or_else(lost)
    }

    fn delete(
        &self,
        scene: Scene<'_>,
        change: &mut Change<'_>,
        object: Object,
    ) -> Result<(), Failure> {
        self.change(scene, change, &object.id, |array| {
            array.retain(|entry| !has(entry, &object.id));
            Ok(())
        })?;
        Ok(())
    }
}

/// Whether an entry has this id.
pub(crate) fn has(entry: &Json, id: &str) -> bool {
    entry.get("id").and_then(Json::as_str) == Some(id)
}

/// A fresh id of an object within another.
pub(crate) fn new_id() -> Result<String, Failure> {
    let id = random_text(ID_LENGTH).map_err(|_| Failure::Store(StoreError::Closed))?;
    Ok(id.to_string())
}

/// The object that is changed has another shape than it is written with.
fn lost() -> Failure {
    Failure::Store(StoreError::Corrupt("an object within another is lost".to_owned()))
}
