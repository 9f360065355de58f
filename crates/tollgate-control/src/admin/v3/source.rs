//! Where the objects of a resource come from, and where they go to.

use serde_json::{Map, Value as Json, json};

use super::Failure;
use super::engine::Resource;
use super::field::Input;
use super::filter::Condition;
use super::query::Query;
use crate::directory::Directory;
pub(crate) use crate::directory::{realm, reference, text};
use crate::model::{Objects, Owner};
use crate::operations::Context;
use crate::people::{Caller, Permissions, Realm, Secret};
use crate::plane::ControlPlane;
use crate::store::{Change, Connection, Document, StoredChain};

/// Who asks what of whom.
#[derive(Clone, Copy)]
pub(crate) struct Scene<'a> {
    /// The control plane.
    pub(crate) plane: &'a ControlPlane,
    /// What keys are made within, with what files own.
    pub(crate) context: &'a Context,
    /// Who asks.
    pub(crate) caller: &'a Caller,
    /// The ids in the path of the request.
    pub(crate) within: &'a Within,
}

/// The ids in the path of a request, by their names in the path of its resource.
#[derive(Clone, Debug, Default)]
pub(crate) struct Within(pub(crate) Vec<(String, String)>);

/// An object of a resource.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    /// Its id.
    pub(crate) id: String,
    /// All properties but those that have to be asked for.
    pub(crate) json: Map<String, Json>,
    /// Whose it is.
    pub(crate) realm: Realm,
    /// Who may change it.
    pub(crate) owner: Owner,
    /// What it is kept as, or in, where the store owns it.
    pub(crate) document: Option<Document>,
    /// The application of a key.
    pub(crate) application: Option<String>,
    /// The chain of a key, where the store owns it.
    pub(crate) chain: Option<StoredChain>,
}

impl Object {
    /// One that the store keeps in a table of its own.
    pub(crate) fn of_store(id: String, json: Map<String, Json>, realm: Realm) -> Self {
        let owner = Owner::Store;
        Self { id, json, realm, owner, document: None, application: None, chain: None }
    }

    /// The same with its secret, which only the answer shows that makes it.
    pub(crate) fn with_secret(mut self, secret: &Secret) -> Self {
        self.json.insert("secret".to_owned(), json!(secret.reveal()));
        self
    }
}

/// Where the objects of a resource come from. All of it is done on a thread that may block.
pub(crate) trait Source: Sync {
    /// All objects, in the order in which they are listed.
    fn all(
        &self,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
        query: &Query,
    ) -> Result<Vec<Object>, Failure>;

    /// The page that a query gets and how long the list is, where objects can be so many that the
    /// store has to choose among them.
    fn page(
        &self,
        resource: &Resource,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
        query: &Query,
    ) -> Result<Option<(Vec<Object>, usize)>, Failure> {
        let _ = (resource, scene, connection, query);
        Ok(None)
    }

    /// The object of an id.
    fn find(
        &self,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
        id: &str,
    ) -> Result<Option<Object>, Failure>;

    /// A property that has to be asked for.
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

    /// Whether a condition was met by `all` already.
    fn answers(&self, condition: &Condition) -> bool {
        let _ = condition;
        false
    }

    /// What `search` looks at, if that is another object.
    fn searched(
        &self,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
        object: &Object,
    ) -> Result<Option<Map<String, Json>>, Failure> {
        let _ = (scene, connection, object);
        Ok(None)
    }

    /// Adds what is secret of an object and the caller may see.
    fn reveal(&self, scene: Scene<'_>, object: &mut Object) -> Result<(), Failure> {
        let _ = (scene, object);
        Ok(())
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

    /// Makes an object. Asked where the resource [`creates`](Resource::creates).
    fn create(
        &self,
        scene: Scene<'_>,
        change: &mut Change<'_>,
        input: Wanted,
    ) -> Result<Object, Failure> {
        let _ = (scene, change, input);
        Err(Failure::WrongMethod(""))
    }

    /// Changes an object that the store owns. Asked where the resource
    /// [`updates`](Resource::updates).
    fn update(
        &self,
        scene: Scene<'_>,
        change: &mut Change<'_>,
        object: Object,
        input: Wanted,
    ) -> Result<Object, Failure> {
        let _ = (scene, change, object, input);
        Err(Failure::WrongMethod(""))
    }

    /// Takes an object away that the store owns. Asked where the resource
    /// [`deletes`](Resource::deletes).
    fn delete(
        &self,
        scene: Scene<'_>,
        change: &mut Change<'_>,
        object: Object,
    ) -> Result<(), Failure> {
        let _ = (scene, change, object);
        Err(Failure::WrongMethod(""))
    }
}

/// What a client wants an object to be, with what takes its time made already.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    /// The fields.
    pub(crate) given: Map<String, Json>,
    /// The hash of the password.
    pub(crate) password: Option<crate::people::PasswordHash>,
}

impl From<Input> for Wanted {
    fn from(input: Input) -> Self {
        Self { given: input.given, password: None }
    }
}

impl Within {
    /// An id.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, id)| id.as_str())
    }
}

impl<'a> Scene<'a> {
    /// What files own.
    pub(crate) fn file(&self) -> &'a Objects {
        &self.context.files
    }

    /// The objects of both sources, as keys depend on them.
    pub(crate) fn directory(&self) -> Directory<'a> {
        self.context.directory()
    }

    /// The permission table.
    pub(crate) fn permissions(&self) -> &Permissions {
        &self.plane.settings.permissions
    }
}
