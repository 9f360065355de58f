//! What is done with a key set (S4-12 to S4-19, S4-25).

use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::acting::Act;
use super::credentials::Credentials;
use super::details::KeySetDetails;
use super::{NOUN, etag, existing};
use crate::admin::asked::Asked;
use crate::admin::native::answer::done;
use crate::admin::native::input::{Conditional, Named, Nothing};
use crate::admin::native::{Answered, Problem};
use crate::admin::once::Made;
use crate::admin::v3::{Failure, permit};
use crate::life_cycle::{Event, KeyNumber};
use crate::operations::Lived;
use crate::people::Action;
use crate::store::StoredChain;

/// A key set after something was done with it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Done {
    #[serde(flatten)]
    key_set: KeySetDetails,
    /// The key that was made, with its value, for those who may retrieve it.
    #[serde(skip_serializing_if = "Option::is_none")]
    issued: Option<Credentials>,
}

/// A new key that is asked for.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Regeneration {
    /// The id of the key that is to be replaced: another one may be LATEST by now, and then nothing
    /// is done. Left out, it is LATEST.
    key: Option<String>,
    /// For how many seconds the old key works on beside the new one; left out, as the policy says.
    overlap_seconds: Option<u32>,
}

/// A rotation by hand.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ManualRotation {
    /// As for a regeneration.
    key: Option<String>,
    /// For how many seconds the old key works on beside the new one.
    overlap_seconds: u32,
}

/// An overlap that is to end.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct OverlapEnd {
    /// The id of the superseded key; left out, it is the one that there is.
    key: Option<String>,
}

/// A revocation.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Revocation {
    /// `true`, as it cannot be undone.
    confirm: bool,
    /// The id of a key: LATEST, with which the key set is revoked as a whole, or a superseded one,
    /// which is revoked alone. Left out, it is LATEST.
    key: Option<String>,
}

/// Activate a key set that is pending.
#[utoipa::path(
    post, path = "/api/key-sets/{id}/activate", tag = "key sets",
    operation_id = "activateKeySet",
    params(Named, Conditional),
    request_body = Option<Nothing>,
    responses((status = 200, description = "It is done.", body = Done), Problem),
)]
pub(super) async fn activate(asked: Asked) -> Answered {
    let Nothing {} = asked.input()?;
    act(asked, Act::Activate, |_| Ok(Event::Activate)).await
}

/// Suspend a key set that is active.
///
/// Its keys are refused from the answer on, and what is planned for it stays planned. One that
/// fails has changed nothing and can be tried again.
#[utoipa::path(
    post, path = "/api/key-sets/{id}/suspend", tag = "key sets",
    operation_id = "suspendKeySet",
    params(Named, Conditional),
    request_body = Option<Nothing>,
    responses((status = 200, description = "It is done.", body = Done), Problem),
)]
pub(super) async fn suspend(asked: Asked) -> Answered {
    let Nothing {} = asked.input()?;
    act(asked, Act::Suspend, |_| Ok(Event::Suspend)).await
}

/// Activate a key set again that is suspended.
#[utoipa::path(
    post, path = "/api/key-sets/{id}/reactivate", tag = "key sets",
    operation_id = "reactivateKeySet",
    params(Named, Conditional),
    request_body = Option<Nothing>,
    responses((status = 200, description = "It is done.", body = Done), Problem),
)]
pub(super) async fn reactivate(asked: Asked) -> Answered {
    let Nothing {} = asked.input()?;
    act(asked, Act::Reactivate, |_| Ok(Event::Reactivate)).await
}

/// Replace LATEST by a new key.
///
/// The old one is revoked for good: at once, or when the overlap ends. The new one is suspended if
/// the old one was, else it works.
#[utoipa::path(
    post, path = "/api/key-sets/{id}/regenerate", tag = "key sets",
    operation_id = "regenerateKey",
    params(Named, Conditional),
    request_body = Option<Regeneration>,
    responses((status = 200, description = "It is done.", body = Done), Problem),
)]
pub(super) async fn regenerate(asked: Asked) -> Answered {
    let Regeneration { key, overlap_seconds } = asked.input()?;
    act(asked, Act::Regenerate, move |chain| {
        let key = named(chain, key.as_deref())?;
        Ok(Event::Regenerate { key, overlap: overlap_seconds })
    })
    .await
}

