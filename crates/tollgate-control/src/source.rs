//! The store as a source of objects, beside the file (design §4): documents and chains become what
//! the file's tables become, and both together are what is published.

mod conflict;
mod keys;
mod owners;
mod plan;
pub(crate) mod routed;
pub(crate) mod service;

use std::collections::{BTreeMap, HashMap};

use crate::directory::{number, switch, text};
use crate::model::{
    Application, ApplicationStatus, Bought, Key, Keyless, Member, MemberStatus, Name, Notified,
    Notify, NotifyPeriod, Objects, Owner, Package, Service, Unrouted,
};
use crate::store::{Connection, Document, Shelf, StoreError, StoredChain, Subscription};

pub use conflict::Conflict;
pub(crate) use conflict::conflicts;
pub(crate) use owners::{Owners, Touched};
use routed::Routed;

/// All objects of both sources.
///
/// # Errors
/// What the store said.
pub(crate) fn objects(
    files: &Objects,
    connection: &mut dyn Connection,
) -> Result<Objects, StoreError> {
    let mut objects = without_keys(files, connection)?;
    objects.keys = keys(files, &objects, connection, |_| true)?;
    Ok(objects)
}

/// The keys of both sources, of chains that `wanted` takes. `objects` are all others.
///
/// # Errors
/// What the store said.
pub(crate) fn keys(
    files: &Objects,
    objects: &Objects,
    connection: &mut dyn Connection,
    wanted: impl Fn(&str) -> bool,
) -> Result<BTreeMap<Name, Key>, StoreError> {
    let mut subscribed: HashMap<String, Vec<Bought>> = HashMap::new();
    for subscription in Subscription::held(connection)? {
        let bought = subscribed.entry(subscription.chain.clone()).or_default();
        bought.push(keys::of_subscription(&subscription));
    }
    let mut keys = files.keys.clone();
    StoredChain::each(connection, |chain| {
        let bought = subscribed.remove(&chain.id).unwrap_or_default();
        if wanted(&chain.id) && objects.applications.contains_key(chain.application.as_str()) {
            let of_chain = keys::of_chain(&chain, bought, objects);
            keys.extend(of_chain.into_iter().map(|key| (key.name.clone(), key)));
        }
        Ok(())
    })?;
    Ok(keys)
}

/// All objects of both sources, without the keys.
///
/// # Errors
/// What the store said.
pub(crate) fn without_keys(
    files: &Objects,
    connection: &mut dyn Connection,
) -> Result<Objects, StoreError> {
    let mut objects = for_sale(files, connection)?;
    for document in Shelf::Members.all(connection)? {
        let member = member(&document);
        objects.members.insert(member.name.clone(), member);
    }
    for document in Shelf::Applications.all(connection)? {
        let application = application(&document);
        objects.applications.insert(application.name.clone(), application);
    }
    Ok(objects)
}

/// The services, packages and plans of both sources, with the members and applications of the file.
///
/// # Errors
/// What the store said.
pub(crate) fn for_sale(
    files: &Objects,
    connection: &mut dyn Connection,
) -> Result<Objects, StoreError> {
    let (services, unrouted) = services(files, connection)?;
    let mut objects = Objects { keys: Default::default(), services, unrouted, ..files.clone() };
    for document in Shelf::Packages.all(connection)? {
        let package = package(&document);
        objects.packages.insert(package.name.clone(), package);
    }
    for document in Shelf::Plans.all(connection)? {
        let package = objects.packages.get_mut(document.parent.as_str());
        // One whose package is gone opens nothing.
        let Some(package) = package else { continue };
        let plan = plan::of_document(&document);
        package.plans.insert(plan.name.clone(), plan);
    }
    Ok(objects)
}

/// The services of both sources that calls lead to, and the endpoints of the store that none lead to.
///
/// # Errors
/// What the store said.
pub(crate) fn services(
    files: &Objects,
    connection: &mut dyn Connection,
) -> Result<(BTreeMap<Name, Service>, Vec<Unrouted>), StoreError> {
    let Routed { services, unrouted, .. } = Routed::of_both(files, connection, None)?;
    Ok((services, unrouted))
}

