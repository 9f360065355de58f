//! What a plan opens: services, their endpoints and methods, by reference.

use serde_json::{Map, Value as Json, json};

use super::super::super::Failure;
use super::super::super::engine::Resource;
use super::super::super::field::Fetch::Implicit;
use super::super::super::field::Kind::Choice;
use super::super::super::field::Kind::{Instant, List, Number, Object as Filter, Switch, Text};
use super::super::super::field::Rule::{Ignored, Optional, Required};
use super::super::super::field::{Field, field, misfits};
use super::super::super::nested::{NOTHING_MORE, Nested, has};
use super::super::super::source::{Scene, Source as _, text};
use super::super::service::Services;
use super::{ALL, PERIOD, Plans, word};
use crate::model::{self, MAX_QPS, MAX_QUOTA, MethodGrant};
use crate::store::Connection;

const SERVICE_FIELDS: &[Field] = &[
    field("id", Text(64), Required, Ignored, Implicit),
    field("name", Text(255), Ignored, Ignored, Implicit),
    field("created", Instant, Ignored, Ignored, Implicit),
    field("updated", Instant, Ignored, Ignored, Implicit),
    field("endpoints", List, Optional, Optional, Implicit),
];

const ENDPOINT_FIELDS: &[Field] = &[
    field("id", Text(64), Required, Ignored, Implicit),
    field("name", Text(255), Ignored, Ignored, Implicit),
    field("created", Instant, Ignored, Ignored, Implicit),
    field("updated", Instant, Ignored, Ignored, Implicit),
    field("undefinedMethodsAllowed", Switch, Optional, Optional, Implicit),
    field("methods", List, Optional, Optional, Implicit),
];

const METHOD_FIELDS: &[Field] = &[
    field("id", Text(64), Required, Ignored, Implicit),
    field("name", Text(255), Ignored, Ignored, Implicit),
    field("created", Instant, Ignored, Ignored, Implicit),
    field("updated", Instant, Ignored, Ignored, Implicit),
    field("qpsLimitCeiling", Number(MAX_QPS as u64), Optional, Optional, Implicit),
    field("rateLimitCeiling", Number(MAX_QUOTA), Optional, Optional, Implicit),
    field("rateLimitPeriod", Choice(PERIOD), Optional, Optional, Implicit),
    field("responseFilter", Filter, Optional, Optional, Implicit),
];

const OPENED: Nested = Nested {
    noun: "plan",
    roots: &Plans,
    root: "plan",
    levels: &[("services", "")],
    show: NOTHING_MORE,
};

/// `/packages/{package}/plans/{plan}/services`
pub(crate) const SERVICES: Resource = Resource {
    path: "/v3/rest/packages/{package}/plans/{plan}/services",
    noun: "plan_service",
    fields: SERVICE_FIELDS,
    source: &OPENED,
    ..ALL
};

/// `/packages/{package}/plans/{plan}/services/{service}/endpoints`
pub(crate) const ENDPOINTS: Resource = Resource {
    path: "/v3/rest/packages/{package}/plans/{plan}/services/{service}/endpoints",
    noun: "plan_endpoint",
    fields: ENDPOINT_FIELDS,
    source: &Nested { levels: &[("services", "service"), ("endpoints", "")], ..OPENED },
    ..ALL
};

/// `/packages/{package}/plans/{plan}/services/{service}/endpoints/{endpoint}/methods`
pub(crate) const METHODS: Resource = Resource {
    path: "/v3/rest/packages/{package}/plans/{plan}/services/{service}/endpoints/{endpoint}/methods",
    noun: "plan_method",
    fields: METHOD_FIELDS,
    source: &Nested {
        levels: &[("services", "service"), ("endpoints", "endpoint"), ("methods", "")],
        ..OPENED
    },
    ..ALL
};

