//! Objects of both sources, looked up as one (design §4): what the file owns is there beside what
//! the store keeps, and comes first where both have an id.

use serde_json::{Map, Value as Json};

use crate::model::{
    ApplicationStatus, AuthType, Limit, MemberStatus, Objects, Owner, Period, PlanStatus,
};
use crate::people::Realm;
use crate::source::service;
use crate::store::{Connection, Document, Shelf, StoreError};

/// Where objects are looked up.
#[derive(Clone, Copy, Debug)]
pub struct Directory<'a> {
    /// What the file owns.
    pub files: &'a Objects,
}

/// A member, as far as others depend on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberSeen {
    /// Its id.
    pub id: String,
    /// Its user name.
    pub username: String,
    /// Whether its keys may work.
    pub active: bool,
    /// Who may change it.
    pub owner: Owner,
}

/// An application, as far as others depend on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApplicationSeen {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The id of the member whose it is.
    pub member: String,
    /// Whether its keys may work.
    pub active: bool,
    /// The organization and group that it belongs to, and its keys with it.
    pub realm: Realm,
    /// Who may change it.
    pub owner: Owner,
}

/// A package, as far as others depend on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageSeen {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How long its generated keys are; `None` = as all generated keys.
    pub key_length: Option<usize>,
    /// How long its generated secrets are; 0 = its keys have none.
    pub secret_length: usize,
}

/// A plan, as far as others depend on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanSeen {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether its keys may work.
    pub active: bool,
    /// For how many days a key lives that does not say; 0 = for ever.
    pub lifespan: u32,
    /// So many keys of a member need nobody's approval.
    pub keys_before_review: u32,
    /// So many keys a member may have; `None` = any number.
    pub most_keys: Option<u32>,
    /// Calls a second; `None` = no ceiling.
    pub qps: Option<u64>,
    /// Calls in a period; `None` = no ceiling.
    pub quota: Option<u64>,
    /// What the quota counts over.
    pub period: Option<Period>,
    /// A key's own ceiling of calls a second replaces this one.
    pub qps_override: bool,
    /// A key's own quota replaces this one.
    pub quota_override: bool,
}

/// A service, as far as others depend on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceSeen {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How its calls are authenticated; at least one.
    pub auth_types: Vec<AuthType>,
    /// Who may change it.
    pub owner: Owner,
}

/// How long a secret is unless the package says otherwise (domain.md §1.2).
const SECRET_LENGTH: usize = 10;

impl Directory<'_> {
    /// The member of an id.
    ///
    /// # Errors
    /// What the store said; likewise below.
    pub fn member(
        self,
        connection: &mut dyn Connection,
        id: &str,
    ) -> Result<Option<MemberSeen>, StoreError> {
        if let Some(member) = self.files.members.get(id) {
            return Ok(Some(MemberSeen {
                id: id.to_owned(),
                username: id.to_owned(),
                active: member.status == MemberStatus::Active,
                owner: member.owner.clone(),
            }));
        }
        Ok(Shelf::Members.find(connection, id)?.map(|document| seen_member(&document)))
    }

    /// The member of a user name.
    pub fn member_named(
        self,
        connection: &mut dyn Connection,
        username: &str,
    ) -> Result<Option<MemberSeen>, StoreError> {
        if self.files.members.contains_key(username) {
            return self.member(connection, username);
        }
        Ok(Shelf::Members.named(connection, username)?.map(|document| seen_member(&document)))
    }

    /// The application of an id.
    pub fn application(
        self,
        connection: &mut dyn Connection,
        id: &str,
    ) -> Result<Option<ApplicationSeen>, StoreError> {
        if let Some(application) = self.files.applications.get(id) {
            return Ok(Some(ApplicationSeen {
                id: id.to_owned(),
                name: id.to_owned(),
                member: application.member.to_string(),
                active: application.status == ApplicationStatus::Active,
                realm: Realm::default(),
                owner: application.owner.clone(),
            }));
        }
        let found = Shelf::Applications.find(connection, id)?;
        Ok(found.map(seen_application))
    }

    /// The ids of a member's applications.
    pub fn applications_of(
        self,
        connection: &mut dyn Connection,
        member: &str,
    ) -> Result<Vec<String>, StoreError> {
        let of_file = self.files.applications.values();
        let of_file = of_file.filter(|application| &*application.member == member);
        let stored = Shelf::Applications.below(connection, member)?;
        let stored = stored.into_iter().map(|document| document.id);
        Ok(of_file.map(|application| application.name.to_string()).chain(stored).collect())
    }

    /// The package of an id.
    pub fn package(
        self,
        connection: &mut dyn Connection,
        id: &str,
    ) -> Result<Option<PackageSeen>, StoreError> {
        if self.files.packages.contains_key(id) {
            return Ok(Some(PackageSeen {
                id: id.to_owned(),
                name: id.to_owned(),
                key_length: None,
                secret_length: SECRET_LENGTH,
            }));
        }
        let found = Shelf::Packages.find(connection, id)?;
        Ok(found.map(|document| PackageSeen {
            key_length: number(&document.body, "keyLength"),
            secret_length: number(&document.body, "sharedSecretLength").unwrap_or(SECRET_LENGTH),
            id: document.id,
            name: document.name,
        }))
    }

    /// A plan of a package.
    pub fn plan(
        self,
        connection: &mut dyn Connection,
        package: &str,
        id: &str,
    ) -> Result<Option<PlanSeen>, StoreError> {
        if let Some(package) = self.files.packages.get(package) {
            return Ok(package.plans.get(id).map(|plan| PlanSeen {
                id: id.to_owned(),
                name: id.to_owned(),
                active: plan.status == PlanStatus::Active,
                lifespan: 0,
                keys_before_review: 0,
                most_keys: None,
                qps: ceiling(plan.qps.map(|qps| qps.ceiling.into())),
                quota: ceiling(plan.quota),
                period: plan.period,
                qps_override: plan.qps_limit_key_override_allowed,
                quota_override: plan.rate_limit_key_override_allowed,
            }));
        }
        let found = Shelf::Plans.find(connection, id)?.filter(|found| found.parent == package);
        Ok(found.map(|document| seen_plan(&document)))
    }

    /// The service of an id.
    pub fn service(
        self,
        connection: &mut dyn Connection,
        id: &str,
    ) -> Result<Option<ServiceSeen>, StoreError> {
        if let Some(service) = self.files.services.get(id) {
            return Ok(Some(ServiceSeen {
                id: id.to_owned(),
                name: id.to_owned(),
                auth_types: service.auth_types().into_iter().collect(),
                owner: service.owner.clone(),
            }));
        }
        let found = Shelf::Services.find(connection, id)?;
        Ok(found.map(|document| ServiceSeen {
            auth_types: service::auth_types(&document.body),
            id: document.id,
            name: document.name,
            owner: Owner::Store,
        }))
    }

    /// Whether a plan opens a service, or a part of it.
    pub fn opens(
        self,
        connection: &mut dyn Connection,
        package: &str,
        plan: &str,
        service: &str,
    ) -> Result<bool, StoreError> {
        if let Some(package) = self.files.packages.get(package) {
            let plan = package.plans.get(plan);
            return Ok(plan.is_some_and(|plan| plan.services.contains_key(service)));
        }
        let found = Shelf::Plans.find(connection, plan)?.filter(|found| found.parent == package);
        let services = found.and_then(|mut document| document.body.remove("services"));
        let opens = |list: &Vec<Json>| {
            list.iter().any(|entry| entry.get("id").and_then(Json::as_str) == Some(service))
        };
        Ok(services.as_ref().and_then(Json::as_array).is_some_and(opens))
    }

    /// Whether a package has a plan.
    pub fn has_plans(
        self,
        connection: &mut dyn Connection,
        package: &str,
    ) -> Result<bool, StoreError> {
        if let Some(package) = self.files.packages.get(package) {
            return Ok(!package.plans.is_empty());
        }
        Ok(!Shelf::Plans.below(connection, package)?.is_empty())
    }
}

