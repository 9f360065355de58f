//! `[services.*.cors]`

use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{HeaderName, Method};

use super::check::duplicates::distinct;
use super::kinds::{AllowedOrigin, CorsOrigin, FieldName, OrEvery, Verb};
use crate::document::kind::{Switch, Time};
use crate::document::{Item, Section};
use crate::model::{AllowedOrigins, Cors, CredentialPlace};

const AGE: Time = Time::within(Duration::ZERO, Duration::from_secs(24 * 60 * 60));
const FIELD: FieldName = FieldName("which no page can set or read");

/// Reads the policy of a service that looks for keys in `places`, and for proofs in `proofs`.
pub(super) fn read(
    section: &mut Section,
    places: &[CredentialPlace],
    proofs: &[CredentialPlace],
) -> Cors {
    let credentials = section.or("credentials", Switch, false);
    let origins = section.required_list("allowed_origins", CorsOrigin);
    let methods = section.list("allowed_methods", OrEvery(Verb));
    let headers = section.optional_list("allowed_headers", OrEvery(FIELD));
    let exposed_headers = section.list("exposed_headers", OrEvery(FIELD));
    let max_age = section.or("max_age", AGE, Duration::from_secs(10 * 60));
    let headers = if section.has("allowed_headers") {
        check_keys(section, &headers, credentials, places);
        listed(section, headers, credentials, HeaderName::as_str)
    } else {
        fields(places.iter().chain(proofs))
    };
    Cors {
        origins: allowed(section, origins, credentials),
        credentials,
        methods: listed(section, methods, credentials, Method::as_str),
        headers,
        exposed_headers: listed(section, exposed_headers, credentials, HeaderName::as_str),
        max_age: u32::try_from(max_age.as_secs()).unwrap_or(u32::MAX),
    }
}

fn allowed(
    section: &Section,
    items: Vec<Item<AllowedOrigin>>,
    credentials: bool,
) -> AllowedOrigins {
    if let Some(every) = items.iter().find(|item| item.value == AllowedOrigin::Every) {
        if credentials {
            let message = "beside credentials = true would let every page call as whoever looks \
                           at it; expected the origins that may, or credentials = false";
            section.problem_at(every.site.clone(), message);
        }
        for other in items.iter().filter(|item| item.value != AllowedOrigin::Every) {
            section.problem_at(other.site.clone(), "has no effect beside \"*\"");
        }
        distinct(section, items);
        return AllowedOrigins::Every;
    }
    let origins = distinct(section, items);
    let null = origins.contains(&AllowedOrigin::Null);
    let patterns = origins.into_iter().filter_map(|origin| match origin {
        AllowedOrigin::Pattern(pattern) => Some(pattern),
        AllowedOrigin::Every | AllowedOrigin::Null => None,
    });
    AllowedOrigins::Listed { patterns: patterns.collect(), null }
}

/// A list as it stands in a field. `None` is every one, which browsers take for one of the name `*`
/// in calls with credentials.
fn listed<T: PartialEq>(
    section: &Section,
    items: Vec<Item<Option<T>>>,
    credentials: bool,
    text: impl Fn(&T) -> &str,
) -> Box<str> {
    if credentials && let Some(every) = items.iter().find(|item| item.value.is_none()) {
        let message = "has no effect beside credentials = true, expected each one";
        section.problem_at(every.site.clone(), message);
    }
    let values = distinct(section, items);
    let texts: Vec<_> = values.iter().map(|value| value.as_ref().map_or("*", &text)).collect();
    texts.join(", ").into()
}

/// The fields in which a page may bring a key or a proof.
fn fields<'a>(places: impl Iterator<Item = &'a CredentialPlace>) -> Box<str> {
    let fields = places.filter_map(|place| match place {
        CredentialPlace::Header(name) => Some(name.as_str()),
        CredentialPlace::Authorization(_) | CredentialPlace::Basic(_) => Some("authorization"),
        CredentialPlace::Cookie(_)
        | CredentialPlace::Query(_)
        | CredentialPlace::PathSegment(_)
        | CredentialPlace::Form(_) => None,
    });
    let mut fields: Vec<_> = fields.collect();
    fields.sort_unstable();
    fields.dedup();
    fields.join(", ").into()
}

/// Warns of pages that could not bring a key.
fn check_keys(
    section: &Section,
    headers: &[Item<Option<HeaderName>>],
    credentials: bool,
    places: &[CredentialPlace],
) {
    let every = headers.iter().any(|item| item.value.is_none());
    let named = |name: &HeaderName| headers.iter().any(|item| item.value.as_ref() == Some(name));
    let reachable = |place: &CredentialPlace| match place {
        CredentialPlace::Header(name) => named(name) || (every && *name != AUTHORIZATION),
        // Not even "*" holds it (Fetch standard, §3.3.4).
        CredentialPlace::Authorization(_) | CredentialPlace::Basic(_) => named(&AUTHORIZATION),
        CredentialPlace::Cookie(_) => credentials,
        CredentialPlace::Query(_) | CredentialPlace::PathSegment(_) | CredentialPlace::Form(_) => {
            true
        }
    };
    if !places.iter().any(reachable) {
        let message =
            "names no field in which the service looks for a key, so no page can bring one";
        section.warning("allowed_headers", message);
    }
}
