//! The verbs of the v3 API, once for all resources.

mod details;
mod sift;
mod view;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use details::details;
use http::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use serde::Serialize;
use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};
pub(crate) use sift::sift;
#[cfg(test)]
pub(crate) use view::paged;
use view::{list, shows_keys};

use super::super::Plane;
use super::super::asked::Asked;
use super::super::once::Made;
use super::Failure;
use super::field::{self, Field, Input, Kind, Purpose};
use super::kept::permit;
use super::query::Query;
use super::source::{Object, Scene, Source, Wanted};
use crate::model::Owner;
use crate::people::{Action, Password};
use crate::store::{Change, Connection, Deed};

static TOTAL_COUNT: HeaderName = HeaderName::from_static("x-total-count");

/// How an API refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// As the vendor's.
    V3,
    /// With problem details (RFC 9457).
    Native,
}

/// A resource, at one path.
pub(crate) struct Resource {
    /// The path of all of its objects; one of them stands below it, at `/{id}`.
    pub(crate) path: &'static str,
    /// How it refuses.
    pub(crate) dialect: Dialect,
    /// What one of them is, in the audit log and in messages.
    pub(crate) noun: &'static str,
    /// Their fields.
    pub(crate) fields: &'static [Field],
    /// Whether they can have fields that no table names.
    pub(crate) extended: bool,
    /// What it takes to look at them.
    pub(crate) read: Action,
    /// What it takes to make, change and delete them; `None` = none of it can be done.
    pub(crate) write: Option<Action>,
    /// Whether they are made here.
    pub(crate) creates: bool,
    /// Whether they can be changed.
    pub(crate) updates: bool,
    /// Whether they can be deleted.
    pub(crate) deletes: bool,
    /// Where they come from.
    pub(crate) source: &'static dyn Source,
}

impl Resource {
    /// What can be done with all of its objects (RFC 9110 §10.2.1).
    fn allowed_with_all(&self) -> &'static str {
        match (self.creates, self.updates) {
            (true, true) => "GET, HEAD, POST, PUT",
            (true, false) => "GET, HEAD, POST",
            (false, true) => "GET, HEAD, PUT",
            (false, false) => "GET, HEAD",
        }
    }

    /// What can be done with one of them.
    fn allowed_with_one(&self) -> &'static str {
        match (self.updates, self.deletes) {
            (true, true) => "GET, HEAD, PUT, DELETE",
            (true, false) => "GET, HEAD, PUT",
            (false, true) => "GET, HEAD, DELETE",
            (false, false) => "GET, HEAD",
        }
    }
}

/// Answers a request for all objects of a resource.
pub(crate) async fn all(
    resource: &'static Resource,
    State(plane): State<Plane>,
    request: Request,
) -> Response {
    let head = request.method() == Method::HEAD;
    let done = async {
        let call = Call::read(plane, request, resource).await?;
        match call.asked.ask.method {
            Method::GET | Method::HEAD => call.list().await,
            Method::POST if resource.creates => call.create().await,
            Method::PUT if resource.updates => call.update().await,
            _ => Err(Failure::WrongMethod(resource.allowed_with_all())),
        }
    };
    finish(done.await, resource.dialect, head)
}

/// Answers a request for one object of a resource.
pub(crate) async fn one(
    resource: &'static Resource,
    State(plane): State<Plane>,
    request: Request,
) -> Response {
    let head = request.method() == Method::HEAD;
    let done = async {
        let call = Call::read(plane, request, resource).await?;
        match call.asked.ask.method {
            Method::GET | Method::HEAD => call.find().await,
            Method::PUT if resource.updates => call.update().await,
            Method::DELETE if resource.deletes => call.delete().await,
            _ => Err(Failure::WrongMethod(resource.allowed_with_one())),
        }
    };
    finish(done.await, resource.dialect, head)
}

fn finish(done: Result<Response, Failure>, dialect: Dialect, head: bool) -> Response {
    let mut response = done.unwrap_or_else(|failure| match dialect {
        Dialect::V3 => failure.into_response(),
        Dialect::Native => failure.into_problem(),
    });
    if head {
        *response.body_mut() = Body::empty();
    }
    response
}

/// A request for a resource.
struct Call {
    resource: &'static Resource,
    asked: Asked,
    query: Query,
}

impl Call {
    async fn read(
        plane: Plane,
        request: Request,
        resource: &'static Resource,
    ) -> Result<Self, Failure> {
        let asked = Asked::read(plane, request).await?;
        let query = Query::read(&asked.ask.query, resource.fields, resource.extended);
        Ok(Self { resource, asked, query: query.map_err(Failure::Invalid)? })
    }

