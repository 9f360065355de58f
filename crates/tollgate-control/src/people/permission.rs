//! The permission table: which role an action takes at least.

use crate::document::Section;
use crate::document::kind::{Choice, NonEmpty};

use super::Role;

const ROLE: Choice<Role> = Choice::of(Role::ALL);

/// The table, and the names that roles go by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permissions {
    least: [Role; Action::ALL.len()],
    names: Vec<RoleName>,
}

/// A name by which a role is given to somebody, such as that of the vendor's API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleName {
    /// Its id: the name in lower case, with dashes.
    pub id: String,
    /// The name.
    pub name: String,
    /// The role that it means.
    pub role: Role,
}

/// The names that every installation begins with: those of key sets (S4), of the Mashery API and
/// of proxy access keys (S1-1).
const NAMES: [(&str, Role); 10] = [
    ("Owner", Role::Owner),
    ("Organization Admin", Role::OrganizationAdmin),
    ("Group Admin", Role::GroupAdmin),
    ("Contributor", Role::Contributor),
    ("Consumer", Role::Consumer),
    ("Guest", Role::Guest),
    ("Administrator", Role::Owner),
    ("Program Manager", Role::OrganizationAdmin),
    ("Community Manager", Role::GroupAdmin),
    ("Team Administrator", Role::OrganizationAdmin),
];

macro_rules! actions {
    ($($action:ident $word:literal $role:ident $reads:literal $what:literal;)*) => {
        /// What can be done. Each has a row of the table: its word, the role that it takes by
        /// default, whether it only looks.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Action { $(#[doc = $what] $action,)* }

        impl Action {
            /// All of them, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$action,)*];

            /// Its word in the table.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$action => $word,)* }
            }

            /// The role that it takes at least, where the configuration does not say otherwise.
            #[must_use]
            pub const fn default_role(self) -> Role {
                match self { $(Self::$action => Role::$role,)* }
            }

            /// Whether it only looks.
            #[must_use]
            pub const fn reads(self) -> bool {
                match self { $(Self::$action => $reads,)* }
            }
        }
    };
}

actions! {
    CatalogueRead "catalogue_read" Consumer true "Look at services, packages and plans.";
    PackageWrite "package_write" OrganizationAdmin false "Make, change and delete packages and plans.";
    ServiceWrite "service_write" OrganizationAdmin false "Make, change and delete services.";
    PolicyWrite "policy_write" Owner false "Make, change and delete policy templates.";
    MemberRead "member_read" Contributor true "Look at members.";
    MemberWrite "member_write" GroupAdmin false "Make, change and delete members.";
    ApplicationRead "application_read" Consumer true "Look at applications.";
    ApplicationWrite "application_write" Contributor false "Make, change and delete applications.";
    ApplicationSuspend "application_suspend" GroupAdmin false "Suspend and reactivate applications.";
    KeyRead "key_read" Consumer true "Look at keys and key sets, without their values.";
    KeyRetrieve "key_retrieve" Consumer true "See the values of keys.";
    KeySubscribe "key_subscribe" Consumer false "Subscribe an application to an API.";
    KeyRegenerate "key_regenerate" Consumer false "Replace a key by a new one.";
    KeyWrite "key_write" GroupAdmin false "Make, approve, change and delete keys.";
    KeySuspend "key_suspend" GroupAdmin false "Suspend keys and activate them again.";
    KeyRevoke "key_revoke" GroupAdmin false "Revoke keys for good.";
    OrganizationRead "organization_read" Consumer true "Look at organizations and groups.";
    OrganizationWrite "organization_write" Owner false "Make, change and delete organizations.";
    GroupWrite "group_write" OrganizationAdmin false "Make, change and delete groups.";
    AccessKeyWrite "access_key_write" OrganizationAdmin false "Generate and revoke proxy access keys.";
    ProxyRead "proxy_read" OrganizationAdmin true "Look at remote proxies, and what each enforces.";
    ProxyForget "proxy_forget" OrganizationAdmin false "Forget remote proxies that are gone.";
    WebhookWrite "webhook_write" OrganizationAdmin false "Make, change, delete and look at webhooks.";
    ClientWrite "client_write" Owner false "Register and remove API clients.";
    TokenWrite "token_write" Consumer false "Make and end tokens of one's own, for programs.";
    AuditRead "audit_read" OrganizationAdmin true "Read the audit log.";
    Rollback "rollback" Owner false "Roll plans and limits back.";
}

impl Default for Permissions {
    fn default() -> Self {
        let mut least = [Role::Owner; Action::ALL.len()];
        least
            .iter_mut()
            .zip(Action::ALL)
            .for_each(|(least, action)| *least = action.default_role());
        let names = NAMES.iter().map(|(name, role)| RoleName::new(name, *role)).collect();
        Self { least, names }
    }
}

impl Permissions {
    /// Reads the table out of `[control.permissions]`, and further names of roles out of
    /// `role_names` of `[control]`.
    pub fn read(control: &mut Section) -> Self {
        let mut permissions = Self::default();
        if let Some(names) = control.table_list("role_names", None) {
            for mut section in names {
                let name = section.required("name", NonEmpty("the name of a role"));
                let role = section.required("role", ROLE);
                if let Some((name, role)) = name.zip(role) {
                    permissions.name(&name, role);
                }
            }
        }
        let mut table = control.table_or_empty("permissions");
        for (least, action) in permissions.least.iter_mut().zip(Action::ALL) {
            *least = table.or(action.as_str(), ROLE, action.default_role());
        }
        permissions
    }

    /// The role that an action takes at least.
    #[must_use]
    pub fn least(&self, action: Action) -> Role {
        let row = Action::ALL.iter().zip(&self.least).find(|(row, _)| **row == action);
        row.map_or(Role::Owner, |(_, least)| *least)
    }

    /// The names that roles go by.
    #[must_use]
    pub fn names(&self) -> &[RoleName] {
        &self.names
    }

    /// A name by its id or as it is written.
    #[must_use]
    pub fn find(&self, id_or_name: &str) -> Option<&RoleName> {
        self.names.iter().find(|name| name.id == id_or_name || name.name == id_or_name)
    }

    /// The role that an id means; one that means nothing any more is a guest's.
    #[must_use]
    pub fn role(&self, id: &str) -> Role {
        self.find(id).map_or(Role::Guest, |name| name.role)
    }

    fn name(&mut self, name: &str, role: Role) {
        let new = RoleName::new(name, role);
        match self.names.iter_mut().find(|known| known.id == new.id) {
            Some(known) => *known = new,
            None => self.names.push(new),
        }
    }
}

impl RoleName {
    fn new(name: &str, role: Role) -> Self {
        let id = name.to_lowercase().split_whitespace().collect::<Vec<_>>().join("-");
        Self { id, name: name.to_owned(), role }
    }
}
