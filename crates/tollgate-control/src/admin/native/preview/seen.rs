//! Keys that would be treated otherwise, as they are shown.

use std::collections::HashMap;

use serde::Serialize;
use tollgate_core::{Period, Refusal};
use utoipa::ToSchema;

use crate::admin::native::input;
use crate::admin::native::instant::show;
use crate::admin::native::key_sets::Reference;
use crate::admin::v3::{Failure, Scene};
use crate::people::{Action, Realm};
use crate::preview::{Compared, Difference, LimitDifference, LimitSeen};
use crate::store::{Connection, StoredChain, uses};

/// Which of them are shown.
pub(super) struct Page {
    /// From when on a key counts as used.
    pub(super) since: i64,
    pub(super) page: input::Page,
}

/// How many there are.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct Totals {
    /// Keys that would be treated otherwise.
    changed: u64,
    /// Of these the ones of which calls would be refused that are admitted now.
    refused: u64,
    /// The ones of which calls would be admitted that are refused now.
    admitted: u64,
    /// The ones that were used lately.
    used: u64,
    /// The ones that were used lately and of which calls would be refused.
    #[serde(rename = "refusedUsed")]
    refused_used: u64,
    /// The ones that the caller may not look at; they are not listed.
    hidden: u64,
}

/// A key that would be treated otherwise.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PreviewedKey {
    id: String,
    /// The key set or package key that it is of; a key of a file has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    key_set: Option<Reference>,
    application: Reference,
    /// When a call with it was last admitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_use: Option<String>,
    /// Whether calls would be refused that are admitted now.
    refused: bool,
    /// What would be decided otherwise.
    differences: Vec<DifferenceSeen>,
    /// Which limits would be others.
    limits: Vec<LimitChange>,
}

/// Calls that would be decided otherwise: all that the key may make, or only those of a service, an
/// endpoint or a method.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct DifferenceSeen {
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint: Option<String>,
    /// Empty = calls that match none of the endpoint's methods.
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    /// `admitted`, or the code by which they are refused now, such as `key_suspended`.
    was: &'static str,
    /// The same after the change, such as `over_quota`.
    would_be: &'static str,
}

/// A limit that would be another one.
#[derive(Debug, Serialize, ToSchema)]
struct LimitChange {
    /// `qps`, `quota` or `concurrency`.
    limit: &'static str,
    /// The services that it is of; none = of all calls.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    services: Vec<String>,
    /// The method whose own it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    before: LimitValue,
    after: LimitValue,
}

/// A limit.
#[derive(Debug, Serialize, ToSchema)]
struct LimitValue {
    /// `null` = there is none.
    ceiling: Option<u64>,
    /// What a quota is counted over.
    #[serde(skip_serializing_if = "Option::is_none")]
    period: Option<&'static str>,
    /// Whether calls over it are refused, or only counted.
    enforced: bool,
}

/// How many keys there are, and a page of them.
///
/// # Errors
/// What the store said.
pub(super) fn of(
    scene: Scene<'_>,
    connection: &mut dyn Connection,
    mut keys: Vec<Compared>,
    Page { since, page }: Page,
) -> Result<(Totals, Vec<PreviewedKey>), Failure> {
    let ids: Vec<_> = keys.iter().map(|key| key.key.as_str()).collect();
    let stored = uses::of_keys(connection, &ids)?;
    for key in &mut keys {
        let known = stored.get(&key.key).map(|at| at.cast_unsigned());
        key.last_use = key.last_use.max(known);
    }
    let mut totals = Totals::default();
    for key in &keys {
        let used = key.last_use.is_some_and(|at| at.cast_signed() >= since);
        totals.changed += 1;
        totals.refused += u64::from(key.is_refused());
        totals.admitted += u64::from(key.is_admitted());
        totals.used += u64::from(used);
        totals.refused_used += u64::from(used && key.is_refused());
    }
    if scene.caller.sees(scene.permissions(), Action::KeyRead).is_some() {
        let mut seen = Vec::new();
        for key in keys {
            let chain = StoredChain::of_key(connection, &key.key)?;
            let realm = chain.map_or_else(Realm::default, |chain| chain.realm);
            if scene.caller.may(scene.permissions(), Action::KeyRead, &realm) {
                seen.push(key);
            }
        }
        totals.hidden = totals.changed - seen.len() as u64;
        keys = seen;
    }
    keys.sort_by(|a, b| b.last_use.cmp(&a.last_use).then_with(|| a.key.cmp(&b.key)));
    let mut names = HashMap::new();
    let shown = page.of(keys).map(|key| shown(scene, connection, &mut names, key));
    Ok((totals, shown.collect::<Result<_, _>>()?))
}

fn shown(
    scene: Scene<'_>,
    connection: &mut dyn Connection,
    names: &mut HashMap<String, String>,
    key: Compared,
) -> Result<PreviewedKey, Failure> {
    let chain = StoredChain::of_key(connection, &key.key)?;
    let name = match names.get(&key.application) {
        Some(known) => known.clone(),
        None => {
            let found = scene.directory().application(connection, &key.application)?;
            let name = found.map_or_else(|| key.application.clone(), |found| found.name);
            names.insert(key.application.clone(), name.clone());
            name
        }
    };
    Ok(PreviewedKey {
        refused: key.is_refused(),
        key_set: chain.map(|chain| Reference { id: chain.id, name: chain.name }),
        application: Reference { id: key.application, name },
        last_use: key.last_use.map(|at| show(at.cast_signed())),
        differences: key.differences.into_iter().map(DifferenceSeen::of).collect(),
        limits: key.limits.iter().map(LimitChange::of).collect(),
        id: key.key,
    })
}

impl DifferenceSeen {
    fn of(difference: Difference) -> Self {
        let Difference { service, endpoint, method, was, will } = difference;
        let word = |refusal: Option<Refusal>| refusal.map_or("admitted", Refusal::code);
        Self { service, endpoint, method, was: word(was), would_be: word(will) }
    }
}

impl LimitChange {
    fn of(difference: &LimitDifference) -> Self {
        let LimitDifference { limit, services, method, before, after } = difference.clone();
        let (before, after) = (LimitValue::of(before), LimitValue::of(after));
        Self { limit, services, method, before, after }
    }
}

impl LimitValue {
    fn of(LimitSeen { ceiling, period, enforced }: LimitSeen) -> Self {
        let period = period.map(|period| match period {
            Period::Minute => "minute",
            Period::Hour => "hour",
            Period::Day => "day",
            Period::Month => "month",
        });
        Self { ceiling, period, enforced }
    }
}
