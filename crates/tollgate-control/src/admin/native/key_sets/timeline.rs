//! The timeline of a key set (S4-10, S4-20, S4-22).

use serde::Serialize;
use utoipa::ToSchema;

use super::filters::Status;
use super::schedule::Planned;
use super::{NOUN, existing};
use crate::admin::asked::Asked;
use crate::admin::native::answer::answer;
use crate::admin::native::input::Named;
use crate::admin::native::instant::{show, show_planned};
use crate::admin::native::{Answered, Problem};
use crate::admin::v3::{Failure, permit};
use crate::life_cycle::{self, Entry, Happening, Second};
use crate::people::Action;
use crate::store::{StoredChain, timeline};

/// What is planned for a key set and what has happened to it.
#[derive(Serialize, ToSchema)]
pub(super) struct Timeline {
    /// Those of all keys, in the order of their dates: the actual one where there is one, else the
    /// planned one.
    milestones: Vec<TimelineMilestone>,
    /// Everything that has happened, from the beginning.
    entries: Vec<TimelineEntry>,
}

/// A date in the life of a key.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct TimelineMilestone {
    /// The id of the key.
    key: String,
    /// Which one of its key set, from 1.
    number: u32,
    kind: MilestoneKind,
    /// Where the policy plans it.
    #[serde(skip_serializing_if = "Option::is_none")]
    planned: Option<String>,
    /// Once it has been.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    actual: Option<String>,
    /// By how many seconds it came later than planned; less than 0 = earlier.
    #[serde(skip_serializing_if = "Option::is_none")]
    delay_seconds: Option<i64>,
    /// It will not be, because something else ended the key before.
    cancelled: bool,
}

/// Which date.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum MilestoneKind {
    /// The key was first activated.
    Provisioning,
    /// The key is replaced by a new one.
    Rotation,
    /// The key dies of age.
    Expiration,
    /// The key was revoked, by someone or in favour of its successor.
    Revocation,
}

/// Something that has happened.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct TimelineEntry {
    #[schema(format = DateTime)]
    at: String,
    /// The id of the key that it happened to.
    key: String,
    /// Which one of its key set, from 1.
    number: u32,
    what: EntryKind,
    /// The status that a key was issued with or came into.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
    /// Why something failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Until when a superseded key works.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    until: Option<String>,
    /// What was planned for the key, where its dates were moved.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Planned>,
    /// What is planned for it since.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<Planned>,
}

/// What has happened.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum EntryKind {
    /// The key was made as successor of the one before it.
    Issued,
    /// The key was activated for the first time.
    Provisioned,
    /// The key came into a status.
    Became,
    /// An activation or suspension failed.
    Failed,
    /// The planned rotation of the key took place.
    Rotated,
    /// The key works beside its successor until then.
    Superseded,
    /// The key set has another policy.
    PolicyChanged,
    /// The dates of the key were moved to what the policy says.
    Rescheduled,
    /// The key has another end.
    ExpiryChanged,
}

/// Look at the timeline of a key set.
#[utoipa::path(
    get,
    path = "/api/key-sets/{id}/timeline",
    tag = "key sets",
    operation_id = "getTimeline",
    params(Named),
    responses((status = 200, description = "It.", body = Timeline), Problem),
)]
pub(super) async fn get(asked: Asked) -> Answered {
    let (work, id) = (asked.work.clone(), asked.id().to_owned());
    let looked = asked.look(move |connection| {
        let chain = existing(connection, &id)?;
        permit(work.scene(), Action::KeyRead, &chain.realm)?;
        let entries = timeline::of_chain(connection, &chain.id)?;
        Ok(Timeline {
            milestones: milestones(&chain),
            entries: entries.into_iter().map(|entry| seen(&chain, entry)).collect(),
        })
    });
    match looked.await {
        Ok(timeline) => Ok(answer(&timeline)?),
        Err(Failure::Forbidden(action)) => {
            Err(asked.forbid(action, NOUN, "read", asked.id()).await.into())
        }
        Err(failure) => Err(failure.into()),
    }
}

fn milestones(chain: &StoredChain) -> Vec<TimelineMilestone> {
    let mut dated = Vec::new();
    for key in chain.life.keys() {
        let milestone = |kind| TimelineMilestone {
            key: chain.key_id(key.number).unwrap_or_default().to_owned(),
            number: key.number.0,
            kind,
            planned: None,
            actual: None,
            delay_seconds: None,
            cancelled: false,
        };
        let done = |kind, at: Second| {
            (at, TimelineMilestone { actual: Some(show(at)), ..milestone(kind) })
        };
        let planned = |kind, date: life_cycle::Milestone| {
            let seen = TimelineMilestone {
                planned: Some(show_planned(date.planned)),
                actual: date.actual.map(show),
                delay_seconds: date.delay(),
                cancelled: date.cancelled,
                ..milestone(kind)
            };
            (date.actual.unwrap_or(date.planned.end()), seen)
        };
        dated.extend(key.provisioned.map(|at| done(MilestoneKind::Provisioning, at)));
        let rotation = key.rotation_milestone();
        dated.extend(rotation.map(|date| planned(MilestoneKind::Rotation, date)));
        let expiration = key.expiration_milestone();
        dated.extend(expiration.map(|date| planned(MilestoneKind::Expiration, date)));
        dated.extend(key.revoked.map(|at| done(MilestoneKind::Revocation, at)));
    }
    dated.sort_by_key(|(at, milestone)| (*at, milestone.number));
    dated.into_iter().map(|(_, milestone)| milestone).collect()
}

fn seen(chain: &StoredChain, Entry { at, key, what }: Entry) -> TimelineEntry {
    let (mut status, mut reason, mut until) = (None, None, None);
    let (mut before, mut after) = (None, None);
    let kind = match what {
        Happening::Issued(state) => {
            status = Some(state.into());
            EntryKind::Issued
        }
        Happening::Became(state) => {
            status = Some(state.into());
            EntryKind::Became
        }
        Happening::Failed(why) => {
            reason = Some(why);
            EntryKind::Failed
        }
        Happening::SupersededUntil(end) => {
            until = Some(show(end));
            EntryKind::Superseded
        }
        Happening::Provisioned => EntryKind::Provisioned,
        Happening::Rotated => EntryKind::Rotated,
        Happening::PolicyChanged => EntryKind::PolicyChanged,
        Happening::Rescheduled { from, to } => {
            (before, after) = (Some(Planned::of(from)), Some(Planned::of(to)));
            EntryKind::Rescheduled
        }
        Happening::ExpiryChanged(_) => EntryKind::ExpiryChanged,
    };
    TimelineEntry {
        at: show(at),
        key: chain.key_id(key).unwrap_or_default().to_owned(),
        number: key.0,
        what: kind,
        status,
        reason,
        until,
        before,
        after,
    }
}
