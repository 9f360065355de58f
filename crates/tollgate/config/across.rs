//! What objects ask of the listeners of the process that serves them.

use tollgate_control::document::{Place, Section};
use tollgate_control::model::{Objects, Owner, Service};

use super::{ClientCertificate, Listener, Settings};

/// Warns of objects that nobody can ever call.
pub(super) fn check(root: &Section, settings: &Settings, objects: &Objects) {
    let tls = settings.listeners.iter().filter_map(|listener| listener.tls.as_ref());
    let mut asked = tls.clone().filter(|tls| tls.client_certificate != ClientCertificate::None);
    let spoken_for = |listener: &Listener| {
        let proxies = &listener.settings.proxies;
        proxies.unix || !proxies.networks.is_empty()
    };
    let no_tls = tls.clone().next().is_none() && !settings.listeners.iter().any(spoken_for);
    let nobody_asked = asked.next().is_none();
    let asks = |service: &&Service| service.fronts.iter().any(|front| front.tls_required);
    for service in objects.services.values().filter(asks).filter(|_| no_tls) {
        if let Some(place) = place(&service.owner) {
            let field = format!("services.{}.tls_required", service.name);
            let message = "no listener has a table tls, so every call is refused";
            root.warning_about(place, field, message);
        }
    }
    let mut bound = objects.keys.values().filter(|key| !key.client_certificates.is_empty());
    if let Some(key) = bound.next().filter(|_| nobody_asked)
        && let Some(place) = place(&key.owner)
    {
        let field = format!("keys.{}.client_certificates", key.name);
        let message = "no listener asks for client certificates, so the key does not work";
        match bound.count() {
            0 => root.warning_about(place, field, message),
            more => {
                root.warning_about(place, field, format_args!("{message}, nor do {more} more"));
            }
        }
    }
}

fn place(owner: &Owner) -> Option<&Place> {
    match owner {
        Owner::File(place) => Some(place),
        Owner::Store => None,
    }
}