/// The keys of files that services charge calls without a key to.
pub(crate) fn keys_named_by_services(objects: &Objects, files: &Objects) -> BTreeMap<Name, Key> {
    let fronts = objects.services.values().flat_map(|service| &service.fronts);
    let named = fronts.filter_map(|front| match front.switches.keyless.as_ref()? {
        Keyless::Key(name) => files.keys.get_key_value(name),
        Keyless::NoApiKey => None,
    });
    named.map(|(name, key)| (name.clone(), key.clone())).collect()
}

/// The keys of some chains, by the name that they count under: none for a chain that is gone.
/// `objects` are all of both sources, but for the keys; `known` tells which applications there are.
///
/// # Errors
/// What the store said.
pub(crate) fn keys_of_chains(
    objects: &Objects,
    known: impl Fn(&str) -> bool,
    chains: &[String],
    connection: &mut dyn Connection,
) -> Result<Vec<(Name, Vec<Key>)>, StoreError> {
    let keys = chains.iter().map(|id| {
        let Some(chain) = StoredChain::find(connection, id)? else {
            return Ok((name(id), Vec::new()));
        };
        if !known(&chain.application) {
            return Ok((name(id), Vec::new()));
        }
        let bought = bought(connection, id)?;
        Ok((name(id), keys::of_chain(&chain, bought, objects)))
    });
    keys.collect()
}

/// The keys of a chain with these subscriptions: none if its application is gone.
pub(crate) fn keys_of_chain(
    chain: &StoredChain,
    subscribed: Vec<Bought>,
    objects: &Objects,
) -> Vec<Key> {
    match objects.applications.contains_key(chain.application.as_str()) {
        true => keys::of_chain(chain, subscribed, objects),
        false => Vec::new(),
    }
}

/// What a chain is subscribed to.
///
/// # Errors
/// What the store said.
pub(crate) fn bought(
    connection: &mut dyn Connection,
    chain: &str,
) -> Result<Vec<Bought>, StoreError> {
    let subscriptions = Subscription::of_chain(connection, chain)?;
    let held = subscriptions.iter().filter(|subscription| subscription.cancelled.is_none());
    Ok(held.map(keys::of_subscription).collect())
}

/// What an object of the store is called among all objects: its id.
fn name(id: &str) -> Name {
    Name::unchecked(id)
}

pub(crate) fn member(document: &Document) -> Member {
    let body = &document.body;
    Member {
        name: name(&document.id),
        owner: Owner::Store,
        email: text(body, "email").unwrap_or_default().to_owned(),
        status: match text(body, "areaStatus") {
            Some("active") => MemberStatus::Active,
            Some("waiting") => MemberStatus::Waiting,
            _ => MemberStatus::Disabled,
        },
    }
}

pub(crate) fn application(document: &Document) -> Application {
    let body = &document.body;
    Application {
        name: name(&document.id),
        owner: Owner::Store,
        member: name(&document.parent),
        description: text(body, "description").unwrap_or_default().to_owned(),
        status: match text(body, "status") {
            Some("suspended") => ApplicationStatus::Suspended,
            _ => ApplicationStatus::Active,
        },
    }
}

fn package(document: &Document) -> Package {
    Package {
        name: name(&document.id),
        owner: Owner::Store,
        description: text(&document.body, "description").unwrap_or_default().to_owned(),
        notify: notify(document),
        plans: Default::default(),
    }
}

/// What a package says of who is told of what.
pub(crate) fn notify(document: &Document) -> Notify {
    let body = &document.body;
    let notified = |whom: &str| {
        let field = |what: &str| format!("notify{whom}{what}");
        let period = text(body, &field("Period")).and_then(NotifyPeriod::named);
        Notified {
            period: period.unwrap_or(Notified::NOTHING.period),
            near_quota: switch(body, &field("NearQuota")),
            over_quota: switch(body, &field("OverQuota")),
            over_throttle: switch(body, &field("OverThrottle")),
        }
    };
    let threshold = number(body, "nearQuotaThreshold").filter(|percent| *percent > 0);
    Notify {
        near_quota_threshold: threshold.unwrap_or(Notify::NOTHING.near_quota_threshold),
        developer: notified("Developer"),
        admin: notified("Admin"),
    }
}
