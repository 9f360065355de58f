//! Roles: each includes those below it (domain.md §4.3).

/// What somebody is. A greater one may do whatever a lesser one may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// May do nothing.
    #[default]
    Guest,
    /// Uses the APIs of others: looks at keys of the own group and retrieves them.
    Consumer,
    /// Makes applications, too.
    Contributor,
    /// Decides about a group: its members, applications and keys.
    GroupAdmin,
    /// Decides about an organization: its groups, packages and services.
    OrganizationAdmin,
    /// Decides about everything.
    Owner,
}

impl Role {
    /// All of them with the words for them, the least first.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("guest", Self::Guest),
        ("consumer", Self::Consumer),
        ("contributor", Self::Contributor),
        ("group_admin", Self::GroupAdmin),
        ("organization_admin", Self::OrganizationAdmin),
        ("owner", Self::Owner),
    ];

    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, role)| *role == self).map_or("guest", |(word, _)| word)
    }
}
