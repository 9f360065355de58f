//! Making a package key.

use super::super::{Context, Done, Refused, Secret, new_id, words};
use super::{MadeKey, NewPackageKey, Violations, check_new};
use crate::directory::{ApplicationSeen, MemberSeen, PackageSeen, PlanSeen};
use crate::life_cycle::{Chain, Entry, Event, Instant, PackageKeyStatus, State, apply, lifespan};
use crate::model::{AuthType, DigestLiteral};
use crate::store::{Bought, Change, Kind, StoredChain, timeline};

/// What a key is made of.
#[derive(Clone, Copy)]
pub(in crate::operations) struct Parts<'a> {
    pub(in crate::operations) application: &'a ApplicationSeen,
    pub(in crate::operations) member: &'a MemberSeen,
    pub(in crate::operations) package: &'a PackageSeen,
    pub(in crate::operations) plan: &'a PlanSeen,
}

/// The objects that a key needs, found and checked.
struct Found {
    application: ApplicationSeen,
    member: MemberSeen,
    package: PackageSeen,
    plan: PlanSeen,
}

/// Why a key cannot have a value.
pub(in crate::operations) const TAKEN: &str = "another key has this value";

impl Context {
    /// Makes a package key for an application that is there (S2-1).
    ///
    /// # Errors
    /// [`Refused::NotFound`] for an unknown application, [`Refused::Invalid`] for what breaks a rule.
    pub fn create_package_key(&self, change: &mut Change<'_>, new: NewPackageKey) -> Done<MadeKey> {
        let found = self.found(change, &new)?;
        let Found { application, member, package, plan } = &found;
        let apikey = self.apikey(change, &new, package)?;
        let state = match self.status(change, new.status, &found)? {
            PackageKeyStatus::Waiting => State::Pending,
            PackageKeyStatus::Active => State::Active,
            PackageKeyStatus::Disabled => State::Suspended,
        };
        let parts = Parts { application, member, package, plan };
        let (made, happened) =
            self.make(change.now(), new_id(change), new, apikey, state, parts)?;
        let chain = &made.chain;
        chain.insert(change.connection())?;
        timeline::begin(change.connection(), [(&*chain.id, &*happened)].into_iter())?;
        change.touch(Kind::Key, chain.id.as_str());
        Ok(made)
    }

    /// A package key of parts that were found and checked, with what happened to it on the way to
    /// where it begins. It is not written yet.
    pub(in crate::operations) fn make(
        &self,
        now: i64,
        id: String,
        new: NewPackageKey,
        apikey: Secret,
        state: State,
        parts: Parts<'_>,
    ) -> Result<(MadeKey, Vec<Entry>), Refused> {
        let secret = match new.secret {
            Some(secret) => Some(secret),
            None if parts.package.secret_length == 0 => None,
            None => {
                let made = Secret::random(parts.package.secret_length);
                Some(made.map_err(Refused::Sealing)?)
            }
        };
        let seconds = now.div_euclid(1000);
        let expires = new.expires.or_else(|| lifespan(seconds, parts.plan.lifespan));
        let mut life = Chain::package_key(expires, !parts.application.active);
        let mut happened = Vec::new();
        for (at, event) in way_to(state, &life, seconds) {
            let transition = apply(&life, &event, at)?;
            life = transition.chain;
            happened.extend(transition.timeline);
        }
        let credential = self.keep(&id, &apikey, secret.as_ref(), now)?;
        let chain = StoredChain {
            words: words("", &parts.application.name, &parts.member.username),
            name: String::new(),
            application: parts.application.id.clone(),
            realm: parts.application.realm.clone(),
            auth_type: AuthType::ApiKey.as_str().to_owned(),
            template: None,
            bought: Some(Bought { package: parts.package.id.clone(), plan: parts.plan.id.clone() }),
            qps: new.qps,
            quota: new.quota,
            body: new.body,
            credentials: vec![(life.latest.number, credential)],
            life,
            created: now,
            updated: now,
            id,
        };
        Ok((MadeKey { chain, apikey, secret }, happened))
    }

    fn found(&self, change: &mut Change<'_>, new: &NewPackageKey) -> Done<Found> {
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
        check_new(new, &member, plan.as_ref(), &mut violations);
        violations.refuse()?;
        let none = || Refused::NotFound("plan");
        let (package, plan) = package.zip(plan).ok_or_else(none)?;
        Ok(Found { application, member, package, plan })
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
        let digests = self.digests_of(own)?;
        let in_file = self.files.keys.values().any(|key| digests.contains(&key.digest));
        let digests: Vec<_> = digests.iter().map(DigestLiteral::to_string).collect();
        let taken = StoredChain::taken(change.connection(), &digests)?;
        if in_file || !taken.is_empty() {
            return Err(Refused::invalid("apikey", TAKEN).into());
        }
        Ok(own.clone())
    }

    /// Where a key begins: as the caller says, or as the plan's moderation does.
    fn status(
        &self,
        change: &mut Change<'_>,
        wanted: Option<PackageKeyStatus>,
        found: &Found,
    ) -> Done<PackageKeyStatus> {
        if let Some(status) = wanted {
            return Ok(status);
        }
        let held = self.keys_of_member(change, &found.member.id, &found.plan)?;
        let approved = held < i64::from(found.plan.keys_before_review);
        Ok(if approved { PackageKeyStatus::Active } else { PackageKeyStatus::Waiting })
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

/// What happens to a new key on the way to a state. One that has expired is left to its end, which
/// is enforced at once.
fn way_to(state: State, new: &Chain, now: i64) -> Vec<(i64, Event)> {
    let end = new.latest.expiration.map(Instant::end);
    // What is over has lived before its end.
    let alive = end.map_or(now, |end| now.min(end.saturating_sub(1)));
    match (state, end) {
        (State::Pending, _) => Vec::new(),
        (State::Active, _) | (State::Expired, None) => vec![(now, Event::Activate)],
        (State::Expired, Some(end)) => vec![(alive, Event::Activate), (end, Event::ExpiryDue)],
        (State::Suspended, _) => vec![(now, Event::Disable)],
        (State::Revoked, _) => {
            vec![(alive, Event::Activate), (alive, Event::Revoke { key: new.latest.number })]
        }
    }
}
