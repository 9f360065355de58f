//! Services, their endpoints and methods (domain.md §1.3).

mod check;
mod of_file;

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json, json};

use super::super::Failure;
use super::super::engine::{Dialect, Resource};
use super::super::field::Fetch::{Explicit, Implicit};
use super::super::field::Kind::{
    Any, Choice, Instant, List, Name, Number, Object as Reference, Switch, Text,
};
use super::super::field::Rule::{Ignored, Optional, Required};
use super::super::field::{Field, field};
use super::super::kept::Kept;
use super::super::nested::{NOTHING_MORE, Nested, has, new_id};
use super::super::source::{Object, Scene};
use super::plan;
use crate::document::kind::NAME_EXPECTED;
use crate::model::{self, MAX_QPS};
use crate::people::Action;
use crate::store::{Change, Connection, Document, Kind, Shelf};

/// How a call of an endpoint proves who it comes from.
const AUTHENTICATION: &[&str] = &[
    "apiKey",
    "apiKeyAndSecret_MD5",
    "apiKeyAndSecret_SHA256",
    "secureHash_SHA256",
    "oauth",
    "custom",
];

/// How refusals of a service are worded.
const DIALECTS: &[&str] = &["problem", "mashery"];

const FIELDS: &[Field] = &[
    field("id", Text(64), Ignored, Ignored, Implicit),
    field("name", Name(255), Required, Optional, Implicit),
    field("created", Instant, Ignored, Ignored, Implicit),
    field("updated", Instant, Ignored, Ignored, Implicit),
    field("editorHandle", Text(255), Optional, Optional, Implicit),
    field("revisionNumber", Number(u64::MAX), Optional, Optional, Implicit),
    field("robotsPolicy", Text(4096), Optional, Optional, Implicit),
    field("crossdomainPolicy", Text(65_536), Optional, Optional, Implicit),
    field("description", Text(4096), Optional, Optional, Implicit),
    field("errorSets", List, Optional, Optional, Explicit),
    field("qpsLimitOverall", Number(MAX_QPS as u64), Optional, Optional, Implicit),
    field("errorDialect", Choice(DIALECTS), Optional, Optional, Implicit),
    field("rfc3986Encode", Switch, Optional, Optional, Implicit),
    field("securityProfile", Reference, Optional, Optional, Explicit),
    field("version", Text(255), Optional, Optional, Implicit),
    field("cache", Reference, Optional, Optional, Explicit),
    field("organization", Reference, Optional, Optional, Implicit),
    field("endpoints", List, Optional, Optional, Explicit),
    field("roles", List, Optional, Optional, Explicit),
];

const ENDPOINT_FIELDS: &[Field] = &[
    field("id", Text(64), Ignored, Ignored, Implicit),
    field("name", Name(255), Required, Optional, Implicit),
    field("created", Instant, Ignored, Ignored, Implicit),
    field("updated", Instant, Ignored, Ignored, Implicit),
    field("requestAuthenticationType", Choice(AUTHENTICATION), Optional, Optional, Implicit),
    field("authTypes", List, Optional, Optional, Implicit),
    field("apiKeyValueLocations", List, Optional, Optional, Implicit),
    field("apiKeyValueLocationKey", Text(255), Optional, Optional, Implicit),
    field("returnedHeaders", List, Optional, Optional, Implicit),
    field("dropApiKeyFromIncomingCall", Switch, Optional, Optional, Implicit),
    field("allowMissingApiKey", Switch, Optional, Optional, Implicit),
    field("rateLimitHeadersEnabled", Switch, Optional, Optional, Implicit),
    field("inboundSslRequired", Switch, Optional, Optional, Implicit),
    field("scheduledMaintenanceEvent", Reference, Optional, Optional, Implicit),
    field("requestPathAlias", Text(2048), Optional, Optional, Implicit),
    field("publicDomains", List, Optional, Optional, Implicit),
    field("systemDomains", List, Optional, Optional, Implicit),
    field("upstream", Text(64), Optional, Optional, Implicit),
    field("outboundTransportProtocol", Text(64), Optional, Optional, Implicit),
    field("outboundRequestTargetPath", Text(2048), Optional, Optional, Implicit),
    field("connectionTimeoutForSystemDomainRequest", Number(3600), Optional, Optional, Implicit),
    field("connectionTimeoutForSystemDomainResponse", Number(3600), Optional, Optional, Implicit),
    field("headersToExcludeFromIncomingCall", List, Optional, Optional, Implicit),
    field("strictSecurity", Switch, Optional, Optional, Implicit),
    field("highSecurity", Switch, Optional, Optional, Implicit),
    field("customRequestAuthenticationAdapter", Text(255), Optional, Optional, Implicit),
    field("processor", Reference, Optional, Optional, Implicit),
    field("supportedHttpMethods", List, Optional, Optional, Implicit),
    field(check::ROUTED, Switch, Ignored, Ignored, Implicit),
    field(check::WHY_NOT, Text(4096), Ignored, Ignored, Implicit),
    field("methods", List, Optional, Optional, Explicit),
];

