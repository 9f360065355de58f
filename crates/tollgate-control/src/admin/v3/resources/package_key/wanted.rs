//! What a client wants a package key to be.

use serde_json::{Map, Value as Json};

use super::super::super::query::Query;
use super::super::super::source::{Scene, reference, text};
use super::super::super::{Failure, date};
use crate::life_cycle::{Instant, PackageKeyStatus};
use crate::model::DigestLiteral;
use crate::operations::{NewPackageKey, PackageKeyChange, Secret};
use crate::store::Written;

/// A package key that is to be made for an application.
pub(super) fn new(application: String, given: Map<String, Json>) -> Result<NewPackageKey, Failure> {
    let id = |name: &str| {
        let expected = || Failure::invalid(name, "expected an object with an id");
        reference(&given, name).map(str::to_owned).ok_or_else(expected)
    };
    let username = text(&given, "username").map(str::to_owned);
    let member = given.get("member").and_then(Json::as_object);
    let member = member.and_then(|member| text(member, "username")).map(str::to_owned);
    Ok(NewPackageKey {
        application,
        username: username.or(member),
        package: id("package")?,
        plan: id("plan")?,
        apikey: secret(&given, "apikey"),
        secret: secret(&given, "secret"),
        status: status(&given),
        qps: Written {
            ceiling: number(&given, "qpsLimitCeiling"),
            exempt: switch(&given, "qpsLimitExempt").unwrap_or(false),
        },
        quota: Written {
            ceiling: number(&given, "rateLimitCeiling"),
            exempt: switch(&given, "rateLimitExempt").unwrap_or(false),
        },
        expires: expires(&given)?.flatten(),
        body: body(given),
    })
}

/// What is to become of a package key.
pub(super) fn change(given: Map<String, Json>) -> Result<PackageKeyChange, Failure> {
    let plan = match given.get("plan") {
        None => None,
        Some(_) => Some(
            reference(&given, "plan")
                .map(str::to_owned)
                .ok_or_else(|| Failure::invalid("plan", "expected an object with an id"))?,
        ),
    };
    Ok(PackageKeyChange {
        plan,
        secret: secret(&given, "secret"),
        status: status(&given),
        qps_ceiling: number(&given, "qpsLimitCeiling").map(Some),
        qps_exempt: switch(&given, "qpsLimitExempt"),
        quota_ceiling: number(&given, "rateLimitCeiling").map(Some),
        quota_exempt: switch(&given, "rateLimitExempt"),
        expires: expires(&given)?,
        body: body(given),
        version: None,
    })
}

/// The digests that a filter on `apikey` means, by each scheme that there is; `None` where there is
/// no such filter. Keys are found by their digests only (requirements.md, decision 2).
pub(super) fn digests(scene: Scene<'_>, query: &Query) -> Option<Vec<DigestLiteral>> {
    let mut conditions = query.conditions.iter().filter(|condition| condition.path == ["apikey"]);
    let first = conditions.next()?;
    // Two different values are no key's.
    if conditions.any(|other| other.value != first.value) {
        return Some(Vec::new());
    }
    let schemes = &scene.file().digests;
    let schemes = std::iter::once(&schemes.current).chain(&schemes.previous);
    let digest = |settings: &crate::model::SchemeSettings| {
        let scheme = settings.compile()?;
        let bytes = *scheme.digest(first.value.as_bytes()).bytes();
        Some(DigestLiteral { scheme: settings.scheme(), bytes })
    };
    Some(schemes.filter_map(digest).collect())
}

/// Blank means none of one's own.
fn secret(given: &Map<String, Json>, name: &str) -> Option<Secret> {
    text(given, name).filter(|text| !text.is_empty()).map(Secret::new)
}

fn status(given: &Map<String, Json>) -> Option<PackageKeyStatus> {
    text(given, "status").and_then(PackageKeyStatus::named)
}

fn number<T: TryFrom<u64>>(given: &Map<String, Json>, name: &str) -> Option<T> {
    given.get(name).and_then(Json::as_u64).and_then(|number| T::try_from(number).ok())
}

fn switch(given: &Map<String, Json>, name: &str) -> Option<bool> {
    given.get(name).and_then(Json::as_bool)
}

/// When it ends; blank means never (S2-6).
fn expires(given: &Map<String, Json>) -> Result<Option<Option<Instant>>, Failure> {
    let Some(written) = text(given, "expires") else { return Ok(None) };
    if written.is_empty() {
        return Ok(Some(None));
    }
    let expected = "expected a date such as 2027-01-31, or an instant such as 2027-01-31T12:00:00Z";
    let (start, end) = date::read(written).ok_or_else(|| Failure::invalid("expires", expected))?;
    let second = start.div_euclid(1000);
    let is_day = end - start == 86_400_000;
    Ok(Some(Some(if is_day { Instant::Day(second) } else { Instant::Second(second) })))
}

/// What is kept as it was written.
fn body(mut given: Map<String, Json>) -> Map<String, Json> {
    given.remove("eav").map(|eav| ("eav".to_owned(), eav)).into_iter().collect()
}
