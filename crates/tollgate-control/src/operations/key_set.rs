//! Key sets: subscribed to, and what may be called with them (S4-3 to S4-6).

mod change;
mod schedule;

pub use change::{KeySetChange, NewPolicy};
pub use schedule::{Rescheduled, TemplateEnforced};

use super::life::replace;
use super::{Context, Done, Issued, Refused, SECRET_LENGTH, Secret, words};
use crate::directory::{ApplicationSeen, number, switch};
use crate::life_cycle::{Chain, Months, Policy, RotationPolicy};
use crate::model::AuthType;
use crate::store::{
    Change, Connection, Document, Kind, Shelf, StoreError, StoredChain, Subscription, Written,
};

/// An API that an application wants to call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscribe {
    /// The application.
    pub application: String,
    /// The service.
    pub service: String,
    /// A package with a plan that opens the service.
    pub package: String,
    /// The plan of that package.
    pub plan: String,
}

/// What a subscription came to, for one authentication type of the API.
#[derive(Clone, Debug)]
pub struct Subscribed {
    /// The key set.
    pub chain: StoredChain,
    /// The subscription.
    pub subscription: Subscription,
    /// The key set was there already, and serves this API too.
    pub reused: bool,
    /// The first key of a new key set, which is Pending.
    pub issued: Option<Issued>,
}

impl Context {
    /// Subscribes an application to an API: one key set for each authentication type of it, a new
    /// one or one that fits (S4-3, S4-4).
    ///
    /// # Errors
    /// [`Refused::NotFound`] and [`Refused::Invalid`].
    pub fn subscribe(&self, change: &mut Change<'_>, wanted: &Subscribe) -> Done<Vec<Subscribed>> {
        let directory = self.directory();
        let application = directory.application(change.connection(), &wanted.application)?;
        let application = application.ok_or(Refused::NotFound("application"))?;
        let service = directory.service(change.connection(), &wanted.service)?;
        let service = service.ok_or(Refused::NotFound("service"))?;
        let plan = directory.plan(change.connection(), &wanted.package, &wanted.plan)?;
        if plan.is_none() {
            return Err(Refused::invalid("plan", "the package has no such plan").into());
        }
        if !directory.opens(change.connection(), &wanted.package, &wanted.plan, &service.id)? {
            return Err(Refused::invalid("plan", "the plan does not open the API").into());
        }
        let template = Template::of_service(change.connection(), &wanted.service)?;
        let mut subscribed = Vec::new();
        for auth_type in service.auth_types {
            subscribed.push(self.join(change, wanted, &application, auth_type, &template)?);
        }
        Ok(subscribed)
    }

    /// Cancels a subscription: its API cannot be called by it any more. The key set stays, also
    /// without any (domain.md §4.2).
    ///
    /// # Errors
    /// [`Refused::NotFound`], [`Refused::Cancelled`] for one that was cancelled before, and
    /// [`Refused::Over`] for one of a key set that is revoked or expired.
    pub fn cancel_subscription(&self, change: &mut Change<'_>, id: &str) -> Done<Subscription> {
        let found = Subscription::find(change.connection(), id)?;
        let mut subscription = found.ok_or(Refused::NotFound("subscription"))?;
        let chain = StoredChain::find(change.connection(), &subscription.chain)?;
        let chain = chain.ok_or(Refused::NotFound("key set"))?;
        let (now, state) = (change.now(), chain.life.state());
        if state.is_over() {
            return Err(Refused::Over(state).into());
        }
        if !Subscription::cancel(change.connection(), id, now)? {
            return Err(Refused::Cancelled.into());
        }
        subscription.cancelled = Some(now);
        touch(change, chain)?;
        Ok(subscription)
    }

