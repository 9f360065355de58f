//! The switches of a front.

use tollgate_core::{Digest, EndpointId, Maintenance, Switches};

use super::Numbers;
use crate::model::{Front, Keyless, NO_API_KEY, Name, Objects};

pub(super) fn compile(
    objects: &Objects,
    service: &Name,
    front: &Front,
    numbers: &mut Numbers,
) -> Switches {
    let switches = &front.switches;
    let dropped = &switches.drop_response_headers;
    Switches {
        maintenance: maintenance(service, front, numbers),
        allowed_referers: switches.allowed_referers.clone().into(),
        cors: switches.cors.clone().map(Box::new),
        drop_request_headers: switches.drop_request_headers.clone().into(),
        drop_response_headers: (!dropped.is_empty()).then(|| dropped.as_slice().into()),
        key_length: switches.key_length.clone(),
        keyless: switches.keyless.as_ref().and_then(|keyless| digest(objects, keyless)),
    }
}

/// The digest of the key that calls without a key are charged to; `None` = there is none.
fn digest(objects: &Objects, keyless: &Keyless) -> Option<Digest> {
    match keyless {
        Keyless::Key(name) => Some(Digest::new(objects.keys.get(name)?.digest.bytes)),
        Keyless::NoApiKey => Some(objects.digests.current.compile()?.digest(NO_API_KEY.as_bytes())),
    }
}

/// What is said of an endpoint itself goes before what is said of its service.
fn maintenance(
    service: &Name,
    front: &Front,
    numbers: &mut Numbers,
) -> Box<[(EndpointId, Maintenance)]> {
    let closed = front.endpoints.values().filter_map(|endpoint| {
        let maintenance = endpoint.maintenance.or(front.switches.maintenance)?;
        let name = (service.clone(), endpoint.name.clone());
        Some((EndpointId(numbers.endpoints.number(&name)), maintenance))
    });
    let mut closed: Vec<_> = closed.collect();
    closed.sort_by_key(|(endpoint, _)| *endpoint);
    closed.into()
}
