//! Keys that calls without a key are charged to.

use std::collections::BTreeMap;

use super::reference;
use crate::document::{Section, Site};
use crate::file::key::Keys;
use crate::model::{Name, Package};

/// What services say of such keys, until all keys are read.
#[derive(Default)]
pub(in crate::file) struct Keyless(Vec<Charge>);

struct Charge {
    service: Name,
    key: Name,
    site: Site,
}

impl Keyless {
    /// Notes that `service`, which `section` is, names `key`.
    pub(in crate::file) fn note(&mut self, section: &Section, service: &Name, key: &Name) {
        let site = section.site("keyless_key");
        self.0.push(Charge { service: service.clone(), key: key.clone(), site });
    }

    /// Reports keys that are none, and such as do not open the service. `root` is of the file in
    /// which the services stand.
    pub(in crate::file) fn check(
        &self,
        root: &Section,
        keys: &Keys<'_>,
        packages: &BTreeMap<Name, Package>,
    ) {
        for Charge { service, key, site } in &self.0 {
            // One that has a problem of its own is there all the same.
            if keys.saw(key) && !keys.read_so_far().contains_key(key) {
                continue;
            }
            let found =
                reference::find_at(root, || site.clone(), "no key", key, keys.read_so_far());
            let bought = found.and_then(|key| key.bought.first());
            let plan =
                bought.and_then(|bought| packages.get(&bought.package)?.plans.get(&bought.plan));
            if plan.is_some_and(|plan| !plan.services.contains_key(service)) {
                let message = format_args!(
                    "the plan of {key:?} does not open this service, so calls without a key are refused"
                );
                root.warning_at(site.clone(), message);
            }
        }
    }
}