fn ceiling(limit: Limit<u64>) -> Option<u64> {
    match limit {
        Limit::Exempt => None,
        Limit::Ceiling(ceiling) => Some(ceiling),
    }
}

pub(crate) fn seen_member(document: &Document) -> MemberSeen {
    MemberSeen {
        id: document.id.clone(),
        username: document.name.clone(),
        active: text(&document.body, "areaStatus") == Some("active"),
        owner: Owner::Store,
    }
}

pub(crate) fn seen_application(document: Document) -> ApplicationSeen {
    ApplicationSeen {
        active: text(&document.body, "status") != Some("suspended"),
        realm: realm(&document.body),
        id: document.id,
        name: document.name,
        member: document.parent,
        owner: Owner::Store,
    }
}

fn seen_plan(document: &Document) -> PlanSeen {
    let body = &document.body;
    let limit = |exempt, ceiling| {
        if switch(body, exempt) { None } else { number::<u64>(body, ceiling) }
    };
    PlanSeen {
        id: document.id.clone(),
        name: document.name.clone(),
        active: text(body, "status") != Some("inactive"),
        lifespan: number(body, "keyLifespan").unwrap_or(0),
        keys_before_review: number(body, "numKeysBeforeReview").unwrap_or(0),
        most_keys: number(body, "maxNumKeysAllowed"),
        qps: limit("qpsLimitExempt", "qpsLimitCeiling"),
        quota: limit("rateLimitExempt", "rateLimitCeiling"),
        period: text(body, "rateLimitPeriod").and_then(period),
        qps_override: switch(body, "qpsLimitKeyOverrideAllowed"),
        quota_override: switch(body, "rateLimitKeyOverrideAllowed"),
    }
}

/// The period of a name (requirements.md, decision 10).
pub(crate) fn period(name: &str) -> Option<Period> {
    match name {
        "minute" => Some(Period::Minute),
        "hour" => Some(Period::Hour),
        "day" => Some(Period::Day),
        "month" => Some(Period::Month),
        _ => None,
    }
}

/// A text field of a document.
pub(crate) fn text<'a>(body: &'a Map<String, Json>, field: &str) -> Option<&'a str> {
    body.get(field)?.as_str()
}

/// The id of a reference: `"id"` or `{"id": "id"}`.
pub(crate) fn reference<'a>(body: &'a Map<String, Json>, field: &str) -> Option<&'a str> {
    let value = body.get(field)?;
    value.as_str().or_else(|| value.get("id")?.as_str()).filter(|id| !id.is_empty())
}

/// Whose something is that says so itself.
pub(crate) fn realm(body: &Map<String, Json>) -> Realm {
    let id = |field| reference(body, field).map(str::to_owned);
    Realm { organization: id("organization"), group: id("group") }
}

/// A number field of a document; `None` for one that is out of range.
pub(crate) fn number<T: TryFrom<u64>>(body: &Map<String, Json>, field: &str) -> Option<T> {
    T::try_from(body.get(field)?.as_u64()?).ok()
}

/// A switch of a document; one that is not there is off.
pub(crate) fn switch(body: &Map<String, Json>, field: &str) -> bool {
    body.get(field).and_then(Json::as_bool).unwrap_or(false)
}