    /// GET of all of them.
    async fn list(self) -> Result<Response, Failure> {
        let (resource, work, query) = (self.resource, self.asked.work.clone(), self.query.clone());
        let may = work.caller.may_somewhere(&work.plane.settings.permissions, resource.read);
        if !may {
            return Err(self.asked.forbid(resource.read, resource.noun, "list", "").await);
        }
        let (list, total, shown) = self
            .asked
            .look(move |connection| list(resource, work.scene(), connection, &query))
            .await?;
        self.asked.tell_of_keys(self.resource.noun, shown).await?;
        let mut response = answer(&Json::from(list));
        response.headers_mut().insert(&TOTAL_COUNT, HeaderValue::from(total));
        Ok(response)
    }

    /// GET of one of them.
    async fn find(self) -> Result<Response, Failure> {
        let (resource, work, query) = (self.resource, self.asked.work.clone(), self.query.clone());
        let id = self.asked.id().to_owned();
        let found = self.asked.look(move |connection| {
            let scene = work.scene();
            let object = existing(resource, scene, connection, &id)?;
            permit(scene, resource.read, &object.realm)?;
            let (id, version) = (object.id.clone(), version(&object));
            let json = view::one(resource, scene, connection, object, &query)?;
            let shown = if shows_keys(&json) { vec![id] } else { Vec::new() };
            Ok((json, version, shown))
        });
        match found.await {
            Ok((json, version, shown)) => {
                self.asked.tell_of_keys(self.resource.noun, shown).await?;
                Ok(self.versioned(json, &version))
            }
            Err(Failure::Forbidden(action)) => {
                Err(self.asked.forbid(action, self.resource.noun, "read", self.asked.id()).await)
            }
            Err(failure) => Err(failure),
        }
    }

    /// POST.
    async fn create(self) -> Result<Response, Failure> {
        let wanted = self.wanted(self.asked.body()?, Purpose::Create).await?;
        let (resource, work, query) = (self.resource, self.asked.work.clone(), self.query.clone());
        let made = self
            .change("create", "", move |change, deed| {
                let work = work.of_change();
                let scene = work.scene();
                deed.details = details(resource, &Map::new(), &wanted);
                let object = resource.source.create(scene, change, wanted)?;
                deed.object.clone_from(&object.id);
                let version = version(&object);
                let json = view::one(resource, scene, change.connection(), object, &query)?;
                made(resource, &json, Some(version))
            })
            .await?;
        Ok(respond(&made))
    }

    /// PUT.
    async fn update(self) -> Result<Response, Failure> {
        let body = self.asked.body()?;
        let (id, expected) = (self.updated_id(&body)?, self.asked.expected()?);
        let wanted = self.wanted(body, Purpose::Update).await?;
        let (resource, work, query) = (self.resource, self.asked.work.clone(), self.query.clone());
        let made = self
            .change("update", &id.clone(), move |change, deed| {
                let work = work.of_change();
                let scene = work.scene();
                let object = mine(resource, scene, change.connection(), &id)?;
                as_expected(&object, expected.as_deref())?;
                deed.details = details(resource, &object.json, &wanted);
                let object = resource.source.update(scene, change, object, wanted)?;
                let version = version(&object);
                let json = view::one(resource, scene, change.connection(), object, &query)?;
                made(resource, &json, Some(version))
            })
            .await?;
        Ok(respond(&made))
    }

    /// DELETE.
    async fn delete(self) -> Result<Response, Failure> {
        let (resource, work) = (self.resource, self.asked.work.clone());
        let (id, expected) = (self.asked.id().to_owned(), self.asked.expected()?);
        let target = id.clone();
        let gone = self.change("delete", &target, move |change, _| {
            let work = work.of_change();
            let scene = work.scene();
            let object = mine(resource, scene, change.connection(), &id)?;
            as_expected(&object, expected.as_deref())?;
            resource.source.delete(scene, change, object)?;
            // S3-23.
            made(resource, &json!([""]), None)
        });
        Ok(respond(&gone.await?))
    }

    /// The id of what is to be updated: it stands in the path or, where the path ends before it, in
    /// the body (S3-4).
    fn updated_id(&self, body: &Map<String, Json>) -> Result<String, Failure> {
        let given = body.get("id").filter(|id| !id.is_null());
        match (self.asked.id(), given) {
            ("", Some(Json::String(id))) => Ok(id.clone()),
            ("", _) => Err(Failure::invalid("id", "required, here or in the path")),
            (id, Some(given)) if given != id => {
                Err(Failure::invalid("id", "differs from the id in the path"))
            }
            (id, _) => Ok(id.to_owned()),
        }
    }

