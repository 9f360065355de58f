//! The switches of a service.

use tollgate_core::{Digest, EndpointId, Maintenance, Switches};

use super::Numbers;
use crate::model::{Objects, Service};

pub(super) fn compile(objects: &Objects, service: &Service, numbers: &mut Numbers) -> Switches {
    let switches = &service.switches;
    let keyless = switches.keyless_key.as_ref();
    let dropped = &switches.drop_response_headers;
    Switches {
        maintenance: maintenance(service, numbers),
        allowed_referers: switches.allowed_referers.clone().into(),
        cors: switches.cors.clone().map(Box::new),
        drop_request_headers: switches.drop_request_headers.clone().into(),
        drop_response_headers: (!dropped.is_empty()).then(|| dropped.as_slice().into()),
        key_length: switches.key_length.clone(),
        keyless: keyless.and_then(|name| Some(Digest::new(objects.keys.get(name)?.digest.bytes))),
    }
}

/// What is said of an endpoint itself goes before what is said of its service.
fn maintenance(service: &Service, numbers: &mut Numbers) -> Box<[(EndpointId, Maintenance)]> {
    let closed = service.endpoints.values().filter_map(|endpoint| {
        let maintenance = endpoint.maintenance.or(service.switches.maintenance)?;
        let name = (service.name.clone(), endpoint.name.clone());
        Some((EndpointId(numbers.endpoints.number(&name)), maintenance))
    });
    let mut closed: Vec<_> = closed.collect();
    closed.sort_by_key(|(endpoint, _)| *endpoint);
    closed.into()
}
