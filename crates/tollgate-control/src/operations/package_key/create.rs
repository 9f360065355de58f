//! Making a package key.

use super::super::{Context, Done, Refused, Secret, new_id};
use super::{MadeKey, NewPackageKey, Violations, check_limits};
use crate::directory::{ApplicationSeen, MemberSeen, PackageSeen, PlanSeen};
use crate::life_cycle::{Chain, Event, PackageKeyStatus, apply, lifespan};
use crate::store::{Bought, Change, Kind, StoredChain, timeline};

/// What a key is made of, found and checked.
struct Parts {
    application: ApplicationSeen,
    member: MemberSeen,
    package: PackageSeen,
    plan: PlanSeen,
}

impl Context {
    /// Makes a package key for an application that is there (S2-1).
    ///
    /// # Errors
    /// [`Refused::NotFound`] for an unknown application, [`Refused::Invalid`] for what breaks a rule.
    pub fn create_package_key(&self, change: &mut Change<'_>, new: NewPackageKey) -> Done<MadeKey> {
        let parts = self.parts(change, &new)?;
        let apikey = self.apikey(change, &new, &parts.package)?;
        let secret = match new.secret {
            Some(secret) => Some(secret),
            None if parts.package.secret_length == 0 => None,
            None => Some(Secret::random(parts.package.secret_length)?),
        };
        let seconds = change.now().div_euclid(1000);
        let expires = new.expires.or_else(|| lifespan(seconds, parts.plan.lifespan));
        let mut life = Chain::package_key(expires, !parts.application.active);
        let mut happened = Vec::new();
        if let Some(event) = self.first_event(change, new.status, &parts)? {
            let transition = apply(&life, &event, seconds)?;
            life = transition.chain;
            happened = transition.timeline;
        }
        let id = new_id(change);
        let credential = self.keep(&id, &apikey, secret.as_ref(), change.now())?;
        let chain = StoredChain {
            name: String::new(),
            application: parts.application.id,
            auth_type: "api_key".to_owned(),
            template: None,
            bought: Some(Bought { package: parts.package.id, plan: parts.plan.id }),
            qps: new.qps,
            quota: new.quota,
            body: new.body,
            credentials: vec![(life.latest.number, credential)],
            life,
            created: change.now(),
            updated: change.now(),
            id,
        };
        chain.insert(change.connection())?;
        timeline::append(change.connection(), &chain.id, &happened)?;
        change.touch(Kind::Key, chain.id.as_str());
        Ok(MadeKey { chain, apikey, secret })
    }

    fn parts(&self, change: &mut Change<'_>, new: &NewPackageKey) -> Done<Parts> {
        let directory = self.directory();
        let connection = change.connection();
        let application = directory.application(connection, &new.application)?;
        let application = application.ok_or(Refused::NotFound("application"))?;
        let member = directory.member(connection, &application.member)?;
        let member = member.ok_or(Refused::NotFound("member"))?;
        let mut violations = Violations::default();
        if new.username.as_ref().is_some_and(|username| *username != member.username) {
            violations.add("username", "the application belongs to another member");
        }
        if !member.active {
            violations.add("member", "the member is not active, expected one that is");
        }
        let package = directory.package(connection, &new.package)?;
        if package.is_none() {
            violations.add("package", "there is no such package");
        }
        let plan = directory.plan(connection, &new.package, &new.plan)?;
        if package.is_some() && plan.is_none() {
            let has_plans = directory.has_plans(connection, &new.package)?;
            violations.add(
                "plan",
                match has_plans {
                    true => "the package has no such plan",
                    false => "the package has no plan, expected one with a plan",
                },
            );
        }
        if let Some(misfit) = new.apikey.as_ref().and_then(Secret::key_misfit) {
            violations.add("apikey", misfit);
        }
        if let Some(misfit) = new.secret.as_ref().and_then(Secret::secret_misfit) {
            violations.add("secret", misfit);
        }
        check_limits(new.qps, new.quota, plan.as_ref(), &mut violations);
        violations.refuse()?;
        let none = || Refused::NotFound("plan");
        let (package, plan) = package.zip(plan).ok_or_else(none)?;
        Ok(Parts { application, member, package, plan })
    }

    /// The key itself: the caller's own, which nobody else may have (requirements.md, decision
    /// 14), or a generated one.
    fn apikey(
        &self,
        change: &mut Change<'_>,
        new: &NewPackageKey,
        package: &PackageSeen,
    ) -> Done<Secret> {
        let Some(own) = &new.apikey else {
            return Ok(self.generate_key(package.key_length)?);
        };
        let digest = self.digest(own)?;
        let in_file = self.files.keys.values().any(|key| key.digest == digest);
        let taken = StoredChain::key_of_digest(change.connection(), &digest.to_string())?;
        if in_file || taken.is_some() {
            return Err(Refused::invalid("apikey", "another key has this value").into());
        }
        Ok(own.clone())
    }

    /// What happens to a key as soon as it is made.
    fn first_event(
        &self,
        change: &mut Change<'_>,
        wanted: Option<PackageKeyStatus>,
        parts: &Parts,
    ) -> Done<Option<Event>> {
        let status = match wanted {
            Some(status) => status,
            None => {
                let held = self.keys_of_member(change, &parts.member.id, &parts.plan)?;
                let approved = held < i64::from(parts.plan.keys_before_review);
                if approved { PackageKeyStatus::Active } else { PackageKeyStatus::Waiting }
            }
        };
        Ok(match status {
            PackageKeyStatus::Waiting => None,
            PackageKeyStatus::Active => Some(Event::Activate),
            PackageKeyStatus::Disabled => Some(Event::Disable),
        })
    }

    /// How many keys of a plan a member holds that are not over.
    fn keys_of_member(&self, change: &mut Change<'_>, member: &str, plan: &PlanSeen) -> Done<i64> {
        let connection = change.connection();
        let mut held = 0;
        for application in self.directory().applications_of(connection, member)? {
            for chain in StoredChain::of_application(connection, &application)? {
                let of_plan = chain.bought.as_ref().is_some_and(|bought| bought.plan == plan.id);
                held += i64::from(of_plan && !chain.life.state().is_over());
            }
        }
        Ok(held)
    }
}
