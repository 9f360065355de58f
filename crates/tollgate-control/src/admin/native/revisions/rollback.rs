//! Undoing a revision, as far as it changed limits and plans.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::seen::ObjectChange;
use super::{NOUN, existing, missing, number};
use crate::admin::asked::Asked;
use crate::admin::native::answer::{answer, done};
use crate::admin::native::{Answered, Problem};
use crate::admin::once::Made;
use crate::admin::v3::resources::{package_key, plan};
use crate::admin::v3::{Failure, Scene, permit};
use crate::people::Action;
use crate::store::{Change, Deed, Difference, Differences, Noted, StoredChain};

/// How it is done.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct How {
    /// Only say what would come of it: nothing is changed.
    dry_run: bool,
}

/// What was undone of a revision, or would be.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RolledBack {
    dry_run: bool,
    /// What has its value from before the revision again.
    undone: Vec<ObjectChange>,
    /// What the revision changed beside, which is never undone: the state of keys above all.
    left: Vec<Left>,
}

/// A property that is left as it is.
#[derive(Debug, Serialize, ToSchema)]
struct Left {
    kind: String,
    id: String,
    property: String,
}

/// Undo what a revision changed of limits and plans.
///
/// All properties of plans, and of package keys the plan and the limits, get back the values that they
/// had before, in one new revision. Nothing of a key's state is ever undone: no revocation, no
/// suspension, no deletion. If any of them has another value by now than the revision gave it, or an
/// object is gone, nothing is changed.
#[utoipa::path(
    post, path = "/api/revisions/{number}/rollback", tag = "revisions",
    operation_id = "rollBackRevision",
    params(("number" = u64, Path, description = "The number of the revision."), How),
    responses((status = 200, description = "It is done.", body = RolledBack), Problem),
)]
pub(super) async fn rollback(asked: Asked) -> Answered {
    let (How { dry_run }, number) = (asked.query()?, number(&asked)?);
    let work = asked.work.clone();
    if !work.caller.may_somewhere(&work.plane.settings.permissions, Action::Rollback) {
        let id = number.to_string();
        return Err(asked.forbid(Action::Rollback, NOUN, "rollback", &id).await.into());
    }
    let deed = asked.deed(NOUN, "rollback", &number.to_string());
    if dry_run {
        let would = asked.would(deed, move |change| roll_back(work.scene(), change, number, true));
        return Ok(answer(&would.await?)?);
    }
    let made = asked.change(deed, move |change, deed| {
        deed.details = json!({ "rolledBack": number }).to_string();
        Made::new(&roll_back(work.scene(), change, number, false)?, None)
    });
    Ok(done(&made.await?)?)
}

/// Undoes a revision.
fn roll_back(
    scene: Scene<'_>,
    change: &mut Change<'_>,
    number: u64,
    dry_run: bool,
) -> Result<RolledBack, Failure> {
    let entries = existing(scene, change.connection(), number)?;
    let deeds: Vec<_> = entries.into_iter().map(|entry| entry.deed).collect();
    let undone = undo(scene, change, deeds.first().ok_or_else(missing)?)?;
    Ok(RolledBack::of(dry_run, &deeds, &undone))
}

impl RolledBack {
    fn of(dry_run: bool, deeds: &[Deed], undone: &Differences) -> Self {
        let all = Differences::of_deeds(deeds.iter());
        let mut left = Vec::new();
        // What is within a plan is told of the plan.
        for (noted, properties) in all.iter().filter(|(noted, _)| !noted.kind.starts_with("plan_"))
        {
            let done = undone.iter().find(|(known, _)| *known == noted);
            let is_done = |name: &String| done.is_some_and(|(_, done)| done.contains_key(name));
            left.extend(properties.keys().filter(|name| !is_done(name)).map(|name| Left {
                kind: noted.kind.clone(),
                id: noted.id.clone(),
                property: name.clone(),
            }));
        }
        let undone = undone.iter().map(|(noted, properties)| ObjectChange::of(noted, properties));
        Self { dry_run, undone: undone.collect(), left }
    }
}

/// Gives everything its value back that may have it. Returns what it was and is.
fn undo(scene: Scene<'_>, change: &mut Change<'_>, deed: &Deed) -> Result<Differences, Failure> {
    let noted = Differences::noted(deed);
    let (mut undone, mut against) = (Differences::default(), Vec::new());
    for (Noted { kind, id }, properties) in noted.iter() {
        let present = match &**kind {
            plan::NOUN => plan::present(change.connection(), id)?,
            package_key::NOUN => {
                let chain = StoredChain::find(change.connection(), id)?;
                chain.map(|chain| (chain.limits(), chain.realm))
            }
            _ => continue,
        };
        let Some((present, realm)) = present else {
            against.push(format!("the {kind} {id} is gone"));
            continue;
        };
        permit(scene, Action::Rollback, &realm)?;
        let mut wanted = BTreeMap::new();
        for (name, Difference { from, to }) in properties
            .iter()
            .filter(|(name, _)| kind == plan::NOUN || StoredChain::LIMITS.contains(&name.as_str()))
        {
            let value = present.get(name).cloned().unwrap_or_default();
            if value == *to {
                wanted.insert(name.clone(), from.clone());
            } else if value != *from {
                against.push(format!(
                    "{name} of the {kind} {id} is {value}, the revision made it {to}"
                ));
            }
        }
        if wanted.is_empty() {
            continue;
        }
        let mut after = present.clone();
        after.extend(wanted.clone());
        undone.note(kind, id, &present, &after);
        let given_back = match &**kind {
            plan::NOUN => plan::give_back(scene, change, id, wanted),
            _ => package_key::give_back(scene, change, id, &wanted),
        };
        given_back.map_err(no_more)?;
    }
    if !against.is_empty() {
        return Err(Failure::Conflict(against.join("; ")));
    }
    if undone.iter().next().is_none() {
        let none = "nothing of it is to be rolled back: limits and plans are, where they are as it \
                    made them";
        return Err(Failure::Conflict(none.to_owned()));
    }
    Ok(undone)
}

/// What had its value once may not have it any more: what it names is gone.
fn no_more(failure: Failure) -> Failure {
    match failure {
        Failure::Invalid(violations) => {
            let said = violations.iter().map(|violation| violation.message.as_str());
            Failure::Conflict(said.collect::<Vec<_>>().join("; "))
        }
        other => other,
    }
}
