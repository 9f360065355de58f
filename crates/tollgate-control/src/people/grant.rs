//! A role of somebody, and where it holds.

use serde::{Deserialize, Serialize};

use super::Realm;

/// A role that was given to somebody. What it leaves out, it does not bind: a grant without an
/// organization, a group and an environment holds everywhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleGrant {
    /// The id of a role's name.
    pub id: String,
    /// Only in this organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// Only in this group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Only in this environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
}

impl RoleGrant {
    /// Everywhere.
    #[must_use]
    pub fn everywhere(id: &str) -> Self {
        Self { id: id.to_owned(), ..Self::default() }
    }

    /// Whether it holds in `environment` at all.
    #[must_use]
    pub fn holds_in(&self, environment: &str) -> bool {
        self.environment.as_deref().is_none_or(|own| own == environment)
    }

    /// Whether it holds for what belongs to `realm`.
    #[must_use]
    pub fn covers(&self, realm: &Realm) -> bool {
        let within = |own: &Option<String>, other: &Option<String>| {
            own.is_none() || own.as_deref() == other.as_deref()
        };
        within(&self.organization, &realm.organization) && within(&self.group, &realm.group)
    }

    /// Where it holds.
    #[must_use]
    pub fn realm(&self) -> Realm {
        Realm { organization: self.organization.clone(), group: self.group.clone() }
    }
}
