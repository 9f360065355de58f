//! Events of a chain, with what they ask for: the credentials of a new key, a row, an entry.

use super::{Context, Done, Refused, Secret};
use crate::life_cycle::{Effect, Event, KeyNumber, apply};
use crate::store::{Change, Kind, StoredChain, timeline};

/// A chain after an event.
#[derive(Clone, Debug)]
pub struct Lived {
    /// The chain as it is kept.
    pub chain: StoredChain,
    /// The key that was made for it, if one was, with its secret.
    pub issued: Option<Issued>,
}

/// A key that was made in the place of another.
#[derive(Clone, Debug)]
pub struct Issued {
    /// Which one of its chain.
    pub number: KeyNumber,
    /// The key itself.
    pub apikey: Secret,
    /// Its secret, if the one before it had one.
    pub secret: Option<Secret>,
}

impl Context {
    /// Lets an event happen to a chain, at the instant of the change. The chain is not written
    /// yet: several events can be part of one change.
    ///
    /// # Errors
    /// [`Refused::Life`]; the chain is what it was.
    pub(super) fn happen(
        &self,
        change: &mut Change<'_>,
        chain: &mut StoredChain,
        event: &Event,
    ) -> Done<Option<Issued>> {
        let transition = apply(&chain.life, event, change.now().div_euclid(1000))?;
        let mut issued = None;
        for effect in &transition.effects {
            if let Effect::Issue { key, .. } = effect {
                issued = Some(self.issue(change, chain, *key)?);
            }
        }
        let before = std::mem::replace(&mut chain.life, transition.chain);
        chain.updated = change.now();
        timeline::append(change.connection(), &chain.id, &transition.timeline)?;
        self.tell_of_life(change, &before, chain, &transition.timeline)?;
        Ok(issued)
    }

    /// Lets an event happen to a chain that is in the store, and writes it. With a `version`, only
    /// if it is still in that one.
    ///
    /// # Errors
    /// [`Refused::NotFound`], [`Refused::Outdated`] and [`Refused::Life`].
    pub fn live(
        &self,
        change: &mut Change<'_>,
        id: &str,
        version: Option<u64>,
        event: &Event,
    ) -> Done<Lived> {
        let found = StoredChain::find(change.connection(), id)?;
        let mut chain = found.ok_or(Refused::NotFound("key set"))?;
        let before = chain.life.version;
        if version.is_some_and(|version| version != before) {
            return Err(Refused::Outdated.into());
        }
        let issued = self.happen(change, &mut chain, event)?;
        replace(change, &chain, before)?;
        Ok(Lived { chain, issued })
    }

    /// Makes the credentials of a new key of a chain, as those of the one before it were.
    fn issue(
        &self,
        change: &mut Change<'_>,
        chain: &mut StoredChain,
        number: KeyNumber,
    ) -> Done<Issued> {
        let before = chain.credential(chain.life.latest.number);
        let had_secret = before.is_some_and(|credential| credential.secret_digest.is_some());
        let package = match &chain.bought {
            Some(bought) => self.directory().package(change.connection(), &bought.package)?,
            None => None,
        };
        let apikey = self.generate_key(package.as_ref().and_then(|package| package.key_length))?;
        let length = package.map(|package| package.secret_length).filter(|length| *length > 0);
        let secret = match had_secret {
            true => Some(Secret::random(length.unwrap_or(super::SECRET_LENGTH))?),
            false => None,
        };
        let id = super::new_id(change);
        let credential = self.keep(&id, &apikey, secret.as_ref(), change.now())?;
        chain.credentials.push((number, credential));
        Ok(Issued { number, apikey, secret })
    }
}

/// Writes a chain in the place of itself, and says that its keys are to be enforced anew.
pub(super) fn replace(change: &mut Change<'_>, chain: &StoredChain, before: u64) -> Done<()> {
    if !chain.update(change.connection(), before)? {
        return Err(Refused::Outdated.into());
    }
    change.touch(Kind::Key, chain.id.as_str());
    Ok(())
}
