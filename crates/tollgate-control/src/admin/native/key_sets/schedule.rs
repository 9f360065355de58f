//! Moving the dates of a present key to what the policy says.

pub(super) mod template;

use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::acting::Act;
use super::filters::Status;
use super::{NOUN, etag, existing};
use crate::admin::asked::{Asked, Work};
use crate::admin::native::answer::{answer, done};
use crate::admin::native::input::{Conditional, Named, Nothing};
use crate::admin::native::instant::{show, show_planned};
use crate::admin::native::{Answered, Problem};
use crate::admin::once::Made;
use crate::admin::v3::{Failure, permit};
use crate::life_cycle::{EventKind, Schedule};
use crate::operations::Rescheduled;
use crate::store::{Change, Deed, StoredChain};

/// How it is done.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct How {
    /// Only say what would come of it: nothing is changed.
    #[serde(default)]
    dry_run: bool,
}

/// What is planned for a key.
#[derive(Serialize, ToSchema)]
pub(super) struct Planned {
    /// When it is to be replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    rotation: Option<String>,
    /// When it is to die of age.
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration: Option<String>,
}

/// A key set whose dates were moved, or would be.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Moved {
    /// The id of the key set.
    id: String,
    name: String,
    status: Status,
    /// The key that is LATEST.
    latest: String,
    /// What was planned for it.
    before: Planned,
    /// What is planned for it now.
    after: Planned,
    /// It took its template's policy over, which had changed.
    policy_adopted: bool,
    /// What follows at once, as its time has passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    at_once: Option<AtOnce>,
}

/// What the scheduler does next, without waiting.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum AtOnce {
    /// LATEST is replaced.
    Rotation,
    /// The key set dies of age: its keys are refused from the answer on.
    Expiration,
}

/// Move the dates of LATEST to what the key set's policy says.
///
/// They are counted from when they always were: the activation of a first key, the issue of a later
/// one. A pending key set has no dates, and a key that has reached its age stays dead.
#[utoipa::path(
    post, path = "/api/key-sets/{id}/enforce-schedule", tag = "key sets",
    operation_id = "enforceSchedule",
    params(Named, How, Conditional),
    request_body = Option<Nothing>,
    responses((status = 200, description = "It is done.", body = Moved), Problem),
)]
pub(super) async fn post(asked: Asked) -> Answered {
    let (Nothing {}, How { dry_run }) = (asked.input()?, asked.query()?);
    let (work, id, expected) = (asked.work.clone(), asked.id().to_owned(), asked.expected()?);
    let deed = asked.deed(NOUN, Act::EnforceSchedule.verb(), &id);
    let enforce = move |change: &mut Change<'_>| one(&work, change, &id, expected);
    if dry_run {
        let would = asked.would(deed, move |change| Ok(enforce(change)?.0));
        return Ok(answer(&would.await?)?);
    }
    let made = asked.change(deed, move |change, deed| {
        let (moved, chain) = enforce(change)?;
        deed.details = moved.details().to_string();
        Made::new(&moved, Some(etag(&chain)))
    });
    Ok(done(&made.await?)?)
}

fn one(
    work: &Work,
    change: &mut Change<'_>,
    id: &str,
    expected: Option<String>,
) -> Result<(Moved, StoredChain), Failure> {
    let work = work.clone().of_change();
    let chain = existing(change.connection(), id)?;
    permit(work.scene(), Act::EnforceSchedule.action(), &chain.realm)?;
    if expected.is_some_and(|expected| expected != etag(&chain)) {
        return Err(Failure::Changed);
    }
    let done = work.context.enforce_schedule(change, id, chain.life.version);
    let done = done.map_err(Failure::of_operation)?;
    Ok((Moved::of(&done, change), done.chain))
}

impl Planned {
    pub(super) fn of(schedule: Schedule) -> Self {
        Self {
            rotation: schedule.rotation.map(|rotation| show(rotation.planned)),
            expiration: schedule.expiration.map(show_planned),
        }
    }
}

impl Moved {
    fn of(done: &Rescheduled, change: &Change<'_>) -> Self {
        let Rescheduled { chain, before, adopted } = done;
        let latest = &chain.life.latest;
        Self {
            id: chain.id.clone(),
            name: chain.name.clone(),
            status: chain.life.state().into(),
            latest: chain.key_id(latest.number).unwrap_or_default().to_owned(),
            before: Planned::of(*before),
            after: Planned::of(latest.schedule()),
            policy_adopted: *adopted,
            at_once: match done.at_once(change) {
                Some(EventKind::RotationDue) => Some(AtOnce::Rotation),
                Some(EventKind::ExpiryDue) => Some(AtOnce::Expiration),
                _ => None,
            },
        }
    }

    /// What the audit log says of it.
    fn details(&self) -> serde_json::Value {
        json!({
            "rotation": [self.before.rotation, self.after.rotation],
            "expiration": [self.before.expiration, self.after.expiration],
            "policyAdopted": self.policy_adopted,
        })
    }

    /// Its entry in the audit log, as a part of `whole`.
    fn deed(&self, whole: &Deed) -> Deed {
        Deed {
            action: format!("{NOUN}.{}", Act::EnforceSchedule.verb()),
            kind: NOUN.to_owned(),
            object: self.id.clone(),
            details: self.details().to_string(),
            ..whole.clone()
        }
    }
}
