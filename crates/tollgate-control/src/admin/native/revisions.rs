//! Revisions: what each one changed, and undoing what may be undone of it.

mod rollback;
mod seen;

use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{answer, listed};
use super::audit::{permitted, sight};
use super::input::Paging;
use super::{Answered, Problem};
use crate::admin::Plane;
use crate::admin::asked::Asked;
use crate::admin::v3::{Failure, Scene};
use crate::store::{AuditSearch, Connection, DONE, Entry};
use seen::{RevisionDetails, RevisionSeen};

/// What an entry of the audit log calls them.
const NOUN: &str = "revision";

/// So many entries of one revision are looked at.
const MOST: u64 = 10_000;

pub(super) fn router() -> OpenApiRouter<Plane> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get))
        .routes(routes!(rollback::rollback))
}

/// Which revisions are wanted.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
struct Filters {
    /// By whom, as in the audit log.
    actor: Option<String>,
    /// What was done, such as `plan.update`.
    action: Option<String>,
    /// To which kind of object, such as `plan`.
    kind: Option<String>,
    /// To the object of this id.
    object: Option<String>,
}

/// List revisions.
///
/// The newest stand first. A revision is a change of what proxies decide from. It is seen by who sees
/// its entry in the audit log.
#[utoipa::path(
    get, path = "/api/revisions", tag = "revisions",
    operation_id = "listRevisions",
    params(Filters, Paging),
    responses(
        (status = 200, description = "A page of them.", body = [RevisionSeen],
         headers(("X-Total-Count" = u64, description = "How many there are."))),
        Problem,
    ),
)]
async fn list(asked: Asked) -> Answered {
    permitted(&asked, NOUN).await?;
    let Filters { actor, action, kind, object } = asked.query()?;
    let page = asked.page()?;
    let search = AuditSearch { actor, action, kind, object, ..AuditSearch::default() };
    let search = AuditSearch { outcome: Some(DONE.to_owned()), revised: true, ..search };
    let work = asked.work.clone();
    let looked = asked.look(move |connection| {
        let (entries, total) = sight::page(work.scene(), connection, &search, page)?;
        let shown = entries.iter().map(|entry| RevisionSeen::of(connection, entry));
        Ok((shown.collect::<Result<Vec<_>, _>>()?, total))
    });
    let (shown, total) = looked.await?;
    Ok(listed(&shown, total)?)
}

/// Read what a revision changed.
#[utoipa::path(
    get, path = "/api/revisions/{number}", tag = "revisions",
    operation_id = "getRevision",
    params(("number" = u64, Path, description = "The number of the revision.")),
    responses((status = 200, description = "It.", body = RevisionDetails), Problem),
)]
async fn get(asked: Asked) -> Answered {
    permitted(&asked, NOUN).await?;
    let number = number(&asked)?;
    let work = asked.work.clone();
    let looked = asked.look(move |connection| {
        let entries = existing(work.scene(), connection, number)?;
        RevisionDetails::of(connection, &entries)
    });
    Ok(answer(&looked.await?)?)
}

/// The number in the path.
fn number(asked: &Asked) -> Result<u64, Failure> {
    asked.ask.parameter("number").parse().map_err(|_| missing())
}

/// The entries of a revision that the caller sees, that of the whole change first.
fn existing(
    scene: Scene<'_>,
    connection: &mut dyn Connection,
    number: u64,
) -> Result<Vec<Entry>, Failure> {
    let search = AuditSearch { revision: Some(number), ..AuditSearch::default() };
    let mut entries = search.newest(connection, MOST)?;
    let mut sight = sight::Sight::default();
    let whole = entries.first().ok_or_else(missing)?;
    if !sight.sees(scene, connection, whole)? {
        return Err(missing());
    }
    let seen = entries.iter().map(|entry| sight.sees(scene, connection, entry));
    let mut seen = seen.collect::<Result<Vec<_>, _>>()?.into_iter();
    entries.retain(|_| seen.next().unwrap_or(false));
    Ok(entries)
}

fn missing() -> Failure {
    Failure::NotFound("there is no such revision".to_owned())
}
