//! `upstreams.*.url` and `upstreams.*.targets`

use http::uri::Authority;
use tollgate_core::Server;

use super::super::kinds::Url;
use super::{TlsFiles, tls};
use crate::document::kind::Integer;
use crate::document::{Item, Section};
use crate::model::{Address, ServerTarget};

const WEIGHT: Integer<u16> = Integer::within(1, 1000);

/// Where the servers of an upstream are; a stand-in where the document says nothing that fits.
pub(super) fn read(section: &mut Section, files: Option<&dyn TlsFiles>) -> Vec<ServerTarget> {
    let url = section.optional("url", Url);
    let mut found = match url {
        Some(address) => vec![(Item { value: address, site: section.site("url") }, 1)],
        None => Vec::new(),
    };
    if let Some(tables) = section.table_list("targets", None) {
        if section.has("url") {
            section.problem("targets", "stands beside url, expected one of the two");
        }
        found.extend(tables.into_iter().filter_map(|mut table| target(&mut table)));
    }
    if found.len() > Server::MAX_TARGETS {
        let message = format_args!("has more than {} elements", Server::MAX_TARGETS);
        section.problem("targets", message);
    }
    for (number, (item, _)) in found.iter().enumerate() {
        if found.iter().take(number).any(|(known, _)| known.value == item.value) {
            section.problem_at(item.site.clone(), "stands in this list already");
        }
    }
    let addresses: Vec<_> = found.iter().map(|(item, _)| item.clone()).collect();
    let tls = tls::read(section, &addresses, files);
    let targets = found.into_iter().zip(tls);
    let mut targets: Vec<_> = targets
        .map(|((item, weight), tls)| ServerTarget { address: item.value, tls, weight })
        .collect();
    if targets.is_empty() {
        let address = Address::Http(Authority::from_static("localhost"));
        targets.push(ServerTarget { address, tls: None, weight: 1 });
    }
    targets
}

fn target(table: &mut Section) -> Option<(Item<Address>, u16)> {
    let address = table.required("url", Url);
    let weight = table.or("weight", WEIGHT, 1);
    let site = table.site("url");
    Some((Item { value: address?, site }, weight))
}
