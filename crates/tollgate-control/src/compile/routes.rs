//! Services and upstreams into routes.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use http::uri::Authority;
use http::{HeaderValue, Method};
use tollgate_core::{
    EndpointId, FrontId, HostPattern, Limit, MeterId, MethodId, Route, Routes, RoutesBuilder,
    Segment, Server, ServerAddress, ServerTarget, Service, ServiceId, Target, Upstream,
    UpstreamTimeouts,
};

use super::terms::qps;
use super::{Numbers, switches};
use crate::model::{self, Front, Name, Objects};

/// Everything that routes are built from, comparable, so that routes which would be the same are
/// not built again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RoutePlan {
    services: Vec<Service>,
    endpoints: Vec<(EndpointId, Name)>,
    methods: Vec<(MethodId, Name)>,
    /// Paths that belong to one service, because keys stand in them.
    keyed: Vec<PlannedKey>,
    routes: Vec<PlannedRoute>,
    upstreams: Vec<(Name, u64)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct PlannedKey {
    host: HostPattern,
    path: Vec<Box<str>>,
    segment: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct PlannedRoute {
    host: HostPattern,
    pattern: Vec<Segment>,
    route: Route,
    verbs: Vec<Method>,
}

/// The definitions of upstreams, each with a generation of its own.
#[derive(Debug, Default)]
pub struct Upstreams {
    known: BTreeMap<Name, Arc<Upstream>>,
    generations: u64,
}

impl Upstreams {
    /// Those of `objects`, by their names; a changed one has a new generation.
    pub fn of(&mut self, objects: &Objects) -> BTreeMap<Box<str>, Arc<Upstream>> {
        self.update(objects);
        let known = self.known.iter();
        known.map(|(name, upstream)| (name.as_str().into(), Arc::clone(upstream))).collect()
    }

    /// Takes over the upstreams of `objects`; a changed one gets a new generation.
    fn update(&mut self, objects: &Objects) {
        self.known.retain(|name, _| objects.upstreams.contains_key(name));
        for (name, upstream) in &objects.upstreams {
            let target = target(&upstream.target);
            if self.known.get(name).is_none_or(|known| known.target != target) {
                self.generations += 1;
                let generation = self.generations;
                let upstream = Upstream { name: name.as_str().into(), generation, target };
                self.known.insert(name.clone(), Arc::new(upstream));
            }
        }
    }
}

impl RoutePlan {
    /// Plans the routes of `objects`. `meter` says where a service counts.
    pub(crate) fn of(
        objects: &Objects,
        numbers: &mut Numbers,
        upstreams: &mut Upstreams,
        mut meter: impl FnMut(&Name) -> Option<MeterId>,
    ) -> Option<Self> {
        upstreams.update(objects);
        let mut plan = Self::default();
        for (name, upstream) in &upstreams.known {
            plan.upstreams.push((name.clone(), upstream.generation));
        }
        for service in objects.services.values() {
            let meter = meter(&service.name)?;
            for front in &service.fronts {
                plan.add_front(objects, service, front, meter, numbers)?;
            }
        }
        numbers.keep_fronts(plan.services.iter());
        Some(plan)
    }

    fn add_front(
        &mut self,
        objects: &Objects,
        service: &model::Service,
        front: &Front,
        meter: MeterId,
        numbers: &mut Numbers,
    ) -> Option<()> {
        let id = ServiceId(numbers.services.number(&service.name));
        let name = (service.name.clone(), front.part.clone());
        let index = FrontId(numbers.fronts.number(&name));
        let upstream = self.upstreams.iter().position(|(name, _)| *name == front.upstream)?;
        self.services.push(Service {
            front: index,
            id,
            name: service.name.as_str().into(),
            upstream: u32::try_from(upstream).ok()?,
            upstream_path: front.upstream_path.as_deref().map(Into::into),
            path_length: front.path.iter().map(segment_length).sum(),
            tls_required: front.tls_required,
            credentials: front.credentials.clone().into(),
            proof: front.proof.clone().map(Box::new),
            key_alone: front.key_alone,
            form_body_limit: front.reads_forms().then_some(front.form_body_limit),
            qps: service
                .qps_limit_overall
                .map_or(Limit::Exempt, |ceiling| qps(model::Limit::Ceiling(ceiling))),
            qps_enforced: service.qps_limit_overall_enforce,
            meter,
            error_dialect: front.error_dialect,
            returned_headers: front.returned_headers,
            rate_limit_headers: front.rate_limit_headers,
            disclose_key_state: front.disclose_key_state,
            switches: switches::compile(objects, &service.name, front, numbers),
        });
        self.add_key(front);
        self.add_endpoints(&service.name, front, index, numbers);
        Some(())
    }

    fn add_key(&mut self, front: &Front) {
        let Some(segment) = front.key_segment() else { return };
        let literal = |segment: &model::Segment| match segment {
            model::Segment::Literal(literal) => Some(literal.clone()),
            model::Segment::Any(_) | model::Segment::Rest => None,
        };
        let path: Vec<_> = front.path.iter().filter_map(literal).collect();
        for host in hosts(front) {
            self.keyed.push(PlannedKey { host, path: path.clone(), segment });
        }
    }

    fn add_endpoints(
        &mut self,
        service: &Name,
        front: &Front,
        index: FrontId,
        numbers: &mut Numbers,
    ) {
        for endpoint in front.endpoints.values() {
            let name = (service.clone(), endpoint.name.clone());
            let number = EndpointId(numbers.endpoints.number(&name));
            self.endpoints.push((number, endpoint.name.clone()));
            for matched in endpoint.matched() {
                let mut method_number = |method: &Name| {
                    let name = (service.clone(), endpoint.name.clone(), method.clone());
                    MethodId(numbers.methods.number(&name))
                };
                let method = match matched.method {
                    Some(method) => {
                        let number = method_number(&method.name);
                        self.methods.push((number, method.name.clone()));
                        Some(number)
                    }
                    // One that no plan lists: whatever it is, only the whole endpoint opens it.
                    None if endpoint.has_unknown_methods => {
                        Some(method_number(&Name::unchecked("")))
                    }
                    None => None,
                };
                let route = Route { front: index, endpoint: number, method };
                let below = matched.path.iter();
                let pattern: Vec<_> = front.path.iter().chain(below).map(segment).collect();
                self.add(front, &pattern, route, &matched.http_methods);
            }
        }
    }

    fn add(&mut self, front: &Front, pattern: &[Segment], route: Route, verbs: &[Method]) {
        for host in hosts(front) {
            let (pattern, verbs) = (pattern.to_vec(), verbs.to_vec());
            self.routes.push(PlannedRoute { host, pattern, route, verbs });
        }
    }

    /// Where calls lead, and the service of each place: those of several patterns several times.
    pub(crate) fn places(&self) -> impl Iterator<Item = (ServiceId, Route)> {
        let services: HashMap<_, _> =
            self.services.iter().map(|service| (service.front, service.id)).collect();
        let place = move |planned: &PlannedRoute| {
            Some((*services.get(&planned.route.front)?, planned.route))
        };
        self.routes.iter().filter_map(place)
    }

    /// The routes as planned.
    pub(crate) fn build(&self, upstreams: &Upstreams) -> Routes {
        let mut builder = RoutesBuilder::default();
        for upstream in upstreams.known.values() {
            builder.upstream(Arc::clone(upstream));
        }
        for service in &self.services {
            builder.service(service.clone());
        }
        for (endpoint, name) in &self.endpoints {
            builder.endpoint_name(*endpoint, name.as_str());
        }
        for (method, name) in &self.methods {
            builder.method_name(*method, name.as_str());
        }
        for planned in &self.keyed {
            builder.key(&planned.host, &planned.path, planned.segment);
        }
        for planned in &self.routes {
            builder.route(&planned.host, &planned.pattern, planned.route, &planned.verbs);
        }
        builder.build()
    }
}

/// The hosts that a front answers for.
fn hosts(front: &Front) -> impl Iterator<Item = HostPattern> {
    let every = front.hosts.is_empty().then_some(HostPattern::Every);
    every.into_iter().chain(front.hosts.iter().map(host))
}

fn host(pattern: &model::HostPattern) -> HostPattern {
    match pattern {
        model::HostPattern::Name(name) => HostPattern::Name(name.clone()),
        model::HostPattern::Below(name) => HostPattern::Below(format!(".{name}").into()),
    }
}

fn segment(segment: &model::Segment) -> Segment {
    match segment {
        model::Segment::Literal(literal) => Segment::Literal(literal.clone()),
        model::Segment::Any(_) => Segment::Any,
        model::Segment::Rest => Segment::Rest,
    }
}

/// A segment of a service's path with the slash before it.
fn segment_length(segment: &model::Segment) -> usize {
    match segment {
        model::Segment::Literal(literal) => 1 + literal.len(),
        model::Segment::Any(_) | model::Segment::Rest => 0,
    }
}

fn target(target: &model::Target) -> Target {
    match target {
        model::Target::Fixed(response) => Target::Fixed(response.clone()),
        model::Target::Server(server) => Target::Server(Box::new(self::server(server))),
    }
}

fn server(server: &model::Server) -> Server {
    Server {
        targets: server.targets.iter().map(server_target).collect(),
        balance: server.balance,
        ejection: server.ejection,
        retries: server.retries,
        http: server.http,
        upgrades: server.upgrades.clone(),
        host_header: server.host_header,
        tell: server.tell.iter().copied().collect(),
        timeouts: UpstreamTimeouts {
            connect: server.connect_timeout,
            first_byte: server.first_byte_timeout,
            idle: server.idle_timeout,
            request: server.request_timeout,
            tunnel_idle: server.tunnel_idle_timeout,
            keep_alive: server.keep_alive,
        },
        max_idle: server.max_idle_connections,
        max_connections: server.max_connections,
        pending: server.pending,
        resolve_every: server.resolve_every,
        health_check: server.health_check.clone(),
    }
}

fn server_target(target: &model::ServerTarget) -> ServerTarget {
    let authority = target.address.authority().map_or("localhost", Authority::as_str);
    ServerTarget {
        address: address(&target.address),
        // An authority is made of what may stand in a header.
        authority: HeaderValue::from_str(authority)
            .unwrap_or_else(|_| HeaderValue::from_static("")),
        tls: target.tls.clone(),
        weight: target.weight,
    }
}

fn address(address: &model::Address) -> ServerAddress {
    match (address, address.host(), address.port()) {
        (model::Address::Unix(path), ..) => ServerAddress::Unix(path.clone()),
        (_, host, port) => ServerAddress::Tcp {
            host: host.unwrap_or_default().into(),
            port: port.unwrap_or_default(),
        },
    }
}
