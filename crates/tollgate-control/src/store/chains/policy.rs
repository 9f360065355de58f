//! A chain's policy and its last failure as JSON.

use serde::{Deserialize, Serialize};

use crate::life_cycle::{Failure, Months, Policy, RotationPolicy};
use crate::store::StoreError;

#[derive(Serialize, Deserialize)]
struct StoredPolicy {
    rotation_months: Option<u16>,
    rotation_lead_seconds: u32,
    expiration_months: Option<u16>,
    manual_regeneration: bool,
    overlap_seconds: u32,
}

#[derive(Serialize, Deserialize)]
struct StoredFailure {
    at: i64,
    reason: String,
}

pub(super) fn write(policy: &Policy) -> Result<String, StoreError> {
    let stored = StoredPolicy {
        rotation_months: policy.rotation.map(|rotation| rotation.after().get()),
        rotation_lead_seconds: policy.rotation.map_or(0, RotationPolicy::lead),
        expiration_months: policy.expiration.map(Months::get),
        manual_regeneration: policy.manual_regeneration,
        overlap_seconds: policy.overlap,
    };
    serde_json::to_string(&stored).map_err(StoreError::failed)
}

pub(super) fn read(text: &str) -> Result<Policy, StoreError> {
    let stored: StoredPolicy = serde_json::from_str(text).map_err(|_| corrupt("policy"))?;
    let months = |count: Option<u16>| match count {
        Some(count) => Months::new(count).map(Some).ok_or_else(|| corrupt("policy")),
        None => Ok(None),
    };
    let rotation = match months(stored.rotation_months)? {
        Some(after) => {
            let lead = stored.rotation_lead_seconds;
            Some(RotationPolicy::new(after, lead).ok_or_else(|| corrupt("policy"))?)
        }
        None => None,
    };
    Ok(Policy {
        rotation,
        expiration: months(stored.expiration_months)?,
        manual_regeneration: stored.manual_regeneration,
        overlap: stored.overlap_seconds,
    })
}

pub(super) fn write_failure(failure: &Failure) -> Result<String, StoreError> {
    let Failure { at, reason } = failure.clone();
    serde_json::to_string(&StoredFailure { at, reason }).map_err(StoreError::failed)
}

pub(super) fn read_failure(text: &str) -> Result<Failure, StoreError> {
    let stored: StoredFailure = serde_json::from_str(text).map_err(|_| corrupt("failure"))?;
    Ok(Failure { at: stored.at, reason: stored.reason })
}

fn corrupt(what: &str) -> StoreError {
    StoreError::Corrupt(format!("a {what} that is none"))
}
