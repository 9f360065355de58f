//! Which upstream of the file an endpoint's calls go to.

use serde_json::{Map, Value as Json};

use super::fields::Fields;
use crate::model::{self, Name, Objects, Server, Upstream};

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

/// Whether an upstream is the server at an address: host and port, 80 where it has none.
fn has_address(upstream: &Upstream, address: &str) -> bool {
    let model::Target::Server(server) = &upstream.target else { return false };
    let address = address.strip_prefix("http://").unwrap_or(address);
    let Ok(authority) = address.trim_end_matches('/').parse() else { return false };
    let other = Server { authority, ..server.clone() };
    other.host().eq_ignore_ascii_case(server.host()) && other.port() == server.port()
}
