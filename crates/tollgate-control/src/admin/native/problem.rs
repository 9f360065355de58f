//! Refusals as problem details (RFC 9457), and how they are described.

use std::collections::BTreeMap;

use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema};

use crate::admin::v3::Failure;

/// A refusal of the native API.
#[derive(Debug)]
pub(crate) struct Problem(Failure);

/// Why a request was not done. Nothing was changed then.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(super) struct ProblemDetails {
    /// `about:blank`.
    r#type: String,
    /// What the status means.
    title: String,
    /// The status.
    status: u16,
    /// Why, in one stable word.
    code: String,
    /// Why, for people.
    detail: String,
    /// What is wrong with which property, where the code is `invalid`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<PropertyError>,
}

/// What is wrong with a property or a parameter.
#[derive(Serialize, ToSchema)]
pub(super) struct PropertyError {
    /// Its name; a dot leads into an object.
    property: String,
    /// What is wrong, and what was expected.
    message: String,
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        Self(failure)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.0.into_problem()
    }
}

/// Every refusal that there is, with its code.
pub(super) const REFUSALS: [(&str, &str); 11] = [
    ("400", "`invalid`: properties or parameters are wrong; `broken`: it could not be read"),
    ("401", "`bad_token`: there is no token, or one that is not good"),
    ("403", "`forbidden`: the roles of the caller do not permit it"),
    ("404", "`not_found`"),
    ("405", "`wrong_method`"),
    (
        "409",
        "`not_in_this_state`: the life of the key does not allow it; `owned_by_file`: it is changed \
         in its file; `idempotency_mismatch`: another request had its `Idempotency-Key`; \
         `conflict`: something else stands against it",
    ),
    ("412", "`changed`: it is not as `If-Match` says"),
    ("413", "`too_large`"),
    ("429", "`throttled`: too many requests of the source have failed"),
    ("500", "`store`: what is stored cannot be used"),
    ("503", "`store`: the store cannot be reached"),
];

impl IntoResponses for Problem {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        let schema = || Ref::from_schema_name("Problem");
        let refusals = REFUSALS.into_iter().map(|(status, description)| {
            let content = ContentBuilder::new().schema(Some(schema())).build();
            let response = ResponseBuilder::new().description(description);
            let response = response.content("application/problem+json", content).build();
            (status.to_owned(), RefOr::T(response))
        });
        refusals.collect()
    }
}

/// Answers a request for something that is there, by a method that it does not know. What it
/// knows is in `Allow` already.
pub(super) async fn wrong_method() -> Problem {
    Problem(Failure::WrongMethod(""))
}