const METHOD_FIELDS: &[Field] = &[
    field("id", Text(64), Ignored, Ignored, Implicit),
    field("name", Name(255), Required, Optional, Implicit),
    field("created", Instant, Ignored, Ignored, Implicit),
    field("updated", Instant, Ignored, Ignored, Implicit),
    field("httpMethods", List, Optional, Optional, Implicit),
    field("sampleJsonResponse", Any, Optional, Optional, Implicit),
    field("sampleXmlResponse", Any, Optional, Optional, Implicit),
];

/// `/services`
pub(crate) const ALL: Resource = Resource {
    path: "/v3/rest/services",
    dialect: Dialect::V3,
    noun: "service",
    fields: FIELDS,
    extended: true,
    read: Action::CatalogueRead,
    write: Some(Action::ServiceWrite),
    creates: true,
    updates: true,
    deletes: true,
    source: &Services,
};

const WITHIN: Nested = Nested {
    noun: "service",
    roots: &Services,
    root: "service",
    levels: &[("endpoints", "")],
    show: check::show_endpoints,
};

/// `/services/{service}/endpoints`
pub(crate) const ENDPOINTS: Resource = Resource {
    path: "/v3/rest/services/{service}/endpoints",
    dialect: Dialect::V3,
    noun: "endpoint",
    fields: ENDPOINT_FIELDS,
    source: &WITHIN,
    ..ALL
};

/// `/services/{service}/endpoints/{endpoint}/methods`
pub(crate) const METHODS: Resource = Resource {
    path: "/v3/rest/services/{service}/endpoints/{endpoint}/methods",
    dialect: Dialect::V3,
    noun: "method",
    fields: METHOD_FIELDS,
    source: &Nested {
        levels: &[("endpoints", "endpoint"), ("methods", "")],
        show: NOTHING_MORE,
        ..WITHIN
    },
    ..ALL
};

/// The services of both sources.
pub(crate) struct Services;

impl Kept for Services {
    const SHELF: Shelf = Shelf::Services;
    const WRITE: Action = Action::ServiceWrite;

    fn of_file(&self, scene: Scene<'_>) -> Vec<Object> {
        scene.file().services.values().map(of_file::object).collect()
    }

    fn create(
        &self,
        scene: Scene<'_>,
        change: &mut Change<'_>,
        document: &mut Document,
    ) -> Result<(), Failure> {
        complete(&mut document.body, "endpoints", Some("methods"))?;
        check::carried_out(scene, change.connection(), None, document)
    }

    fn update(
        &self,
        scene: Scene<'_>,
        change: &mut Change<'_>,
        before: &Document,
        document: &mut Document,
    ) -> Result<(), Failure> {
        complete(&mut document.body, "endpoints", Some("methods"))?;
        check::carried_out(scene, change.connection(), Some(before), document)?;
        for part in gone(&before.body, &document.body) {
            let path: Vec<_> = part.iter().map(|(array, id)| (*array, id.as_str())).collect();
            unopened(change.connection(), &document.id, &path)?;
        }
        Ok(())
    }

