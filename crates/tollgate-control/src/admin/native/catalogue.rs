//! The catalogue: which APIs there are, each at an address that stays (S4-11).

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{answer, listed};
use super::input::{Named, Paging};
use super::key_sets::Reference;
use super::{Answered, Problem};
use crate::admin::Plane;
use crate::admin::asked::Asked;
use crate::admin::v3::{Failure, Object, Query, Scene, Services, Source as _, permit};
use crate::directory::{realm, text};
use crate::model::PlanStatus;
use crate::people::Action;
use crate::store::{Connection, Shelf};

const NOUN: &str = "api";

pub(super) fn router() -> OpenApiRouter<Plane> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(get))
}

/// An API that can be subscribed to.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Api {
    /// The id of the service.
    id: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// Its address in the catalogue, which stays.
    address: String,
    environment: String,
    /// How its calls are authenticated: there is a key set for each.
    auth_types: Vec<String>,
    endpoints: Vec<ApiEndpoint>,
    /// The plans that open it, or a part of it.
    plans: Vec<OpeningPlan>,
}

/// A part of an API.
#[derive(Serialize, ToSchema)]
struct ApiEndpoint {
    id: String,
    name: String,
    /// Where its paths begin.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    methods: Vec<Reference>,
}

/// A plan that opens an API.
#[derive(Serialize, ToSchema)]
struct OpeningPlan {
    package: Reference,
    plan: Reference,
    /// Keys of an inactive one are refused.
    active: bool,
}

/// The plans that the caller may look at, by the services that they open.
struct Openings(HashMap<String, Vec<OpeningPlan>>);

/// List the APIs of the catalogue.
#[utoipa::path(
    get, path = "/api/catalogue", tag = "catalogue", operation_id = "listCatalogue",
    params(Paging),
    responses(
        (status = 200, description = "A page of them.", body = [Api],
         headers(("X-Total-Count" = u64, description = "How many there are."))),
        Problem,
    ),
)]
async fn list(asked: Asked) -> Answered {
    let Nothing {} = asked.query()?;
    let work = asked.work.clone();
    if !work.caller.may_somewhere(&work.plane.settings.permissions, Action::CatalogueRead) {
        return Err(asked.forbid(Action::CatalogueRead, NOUN, "list", "").await.into());
    }
    let page = asked.page()?;
    let looked = asked.look(move |connection| {
        let scene = work.scene();
        let whole = Query::read("", &[], true).map_err(Failure::Invalid)?;
        let mut services = Services.all(scene, connection, &whole)?;
        services.retain(|service| {
            scene.caller.may(scene.permissions(), Action::CatalogueRead, &service.realm)
        });
        let total = services.len() as u64;
        let mut openings = Openings::of(scene, connection)?;
        let mut apis = Vec::new();
        for service in page.of(services) {
            apis.push(Api::of(scene, connection, &service, &mut openings)?);
        }
        Ok((apis, total))
    });
    let (page, total) = looked.await?;
    Ok(listed(&page, total)?)
}

/// Look at an API of the catalogue.
#[utoipa::path(
    get, path = "/api/catalogue/{id}", tag = "catalogue", operation_id = "getApi",
    params(Named),
    responses((status = 200, description = "It.", body = Api), Problem),
)]
async fn get(asked: Asked) -> Answered {
    let (work, id) = (asked.work.clone(), asked.id().to_owned());
    let looked = asked.look(move |connection| {
        let scene = work.scene();
        let service = Services.find(scene, connection, &id)?;
        let missing = || Failure::NotFound("there is no such API".to_owned());
        let service = service.ok_or_else(missing)?;
        permit(scene, Action::CatalogueRead, &service.realm)?;
        let mut openings = Openings::of(scene, connection)?;
        Api::of(scene, connection, &service, &mut openings)
    });
    match looked.await {
        Ok(api) => Ok(answer(&api)?),
        Err(Failure::Forbidden(action)) => {
            Err(asked.forbid(action, NOUN, "read", asked.id()).await.into())
        }
        Err(failure) => Err(failure.into()),
    }
}

/// A query that only chooses a page.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

impl Api {
    fn of(
        scene: Scene<'_>,
        connection: &mut dyn Connection,
        service: &Object,
        openings: &mut Openings,
    ) -> Result<Self, Failure> {
        let Object { id, json, .. } = service;
        let seen = scene.directory().service(connection, id)?;
        let auth_types = seen.map(|seen| seen.auth_types).unwrap_or_default();
        let description = text(json, "description").filter(|text| !text.is_empty());
        Ok(Self {
            id: id.clone(),
            name: text(json, "name").unwrap_or(id).to_owned(),
            description: description.map(str::to_owned),
            address: address(id),
            environment: scene.file().environment.0.to_string(),
            auth_types: auth_types.into_iter().map(|each| each.as_str().to_owned()).collect(),
            endpoints: entries(json, "endpoints").map(ApiEndpoint::of).collect(),
            plans: openings.0.remove(id).unwrap_or_default(),
        })
    }
}

impl ApiEndpoint {
    fn of(json: &Map<String, Json>) -> Self {
        let Reference { id, name } = reference(json);
        let path = text(json, "requestPathAlias").map(str::to_owned);
        Self { id, name, path, methods: entries(json, "methods").map(reference).collect() }
    }
}

impl Openings {
    fn of(scene: Scene<'_>, connection: &mut dyn Connection) -> Result<Self, Failure> {
        let mut openings: HashMap<String, Vec<OpeningPlan>> = HashMap::new();
        let same = |name: &str| Reference { id: name.to_owned(), name: name.to_owned() };
        for package in scene.file().packages.values() {
            for plan in package.plans.values() {
                let active = plan.status == PlanStatus::Active;
                for service in plan.services.keys() {
                    let (package, plan) = (same(&package.name), same(&plan.name));
                    let opening = OpeningPlan { package, plan, active };
                    openings.entry(service.to_string()).or_default().push(opening);
                }
            }
        }
        let packages = Shelf::Packages.all(connection)?.into_iter().filter(|package| {
            let realm = realm(&package.body);
            scene.caller.may(scene.permissions(), Action::CatalogueRead, &realm)
        });
        let names: HashMap<_, _> = packages.map(|package| (package.id, package.name)).collect();
        for plan in Shelf::Plans.all(connection)? {
            let Some(package) = names.get(&plan.parent) else { continue };
            let active = text(&plan.body, "status") != Some("inactive");
            for service in entries(&plan.body, "services") {
                let Some(service) = text(service, "id") else { continue };
                let package = Reference { id: plan.parent.clone(), name: package.clone() };
                let plan = Reference { id: plan.id.clone(), name: plan.name.clone() };
                let opening = OpeningPlan { package, plan, active };
                openings.entry(service.to_owned()).or_default().push(opening);
            }
        }
        Ok(Self(openings))
    }
}

/// The address of an API, whatever becomes of its name.
pub(super) fn address(service: &str) -> String {
    format!("/api/catalogue/{service}")
}

/// What a part of an API is called.
fn reference(json: &Map<String, Json>) -> Reference {
    let id = text(json, "id").unwrap_or_default().to_owned();
    Reference { name: text(json, "name").unwrap_or(&id).to_owned(), id }
}

/// The objects of an array.
fn entries<'j>(
    json: &'j Map<String, Json>,
    array: &str,
) -> impl Iterator<Item = &'j Map<String, Json>> {
    let list = json.get(array).and_then(Json::as_array);
    list.into_iter().flatten().filter_map(Json::as_object)
}
