//! Tokens that last, which members make for their programs.

use serde_json::{Map, json};

use super::super::engine::{Dialect, Resource};
use super::super::field::Fetch::Implicit;
use super::super::field::Kind::{Instant, Name, Secret as SecretText, Text};
use super::super::field::Rule::{Ignored, Required};
use super::super::field::{Field, field};
use super::super::query::Query;
use super::super::source::{Object, Scene, Source, Wanted, text};
use super::super::{Failure, date};
use crate::people::{Action, Login};
use crate::store::{Change, Connection, NotChanged, StoreError};

const FIELDS: &[Field] = &[
    field("id", Text(64), Ignored, Ignored, Implicit),
    field("name", Name(255), Required, Ignored, Implicit),
    field("created", Instant, Ignored, Ignored, Implicit),
    field("expires", Instant, Required, Ignored, Implicit),
    // Shown once, by the answer that makes it.
    field("secret", SecretText, Ignored, Ignored, Implicit),
];

/// `/api/tokens`
pub(crate) const ALL: Resource = Resource {
    path: "/api/tokens",
    dialect: Dialect::Native,
    noun: "token",
    fields: FIELDS,
    extended: false,
    read: Action::TokenWrite,
    write: Some(Action::TokenWrite),
    creates: true,
    updates: false,
    deletes: true,
    source: &Tokens,
};

/// Those of the caller.
struct Tokens;

impl Source for Tokens {
    fn all(
        &self,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
        _: &Query,
    ) -> Result<Vec<Object>, Failure> {
        let logins = Login::made_by(connection, &scene.caller.member, scene.plane.now())?;
        Ok(logins.iter().map(|login| object(scene, login)).collect())
    }

    fn find(
        &self,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
        id: &str,
    ) -> Result<Option<Object>, Failure> {
        let logins = Login::made_by(connection, &scene.caller.member, scene.plane.now())?;
        Ok(logins.iter().find(|login| login.id == id).map(|login| object(scene, login)))
    }

    fn create(
        &self,
        scene: Scene<'_>,
        change: &mut Change<'_>,
        wanted: Wanted,
    ) -> Result<Object, Failure> {
        if !scene.caller.may_somewhere(scene.permissions(), Action::TokenWrite) {
            return Err(Failure::Forbidden(Action::TokenWrite));
        }
        let expires = text(&wanted.given, "expires").and_then(date::read);
        let expires = expires.filter(|(_, end)| *end > change.now());
        let expected = "expected a date or an instant that is to come, such as 2027-01-31";
        let (start, end) = expires.ok_or_else(|| Failure::invalid("expires", expected))?;
        let ends = if end - start > 1000 { end } else { start };
        let name = text(&wanted.given, "name").unwrap_or_default();
        let made = Login::make(change, &scene.caller.member, name, ends);
        let (login, token) = made.map_err(|not| match not {
            NotChanged::Store(error) => Failure::Store(error),
            NotChanged::Refused(_) => Failure::Store(StoreError::Closed),
        })?;
        Ok(object(scene, &login).with_secret(&token))
    }

    fn delete(&self, _: Scene<'_>, change: &mut Change<'_>, object: Object) -> Result<(), Failure> {
        Login::end(change.connection(), &object.id)?;
        Ok(())
    }
}

/// It belongs where its member is somebody.
fn object(scene: Scene<'_>, login: &Login) -> Object {
    let mut json = Map::new();
    json.insert("id".to_owned(), json!(login.id));
    json.insert("name".to_owned(), json!(login.name));
    json.insert("created".to_owned(), json!(date::show(login.created)));
    json.insert("expires".to_owned(), json!(date::show(login.expires)));
    let home = scene.caller.home(scene.permissions(), Action::TokenWrite);
    Object::of_store(login.id.clone(), json, home.unwrap_or_default())
}
