//! What can be called, before a change and after it.

use std::collections::BTreeMap;

use tollgate_core::{EndpointId, MethodId, Route, Routes, ServiceId};

use crate::compile::RoutePlan;

/// Something that can be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(super) service: ServiceId,
    pub(super) endpoint: EndpointId,
    pub(super) method: Option<MethodId>,
}

/// How it is called: `None` = it is not there.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ways {
    pub(super) before: Option<Route>,
    pub(super) after: Option<Route>,
}

/// All of them.
pub(super) struct Places(BTreeMap<Place, Ways>);

/// The names of a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PlaceNames {
    pub(crate) service: String,
    pub(crate) endpoint: String,
    /// Empty = calls that match no method.
    pub(crate) method: String,
}

impl Place {
    fn of(service: ServiceId, route: &Route) -> Self {
        Self { service, endpoint: route.endpoint, method: route.method }
    }

    /// What it is called, where routes know it.
    pub(super) fn names(self, routes: &[&Routes]) -> PlaceNames {
        let first = |name: &dyn Fn(&Routes) -> Option<String>| {
            routes.iter().find_map(|routes| name(routes)).unwrap_or_default()
        };
        let service = |routes: &Routes| {
            let mut services = routes.services();
            services.find(|known| known.id == self.service).map(|known| known.name.to_string())
        };
        let endpoint = |routes: &Routes| routes.endpoint_name(self.endpoint).map(str::to_owned);
        let method =
            |method| first(&|routes: &Routes| routes.method_name(method).map(str::to_owned));
        PlaceNames {
            service: first(&service),
            endpoint: first(&endpoint),
            method: self.method.map(method).unwrap_or_default(),
        }
    }
}

impl Places {
    pub(super) fn of(before: &RoutePlan, after: &RoutePlan) -> Self {
        let mut places: BTreeMap<Place, Ways> = BTreeMap::new();
        for (service, route) in before.places() {
            places.entry(Place::of(service, &route)).or_default().before = Some(route);
        }
        for (service, route) in after.places() {
            places.entry(Place::of(service, &route)).or_default().after = Some(route);
        }
        Self(places)
    }

    /// Each, with how it is called.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Place, Ways)> {
        self.0.iter().map(|(place, ways)| (*place, *ways))
    }
}
