//! Keys on their way in and out, many at once.

mod export;
mod import;
mod imported;
mod leftovers;
mod parameters;
mod streamed;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::admin::Plane;

pub use leftovers::Leftovers;

/// What an entry of the audit log calls them.
const NOUN: &str = "key";

pub(super) fn router() -> OpenApiRouter<Plane> {
    OpenApiRouter::new().routes(routes!(import::import)).routes(routes!(export::export))
}

/// Whether a request at this path may take its time.
pub(crate) fn takes_long(path: &str) -> bool {
    path == import::PATH
}
