//! Lists of package keys: what a query asks of them, as far as the store can answer.

use serde_json::Value as Json;

use super::super::super::engine::{Resource, sift};
use super::super::super::filter::{Condition, instants};
use super::super::super::merged::Merged;
use super::super::super::query::Query;
use super::super::super::sort::Order;
use super::super::super::source::{Object, Scene};
use super::super::super::{Failure, date};
use super::owners::{Owners, is_about_owners};
use super::shown::Catalogue;
use super::wanted;
use crate::life_cycle::{PackageKeyStatus, State};
use crate::store::{
    ChainDate, ChainNumber, ChainOrder, ChainSearch, Connection, Ordering, Shelf, StoreError,
    StoredChain,
};

/// So many keys are looked at at a time where the store cannot tell which are meant.
const SOME: usize = 500;

/// What the store is asked for, and whether that is all that the query asks.
pub(super) struct Listed {
    search: ChainSearch,
    orders: Vec<ChainOrder>,
    whole: bool,
}

impl Listed {
    /// What a query asks of the keys of some applications, or of all.
    pub(super) fn of(
        resource: &Resource,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
        within: Option<Vec<String>>,
        query: &Query,
    ) -> Result<Self, Failure> {
        let mut search = ChainSearch { key_sets: Some(false), ..ChainSearch::default() };
        search.realms = scene.caller.sees(scene.permissions(), resource.read);
        let digests = wanted::digests(scene, query);
        search.digests = digests.map(|digests| digests.iter().map(ToString::to_string).collect());
        search.applications = within;
        if let Some(owners) = Owners::asked_for(query) {
            let found = owners.applications(scene, connection)?;
            search.applications = Some(match search.applications {
                Some(within) => within.into_iter().filter(|id| found.contains(id)).collect(),
                None => found.into_iter().collect(),
            });
        }
        let mut whole = true;
        for condition in &query.conditions {
            whole &= narrow(&mut search, connection, condition)?;
        }
        let orders = query.orders.iter().filter_map(|order| {
            let (name, descends) = order.parts();
            ordering(name).map(|by| ChainOrder { by, descends })
        });
        let mut orders: Vec<_> = orders.collect();
        // The store may not know the last one, which says how equal ones stand.
        let descends = Order::ends_descending(&query.orders);
        orders.push(ChainOrder { by: Ordering::Created, descends });
        Ok(Self { search, orders, whole })
    }

    /// The page of a query, and how long the list is.
    pub(super) fn page(
        &self,
        resource: &Resource,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
        query: &Query,
        of_file: Vec<Object>,
    ) -> Result<(Vec<Object>, usize), Failure> {
        let merged = Merged::new(query, of_file);
        let (offset, limit) = merged.wanted();
        let mut catalogue = Catalogue::default();
        let (mut stored, mut total) = (Vec::new(), merged.len());
        if self.whole {
            let (offset, limit) = (offset as u64, limit as u64);
            let page = self.search.sorted_page(connection, &self.orders, offset, limit)?;
            for chain in page.chains {
                stored.push(catalogue.of_chain(connection, chain)?);
            }
            total += usize::try_from(page.total).unwrap_or(usize::MAX);
            return Ok((merged.with(stored), total));
        }
        let mut passed = 0;
        let ids = self.search.ids(connection, &self.orders)?;
        for some in ids.chunks(SOME) {
            let mut objects = Vec::with_capacity(some.len());
            for chain in StoredChain::of_ids(connection, some)? {
                objects.push(catalogue.of_chain(connection, chain)?);
            }
            for object in sift(resource, scene, connection, query, objects)? {
                if passed >= offset && stored.len() < limit {
                    stored.push(object);
                }
                passed += 1;
            }
        }
        total += passed;
        Ok((merged.with(stored), total))
    }
}

