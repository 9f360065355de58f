//! The same for all key sets whose policy came from a template.

use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::Moved;
use crate::admin::asked::{Asked, Work};
use crate::admin::native::answer::{answer, done};
use crate::admin::native::input::{Named, Nothing};
use crate::admin::native::{Answered, Problem};
use crate::admin::once::Made;
use crate::admin::v3::{Failure, permit};
use crate::operations::TemplateEnforced;
use crate::people::{Action, Realm};
use crate::store::{Change, DONE};

/// So many key sets are looked at in one change.
const MOST: usize = 1000;

/// How it is done, and with which key sets.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct How {
    /// Only say what would come of it: nothing is changed.
    #[serde(default)]
    dry_run: bool,
    /// Go on behind this key set: the `next` of the answer before.
    #[serde(default)]
    after: String,
}

/// What became of the key sets of a policy template, or would.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::admin::native::key_sets) struct ScheduleEnforced {
    dry_run: bool,
    /// Those that changed.
    moved: Vec<Moved>,
    /// Those that stay as they are, because their keys have reached their age.
    refused: Vec<NotMoved>,
    /// So many were as the template says.
    unchanged: usize,
    /// There are more: ask again with this as `after`.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A key set that cannot be moved.
#[derive(Serialize, ToSchema)]
struct NotMoved {
    id: String,
    name: String,
    /// Why, for people.
    detail: String,
}

/// Enforce the schedule of a policy template.
///
/// The key sets whose policy came from it and that are neither revoked nor expired take over the
/// policy that it says now, as a whole, and the dates of their LATEST are moved to that; 1000 of
/// them in one call, in one revision.
#[utoipa::path(
    post, path = "/api/policies/{id}/enforce-schedule", tag = "key sets",
    operation_id = "enforceScheduleOfPolicy",
    params(Named, How),
    request_body = Option<Nothing>,
    responses((status = 200, description = "It is done.", body = ScheduleEnforced), Problem),
)]
pub(in crate::admin::native::key_sets) async fn post(asked: Asked) -> Answered {
    let Nothing {} = asked.input()?;
    let How { dry_run, after } = asked.query()?;
    let (work, id) = (asked.work.clone(), asked.id().to_owned());
    let deed = asked.deed("policy", "enforce_schedule", &id);
    let enforce = move |change: &mut Change<'_>| all(&work, change, &id, &after, dry_run);
    if dry_run {
        return Ok(answer(&asked.would(deed, enforce).await?)?);
    }
    let made = asked.change(deed, move |change, deed| {
        let enforced = enforce(change)?;
        for moved in &enforced.moved {
            change.tell(moved.deed(deed), DONE);
        }
        deed.details = json!({
            "moved": enforced.moved.len(),
            "refused": enforced.refused.len(),
            "unchanged": enforced.unchanged,
            "more": enforced.next.is_some(),
        })
        .to_string();
        Made::new(&enforced, None)
    });
    Ok(done(&made.await?)?)
}

fn all(
    work: &Work,
    change: &mut Change<'_>,
    id: &str,
    after: &str,
    dry_run: bool,
) -> Result<ScheduleEnforced, Failure> {
    let work = work.clone().of_change();
    permit(work.scene(), Action::PolicyWrite, &Realm::default())?;
    let enforced = work.context.enforce_template(change, id, after, MOST);
    let TemplateEnforced { changed, refused, unchanged, reached } =
        enforced.map_err(Failure::of_operation)?;
    let refused = refused.into_iter().map(|(chain, why)| NotMoved {
        id: chain.id,
        name: chain.name,
        detail: why.to_string(),
    });
    Ok(ScheduleEnforced {
        dry_run,
        moved: changed.iter().map(|done| Moved::of(done, change)).collect(),
        refused: refused.collect(),
        unchanged,
        next: reached,
    })
}
