//! API clients: the programs through which members log in.

use serde_json::{Map, json};

use super::super::engine::{Dialect, Resource};
use super::super::field::Fetch::Implicit;
use super::super::field::Kind::{Instant, Name, Secret as SecretText};
use super::super::field::Rule::{Ignored, Optional, Required};
use super::super::field::{Field, field};
use super::super::kept::permit;
use super::super::query::Query;
use super::super::source::{Object, Scene, Source, Wanted, text};
use super::super::{Failure, date};
use crate::people::{Action, Client, Realm, Secret};
use crate::store::{Change, Connection, StoreError};

const FIELDS: &[Field] = &[
    field("id", Name(64), Required, Ignored, Implicit),
    field("name", Name(255), Optional, Ignored, Implicit),
    field("created", Instant, Ignored, Ignored, Implicit),
    // Shown once, by the answer that makes it.
    field("secret", SecretText, Ignored, Ignored, Implicit),
];

/// `/api/clients`
pub(crate) const ALL: Resource = Resource {
    path: "/api/clients",
    dialect: Dialect::Native,
    noun: "client",
    fields: FIELDS,
    extended: false,
    read: Action::ClientWrite,
    write: Some(Action::ClientWrite),
    creates: true,
    updates: false,
    deletes: true,
    source: &Clients,
};

struct Clients;

impl Source for Clients {
    fn all(
        &self,
        _: Scene<'_>,
        connection: &mut dyn Connection,
        _: &Query,
    ) -> Result<Vec<Object>, Failure> {
        Ok(Client::all(connection)?.iter().map(object).collect())
    }

    fn find(
        &self,
        _: Scene<'_>,
        connection: &mut dyn Connection,
        id: &str,
    ) -> Result<Option<Object>, Failure> {
        Ok(Client::find(connection, id)?.as_ref().map(object))
    }

    fn create(
        &self,
        scene: Scene<'_>,
        change: &mut Change<'_>,
        wanted: Wanted,
    ) -> Result<Object, Failure> {
        permit(scene, Action::ClientWrite, &Realm::default())?;
        let id = text(&wanted.given, "id").unwrap_or_default();
        // It is the user name of Basic credentials (RFC 7617 §2).
        if id.contains(':') || !id.is_ascii() {
            return Err(Failure::invalid("id", "expected ASCII without a colon"));
        }
        if Client::find(change.connection(), id)?.is_some() {
            return Err(Failure::invalid("id", "another client has this id"));
        }
        let secret = Secret::fresh().map_err(|_| Failure::Store(StoreError::Closed))?;
        let name = text(&wanted.given, "name").unwrap_or(id);
        let client = Client::new(id, name, &secret, change.now());
        client.insert(change.connection())?;
        Ok(object(&client).with_secret(&secret))
    }

    fn delete(&self, _: Scene<'_>, change: &mut Change<'_>, object: Object) -> Result<(), Failure> {
        Client::delete(change.connection(), &object.id)?;
        Ok(())
    }
}

fn object(client: &Client) -> Object {
    let mut json = Map::new();
    json.insert("id".to_owned(), json!(client.id));
    json.insert("name".to_owned(), json!(client.name));
    json.insert("created".to_owned(), json!(date::show(client.created)));
    Object::of_store(client.id.clone(), json, Realm::default())
}
