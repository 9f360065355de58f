//! Who calls.

use serde::Deserialize;

use super::{Action, Login, Permissions, Role, RoleGrant, Secret};
use crate::proxies::{AccessKey, Capability};
use crate::store::{Connection, Document, Shelf, StoreError};

/// Somebody whose token is good, with the roles that they have here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The member's id: who acts, in the audit log.
    pub member: String,
    /// The user name.
    pub username: String,
    /// The login that the token belongs to.
    pub login: String,
    /// The roles that hold in this environment.
    pub grants: Vec<RoleGrant>,
    /// How much of what the roles permit they may do.
    pub reach: Reach,
}

/// How much of what their roles permit somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// All of it.
    Whole,
    /// All but what makes credentials: a program that acts by an access key.
    Automation,
    /// Looking at proxies: what watches them by an access key.
    Observation,
}

/// Whose an object is. One that is nobody's is everybody's to look at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Realm {
    /// The id of an organization.
    pub organization: Option<String>,
    /// The id of a group.
    pub group: Option<String>,
}

impl Realm {
    /// Whether it is nobody's in particular.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.organization.is_none() && self.group.is_none()
    }
}

impl Reach {
    fn includes(self, action: Action) -> bool {
        let makes_credentials =
            matches!(action, Action::AccessKeyWrite | Action::TokenWrite | Action::ClientWrite);
        match self {
            Self::Whole => true,
            Self::Automation => !makes_credentials,
            Self::Observation => action == Action::ProxyRead,
        }
    }
}

impl Caller {
    /// Whose token it is, if it is good at `now` and its member is active.
    ///
    /// # Errors
    /// What the store said.
    pub fn find(
        connection: &mut dyn Connection,
        token: &Secret,
        now: i64,
        environment: &str,
    ) -> Result<Option<Self>, StoreError> {
        let Some(login) = Login::of(connection, token, now)? else { return Ok(None) };
        let member = Shelf::Members.find(connection, &login.member)?;
        Ok(member.filter(is_active).map(|member| Self::of(&member, login.id, environment)))
    }

    /// Who a member is, in an environment.
    #[must_use]
    pub fn of(member: &Document, login: String, environment: &str) -> Self {
        let mut grants = grants(member);
        grants.retain(|grant| grant.holds_in(environment));
        let (member, username) = (member.id.clone(), member.name.clone());
        Self { member, username, login, grants, reach: Reach::Whole }
    }

    /// Who stands behind an access key, if this is its secret, it is good in this region, and the
    /// member who made it is active. What is done by it stands under its name in the audit log.
    ///
    /// # Errors
    /// What the store said.
    pub fn by_access_key(
        connection: &mut dyn Connection,
        (id, secret): (&str, &Secret),
        region: &str,
        environment: &str,
    ) -> Result<Option<Self>, StoreError> {
        let Some(key) = AccessKey::proven(connection, id, secret, region)? else { return Ok(None) };
        let reach = match key.capability {
            Capability::Enforce => return Ok(None),
            Capability::Observe => Reach::Observation,
            Capability::Automate => Reach::Automation,
        };
        let member = Shelf::Members.find(connection, &key.member)?.filter(is_active);
        Ok(member.map(|member| Self {
            member: format!("access_key/{id}"),
            reach,
            ..Self::of(&member, String::new(), environment)
        }))
    }

    /// Whether they may do this to what belongs to `realm` (S4-26). What is shared can be looked at
    /// by whoever has the role anywhere, and changed only by whoever has it everywhere.
    #[must_use]
    pub fn may(&self, permissions: &Permissions, action: Action, realm: &Realm) -> bool {
        let least = permissions.least(action);
        self.reach.includes(action)
            && self.grants.iter().any(|grant| {
                let covers = grant.covers(realm) || (action.reads() && realm.is_shared());
                covers
                    && permissions.role(&grant.id) >= least
                    && permissions.role(&grant.id) > Role::Guest
            })
    }

    /// Whether they may do this to anything at all.
    #[must_use]
    pub fn may_somewhere(&self, permissions: &Permissions, action: Action) -> bool {
        let least = permissions.least(action).max(Role::Consumer);
        self.reach.includes(action)
            && self.grants.iter().any(|grant| permissions.role(&grant.id) >= least)
    }

    /// Where all is that they may look at by this action; `None` = everywhere. What is nobody's
    /// stands in it as the realm of nothing.
    #[must_use]
    pub fn sees(&self, permissions: &Permissions, action: Action) -> Option<Vec<Realm>> {
        if !self.reach.includes(action) {
            return Some(Vec::new());
        }
        let least = permissions.least(action).max(Role::Consumer);
        let able = self.grants.iter().filter(|grant| permissions.role(&grant.id) >= least);
        let mut realms: Vec<_> = able.map(RoleGrant::realm).collect();
        if realms.iter().any(Realm::is_shared) {
            return None;
        }
        if !realms.is_empty() {
            realms.push(Realm::default());
        }
        Some(realms)
    }

    /// Where they may do this, if they may not do it everywhere.
    #[must_use]
    pub fn home(&self, permissions: &Permissions, action: Action) -> Option<Realm> {
        if self.may(permissions, action, &Realm::default()) && !action.reads() {
            return None;
        }
        let least = permissions.least(action);
        let grant = self.grants.iter().find(|grant| permissions.role(&grant.id) >= least);
        grant.map(RoleGrant::realm)
    }

    /// Whether they may give this role to somebody or take it away: nobody raises anybody above
    /// themselves, or beyond where they are somebody.
    #[must_use]
    pub fn outranks(&self, permissions: &Permissions, other: &RoleGrant) -> bool {
        self.grants.iter().any(|grant| {
            let reaches = grant.environment.is_none() || grant.environment == other.environment;
            let role = permissions.role(&grant.id);
            reaches && grant.covers(&other.realm()) && role >= permissions.role(&other.id)
        })
    }
}

/// Whether a member may log in and act.
pub(crate) fn is_active(member: &Document) -> bool {
    member.body.get("areaStatus").is_none_or(|status| status == "active")
}

/// The roles of a member. What is none is left out.
pub(crate) fn grants(member: &Document) -> Vec<RoleGrant> {
    let roles = member.body.get("roles").and_then(serde_json::Value::as_array);
    let read = |role: &serde_json::Value| RoleGrant::deserialize(role).ok();
    roles.into_iter().flatten().filter_map(read).collect()
}