/// Narrows a search by a condition. Returns whether the search asks for just that.
fn narrow(
    search: &mut ChainSearch,
    connection: &mut dyn Connection,
    condition: &Condition,
) -> Result<bool, StoreError> {
    let value = condition.value.as_str();
    if is_about_owners(condition) {
        return Ok(true);
    }
    let path: Vec<_> = condition.path.iter().map(String::as_str).collect();
    match path.as_slice() {
        // Found by its digest already.
        ["apikey"] => {}
        ["id"] => match &search.id {
            Some(other) if other != value => search.none = true,
            _ => search.id = Some(value.to_owned()),
        },
        ["created"] => on_date(search, ChainDate::Created, value),
        ["updated"] => on_date(search, ChainDate::Updated, value),
        ["expires"] => expires(search, value),
        ["status"] => {
            let means = |state: &State| PackageKeyStatus::from(*state).as_str() == value;
            let states: Vec<_> = State::ALL.iter().copied().filter(means).collect();
            let fits = |state: &State| search.states.is_empty() || search.states.contains(state);
            search.states = states.into_iter().filter(fits).collect();
            search.none |= search.states.is_empty();
        }
        ["qpsLimitCeiling"] => number(search, ChainNumber::QpsCeiling, value),
        ["rateLimitCeiling"] => number(search, ChainNumber::QuotaCeiling, value),
        ["qpsLimitExempt"] => switch(search, ChainNumber::QpsExempt, value),
        ["rateLimitExempt"] => switch(search, ChainNumber::QuotaExempt, value),
        ["package", "id"] => restrict(&mut search.packages, vec![value.to_owned()]),
        ["plan", "id"] => restrict(&mut search.plans, vec![value.to_owned()]),
        ["package", "name"] => {
            restrict(&mut search.packages, called(Shelf::Packages, connection, value)?);
        }
        ["plan", "name"] => restrict(&mut search.plans, called(Shelf::Plans, connection, value)?),
        // Computed of each.
        ["limits", ..] => return Ok(false),
        ["eav", ..] => {
            search.told.extend(inner(value));
            return Ok(false);
        }
        _ => search.none = true,
    }
    Ok(true)
}

/// The ids of what is called by a name: one that is nobody's is its own name.
fn called(
    shelf: Shelf,
    connection: &mut dyn Connection,
    name: &str,
) -> Result<Vec<String>, StoreError> {
    let named = shelf.named_any(connection, &[name])?;
    let mut ids: Vec<_> = named.into_iter().map(|document| document.id).collect();
    if shelf.find(connection, name)?.is_none() {
        ids.push(name.to_owned());
    }
    Ok(ids)
}

fn restrict(list: &mut Option<Vec<String>>, to: Vec<String>) {
    *list = Some(match list.take() {
        Some(list) => list.into_iter().filter(|id| to.contains(id)).collect(),
        None => to,
    });
}

fn on_date(search: &mut ChainSearch, which: ChainDate, value: &str) {
    match instants(value) {
        Some(within) => search.dates.push((which, within)),
        None => search.none = true,
    }
}

/// A date is met by itself and by the instants of its day, an instant by no date.
fn expires(search: &mut ChainSearch, value: &str) {
    let Some((start, end)) = date::read(value) else {
        search.none = true;
        return;
    };
    let within = crate::store::Within {
        from: Some(start.div_euclid(1000) + i64::from(start.rem_euclid(1000) > 0)),
        to: Some((end - 1).div_euclid(1000)),
    };
    search.dates.push((ChainDate::Expiration, within));
    if value.len() != "2026-01-31".len() {
        search.numbers.push((ChainNumber::ExpirationIsDay, 0));
    }
}

fn number(search: &mut ChainSearch, which: ChainNumber, value: &str) {
    match value.parse::<i64>() {
        Ok(number) if number.to_string() == value => search.numbers.push((which, number)),
        _ => search.none = true,
    }
}

fn switch(search: &mut ChainSearch, which: ChainNumber, value: &str) {
    match value.parse::<bool>() {
        Ok(switch) => search.numbers.push((which, i64::from(switch))),
        Err(_) => search.none = true,
    }
}

/// A value as it stands within JSON, where every way to write it has it; instants have several.
fn inner(value: &str) -> Option<String> {
    if value.is_empty() || date::read(value).is_some() {
        return None;
    }
    let quoted = Json::from(value).to_string();
    quoted.get(1..quoted.len() - 1).map(str::to_owned)
}

/// What the store calls a property by which keys are ordered. By the rest they are all equal.
fn ordering(name: &str) -> Option<Ordering> {
    Some(match name {
        "id" => Ordering::Id,
        "created" => Ordering::Created,
        "updated" => Ordering::Updated,
        "expires" => Ordering::Expiration,
        "status" => Ordering::Status,
        "qpsLimitCeiling" => Ordering::QpsCeiling,
        "qpsLimitExempt" => Ordering::QpsExempt,
        "rateLimitCeiling" => Ordering::QuotaCeiling,
        "rateLimitExempt" => Ordering::QuotaExempt,
        _ => return None,
    })
}
