//! Which upstream of the file an endpoint's calls go to.

use serde_json::{Map, Value as Json};

use super::fields::Fields;
use crate::model::{self, Address, Name, Objects, Upstream};

/// How an endpoint says where its calls go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target<'a> {
    /// To the upstream of this name.
    Named(&'a str),
    /// To the upstream with one of these addresses, of which there has to be one.
    Addresses(Vec<&'a str>),
}

impl<'a> Target<'a> {
    /// What an endpoint says.
    pub(crate) fn of(endpoint: &'a Map<String, Json>) -> Self {
        Self::read(&mut Fields::of(endpoint))
    }

    pub(super) fn read(fields: &mut Fields<'a>) -> Self {
        match fields.text("upstream") {
            Some(name) => Self::Named(name),
            None => Self::Addresses(fields.addresses("systemDomains")),
        }
    }

    /// The upstream among those of a file.
    ///
    /// # Errors
    /// The property, and why there is none.
    pub(crate) fn find(&self, files: &Objects) -> Result<Name, (&'static str, String)> {
        match self {
            Self::Named(name) => match files.upstreams.get(*name) {
                Some(upstream) => Ok(upstream.name.clone()),
                None => Err(("upstream", format!("the file has no upstream {name:?}"))),
            },
            Self::Addresses(addresses) => {
                by_address(addresses, files).map_err(|why| ("systemDomains", why))
            }
        }
    }
}

fn by_address(addresses: &[&str], files: &Objects) -> Result<Name, String> {
    let address = match addresses {
        [] => return Err("expected a domain with an address, or upstream".to_owned()),
        [address] => address,
        _ => return Err("several targets are not supported; expected one, or upstream".to_owned()),
    };
    let mut found = files.upstreams.values().filter(|upstream| has_address(upstream, address));
    match (found.next(), found.next()) {
        (Some(upstream), None) => Ok(upstream.name.clone()),
        (None, _) => Err(format!("no upstream of the file has the address {address:?}")),
        (Some(one), Some(other)) => Err(format!(
            "the upstreams {} and {} both have the address {address:?}; expected upstream",
            one.name, other.name
        )),
    }
}

/// Whether an upstream is the server at an address: host and port, where it has none that of its
/// scheme. Without a scheme it is http.
fn has_address(upstream: &Upstream, address: &str) -> bool {
    let model::Target::Server(server) = &upstream.target else { return false };
    let (rest, tls) = match address.strip_prefix("https://") {
        Some(rest) => (rest, true),
        None => (address.strip_prefix("http://").unwrap_or(address), false),
    };
    let Ok(authority) = rest.trim_end_matches('/').parse() else { return false };
    let other = if tls { Address::Https(authority) } else { Address::Http(authority) };
    let host = |address: &Address| address.host().map(str::to_ascii_lowercase);
    server.targets.iter().any(|target| {
        host(&other) == host(&target.address)
            && other.port() == target.address.port()
            && tls == target.tls.is_some()
    })
}
