//! Services out of documents, by the names that the v3 API has for their fields (domain.md §1.3). An
//! endpoint says there itself how it is called, so each becomes a front of its own.

mod fields;
mod front;
mod upstream;

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Map, Value as Json};

use super::name;
use crate::directory::{number, text};
use crate::model::{AuthType, Name, Objects, Owner, Qps, Service};
use crate::store::Document;

pub(crate) use upstream::Target;

/// A stored service, as far as it can be called.
pub(crate) struct Read {
    /// The service, with those of its endpoints that lead somewhere.
    pub(crate) service: Service,
    /// The others, which are closed: the id of each, and why.
    pub(crate) unrouted: Vec<(Name, Vec<Problem>)>,
}

/// What is wrong with a property of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Problem {
    /// The property.
    pub(crate) property: &'static str,
    /// What is wrong with it.
    pub(crate) message: String,
    /// Whether it will lead somewhere once something else is there.
    pub(crate) standing: Standing,
}

/// What becomes of an endpoint with a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Standing {
    /// It is refused: it asks for what Tollgate cannot carry out.
    Refused,
    /// It is kept, and leads nowhere as long as something is missing.
    Kept,
}

/// A service as its document says. `files` have the upstreams.
pub(crate) fn of_document(document: &Document, files: &Objects) -> Read {
    let body = &document.body;
    let (mut fronts, mut unrouted) = (Vec::new(), Vec::new());
    let mut ids = BTreeSet::new();
    for endpoint in endpoints(body) {
        // Of two that share an id one would take the other's place.
        let read = match ids.insert(id(endpoint)) {
            true => front::of_endpoint(body, endpoint, files),
            false => Err(vec![Problem::refused("id", "another endpoint has it")]),
        };
        match read {
            Ok(front) => fronts.push(front),
            Err(problems) => unrouted.push((name(id(endpoint)), problems)),
        }
    }
    let qps = |ceiling| Qps { ceiling, burst: ceiling };
    let service = Service {
        name: name(&document.id),
        owner: Owner::Store,
        description: text(body, "description").unwrap_or_default().to_owned(),
        // What is there and cannot be read lets nothing through.
        qps_limit_overall: body
            .get("qpsLimitOverall")
            .filter(|given| !given.is_null())
            .map(|_| qps(number(body, "qpsLimitOverall").unwrap_or(0))),
        qps_limit_overall_enforce: true,
        fronts,
    };
    Read { service, unrouted }
}

/// The upstreams that its endpoints name, each with the endpoint.
pub(crate) fn targets(document: &Document) -> impl Iterator<Item = (&str, Target<'_>)> {
    endpoints(&document.body).map(|endpoint| (id(endpoint), Target::of(endpoint)))
}

/// How calls of a service's endpoints are authenticated, whether or not they lead somewhere; by the
/// key alone where there is no endpoint yet.
pub(crate) fn auth_types(body: &Map<String, Json>) -> Vec<AuthType> {
    let types: BTreeSet<_> = endpoints(body).flat_map(front::auth_types).collect();
    if types.is_empty() { vec![AuthType::ApiKey] } else { types.into_iter().collect() }
}

/// The endpoints of a service's document.
pub(crate) fn endpoints(body: &Map<String, Json>) -> impl Iterator<Item = &Map<String, Json>> {
    let list = body.get("endpoints").and_then(Json::as_array).into_iter().flatten();
    list.filter_map(Json::as_object)
}

/// The id of an endpoint or a method. The API gives one to each.
pub(crate) fn id(json: &Map<String, Json>) -> &str {
    text(json, "id").unwrap_or_default()
}

impl Problem {
    /// What Tollgate cannot carry out.
    fn refused(property: &'static str, message: impl Into<String>) -> Self {
        Self { property, message: message.into(), standing: Standing::Refused }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { property, message, .. } = self;
        write!(f, "{property}: {message}")
    }
}
