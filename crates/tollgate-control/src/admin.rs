//! The admin listener: what people and their tools manage keys with.
//!
//! `/v3` speaks the Mashery v3 API (domain.md §1); `/api` is native. Both go by the same rules of
//! who may do what, and by the same store.

mod ask;
mod asked;
mod authorization;
mod feed;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod listener;
mod native;
mod once;
mod refusals;
mod trial;
mod v3;
mod wait;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::response::{IntoResponse, Response};
use http::Uri;

use crate::plane::ControlPlane;

pub use listener::{Admin, Ending, Handshake, NotSecure, SecureStream, Stream};
pub use native::Leftovers;

/// The greatest body of a request.
const MAX_BODY: usize = 1 << 20;

type Plane = Arc<ControlPlane>;

/// Everything that the listener answers.
fn router(plane: Plane) -> Router {
    callable()
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&plane), wait::answer))
        .merge(feed::router())
        .merge(native::document())
        .fallback(unknown)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(plane)
}

/// Everything that can be called, without what describes it.
fn callable() -> Router<Plane> {
    Router::new().merge(v3::router()).merge(native::router())
}

async fn unknown(uri: Uri) -> Response {
    let failure = v3::Failure::NotFound("no such resource".to_owned());
    match uri.path().starts_with("/api") {
        true => native::Problem::from(failure).into_response(),
        false => failure.into_response(),
    }
}