/// Rotate a key by hand: replace LATEST by a new key, and say how long it works on beside it.
#[utoipa::path(
    post, path = "/api/key-sets/{id}/rotate", tag = "key sets",
    operation_id = "rotateKey",
    params(Named, Conditional),
    request_body = ManualRotation,
    responses((status = 200, description = "It is done.", body = Done), Problem),
)]
pub(super) async fn rotate(asked: Asked) -> Answered {
    let ManualRotation { key, overlap_seconds } = asked.input()?;
    act(asked, Act::Rotate, move |chain| {
        let key = named(chain, key.as_deref())?;
        Ok(Event::Regenerate { key, overlap: Some(overlap_seconds) })
    })
    .await
}

/// End the overlap of a superseded key now.
#[utoipa::path(
    post, path = "/api/key-sets/{id}/end-overlap", tag = "key sets",
    operation_id = "endOverlap",
    params(Named, Conditional),
    request_body = Option<OverlapEnd>,
    responses((status = 200, description = "It is done.", body = Done), Problem),
)]
pub(super) async fn end_overlap(asked: Asked) -> Answered {
    let OverlapEnd { key } = asked.input()?;
    act(asked, Act::EndOverlap, move |chain| {
        let superseded = chain.life.superseded().map(|key| key.number);
        // Without one the life of the key set says why it cannot be.
        let key = match (key, superseded) {
            (None, Some(superseded)) => superseded,
            (key, _) => named(chain, key.as_deref())?,
        };
        Ok(Event::EndOverlap { key })
    })
    .await
}

/// Revoke a key set, or a superseded key of it, for good.
#[utoipa::path(
    post, path = "/api/key-sets/{id}/revoke", tag = "key sets",
    operation_id = "revokeKeySet",
    params(Named, Conditional),
    request_body = Revocation,
    responses((status = 200, description = "It is done.", body = Done), Problem),
)]
pub(super) async fn revoke(asked: Asked) -> Answered {
    let Revocation { confirm, key } = asked.input()?;
    confirmed(confirm)?;
    act(asked, Act::Revoke, move |chain| Ok(Event::Revoke { key: named(chain, key.as_deref())? }))
        .await
}

/// Refuses what cannot be undone and nobody has confirmed (S4-25).
pub(in crate::admin::native) fn confirmed(confirm: bool) -> Result<(), Failure> {
    let expected = "expected true: it cannot be undone";
    if confirm { Ok(()) } else { Err(Failure::invalid("confirm", expected)) }
}

/// The key of a chain that is meant: LATEST, unless an id says another.
fn named(chain: &StoredChain, key: Option<&str>) -> Result<KeyNumber, Failure> {
    let Some(id) = key else { return Ok(chain.life.latest.number) };
    let known = chain.credentials.iter().find(|(_, credential)| credential.id == id);
    let known = known.map(|(number, _)| *number);
    known.ok_or_else(|| Failure::invalid("key", "the key set has no such key"))
}

/// Has something happen to the key set of the path, if the caller may, and answers with what has
/// become of it.
async fn act(
    asked: Asked,
    act: Act,
    event: impl FnOnce(&StoredChain) -> Result<Event, Failure> + Send + 'static,
) -> Answered {
    let (work, id, expected) = (asked.work.clone(), asked.id().to_owned(), asked.expected()?);
    let deed = asked.deed(NOUN, act.verb(), &id);
    let made = asked.change(deed, move |change, deed| {
        let work = work.of_change();
        let scene = work.scene();
        let chain = existing(change.connection(), &id)?;
        permit(scene, act.action(), &chain.realm)?;
        if expected.is_some_and(|expected| expected != etag(&chain)) {
            return Err(Failure::Changed);
        }
        let event = event(&chain)?;
        let lived = work.context.live(change, &id, Some(chain.life.version), &event);
        let Lived { chain: after, issued } = lived.map_err(Failure::of_operation)?;
        let may = scene.caller.may(scene.permissions(), Action::KeyRetrieve, &after.realm);
        let issued = issued.filter(|_| may).map(|issued| Credentials::issued(&after, &issued));
        deed.details = json!({
            "status": [chain.life.state().as_str(), after.life.state().as_str()],
            "latest": after.key_id(after.life.latest.number),
            "shown": issued.is_some(),
        })
        .to_string();
        let key_set = KeySetDetails::of(scene, change.connection(), &after)?;
        let secret = issued.is_some();
        let done = Done { key_set, issued };
        Ok(Made::new(&done, Some(etag(&after)))?.with_secrets(secret))
    });
    Ok(done(&made.await?)?)
}
