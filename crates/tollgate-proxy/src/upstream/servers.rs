//! Where the servers of one definition of an upstream are: what its targets say, with the addresses
//! that their names lead to.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use tollgate_core::{Server, ServerAddress, ServerTarget};

use super::peer::Peer;

/// The servers of one definition. It never changes: other addresses are other servers.
#[derive(Debug, Default)]
pub(crate) struct Servers {
    /// Of the definition.
    pub(super) generation: u64,
    /// In the order of the targets; those of a name in the order of their addresses.
    pub(super) spots: Vec<Spot>,
    /// Names, and what is known of where they lead.
    names: BTreeMap<Box<str>, Led>,
}

/// One server: an address, or a Unix socket.
#[derive(Clone, Debug)]
pub(crate) struct Spot {
    /// The number of its target.
    pub(super) target: usize,
    pub(super) at: At,
    pub(super) peer: Arc<Peer>,
}

/// Where a server is connected to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum At {
    Socket(SocketAddr),
    Unix(PathBuf),
}

/// Where a name leads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Led {
    /// Nobody has answered yet.
    #[default]
    Unasked,
    /// Nowhere, and it never led anywhere.
    Nowhere,
    /// To these addresses, sorted.
    To(Vec<IpAddr>),
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// The name that has to be looked up for `target`; `None` = it stands for itself.
pub(super) fn name(target: &ServerTarget) -> Option<&str> {
    match &target.address {
        ServerAddress::Tcp { host, .. } => Some(&**host).filter(|host| literal(host).is_none()),
        ServerAddress::Unix(_) => None,
    }
}

fn literal(host: &str) -> Option<IpAddr> {
    host.parse().ok()
}

impl Servers {
    /// Those of a newer definition. What is known of names and servers goes on.
    pub(super) fn redefined(&self, generation: u64, targets: &[ServerTarget]) -> Self {
        let led = |name: &str| self.names.get(name).cloned().unwrap_or_default();
        let names = targets.iter().filter_map(name).map(|name| (name.into(), led(name))).collect();
        self.with(generation, names, targets)
    }

    /// The same, where `name` was looked up: it leads to these addresses, or the lookup failed. What it
    /// led to before stays in use then. `None` if nothing has changed.
    pub(super) fn looked_up(
        &self,
        name: &str,
        addresses: Option<&[IpAddr]>,
        targets: &[ServerTarget],
    ) -> Option<Self> {
        let known = self.names.get(name)?;
        let now = match (addresses, known) {
            (Some(addresses), _) => Led::To(addresses.to_vec()),
            (None, Led::Unasked) => Led::Nowhere,
            (None, known) => known.clone(),
        };
        if now == *known {
            return None;
        }
        let mut names = self.names.clone();
        names.insert(name.into(), now);
        Some(self.with(self.generation, names, targets))
    }

    fn with(
        &self,
        generation: u64,
        names: BTreeMap<Box<str>, Led>,
        targets: &[ServerTarget],
    ) -> Self {
        let mut spots: Vec<Spot> = Vec::new();
        for (number, target) in targets.iter().enumerate() {
            for at in places(target, &names) {
                if spots.len() == Server::MAX_TARGETS {
                    break;
                }
                let id = Peer::id_of(target, &at);
                let known = self.spots.iter().find(|spot| spot.peer.id == id);
                let peer = known.map_or_else(|| Arc::new(Peer::new(id)), |k| Arc::clone(&k.peer));
                spots.push(Spot { target: number, at, peer });
            }
        }
        Self { generation, spots, names }
    }

    /// Whether some name was not looked up yet, so that there may be more servers than are known.
    pub(super) fn is_awaited(&self) -> bool {
        self.names.values().any(|led| *led == Led::Unasked)
    }

