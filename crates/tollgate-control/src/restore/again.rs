//! What was done since a backup and must not be undone by it.

use std::collections::BTreeSet;

use super::{access, chains, credentials};
use crate::operations::{Context, Refused};
use crate::store::{Change, Connection, NotChanged};

/// What a restored store was brought back to, by ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Again {
    /// Chains and superseded keys that were revoked again, because they had been revoked, deleted
    /// or replaced.
    pub revoked: BTreeSet<String>,
    /// Chains that were suspended again.
    pub suspended: BTreeSet<String>,
    /// Chains that had never worked and were deleted again.
    pub deleted: BTreeSet<String>,
    /// Members whose status or roles are those of the present store, or who were disabled because
    /// they had been deleted.
    pub members: BTreeSet<String>,
    /// Applications that were suspended again.
    pub applications: BTreeSet<String>,
    /// Subscriptions that were cancelled again.
    pub subscriptions: BTreeSet<String>,
    /// What would be among these and was left as the backup has it.
    pub left: BTreeSet<String>,
}

impl Again {
    /// Whether one of these ids is to be left as the backup has it. Notes it.
    pub(super) fn leaves(&mut self, leave: &BTreeSet<String>, ids: &[&str]) -> bool {
        let named: Vec<_> = ids.iter().filter(|id| leave.contains(**id)).collect();
        self.left.extend(named.iter().map(|id| (**id).to_owned()));
        !named.is_empty()
    }
}

/// Does to a restored store again what was done in the `present` one since: what could do nothing
/// there can do nothing here, but for what `leave` names. Everything else stays as the backup has it.
///
/// # Errors
/// What either store said.
pub fn reconcile(
    context: &Context,
    change: &mut Change<'_>,
    present: &mut dyn Connection,
    leave: &BTreeSet<String>,
) -> Result<Again, NotChanged<Refused>> {
    let mut again = Again::default();
    credentials::adopt(change.connection(), present)?;
    access::members(change, present, leave, &mut again)?;
    access::passwords(change.connection(), present)?;
    access::clients(change.connection(), present)?;
    access::access_keys(change.connection(), present)?;
    access::proxies(change.connection(), present)?;
    access::logins(change.connection(), present)?;
    access::webhooks(change.connection(), present)?;
    // What was answered is not so any more.
    change.connection().run("DELETE FROM answers", &[])?;
    chains::applications(context, change, present, leave, &mut again)?;
    chains::chains(context, change, present, leave, &mut again)?;
    chains::subscriptions(change, present, leave, &mut again)?;
    Ok(again)
}
