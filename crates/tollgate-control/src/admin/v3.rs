//! The Mashery v3 API (domain.md §1), for clients that were written for it.

pub(super) mod engine;
mod failure;
pub(super) mod field;
mod fields;
mod filter;
#[cfg(feature = "fuzzing")]
pub(super) mod fuzzing;
mod kept;
mod listed;
mod merged;
mod nested;
pub(super) mod page;
mod query;
pub(super) mod resources;
mod search;
mod sort;
mod source;
mod token;

#[cfg(test)]
mod tests;

use axum::Router;
use axum::extract::{Request, State};
use axum::routing::{any, post};

use super::Plane;
use crate::date;

pub(super) use engine::version;
pub(super) use failure::{Failure, Violation};
pub(super) use kept::permit;
pub(super) use query::Query;
pub(super) use resources::application::Applications;
pub(super) use resources::service::Services;
pub(super) use source::{Object, Scene, Source, Within};

pub(super) fn router() -> Router<Plane> {
    let token = post(token::answer).fallback(token::wrong_method);
    let revoke = post(token::revoke).fallback(token::wrong_method);
    let mut router = Router::new().route("/v3/token", token).route("/v3/token/revoke", revoke);
    for resource in resources::ALL.iter().copied() {
        let all =
            any(move |state: State<Plane>, request: Request| engine::all(resource, state, request));
        let one =
            any(move |state: State<Plane>, request: Request| engine::one(resource, state, request));
        router = router.route(resource.path, all).route(&format!("{}/{{id}}", resource.path), one);
    }
    router
}