    /// What a body wants.
    async fn wanted(&self, body: Map<String, Json>, purpose: Purpose) -> Result<Wanted, Failure> {
        let read = field::read(self.resource.fields, body, purpose).map_err(Failure::Invalid)?;
        let Input { mut given, password } = read;
        if !self.resource.extended {
            given.retain(|name, _| self.resource.fields.iter().any(|field| field.name == name));
        }
        let password = match password {
            None => None,
            Some(password) => {
                let password = Password::new(password);
                if let Some(misfit) = password.misfit() {
                    return Err(Failure::invalid(self.password_field(), misfit));
                }
                let hash = self.asked.work.plane.passwords.hash(password).await;
                Some(hash.map_err(|_| Failure::Throttled(1))?)
            }
        };
        Ok(Wanted { given, password })
    }

    fn password_field(&self) -> &'static str {
        let field = self.resource.fields.iter().find(|field| field.kind == Kind::Password);
        field.map_or("", |field| field.name)
    }

    fn versioned(&self, json: Map<String, Json>, version: &str) -> Response {
        let known = self.asked.ask.headers.get(IF_NONE_MATCH);
        let reads = matches!(self.asked.ask.method, Method::GET | Method::HEAD);
        let unchanged = reads && known.is_some_and(|known| known.as_bytes() == version.as_bytes());
        let mut response =
            if unchanged { Response::new(Body::empty()) } else { answer(&Json::Object(json)) };
        if unchanged {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        }
        if let Ok(version) = HeaderValue::from_str(version) {
            response.headers_mut().insert(ETAG, version);
        }
        response
    }

    /// Changes the store.
    async fn change(
        &self,
        verb: &str,
        id: &str,
        work: impl FnOnce(&mut Change<'_>, &mut Deed) -> Result<Made, Failure> + Send + 'static,
    ) -> Result<Made, Failure> {
        self.asked.change(self.asked.deed(self.resource.noun, verb, id), work).await
    }
}

/// What a change is answered with.
fn made(resource: &Resource, body: &impl Serialize, etag: Option<String>) -> Result<Made, Failure> {
    let keys = resource.fields.iter().any(|field| field.name == "apikey");
    Ok(Made::new(body, etag)?.with_secrets(keys))
}

fn respond(made: &Made) -> Response {
    let mut response = answer(&made.body);
    let etag = made.etag.as_deref().map(HeaderValue::from_str);
    response.headers_mut().extend(etag.and_then(Result::ok).map(|etag| (ETAG, etag)));
    response
}

fn existing(
    resource: &Resource,
    scene: Scene<'_>,
    connection: &mut dyn Connection,
    id: &str,
) -> Result<Object, Failure> {
    let found = resource.source.find(scene, connection, id)?;
    found.ok_or_else(|| Failure::NotFound(format!("there is no such {}", resource.noun)))
}

/// An object that the caller may change.
fn mine(
    resource: &Resource,
    scene: Scene<'_>,
    connection: &mut dyn Connection,
    id: &str,
) -> Result<Object, Failure> {
    let object = existing(resource, scene, connection, id)?;
    if let Some(action) = resource.write {
        permit(scene, action, &object.realm)?;
    }
    owned_by_store(&object.owner)?;
    Ok(object)
}

/// Refuses to change what a file owns (design §4).
pub(crate) fn owned_by_store(owner: &Owner) -> Result<(), Failure> {
    match owner {
        Owner::Store => Ok(()),
        Owner::File(place) => Err(Failure::OwnedByFile(format!(
            "it stands in {}, line {}, and is changed there",
            place.file, place.line
        ))),
    }
}

fn as_expected(object: &Object, expected: Option<&str>) -> Result<(), Failure> {
    let fits = expected.is_none_or(|expected| expected == version(object));
    if fits { Ok(()) } else { Err(Failure::Changed) }
}

/// The `ETag` of an object: tells it from itself changed.
pub(crate) fn version(object: &Object) -> String {
    let digest = Sha256::digest(Json::Object(object.json.clone()).to_string());
    let hex: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hex}\"")
}

fn answer(json: &Json) -> Response {
    let mut response = Response::new(Body::from(json.to_string()));
    let json = HeaderValue::from_static("application/json;charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}