    fn delete(
        &self,
        _: Scene<'_>,
        change: &mut Change<'_>,
        document: &Document,
    ) -> Result<(), Failure> {
        let query = "SELECT 1 FROM subscriptions WHERE service = $1 AND cancelled IS NULL LIMIT 1";
        if change.connection().row(query, &[document.id.as_str().into()])?.is_some() {
            return Err(Failure::Conflict("applications are subscribed to the service".into()));
        }
        unopened(change.connection(), &document.id, &[])
    }

    fn show(
        &self,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
        objects: &mut [Object],
    ) -> Result<(), Failure> {
        check::show_services(scene, connection, objects)
    }

    fn touched(&self, document: &Document) -> Option<(Kind, String)> {
        Some((Kind::Service, document.id.clone()))
    }
}

/// Gives every entry of an array an id that has none, takes out what is not for clients to say, and
/// refuses what is no entry.
fn complete(
    json: &mut Map<String, Json>,
    array: &'static str,
    below: Option<&'static str>,
) -> Result<(), Failure> {
    let Some(entries) = json.get_mut(array).and_then(Json::as_array_mut) else { return Ok(()) };
    let mut ids = BTreeSet::new();
    for entry in entries {
        let expected = || Failure::invalid(array, "expected objects with a name");
        let entry = entry.as_object_mut().ok_or_else(expected)?;
        let named = entry.get("name").and_then(Json::as_str).is_some_and(|name| !name.is_empty());
        if !named {
            return Err(expected());
        }
        let id = match entry.get("id").and_then(Json::as_str) {
            Some(id) => id.to_owned(),
            None => new_id()?,
        };
        if model::Name::new(&id).is_none() {
            let message = format!("expected {NAME_EXPECTED}");
            return Err(Failure::invalid(&format!("{array}.id"), message));
        }
        entry.insert("id".to_owned(), json!(id));
        if !ids.insert(id) {
            return Err(Failure::invalid(&format!("{array}.id"), "stands in this list already"));
        }
        entry.remove(check::ROUTED);
        entry.remove(check::WHY_NOT);
        if let Some(below) = below {
            complete(entry, below, None)?;
        }
    }
    Ok(())
}

/// What a service had and has no more, each as the path that leads to it.
fn gone(before: &Map<String, Json>, after: &Map<String, Json>) -> Vec<Vec<(&'static str, String)>> {
    let entries = |json: &Map<String, Json>, array: &str| {
        json.get(array).and_then(Json::as_array).cloned().unwrap_or_default()
    };
    let id = |entry: &Json| entry.get("id").and_then(Json::as_str).unwrap_or_default().to_owned();
    let mut gone = Vec::new();
    let left = entries(after, "endpoints");
    for endpoint in entries(before, "endpoints") {
        let endpoint_id = id(&endpoint);
        let kept = left.iter().find(|entry| has(entry, &endpoint_id)).and_then(Json::as_object);
        let Some(kept) = kept else {
            gone.push(vec![("endpoints", endpoint_id)]);
            continue;
        };
        let kept = entries(kept, "methods");
        for method in endpoint.as_object().map(|old| entries(old, "methods")).unwrap_or_default() {
            let method_id = id(&method);
            if !kept.iter().any(|entry| has(entry, &method_id)) {
                gone.push(vec![("endpoints", endpoint_id.clone()), ("methods", method_id)]);
            }
        }
    }
    gone
}

/// Refuses that something of a service goes which a plan opens.
fn unopened(
    connection: &mut dyn Connection,
    service: &str,
    part: &[(&str, &str)],
) -> Result<(), Failure> {
    let path: Vec<_> = std::iter::once(("services", service)).chain(part.iter().copied()).collect();
    let plans = Shelf::Plans.all(connection)?;
    match plans.iter().find(|plan| plan::opens(&plan.body, &path)) {
        None => Ok(()),
        Some(plan) => Err(Failure::Conflict(format!("the plan {:?} opens it", plan.name))),
    }
}
