//! Changing and deleting a package key.

use super::super::life::replace;
use super::super::{Context, Done, Refused, Secret};
use super::{PackageKeyChange, Violations, check_limits};
use crate::life_cycle::Event;
use crate::store::{Change, Kind, StoredChain, Written};

impl Context {
    /// Changes the settings of a package key, all or none of them, and returns it as it is then.
    /// With `application`, the key of another application is not found (S3-20).
    ///
    /// # Errors
    /// [`Refused`], with every property that breaks a rule.
    pub fn update_package_key(
        &self,
        change: &mut Change<'_>,
        application: Option<&str>,
        id: &str,
        wanted: PackageKeyChange,
    ) -> Done<StoredChain> {
        let mut chain = self.package_key(change, application, id)?;
        let (before, limits) = (chain.life.version, chain.limits());
        if wanted.version.is_some_and(|version| version != before) {
            return Err(Refused::Outdated.into());
        }
        self.check(change, &mut chain, &wanted)?;
        if let Some(secret) = &wanted.secret {
            self.replace_secret_of(&mut chain, secret)?;
        }
        self.live_on(change, &mut chain, &wanted)?;
        chain.body.extend(wanted.body);
        chain.updated = change.now();
        if chain.life.version == before {
            chain.life.version += 1;
        }
        replace(change, &chain, before)?;
        change.note("package_key", &chain.id, &limits, &chain.limits());
        Ok(chain)
    }

    /// Deletes a package key. It is refused from then on, and its value is free again (S3-2).
    ///
    /// # Errors
    /// [`Refused::NotFound`].
    pub fn delete_package_key(
        &self,
        change: &mut Change<'_>,
        application: Option<&str>,
        id: &str,
    ) -> Done<()> {
        let chain = self.package_key(change, application, id)?;
        self.tell_of_deletion(change, &chain)?;
        StoredChain::delete(change.connection(), &chain.id)?;
        change.touch(Kind::Key, chain.id);
        Ok(())
    }

    /// The package key of an id, of an application if one is named.
    fn package_key(
        &self,
        change: &mut Change<'_>,
        application: Option<&str>,
        id: &str,
    ) -> Done<StoredChain> {
        if let Some(key) = self.files.keys.get(id)
            && let crate::model::Owner::File(place) = &key.owner
        {
            return Err(Refused::OwnedByFile(place.clone()).into());
        }
        let found = StoredChain::find(change.connection(), id)?;
        let found = found.filter(|chain| chain.life.policy.is_none());
        let found = found.filter(|chain| application.is_none_or(|id| chain.application == id));
        Ok(found.ok_or(Refused::NotFound("package key"))?)
    }

    /// Takes over plan and limits, if nothing that is wanted breaks a rule.
    fn check(
        &self,
        change: &mut Change<'_>,
        chain: &mut StoredChain,
        wanted: &PackageKeyChange,
    ) -> Done<()> {
        let mut violations = Violations::default();
        let Some(bought) = &mut chain.bought else { return Ok(()) };
        let plan_id = wanted.plan.as_deref().unwrap_or(&bought.plan);
        let plan = self.directory().plan(change.connection(), &bought.package, plan_id)?;
        match (&wanted.plan, &plan) {
            (Some(plan), Some(_)) => bought.plan.clone_from(plan),
            (Some(_), None) => {
                violations.add("plan", "the package of the key has no such plan");
            }
            (None, _) => {}
        }
        if let Some(misfit) = wanted.secret.as_ref().and_then(Secret::secret_misfit) {
            violations.add("secret", misfit);
        }
        chain.qps = written(chain.qps, wanted.qps_ceiling, wanted.qps_exempt);
        chain.quota = written(chain.quota, wanted.quota_ceiling, wanted.quota_exempt);
        check_limits(chain.qps, chain.quota, plan.as_ref(), &mut violations);
        if let Some(status) = wanted.status
            && let Err(refused) = chain.life.event_for(status)
        {
            violations.add("status", refused.to_string());
        }
        Ok(violations.refuse()?)
    }

    /// Lets the events happen that the wanted end and status ask for.
    fn live_on(
        &self,
        change: &mut Change<'_>,
        chain: &mut StoredChain,
        wanted: &PackageKeyChange,
    ) -> Done<()> {
        if let Some(expires) = wanted.expires
            && expires != chain.life.latest.expiration
        {
            self.happen(change, chain, &Event::ExpiryChanged(expires))?;
        }
        if let Some(status) = wanted.status
            && let Some(event) = chain.life.event_for(status)?
        {
            self.happen(change, chain, &event)?;
        }
        Ok(())
    }

    fn replace_secret_of(&self, chain: &mut StoredChain, secret: &Secret) -> Done<()> {
        let number = chain.life.latest.number;
        let latest = chain.credentials.iter_mut().find(|(known, _)| *known == number);
        let (_, credential) = latest.ok_or(Refused::NotFound("key"))?;
        Ok(self.replace_secret(credential, secret)?)
    }
}

fn written<T: Copy>(
    before: Written<T>,
    ceiling: Option<Option<T>>,
    exempt: Option<bool>,
) -> Written<T> {
    Written { ceiling: ceiling.unwrap_or(before.ceiling), exempt: exempt.unwrap_or(before.exempt) }
}