    fn join(
        &self,
        change: &mut Change<'_>,
        wanted: &Subscribe,
        application: &ApplicationSeen,
        auth_type: AuthType,
        template: &Template,
    ) -> Done<Subscribed> {
        let chains = StoredChain::of_application(change.connection(), &application.id)?;
        let fits = |chain: &StoredChain| {
            chain.auth_type == auth_type.as_str()
                && chain.life.policy.as_ref() == Some(&template.policy)
                && !chain.life.state().is_over()
        };
        let (chain, issued) = match chains.into_iter().rev().find(fits) {
            Some(chain) => (touch(change, chain)?, None),
            None => {
                let (chain, issued) =
                    self.found_key_set(change, application, auth_type, template)?;
                (chain, Some(issued))
            }
        };
        let subscription = Subscription {
            id: super::new_id(change),
            chain: chain.id.clone(),
            service: wanted.service.clone(),
            package: wanted.package.clone(),
            plan: wanted.plan.clone(),
            created: change.now(),
            cancelled: None,
        };
        subscription.insert(change.connection())?;
        change.touch(Kind::Key, chain.id.as_str());
        Ok(Subscribed { chain, subscription, reused: issued.is_none(), issued })
    }

    /// A new key set, Pending.
    fn found_key_set(
        &self,
        change: &mut Change<'_>,
        application: &ApplicationSeen,
        auth_type: AuthType,
        template: &Template,
    ) -> Done<(StoredChain, Issued)> {
        let life = Chain::key_set(template.policy, !application.active);
        let id = super::new_id(change);
        let secret = match auth_type {
            AuthType::ApiKeyAndSecret => Some(Secret::random(SECRET_LENGTH)?),
            AuthType::ApiKey => None,
        };
        let key = self.generate_key(None)?;
        let credential = self.keep(&id, &key, secret.as_ref(), change.now())?;
        let member = self.directory().member(change.connection(), &application.member)?;
        let username = member.map(|member| member.username).unwrap_or_default();
        let name = format!("{} {}", auth_type.as_str(), application.name);
        let chain = StoredChain {
            words: words(&name, &application.name, &username),
            name,
            application: application.id.clone(),
            realm: application.realm.clone(),
            auth_type: auth_type.as_str().to_owned(),
            template: template.id.clone(),
            bought: None,
            qps: Written::default(),
            quota: Written::default(),
            body: serde_json::Map::new(),
            credentials: vec![(life.latest.number, credential)],
            life,
            created: change.now(),
            updated: change.now(),
            id,
        };
        chain.insert(change.connection())?;
        let issued = Issued { number: chain.life.latest.number, apikey: key, secret };
        Ok((chain, issued))
    }
}

/// Gives a key set another version: what it may call is part of what it is.
fn touch(change: &mut Change<'_>, mut chain: StoredChain) -> Done<StoredChain> {
    let before = chain.life.version;
    chain.life.version = before.saturating_add(1);
    chain.updated = change.now();
    replace(change, &chain, before)?;
    Ok(chain)
}

/// A policy template, or the absence of one.
struct Template {
    id: Option<String>,
    policy: Policy,
}

impl Template {
    /// The template of an id.
    fn find(connection: &mut dyn Connection, id: &str) -> Result<Option<Self>, StoreError> {
        let found = Shelf::Policies.find(connection, id)?;
        Ok(found.map(|document| Self { policy: policy(&document), id: Some(document.id) }))
    }

    /// The template that was assigned to a service; without one, keys live for ever and cannot be
    /// regenerated.
    fn of_service(connection: &mut dyn Connection, service: &str) -> Result<Self, StoreError> {
        let assigned = |document: &Document| {
            let services = document.body.get("services").and_then(|list| list.as_array());
            services.is_some_and(|list| list.iter().any(|id| id.as_str() == Some(service)))
        };
        let found = Shelf::Policies.all(connection)?.into_iter().find(assigned);
        Ok(found.map_or_else(
            || Self { id: None, policy: Policy::default() },
            |document| Self { policy: policy(&document), id: Some(document.id) },
        ))
    }
}

/// What a policy template says.
fn policy(document: &Document) -> Policy {
    let body = &document.body;
    let months = |field| number(body, field).and_then(Months::new);
    let lead = number(body, "rotationLeadSeconds").unwrap_or(0);
    Policy {
        rotation: months("rotationMonths").and_then(|after| RotationPolicy::new(after, lead)),
        expiration: months("expirationMonths"),
        manual_regeneration: switch(body, "manualRegeneration"),
        overlap: number(body, "overlapSeconds").unwrap_or(0),
    }
}
