//! Suspending and reactivating an application, with all that it has (S4-14, S4-16).

use serde_json::Value as Json;

use super::life::replace;
use super::{Context, Done, Refused, words};
use crate::directory::ApplicationSeen;
use crate::life_cycle::{self, Event};
use crate::model::Owner;
use crate::store::{Change, Kind, NotChanged, Shelf, StoredChain};

impl Context {
    /// Suspends an application: every Active key set of it with it. Returns the chains that this
    /// suspended.
    ///
    /// # Errors
    /// [`Refused::NotFound`], [`Refused::OwnedByFile`], and [`Refused::Life`] if it is so already.
    pub fn suspend_application(
        &self,
        change: &mut Change<'_>,
        application: &str,
    ) -> Done<Vec<StoredChain>> {
        self.set_application(change, application, false)?;
        self.cascade(change, application, &Event::ApplicationSuspended)
    }

    /// Reactivates an application: every Suspended key set of it with it, those that were suspended
    /// one by one too unless `keep_suspended` (requirements.md, decision 7). Returns the chains
    /// that this reactivated.
    ///
    /// # Errors
    /// [`Refused::NotFound`], [`Refused::OwnedByFile`], and [`Refused::Life`] if it is so already.
    pub fn reactivate_application(
        &self,
        change: &mut Change<'_>,
        application: &str,
        keep_suspended: bool,
    ) -> Done<Vec<StoredChain>> {
        self.set_application(change, application, true)?;
        self.cascade(change, application, &Event::ApplicationReactivated { keep_suspended })
    }

    /// Deletes all keys of an application that goes.
    pub fn delete_keys_of_application(
        &self,
        change: &mut Change<'_>,
        application: &str,
    ) -> Done<()> {
        for chain in StoredChain::of_application(change.connection(), application)? {
            self.tell_of_deletion(change, &chain)?;
            StoredChain::delete(change.connection(), &chain.id)?;
            change.touch(Kind::Key, chain.id);
        }
        Ok(())
    }

    /// Has the chains of an application be found by its name and its member's as they are now, and
    /// belong to whom it belongs now.
    ///
    /// # Errors
    /// What the store said.
    pub(crate) fn follow_application(
        &self,
        change: &mut Change<'_>,
        application: &ApplicationSeen,
    ) -> Done<()> {
        let member = self.directory().member(change.connection(), &application.member)?;
        let username = member.map(|member| member.username).unwrap_or_default();
        for mut chain in StoredChain::of_application(change.connection(), &application.id)? {
            let before = chain.life.version;
            chain.words = words(&chain.name, &application.name, &username);
            chain.realm = application.realm.clone();
            chain.life.version += 1;
            replace(change, &chain, before)?;
        }
        Ok(())
    }

    fn set_application(&self, change: &mut Change<'_>, id: &str, active: bool) -> Done<()> {
        let seen = self.directory().application(change.connection(), id)?;
        let seen = seen.ok_or(Refused::NotFound("application"))?;
        if let Owner::File(place) = seen.owner {
            return Err(Refused::OwnedByFile(place).into());
        }
        if seen.active == active {
            return Err(match active {
                true => life_cycle::Refused::ApplicationActive.into(),
                false => life_cycle::Refused::ApplicationSuspended.into(),
            });
        }
        let found = Shelf::Applications.find(change.connection(), id)?;
        let mut document = found.ok_or(Refused::NotFound("application"))?;
        let status = if active { "active" } else { "suspended" };
        document.body.insert("status".to_owned(), Json::from(status));
        document.updated = change.now().max(document.updated.saturating_add(1));
        Shelf::Applications.update(change.connection(), &document)?;
        change.touch(Kind::Application, id);
        Ok(())
    }

    /// Lets an event of the application happen to its chains. Those that it means nothing to, the
    /// revoked ones above all, stay as they are.
    fn cascade(
        &self,
        change: &mut Change<'_>,
        application: &str,
        event: &Event,
    ) -> Done<Vec<StoredChain>> {
        let mut reached = Vec::new();
        for mut chain in StoredChain::of_application(change.connection(), application)? {
            let (before, state) = (chain.life.version, chain.life.state());
            match self.happen(change, &mut chain, event) {
                Ok(_) => replace(change, &chain, before)?,
                Err(NotChanged::Refused(Refused::Life(_))) => continue,
                Err(other) => return Err(other),
            }
            if chain.life.state() != state {
                reached.push(chain);
            }
        }
        Ok(reached)
    }
}
