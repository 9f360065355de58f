//! What the draft of an import rests on, and whether that is still so when it is carried out.

use std::collections::BTreeSet;
use std::sync::Arc;

use tollgate_core::Revision;

use super::super::Context;
use super::super::package_key::create::Parts;
use super::accounts::Accounts;
use super::draft::Planned;
use super::plans::Plans;
use crate::model::{DigestLiteral, Objects};
use crate::store::{Connection, Kind, StoreError, StoredChain, peers};

/// Everything that a draft has seen and that decides what comes of it.
pub(super) struct Basis {
    files: Arc<Objects>,
    pub(super) accounts: Accounts,
    plans: Plans,
    /// What nobody had of what its keys are known by, in order.
    free: Vec<DigestLiteral>,
}

impl Basis {
    pub(super) fn new(
        files: Arc<Objects>,
        accounts: Accounts,
        plans: Plans,
        mut free: Vec<DigestLiteral>,
    ) -> Self {
        free.sort_unstable();
        Self { files, accounts, plans, free }
    }

    /// What a planned key is made of.
    pub(super) fn parts(&self, planned: &Planned) -> Option<Parts<'_>> {
        let (application, member) = self.accounts.of(planned.account)?;
        let (package, plan) = self.plans.get(planned.plan)?;
        Some(Parts { application, member, package, plan })
    }

    /// Whether a draft that is made now would come to the same: then the newest revision, at which
    /// that is so. It looks at what was changed since one before, whatever the number of keys.
    pub(super) fn stands(
        &self,
        context: &Context,
        connection: &mut dyn Connection,
        since: Revision,
    ) -> Result<Option<Revision>, StoreError> {
        if !Arc::ptr_eq(&context.files, &self.files) {
            return Ok(None);
        }
        let mut packages = false;
        let [mut members, mut applications, mut chains] = [const { BTreeSet::new() }; 3];
        let changes = peers::since(connection, since)?;
        let newest = changes.last().map_or(since, |change| change.revision);
        for (kind, id) in changes.into_iter().flat_map(|change| change.touched) {
            match kind {
                Kind::File => return Ok(None),
                Kind::Package => packages = true,
                Kind::Member => drop(members.insert(id)),
                Kind::Application => drop(applications.insert(id)),
                Kind::Key => drop(chains.insert(id)),
                // What services and proxies are makes no difference to a new key.
                Kind::Service | Kind::Proxy => {}
            }
        }
        if packages && !self.plans.stand(context, connection)? {
            return Ok(None);
        }
        if !self.accounts.stand(connection, members, applications)? {
            return Ok(None);
        }
        Ok(self.are_free(connection, chains)?.then_some(newest))
    }

    /// Whether none of some chains has a key by which one of this import is known.
    fn are_free(
        &self,
        connection: &mut dyn Connection,
        chains: BTreeSet<String>,
    ) -> Result<bool, StoreError> {
        let chains: Vec<_> = chains.into_iter().collect();
        let mut free = true;
        StoredChain::each_digest(connection, &chains, |digest| {
            free &= self.free.binary_search(&digest).is_err();
        })?;
        Ok(free)
    }
}
