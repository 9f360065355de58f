//! Another name, or another policy, of a key set.

use super::super::life::replace;
use super::super::{Context, Done, Refused, words};
use super::Template;
use crate::life_cycle::{Event, Policy};
use crate::store::{Change, StoredChain};

/// What is to become of a key set. `None` leaves things as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeySetChange {
    /// Another name.
    pub name: Option<String>,
    /// Another policy.
    pub policy: Option<NewPolicy>,
}

/// A policy for a key set. What is planned for its present key does not move; the next key follows
/// it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewPolicy {
    /// That of the policy template of this id.
    OfTemplate(String),
    /// One of its own.
    Own(Policy),
}

impl Context {
    /// Changes a key set.
    ///
    /// # Errors
    /// [`Refused::NotFound`], [`Refused::Invalid`], [`Refused::Over`] for one that is revoked or
    /// expired, and [`Refused::Outdated`] if it is not in `version`.
    pub fn change_key_set(
        &self,
        change: &mut Change<'_>,
        id: &str,
        version: u64,
        wanted: KeySetChange,
    ) -> Done<StoredChain> {
        let found = StoredChain::find(change.connection(), id)?;
        let mut chain = found.ok_or(Refused::NotFound("key set"))?;
        let (before, state) = (chain.life.version, chain.life.state());
        if before != version {
            return Err(Refused::Outdated.into());
        }
        if state.is_over() {
            return Err(Refused::Over(state).into());
        }
        let policy = match wanted.policy {
            None => None,
            Some(NewPolicy::Own(policy)) => Some((None, policy)),
            Some(NewPolicy::OfTemplate(id)) => {
                let template = Template::find(change.connection(), &id)?;
                let missing = || Refused::invalid("policy.template", "there is no such policy");
                let Template { id, policy } = template.ok_or_else(missing)?;
                Some((id, policy))
            }
        };
        if let Some((template, policy)) = policy {
            self.happen(change, &mut chain, &Event::PolicyChanged(policy))?;
            chain.template = template;
        } else {
            chain.life.version = before.saturating_add(1);
            chain.updated = change.now();
        }
        if let Some(name) = wanted.name {
            let directory = self.directory();
            let application = directory.application(change.connection(), &chain.application)?;
            let member = match &application {
                Some(application) => directory.member(change.connection(), &application.member)?,
                None => None,
            };
            let application = application.map(|application| application.name).unwrap_or_default();
            let username = member.map(|member| member.username).unwrap_or_default();
            chain.words = words(&name, &application, &username);
            chain.name = name;
        }
        replace(change, &chain, before)?;
        Ok(chain)
    }
}
