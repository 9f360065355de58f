//! `[services.*]`

use std::collections::BTreeMap;

use super::check::duplicates::distinct;
use super::check::keyless::Keyless;
use super::check::routes::{Below, Routes};
use super::check::{keyed, reference};
use super::kinds::{Host, LiteralPath, shown};
use super::{ERROR_DIALECT, credential, endpoint, enforcement, limits, owner, proof, switches};
use crate::document::Section;
use crate::document::kind::{Choice, Name, NameKind, Size, Switch, Text};
use crate::model::{
    AuthType, ErrorDialect, Front, Keyless as KeylessKey, Proof, RateLimitHeaders, ReturnedHeaders,
    Service, Upstream,
};

const RATE_LIMIT_HEADERS: Choice<RateLimitHeaders> = Choice::of(&[
    ("draft-11", RateLimitHeaders::Draft11),
    ("x-ratelimit", RateLimitHeaders::XRateLimit),
    ("mashery", RateLimitHeaders::Mashery),
    ("none", RateLimitHeaders::None),
]);

/// The words for [`AuthType`].
pub(super) const AUTH_TYPE: Choice<AuthType> =
    Choice::of(&[("api_key", AuthType::ApiKey), ("api_key_and_secret", AuthType::ApiKeyAndSecret)]);

const FORM_BODY_LIMIT: &str = "form_body_limit";

/// The limit where none is given.
const FORM_BODY_USUAL: u64 = 64 << 10;

/// A form is held in memory while it is read.
const FORM_SIZE: Size = Size::within(1, 16 << 20);

pub(super) fn read(
    name: Name,
    section: &mut Section,
    upstreams: &BTreeMap<Name, Upstream>,
    routes: &mut Routes,
    keyless: &mut Keyless,
) -> Service {
    let hosts = section.list("hosts", Host);
    let hosts = distinct(section, hosts);
    let path = section.or("path", LiteralPath, Vec::new());
    let upstream = section.required("upstream", NameKind("the name of an upstream"));
    if let Some(upstream) = &upstream {
        reference::find(section, "upstream", "no upstream", upstream, upstreams);
    }
    let upstream_path = section.optional("upstream_path", LiteralPath);
    let overall = limits::qps(section, "qps_limit_overall", "qps_limit_overall_burst");
    if section.has("qps_limit_overall_burst") && !section.has("qps_limit_overall") {
        section.problem("qps_limit_overall_burst", "has no effect without qps_limit_overall");
    }
    let enforce = enforcement::of(section, "qps_limit_overall_enforce", "qps_limit_overall");
    // Calls to hosts and paths that do not fit cannot be compared with others.
    let below = Below { service: &name, part: None, hosts: &hosts, path: &path };
    let below = Some(below).filter(|_| !section.is_misfit("path") && !section.is_misfit("hosts"));
    let places = credential::read(section, path.len());
    if let Some((segment, below)) = places.segment.as_ref().zip(below.as_ref()) {
        routes.key(section, &segment.site, below);
    }
    let endpoints = section.tables("endpoints");
    if endpoints.is_empty() && !section.has("endpoints") {
        section.missing("endpoints", "at least one table such as endpoints.all");
    }
    let endpoints = endpoints.into_iter().map(|(name, mut section)| {
        (name.clone(), endpoint::read(name, &mut section, below.as_ref(), routes))
    });
    let endpoints: BTreeMap<_, _> = endpoints.collect();
    if let Some(segment) = &places.segment {
        let only_place = places.all.len() == 1;
        keyed::check_reach(section, segment, &path, endpoints.values(), only_place);
    }
    let proof = proof::read(section, &places.all);
    let switches = switches::read(section, &places.all, proof.as_ref());
    if let Some(KeylessKey::Key(key)) = &switches.keyless {
        keyless.note(section, &name, key);
        if proof.is_some() {
            let message = "has no effect beside proof, as a call without a key can prove nothing";
            section.problem("keyless_key", message);
        }
    }
    let form_body_limit = section.optional(FORM_BODY_LIMIT, FORM_SIZE);
    let description = section.or("description", Text, String::new());
    let error_dialect = section.or("error_dialect", ERROR_DIALECT, ErrorDialect::Problem);
    let front = Front {
        part: None,
        endpoints,
        path,
        upstream: upstream.unwrap_or_else(|| Name::unchecked("")),
        upstream_path: upstream_path.map(|path| shown(&path)),
        tls_required: section.or("tls_required", Switch, false),
        key_alone: key_alone(section, proof.as_ref()),
        proof,
        credentials: places.all,
        form_body_limit: form_body_limit.unwrap_or(FORM_BODY_USUAL),
        error_dialect,
        returned_headers: ReturnedHeaders {
            message_id: error_dialect == ErrorDialect::Mashery,
            responder: error_dialect == ErrorDialect::Mashery,
        },
        rate_limit_headers: section.or(
            "rate_limit_headers",
            RATE_LIMIT_HEADERS,
            RateLimitHeaders::Draft11,
        ),
        disclose_key_state: section.or("disclose_key_state", Switch, false),
        switches,
        hosts,
    };
    if section.has(FORM_BODY_LIMIT) && !front.reads_forms() {
        section.problem(FORM_BODY_LIMIT, "has no effect without a form among the credentials");
    }
    Service {
        name,
        owner: owner(section),
        description,
        qps_limit_overall: overall.map(|overall| overall.resolve()),
        qps_limit_overall_enforce: enforce,
        fronts: vec![front],
    }
}

/// Whether keys may call without the proof that others bring.
fn key_alone(section: &mut Section, proof: Option<&Proof>) -> bool {
    const FIELD: &str = "auth_types";
    let given = section.optional_list(FIELD, AUTH_TYPE);
    let types = distinct(section, given);
    if types.is_empty() {
        return false;
    }
    let proves = types.contains(&AuthType::ApiKeyAndSecret);
    match (proves, proof) {
        (true, None) => {
            section.problem(FIELD, "names api_key_and_secret, but the service asks for no proof");
        }
        (false, Some(_)) => {
            let message = "does not name api_key_and_secret, so the proof would have no effect";
            section.problem(FIELD, message);
        }
        _ => {}
    }
    proves && types.contains(&AuthType::ApiKey)
}
