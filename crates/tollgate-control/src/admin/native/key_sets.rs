//! Key sets (S4).

mod acting;
mod acts;
mod change;
mod credentials;
mod details;
mod filters;
mod keys;
mod list;
mod revoke;
mod schedule;
mod seen;
mod timeline;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::admin::Plane;
use crate::admin::v3::Failure;
use crate::store::{Connection, StoredChain};

pub(super) use acts::confirmed;
pub(super) use credentials::Credentials;
pub(super) use details::{KeySetDetails, SubscriptionSeen};
pub(super) use seen::Reference;

/// What an entry of the audit log calls them.
const NOUN: &str = "key_set";

pub(super) fn router() -> OpenApiRouter<Plane> {
    OpenApiRouter::new()
        .routes(routes!(list::list))
        .routes(routes!(details::get, change::put))
        .routes(routes!(timeline::get))
        .routes(routes!(credentials::get))
        .routes(routes!(acts::activate))
        .routes(routes!(acts::suspend))
        .routes(routes!(acts::reactivate))
        .routes(routes!(acts::regenerate))
        .routes(routes!(acts::rotate))
        .routes(routes!(acts::end_overlap))
        .routes(routes!(acts::revoke))
        .routes(routes!(revoke::post))
        .routes(routes!(schedule::post))
        .routes(routes!(schedule::template::post))
}

/// The key set of an id. A package key is none.
fn existing(connection: &mut dyn Connection, id: &str) -> Result<StoredChain, Failure> {
    let found = StoredChain::find(connection, id)?.filter(|chain| chain.life.policy.is_some());
    found.ok_or_else(|| Failure::NotFound("there is no such key set".to_owned()))
}

/// The `ETag` of a key set.
fn etag(chain: &StoredChain) -> String {
    format!("\"{}\"", chain.life.version)
}
