//! The audit log, to be read (S4-26).

pub(super) mod sight;

use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::listed;
use super::input::Paging;
use super::{Answered, Problem, instant};
use crate::admin::Plane;
use crate::admin::asked::Asked;
use crate::admin::v3::Failure;
use crate::people::Action;
use crate::store::{AuditEntry, AuditSearch};

pub(super) fn router() -> OpenApiRouter<Plane> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Which entries are wanted.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
struct Filters {
    /// By whom: a member's id, or `cli`, `scheduler`, `rotation`, `file`, `start`.
    actor: Option<String>,
    /// What was done, such as `package_key.update`.
    action: Option<String>,
    /// To which kind of object, such as `package_key`.
    kind: Option<String>,
    /// To the object of this id.
    object: Option<String>,
    /// What came of it: `done`, or the code of a refusal.
    outcome: Option<String>,
    /// At this time or later.
    from: Option<String>,
    /// At this time or earlier; a date is all of its day.
    to: Option<String>,
}

impl Filters {
    fn search(self) -> Result<AuditSearch, Failure> {
        let Self { actor, action, kind, object, outcome, from, to } = self;
        let read = |name: &str, text: Option<String>| {
            text.map(|text| instant::read(name, &text)).transpose()
        };
        let from = read("from", from)?.map(|(first, _)| first);
        let until = read("to", to)?.map(|(_, last)| last.saturating_add(1));
        let search = AuditSearch { actor, action, kind, object, outcome, ..AuditSearch::default() };
        Ok(AuditSearch { from, until, ..search })
    }
}

/// Read the audit log.
///
/// The newest entries stand first. Whose role is bound to an organization or a group sees what was
/// done to what belongs there or to nobody, and what they did themselves.
#[utoipa::path(
    get, path = "/api/audit", tag = "audit",
    operation_id = "listAuditEntries",
    params(Filters, Paging),
    responses(
        (status = 200, description = "A page of them.", body = [AuditEntry],
         headers(("X-Total-Count" = u64, description = "How many there are."))),
        Problem,
    ),
)]
async fn list(asked: Asked) -> Answered {
    permitted(&asked, "audit").await?;
    let (search, page) = (asked.query::<Filters>()?.search()?, asked.page()?);
    let work = asked.work.clone();
    let looked = asked.look(move |connection| sight::page(work.scene(), connection, &search, page));
    let (entries, total) = looked.await?;
    let shown: Vec<_> = entries.iter().map(AuditEntry::of).collect();
    Ok(listed(&shown, total)?)
}

/// Refuses who may not read the audit log anywhere.
pub(super) async fn permitted(asked: &Asked, noun: &str) -> Result<(), Failure> {
    let work = &asked.work;
    if work.caller.may_somewhere(&work.plane.settings.permissions, Action::AuditRead) {
        return Ok(());
    }
    Err(asked.forbid(Action::AuditRead, noun, "list", "").await)
}
