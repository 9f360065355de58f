//! Package keys: made, changed and deleted (S0, S2, S3; domain.md §1.2).

pub(super) mod create;
mod update;

use serde_json::{Map, Value as Json};

use super::{Secret, Violation};
use crate::directory::{MemberSeen, PlanSeen};
use crate::life_cycle::{Instant, PackageKeyStatus};
use crate::store::{StoredChain, Written};

/// What a new package key is to be.
#[derive(Clone, Debug, Default)]
pub struct NewPackageKey {
    /// The id of its application.
    pub application: String,
    /// The user name of whom the application is to belong to, if it is to be checked (S2-4).
    pub username: Option<String>,
    /// The id of its package.
    pub package: String,
    /// The id of a plan of the package.
    pub plan: String,
    /// The key itself; `None` = a generated one.
    pub apikey: Option<Secret>,
    /// Its secret; `None` = a generated one, where the package has secrets.
    pub secret: Option<Secret>,
    /// Where it begins; `None` = as the plan's moderation says (requirements.md, decision 5).
    pub status: Option<PackageKeyStatus>,
    /// Its own calls a second.
    pub qps: Written<u32>,
    /// Its own calls in the plan's period.
    pub quota: Written<u64>,
    /// When it ends; `None` = after the plan's lifespan.
    pub expires: Option<Instant>,
    /// Whatever else is to be kept of it.
    pub body: Map<String, Json>,
}

/// A key that was just made, with what nobody may see again where the policy says so.
#[derive(Clone, Debug)]
pub struct MadeKey {
    /// The key as it is kept.
    pub chain: StoredChain,
    /// The key itself.
    pub apikey: Secret,
    /// Its secret, if it has one.
    pub secret: Option<Secret>,
}

/// What is to become of a package key. `None` leaves things as they are; the key itself and its
/// package cannot be changed (S2-2, S3-13).
#[derive(Clone, Debug, Default)]
pub struct PackageKeyChange {
    /// Another plan of the same package.
    pub plan: Option<String>,
    /// Another secret.
    pub secret: Option<Secret>,
    /// Another status.
    pub status: Option<PackageKeyStatus>,
    /// Another ceiling of calls a second; `Some(None)` = the plan's.
    pub qps_ceiling: Option<Option<u32>>,
    /// No limit on calls a second.
    pub qps_exempt: Option<bool>,
    /// Another quota; `Some(None)` = the plan's.
    pub quota_ceiling: Option<Option<u64>>,
    /// No quota.
    pub quota_exempt: Option<bool>,
    /// Another end; `Some(None)` = none.
    pub expires: Option<Option<Instant>>,
    /// Fields to keep in place of those of the same name.
    pub body: Map<String, Json>,
    /// The version that was seen; `None` = whichever it is.
    pub version: Option<u64>,
}

/// What is wrong with a request so far.
#[derive(Default)]
pub(super) struct Violations(pub(super) Vec<Violation>);

impl Violations {
    pub(super) fn add(&mut self, property: &str, message: impl Into<String>) {
        self.0.push(Violation { property: property.to_owned(), message: message.into() });
    }

    fn refuse(self) -> Result<(), super::Refused> {
        if self.0.is_empty() { Ok(()) } else { Err(super::Refused::Invalid(self.0)) }
    }
}

/// Refuses what no new key may be, whoever makes it.
pub(super) fn check_new(
    new: &NewPackageKey,
    member: &MemberSeen,
    plan: Option<&PlanSeen>,
    violations: &mut Violations,
) {
    if !member.active {
        violations.add("member", "the member is not active, expected one that is");
    }
    if let Some(misfit) = new.apikey.as_ref().and_then(Secret::key_misfit) {
        violations.add("apikey", misfit);
    }
    if let Some(misfit) = new.secret.as_ref().and_then(Secret::secret_misfit) {
        violations.add("secret", misfit);
    }
    check_limits(new.qps, new.quota, plan, violations);
}

/// Refuses limits of a key's own that could never be counted.
fn check_limits(
    qps: Written<u32>,
    quota: Written<u64>,
    plan: Option<&PlanSeen>,
    violations: &mut Violations,
) {
    if qps.ceiling.is_some_and(|ceiling| ceiling > crate::model::MAX_QPS) {
        violations.add("qpsLimitCeiling", format!("expected {} at most", crate::model::MAX_QPS));
    }
    if quota.ceiling.is_some_and(|ceiling| ceiling > crate::model::MAX_QUOTA) {
        violations.add("rateLimitCeiling", format!("expected {} at most", crate::model::MAX_QUOTA));
    }
    if quota.ceiling.is_some() && plan.is_some_and(|plan| plan.period.is_none()) {
        violations.add("rateLimitCeiling", "the plan has no period for it to count over");
    }
}
