//! Who may speak for the clients of a listener.

use tollgate_control::document::kind::{Choice, Misfit, string};
use tollgate_control::document::{Kind, Section, Value};
use tollgate_control::file::{Cidr, distinct};
use tollgate_core::{Network, Networks};
use tollgate_proxy::{ForwardedFields, ListenAddress, TrustedProxies};

const FORWARDED_FIELDS: Choice<ForwardedFields> = Choice::of(&[
    ("none", ForwardedFields::None),
    ("x-forwarded", ForwardedFields::XForwarded),
    ("forwarded", ForwardedFields::Forwarded),
]);
const PROXY_PROTOCOL: Choice<bool> = Choice::of(&[("none", false), ("required", true)]);

/// Proxies, by where their connections come from.
#[derive(Clone, Copy, PartialEq)]
enum Proxies {
    Network(Network),
    /// Whoever connects to the listener's Unix socket.
    Unix,
}

/// A network, or `unix:`.
#[derive(Clone, Copy)]
struct ProxiesKind;

impl Kind for ProxiesKind {
    type Value = Proxies;

    fn expected(&self) -> String {
        format!("{}, or \"unix:\"", Cidr.expected())
    }

    fn read(&self, value: &Value) -> Result<Proxies, Misfit> {
        match string(value)? {
            "unix:" => Ok(Proxies::Unix),
            _ => Cidr.read(value).map(Proxies::Network),
        }
    }

    fn show(&self, value: &Proxies) -> String {
        match value {
            Proxies::Network(network) => Cidr.show(network),
            Proxies::Unix => "\"unix:\"".to_owned(),
        }
    }
}

/// Reads them from the section of a listener.
pub(super) fn read(section: &mut Section, address: Option<&ListenAddress>) -> TrustedProxies {
    let listed = section.list("trusted_proxies", ProxiesKind);
    let is_misfit = section.is_misfit("trusted_proxies");
    let listed = distinct(section, listed);
    let unix = listed.contains(&Proxies::Unix);
    let networks: Vec<_> = listed
        .iter()
        .filter_map(|proxies| match proxies {
            Proxies::Network(network) => Some(*network),
            Proxies::Unix => None,
        })
        .collect();
    let fields = section.or("forwarded_fields", FORWARDED_FIELDS, ForwardedFields::XForwarded);
    let proxy_protocol = section.or("proxy_protocol", PROXY_PROTOCOL, false);
    let (at_unix, nobody) = match address {
        Some(ListenAddress::Unix { .. }) => (true, !unix),
        Some(ListenAddress::Tcp(_)) => (false, networks.is_empty()),
        None => (unix, false),
    };
    if unix && !at_unix {
        let message = "has \"unix:\", which has no effect unless address is a Unix socket";
        section.problem("trusted_proxies", message);
    }
    if proxy_protocol && nobody && !is_misfit {
        let message = if at_unix {
            "wants \"unix:\" in trusted_proxies: it is believed of no other"
        } else {
            "wants the networks of the proxies in trusted_proxies: it is believed of no other"
        };
        section.problem("proxy_protocol", message);
    }
    TrustedProxies { networks: Networks::of(&networks), unix, fields, proxy_protocol }
}
