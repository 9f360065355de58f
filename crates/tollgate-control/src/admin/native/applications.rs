//! Applications suspended and reactivated, with all that they have (S4-14, S4-16).

use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::done;
use super::input::{Conditional, Named, Nothing};
use super::{Answered, Problem};
use crate::admin::Plane;
use crate::admin::asked::Asked;
use crate::admin::once::Made;
use crate::admin::v3::{Applications, Failure, Source as _, permit, version};
use crate::people::Action;

const NOUN: &str = "application";

pub(super) fn router() -> OpenApiRouter<Plane> {
    OpenApiRouter::new().routes(routes!(suspend)).routes(routes!(reactivate))
}

/// An application that was suspended or reactivated.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ApplicationState {
    /// The id of the application.
    application: String,
    /// `suspended` or `active`.
    status: String,
    /// The ids of the key sets and package keys that came along.
    reached: Vec<String>,
}

/// What becomes of the keys of an application that is reactivated.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = ApplicationReactivation)]
struct Reactivation {
    /// Key sets that were suspended one by one stay suspended. Package keys always do.
    #[serde(default)]
    keep_suspended: bool,
}

/// Suspend an application.
///
/// All of its active key sets are suspended with it, and its package keys are refused.
#[utoipa::path(
    post, path = "/api/applications/{id}/suspend", tag = "applications",
    operation_id = "suspendApplication",
    params(Named, Conditional),
    request_body = Option<Nothing>,
    responses((status = 200, description = "It is done.", body = ApplicationState), Problem),
)]
async fn suspend(asked: Asked) -> Answered {
    let Nothing {} = asked.input()?;
    set(asked, None).await
}

/// Reactivate an application.
///
/// All of its suspended key sets are activated again with it.
#[utoipa::path(
    post, path = "/api/applications/{id}/reactivate", tag = "applications",
    operation_id = "reactivateApplication",
    params(Named, Conditional),
    request_body = Option<Reactivation>,
    responses((status = 200, description = "It is done.", body = ApplicationState), Problem),
)]
async fn reactivate(asked: Asked) -> Answered {
    let reactivation = asked.input()?;
    set(asked, Some(reactivation)).await
}

/// Suspends the application of the path, or reactivates it.
async fn set(asked: Asked, reactivation: Option<Reactivation>) -> Answered {
    let (work, id, expected) = (asked.work.clone(), asked.id().to_owned(), asked.expected()?);
    let verb = if reactivation.is_some() { "reactivate" } else { "suspend" };
    let deed = asked.deed(NOUN, verb, &id);
    let made = asked.change(deed, move |change, deed| {
        let work = work.of_change();
        let scene = work.scene();
        let found = Applications.find(scene, change.connection(), &id)?;
        let missing = || Failure::NotFound("there is no such application".to_owned());
        let application = found.ok_or_else(missing)?;
        permit(scene, Action::ApplicationSuspend, &application.realm)?;
        if expected.is_some_and(|expected| expected != version(&application)) {
            return Err(Failure::Changed);
        }
        let (status, reached) = match reactivation {
            None => ("suspended", work.context.suspend_application(change, &id)),
            Some(Reactivation { keep_suspended }) => {
                ("active", work.context.reactivate_application(change, &id, keep_suspended))
            }
        };
        let reached = reached.map_err(Failure::of_operation)?;
        let reached: Vec<_> = reached.into_iter().map(|chain| chain.id).collect();
        deed.details = json!({ "reached": reached }).to_string();
        Made::new(&ApplicationState { application: id, status: status.to_owned(), reached }, None)
    });
    Ok(done(&made.await?)?)
}
