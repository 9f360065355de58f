//! What is sent, by our own numbers.

use std::collections::BTreeMap;
use std::sync::Arc;

use tollgate_core::{
    Counts, EndpointGrant, EndpointId, Grant, LineTag, MethodCeiling, MethodId, Methods, Routes,
    RoutesBuilder, Scope, Service, ServiceId, SnapshotWriter, Terms, Upstream,
};

use super::ledger::Ledger;
use super::numbers::{Numbers, Translation};
use super::{Unfit, Withheld};
use crate::wire::SentRoutes;

/// The upstreams that the process has, by their names.
pub type Upstreams = BTreeMap<Box<str>, Arc<Upstream>>;

impl Translation {
    fn service(&self, sent: ServiceId) -> Result<ServiceId, Unfit> {
        let own = self.services.get(&sent.0).copied().map(ServiceId);
        own.ok_or(Unfit::Unknown("a service"))
    }

    fn endpoint(&self, sent: EndpointId) -> Result<EndpointId, Unfit> {
        let own = self.endpoints.get(&sent.0).copied().map(EndpointId);
        own.ok_or(Unfit::Unknown("an endpoint"))
    }

    fn method(&self, sent: MethodId) -> Result<MethodId, Unfit> {
        let own = self.methods.get(&sent.0).copied().map(MethodId);
        own.ok_or(Unfit::Unknown("a method"))
    }

    /// Terms by our own numbers, in the order that goes by them.
    pub(super) fn terms(&self, sent: Terms) -> Result<Terms, Unfit> {
        let grants = sent.grants.into_iter().map(|grant| self.grant(grant));
        let mut grants = grants.collect::<Result<Vec<_>, _>>()?;
        grants.sort_by_key(|grant| grant.service);
        Ok(Terms { grants: grants.into(), ..sent })
    }

    fn grant(&self, sent: Grant) -> Result<Grant, Unfit> {
        let service = self.service(sent.service)?;
        let scope = match sent.scope {
            Scope::Service => Scope::Service,
            Scope::Endpoints(endpoints) => {
                let endpoints = endpoints.into_iter().map(|endpoint| self.opened(endpoint));
                let mut endpoints = endpoints.collect::<Result<Vec<_>, _>>()?;
                endpoints.sort_by_key(|endpoint| endpoint.endpoint);
                Scope::Endpoints(endpoints.into())
            }
        };
        let own = sent.tag != LineTag::KEY;
        let tag = if own { Counts::Grant(service).tag() } else { LineTag::KEY };
        Ok(Grant { service, scope, tag, ..sent })
    }

    fn opened(&self, sent: EndpointGrant) -> Result<EndpointGrant, Unfit> {
        let methods = match sent.methods {
            Methods::All => Methods::All,
            Methods::Listed(listed) => {
                let listed = listed.into_iter().map(|ceiling| {
                    let method = self.method(ceiling.method)?;
                    Ok(MethodCeiling { method, tag: Counts::Method(method).tag(), ..ceiling })
                });
                let mut listed = listed.collect::<Result<Vec<_>, _>>()?;
                listed.sort_by_key(|ceiling| ceiling.method);
                Methods::Listed(listed.into())
            }
        };
        Ok(EndpointGrant { endpoint: self.endpoint(sent.endpoint)?, methods, ..sent })
    }

    /// Routes by our own numbers, or why the process cannot have them.
    pub(super) fn routes(
        &self,
        sent: SentRoutes,
        upstreams: &Upstreams,
        numbers: &Numbers,
        mut meter: impl FnMut(&str) -> Result<tollgate_core::MeterId, Unfit>,
    ) -> Result<Result<Routes, Withheld>, Unfit> {
        let mut builder = RoutesBuilder::default();
        let mut indexes = BTreeMap::new();
        for (name, upstream) in upstreams {
            indexes.insert(name, builder.upstream(Arc::clone(upstream)));
        }
        for sent in sent.services {
            let mut service: Service = sent.service;
            let Some(upstream) = indexes.get(&sent.upstream) else {
                let (service, upstream) = (service.name, sent.upstream);
                return Ok(Err(Withheld::Routes { service, upstream }));
            };
            service.upstream = *upstream;
            service.id = self.service(service.id)?;
            service.meter = meter(&service.name)?;
            for (endpoint, _) in &mut service.switches.maintenance {
                *endpoint = self.endpoint(*endpoint)?;
            }
            service.switches.maintenance.sort_by_key(|(endpoint, _)| *endpoint);
            builder.service(service);
        }
        let mut routes = sent.routes;
        for listed in &mut routes {
            listed.route.endpoint = self.endpoint(listed.route.endpoint)?;
            let method = listed.route.method.map(|method| self.method(method));
            listed.route.method = method.transpose()?;
            let route = listed.route;
            if let Some(name) = numbers.endpoint(route.endpoint.0) {
                builder.endpoint_name(route.endpoint, name);
            }
            if let Some((method, name)) =
                route.method.and_then(|method| Some((method, numbers.method(method.0)?)))
            {
                builder.method_name(method, name);
            }
        }
        builder.listed(&sent.keys, &routes);
        Ok(Ok(builder.build()))
    }
}

/// The meter of a service by its name.
pub(super) fn service_meter<'a>(
    ledger: &'a mut Ledger,
    writer: &'a mut SnapshotWriter,
) -> impl FnMut(&str) -> Result<tollgate_core::MeterId, Unfit> + 'a {
    |name| ledger.service(writer, name).ok_or(Unfit::MetersExhausted)
}
