//! The native API, below `/api`. Its routes say of themselves what they take and answer, and the
//! OpenAPI document is made of what they say.
//!
//! What is looked up by a table of fields stands in [`super::v3`], also where its path begins with
//! `/api`; everything else is here.

mod access_keys;
mod answer;
mod applications;
mod audit;
mod catalogue;
mod description;
mod input;
pub(super) mod instant;
mod key_sets;
mod preview;
mod problem;
mod revisions;
mod revoking;
mod subscriptions;
mod transfer;

use axum::Router;
use axum::routing::get;
use utoipa_axum::router::OpenApiRouter;

use super::Plane;

pub(super) use problem::Problem;
pub use transfer::Leftovers;
pub(super) use transfer::takes_long;

/// What a route answers.
type Answered = Result<axum::response::Response, Problem>;

/// Its routes.
pub(super) fn router() -> Router<Plane> {
    let (router, _) = described().split_for_parts();
    router.method_not_allowed_fallback(problem::wrong_method)
}

/// The document of all routes of the listener.
pub(super) fn document() -> Router<Plane> {
    let (_, document) = described().split_for_parts();
    let document = description::written(document);
    Router::new()
        .route("/api/openapi.json", get(move || async move { document.clone() }))
        .method_not_allowed_fallback(problem::wrong_method)
}

fn described() -> OpenApiRouter<Plane> {
    OpenApiRouter::with_openapi(description::everything())
        .merge(access_keys::router())
        .merge(applications::router())
        .merge(audit::router())
        .merge(revisions::router())
        .merge(catalogue::router())
        .merge(key_sets::router())
        .merge(subscriptions::router())
        .merge(transfer::router())
        .merge(preview::router())
}