/// Refuses a plan that opens what is not there.
pub(super) fn check(
    scene: Scene<'_>,
    connection: &mut dyn Connection,
    body: &Map<String, Json>,
) -> Result<(), Failure> {
    let mut violations = Vec::new();
    for service in entries(body, "services")? {
        misfits(SERVICE_FIELDS, service, &mut violations);
        for endpoint in entries(service, "endpoints")? {
            misfits(ENDPOINT_FIELDS, endpoint, &mut violations);
            let methods = entries(endpoint, "methods")?;
            methods.for_each(|method| misfits(METHOD_FIELDS, method, &mut violations));
        }
    }
    // That something has no id is told below, with what it is.
    violations.retain(|violation| violation.property != "id");
    if !violations.is_empty() {
        return Err(Failure::Invalid(violations));
    }
    for service in entries(body, "services")? {
        let id = text(service, "id").ok_or_else(|| missing("services", "id"))?;
        let found = Services.find(scene, connection, id)?;
        let Some(found) = found else { return Err(unknown("services", id)) };
        for endpoint in entries(service, "endpoints")? {
            let id = text(endpoint, "id").ok_or_else(|| missing("endpoints", "id"))?;
            let known = known(&found.json, "endpoints", id);
            let Some(known_endpoint) = known else { return Err(unknown("endpoints", id)) };
            for method in entries(endpoint, "methods")? {
                let id = text(method, "id").ok_or_else(|| missing("methods", "id"))?;
                if known_endpoint_has_no(known_endpoint, id) {
                    return Err(unknown("methods", id));
                }
                unfiltered(method)?;
            }
        }
    }
    Ok(())
}

/// Refuses a filter that would hide something of responses: callers would see it.
fn unfiltered(method: &Map<String, Json>) -> Result<(), Failure> {
    const PROPERTY: &str = "responseFilter";
    let filter = method.get(PROPERTY).and_then(Json::as_object);
    let hides = |name: &str| {
        let fields = filter.and_then(|filter| filter.get(name));
        fields.is_some_and(|fields| !matches!(fields, Json::Null) && fields != "")
    };
    if hides("xmlFilterFields") || hides("jsonFilterFields") {
        let message = "responses are not filtered; expected neither xmlFilterFields nor \
                       jsonFilterFields";
        return Err(Failure::invalid(PROPERTY, message));
    }
    Ok(())
}

/// Whether a plan opens a service, or an endpoint or a method of it.
pub(in super::super) fn opens(plan: &Map<String, Json>, path: &[(&str, &str)]) -> bool {
    let Some(((array, id), rest)) = path.split_first() else { return true };
    let entry = known(plan, array, id);
    entry.is_some_and(|entry| opens(entry, rest))
}

fn known_endpoint_has_no(endpoint: &Map<String, Json>, method: &str) -> bool {
    known(endpoint, "methods", method).is_none()
}

fn known<'j>(json: &'j Map<String, Json>, array: &str, id: &str) -> Option<&'j Map<String, Json>> {
    json.get(array)?.as_array()?.iter().find(|entry| has(entry, id))?.as_object()
}

/// The objects of an array; an array that is absent has none.
fn entries<'j>(
    json: &'j Map<String, Json>,
    array: &'static str,
) -> Result<impl Iterator<Item = &'j Map<String, Json>>, Failure> {
    let found = json.get(array).filter(|found| !found.is_null());
    let list = match found.map(Json::as_array) {
        None => &[][..],
        Some(Some(list)) => list,
        Some(None) => return Err(Failure::invalid(array, "expected an array")),
    };
    if list.iter().all(Json::is_object) {
        Ok(list.iter().filter_map(Json::as_object))
    } else {
        Err(Failure::invalid(array, "expected objects such as {\"id\": \"..\"}"))
    }
}

fn missing(array: &str, name: &str) -> Failure {
    Failure::invalid(&format!("{array}.{name}"), "required")
}

fn unknown(array: &str, id: &str) -> Failure {
    Failure::invalid(&format!("{array}.id"), format!("there is none with the id {id:?}"))
}

/// What a plan of a file opens.
pub(super) fn of_file(plan: &model::Plan) -> Json {
    let services = plan.services.iter().map(|(name, service)| {
        let endpoints = service.endpoints.iter().map(|(name, endpoint)| {
            let methods = endpoint.methods.iter().map(|(name, grant)| method(name, grant));
            let methods: Vec<_> = methods.collect();
            json!({ "id": &**name, "name": &**name, "methods": methods })
        });
        let endpoints: Vec<_> = endpoints.collect();
        json!({ "id": &**name, "name": &**name, "endpoints": endpoints })
    });
    services.collect()
}

fn method(name: &str, grant: &MethodGrant) -> Json {
    let mut json = Map::new();
    json.insert("id".to_owned(), json!(name));
    json.insert("name".to_owned(), json!(name));
    if let Some(qps) = grant.qps {
        json.insert("qpsLimitCeiling".to_owned(), json!(qps.ceiling));
    }
    if let Some(quota) = grant.quota {
        json.insert("rateLimitCeiling".to_owned(), json!(quota.ceiling));
        json.insert("rateLimitPeriod".to_owned(), json!(word(quota.period)));
    }
    Json::Object(json)
}
