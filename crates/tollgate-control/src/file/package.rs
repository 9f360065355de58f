//! `[packages.*]`

use std::collections::BTreeMap;

use super::{notify, owner, plan};
use crate::document::Section;
use crate::document::kind::{Name, Text};
use crate::model::{Package, Service};

pub(super) fn read(
    name: Name,
    section: &mut Section,
    services: &BTreeMap<Name, Service>,
) -> Package {
    let plans = super::named(section, "plans", |name, section| plan::read(name, section, services));
    if plans.is_empty() && !section.has("plans") {
        section.missing("plans", "at least one table such as plans.basic");
    }
    Package {
        name,
        owner: owner(section),
        description: section.or("description", Text, String::new()),
        notify: notify::read(section),
        plans,
    }
}