    /// How many names lead nowhere.
    pub(super) fn lost_names(&self) -> usize {
        let lost = |led: &&Led| match led {
            Led::Unasked | Led::Nowhere => true,
            Led::To(addresses) => addresses.is_empty(),
        };
        self.names.values().filter(lost).count()
    }
}

fn places(target: &ServerTarget, names: &BTreeMap<Box<str>, Led>) -> Vec<At> {
    let (host, port) = match &target.address {
        ServerAddress::Unix(path) => return vec![At::Unix(path.clone())],
        ServerAddress::Tcp { host, port } => (host, *port),
    };
    let socket = |address: IpAddr| At::Socket(SocketAddr::new(address, port));
    if let Some(address) = literal(host) {
        return vec![socket(address)];
    }
    match names.get(host) {
        Some(Led::To(addresses)) => addresses.iter().copied().map(socket).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn target(host: &str) -> ServerTarget {
        ServerTarget {
            address: ServerAddress::Tcp { host: host.into(), port: 80 },
            authority: HeaderValue::from_static("api"),
            tls: None,
            weight: 1,
        }
    }

    fn shown(servers: &Servers) -> Vec<String> {
        servers.spots.iter().map(|spot| spot.at.to_string()).collect()
    }

    fn addresses(some: &[&str]) -> Vec<IpAddr> {
        some.iter().map(|address| address.parse().unwrap()).collect()
    }

    #[test]
    fn a_name_is_as_many_servers_as_it_has_addresses_and_keeps_them_when_lookups_fail() {
        let targets = [target("api.internal"), target("10.0.0.9"), target("::1")];
        let first = Servers::default().redefined(1, &targets);
        assert_eq!(shown(&first), ["10.0.0.9:80", "[::1]:80"]);
        assert!(first.is_awaited() && first.lost_names() == 1);
        let two = addresses(&["10.0.0.1", "10.0.0.2"]);
        let second = first.looked_up("api.internal", Some(&two), &targets).unwrap();
        assert_eq!(shown(&second), ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.9:80", "[::1]:80"]);
        assert!(!second.is_awaited() && second.lost_names() == 0);
        assert!(second.looked_up("api.internal", None, &targets).is_none());
        assert!(second.looked_up("api.internal", Some(&two), &targets).is_none());
        let one = addresses(&["10.0.0.2"]);
        let third = second.looked_up("api.internal", Some(&one), &targets).unwrap();
        assert_eq!(shown(&third), ["10.0.0.2:80", "10.0.0.9:80", "[::1]:80"]);
        assert!(Arc::ptr_eq(&third.spots[0].peer, &second.spots[1].peer), "it is the same server");
        let fourth = third.redefined(2, &[target("api.internal")]);
        assert_eq!(shown(&fourth), ["10.0.0.2:80"]);
    }

    #[test]
    fn a_name_that_leads_nowhere_is_awaited_no_longer() {
        let targets = [target("api.internal")];
        let first = Servers::default().redefined(1, &targets);
        let second = first.looked_up("api.internal", None, &targets).unwrap();
        assert!(!second.is_awaited() && second.lost_names() == 1 && second.spots.is_empty());
    }

    #[test]
    fn two_names_of_one_address_are_two_and_too_many_are_left_out() {
        let targets = [target("a.internal"), target("b.internal")];
        let first = Servers::default().redefined(1, &targets);
        let one = addresses(&["10.0.0.1"]);
        let second = first.looked_up("a.internal", Some(&one), &targets).unwrap();
        let third = second.looked_up("b.internal", Some(&one), &targets).unwrap();
        // Each is asked for by its own name.
        assert_eq!(shown(&third), ["10.0.0.1:80", "10.0.0.1:80"]);
        let many: Vec<IpAddr> = (0..100).map(|last| IpAddr::from([10, 0, 1, last])).collect();
        let fourth = third.looked_up("b.internal", Some(&many), &targets).unwrap();
        assert_eq!(fourth.spots.len(), Server::MAX_TARGETS);
    }
}
