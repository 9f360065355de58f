//! The services that are called.

use tollgate_core::{
    EndpointId, ErrorDialect, FrontId, Limit, Proof, ProofScheme, Qps, RateLimitHeaders,
    ReturnedHeaders, Route, Routes, RoutesBuilder, Service, ServiceId, SnapshotWriter, Switches,
};

/// What most calls lead to.
pub(crate) const PLAIN: Route = route(0);
/// A service that asks for a secret beside the key.
pub(crate) const PROVEN: Route = route(1);
/// A service with a ceiling over all keys, which the first call spends.
pub(crate) const SPENT: Route = route(2);
/// A service that no plan opens.
pub(crate) const SERVICE_OF_OTHERS: Route = route(3);
/// A service that went away since the call was routed.
pub(crate) const NOWHERE: Route = route(4);

const fn route(number: u32) -> Route {
    Route { front: FrontId(number), endpoint: EndpointId(number), method: None }
}

pub(super) fn routes(writer: &mut SnapshotWriter) -> Routes {
    let mut routes = RoutesBuilder::default();
    for route in [PLAIN, PROVEN, SPENT, SERVICE_OF_OTHERS] {
        let one = 1.try_into().expect("not 0");
        let proof = Proof { scheme: ProofScheme::Secret, places: Box::default() };
        routes.service(Service {
            id: ServiceId(route.front.0),
            front: route.front,
            name: format!("service-{}", route.front.0).into(),
            upstream: 0,
            upstream_path: None,
            path_length: 0,
            tls_required: false,
            credentials: Box::default(),
            proof: (route == PROVEN).then(|| Box::new(proof)),
            key_alone: false,
            form_body_limit: None,
            qps: if route == SPENT { Limit::Ceiling(Qps::new(one, one)) } else { Limit::Exempt },
            qps_enforced: true,
            meter: writer.allot(&[]).expect("a meter"),
            error_dialect: ErrorDialect::Problem,
            returned_headers: ReturnedHeaders::default(),
            rate_limit_headers: RateLimitHeaders::None,
            disclose_key_state: false,
            switches: Switches::default(),
        });
    }
    routes.build()
}
