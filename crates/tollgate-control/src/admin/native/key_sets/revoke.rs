//! The revocation of many key sets at once.

use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::acting::Act;
use super::filters::Status;
use super::{NOUN, existing};
use crate::admin::asked::{Asked, Work};
use crate::admin::native::revoking::{Became, revoke_each};
use crate::admin::native::{Answered, Problem};
use crate::admin::v3::{Failure, permit};
use crate::life_cycle::Event;
use crate::store::{Change, Deed};

/// Key sets that are to be revoked.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Revocations {
    /// `true`, as it cannot be undone.
    confirm: bool,
    /// Their ids.
    #[schema(max_items = 1000)]
    ids: Vec<String>,
}

/// What became of a key set that was to be revoked.
#[derive(Serialize, ToSchema)]
pub(super) struct RevokedOne {
    id: String,
    /// `done`, or the code of the refusal, such as `not_in_this_state`.
    outcome: String,
    /// Why it was refused, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// Where it is in life now.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
}

/// Revoke many key sets, for good.
///
/// Each is revoked or refused by itself, and is an entry of the audit log; those that are revoked
/// are so in one revision. The answer says of each what became of it, in the order of the request.
#[utoipa::path(
    post, path = "/api/key-sets/revoke", tag = "key sets", operation_id = "revokeKeySets",
    request_body = Revocations,
    responses((status = 200, description = "Of each what became of it.", body = [RevokedOne]), Problem),
)]
pub(super) async fn post(asked: Asked) -> Answered {
    let Revocations { confirm, ids } = asked.input()?;
    revoke_each(asked, NOUN, (confirm, ids), one, shown).await
}

fn one(work: &Work, change: &mut Change<'_>, deed: &mut Deed, id: &str) -> Result<Status, Failure> {
    let chain = existing(change.connection(), id)?;
    permit(work.scene(), Act::Revoke.action(), &chain.realm)?;
    let key = chain.life.latest.number;
    let lived = work.context.live(change, id, Some(chain.life.version), &Event::Revoke { key });
    let after = lived.map_err(Failure::of_operation)?.chain.life.state();
    deed.details = json!({ "status": [chain.life.state().as_str(), after.as_str()] }).to_string();
    Ok(after.into())
}

fn shown(became: Became<Status>) -> RevokedOne {
    let Became { id, outcome, detail, revoked } = became;
    RevokedOne { id, outcome, detail, status: revoked }
}
