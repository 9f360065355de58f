//! The list of key sets (S4-1, S4-2).

use super::NOUN;
use super::filters::Filters;
use super::seen::{KeySet, Names};
use crate::admin::asked::Asked;
use crate::admin::native::answer::listed;
use crate::admin::native::input::Paging;
use crate::admin::native::{Answered, Problem};
use crate::people::Action;

/// List key sets.
///
/// The oldest stand first. Of several filters all hold; of several values of `status` one. Only key
/// sets are listed whose application the caller may look at the keys of.
#[utoipa::path(
    get,
    path = "/api/key-sets",
    tag = "key sets",
    operation_id = "listKeySets",
    params(Filters, Paging),
    responses(
        (status = 200, description = "A page of them.", body = [KeySet],
         headers(("X-Total-Count" = u64, description = "How many there are."))),
        Problem,
    ),
)]
pub(super) async fn list(asked: Asked) -> Answered {
    let work = asked.work.clone();
    let permissions = &work.plane.settings.permissions;
    if !work.caller.may_somewhere(permissions, Action::KeyRead) {
        return Err(asked.forbid(Action::KeyRead, NOUN, "list", "").await.into());
    }
    let search = asked.query::<Filters>()?.search(&work.plane.environment())?;
    let page = asked.page()?;
    let realms = work.caller.sees(permissions, Action::KeyRead);
    let Some(search) = search else { return Ok(listed(&[] as &[KeySet], 0)?) };
    let search = crate::store::ChainSearch { realms, ..search };
    let looked = asked.look(move |connection| {
        let found = search.page(connection, page.offset, page.limit)?;
        let mut names = Names::default();
        let mut shown = Vec::with_capacity(found.chains.len());
        for chain in &found.chains {
            shown.push(KeySet::of(work.scene(), connection, &mut names, chain)?);
        }
        Ok((shown, found.total))
    });
    let (shown, total) = looked.await?;
    Ok(listed(&shown, total)?)
}
