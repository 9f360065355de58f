//! Packages.

use std::collections::BTreeMap;

use super::{Name, Owner, Plan};

/// What access is sold as: some plans under one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// What keys call it.
    pub name: Name,
    /// Who may change it.
    pub owner: Owner,
    /// For people.
    pub description: String,
    /// At least one.
    pub plans: BTreeMap<Name, Plan>,
}
