//! `allowed_sources` of plans and keys

use super::check::duplicates::distinct;
use super::kinds::Cidr;
use crate::document::Section;
use crate::model::Network;

/// The networks that calls may come from; none when everything is allowed.
pub(super) fn read(section: &mut Section) -> Vec<Network> {
    let networks = section.optional_list("allowed_sources", Cidr);
    let mut networks = distinct(section, networks);
    // Terms of keys that allow the same are the same.
    networks.sort();
    networks
}
