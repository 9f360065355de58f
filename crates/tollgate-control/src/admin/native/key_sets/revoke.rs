//! The revocation of many key sets at once.

use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::acting::Act;
use super::acts::confirmed;
use super::filters::Status;
use super::{NOUN, existing};
use crate::admin::asked::{Asked, Work};
use crate::admin::native::answer::done;
use crate::admin::native::{Answered, Problem};
use crate::admin::once::Made;
use crate::admin::v3::{Failure, permit};
use crate::life_cycle::Event;
use crate::store::{Change, DONE, Deed, Reason as _};

/// So many key sets are revoked at once.
const MOST: usize = 1000;

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
    confirmed(confirm)?;
    if ids.len() > MOST {
        return Err(Failure::invalid("ids", format!("expected {MOST} ids at most")).into());
    }
    let work = asked.work.clone();
    let deed = asked.deed(NOUN, "revoke_many", "");
    let made = asked.change(deed, move |change, deed| {
        let work = work.of_change();
        let mut all = Vec::with_capacity(ids.len());
        for id in ids {
            all.push(one(&work, change, deed, id)?);
        }
        let revoked = all.iter().filter(|one| one.outcome == DONE).count();
        deed.details = json!({ "asked": all.len(), "revoked": revoked }).to_string();
        Made::new(&all, None)
    });
    Ok(done(&made.await?)?)
}

/// Revokes one of them. What refuses it is found before anything is written.
fn one(
    work: &Work,
    change: &mut Change<'_>,
    whole: &Deed,
    id: String,
) -> Result<RevokedOne, Failure> {
    let scene = work.scene();
    let mut deed = Deed {
        action: format!("{NOUN}.{}", Act::Revoke.verb()),
        object: id.clone(),
        ..whole.clone()
    };
    let done = existing(change.connection(), &id).and_then(|chain| {
        permit(scene, Act::Revoke.action(), &chain.realm)?;
        let key = chain.life.latest.number;
        let lived =
            work.context.live(change, &id, Some(chain.life.version), &Event::Revoke { key });
        let after = lived.map_err(Failure::of_operation)?.chain.life.state();
        deed.details =
            json!({ "status": [chain.life.state().as_str(), after.as_str()] }).to_string();
        Ok(after)
    });
    match done {
        Ok(state) => {
            change.tell(deed, DONE);
            let (outcome, status) = (DONE.to_owned(), Some(state.into()));
            Ok(RevokedOne { id, outcome, detail: None, status })
        }
        Err(Failure::Store(error)) => Err(Failure::Store(error)),
        Err(refused) => {
            change.tell(deed, refused.code());
            let outcome = refused.code().to_owned();
            Ok(RevokedOne { id, outcome, detail: Some(refused.message()), status: None })
        }
    }
}
