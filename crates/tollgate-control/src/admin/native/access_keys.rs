//! The revocation of proxy access keys, one or several at once (S1-7).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::revoking::{Became, revoke_each};
use super::{Answered, Problem};
use crate::admin::Plane;
use crate::admin::asked::{Asked, Work};
use crate::admin::v3::{Failure, permit};
use crate::people::Action;
use crate::proxies::AccessKey;
use crate::store::{Change, Deed, Kind};

/// What an entry of the audit log calls them.
const NOUN: &str = "access_key";

pub(super) fn router() -> OpenApiRouter<Plane> {
    OpenApiRouter::new().routes(routes!(revoke))
}

/// Access keys that are to be revoked.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AccessKeyRevocations {
    /// `true`, as it cannot be undone.
    confirm: bool,
    /// Their ids.
    #[schema(max_items = 1000)]
    ids: Vec<String>,
}

/// What became of an access key that was to be revoked.
#[derive(Serialize, ToSchema)]
struct AccessKeyRevoked {
    id: String,
    /// `done`, or the code of the refusal, such as `not_found`.
    outcome: String,
    /// Why it was refused, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// Revoke proxy access keys, for good.
///
/// Each is revoked or refused by itself, and is an entry of the audit log. What is connected through
/// one that is revoked is cut off at once; the proxies that came by it stay registered. The answer
/// says of each what became of it, in the order of the request.
#[utoipa::path(
    post, path = "/api/access-keys/revoke", tag = "access keys",
    operation_id = "revokeAccessKeys",
    request_body = AccessKeyRevocations,
    responses(
        (status = 200, description = "Of each what became of it.", body = [AccessKeyRevoked]),
        Problem,
    ),
)]
async fn revoke(asked: Asked) -> Answered {
    let AccessKeyRevocations { confirm, ids } = asked.input()?;
    revoke_each(asked, NOUN, (confirm, ids), one, shown).await
}

fn one(work: &Work, change: &mut Change<'_>, _: &mut Deed, id: &str) -> Result<(), Failure> {
    let found = AccessKey::find(change.connection(), id)?;
    let missing = || Failure::NotFound("there is no such access key".to_owned());
    let mut key = found.ok_or_else(missing)?;
    permit(work.scene(), Action::AccessKeyWrite, &key.realm)?;
    if key.revoked.is_some() {
        return Err(Failure::State("it is revoked already".to_owned()));
    }
    let now = change.now();
    key.revoke(change.connection(), now)?;
    // Whoever is connected by it is looked at.
    change.touch(Kind::Proxy, format!("access_key/{id}"));
    Ok(())
}

fn shown(became: Became<()>) -> AccessKeyRevoked {
    let Became { id, outcome, detail, .. } = became;
    AccessKeyRevoked { id, outcome, detail }
}
