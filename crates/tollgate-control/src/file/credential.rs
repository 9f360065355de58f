//! `services.*.credentials`

use http::HeaderName;
use http::header::{AUTHORIZATION, COOKIE};

use super::kinds::{FieldName, Token};
use crate::document::Section;
use crate::document::kind::{Choice, NameKind};
use crate::model::{BasicPart, CredentialPlace};

/// As TOML writes [`fallback`].
const DEFAULT: &str = "[ { header = \"X-Api-Key\" } ]";

/// Every kind of place, by its field.
const KINDS: [&str; 5] = ["header", "authorization", "basic", "cookie", "query"];

const BASIC: Choice<BasicPart> =
    Choice::of(&[("user", BasicPart::User), ("password", BasicPart::Password)]);

fn fallback() -> CredentialPlace {
    CredentialPlace::Header(HeaderName::from_static("x-api-key"))
}

/// The places in which a service looks for a key.
pub(super) fn read(section: &mut Section) -> Vec<CredentialPlace> {
    let Some(tables) = section.table_list("credentials", Some(DEFAULT)) else {
        return vec![fallback()];
    };
    let mut places = Vec::new();
    for mut table in tables {
        let Some(place) = place(&mut table) else { continue };
        if let Some(clash) = places.iter().find_map(|known| clash(known, &place)) {
            table.problem_at(table.here(), clash);
        }
        places.push(place);
    }
    places
}

/// Why two places cannot stand side by side: they are one, or two readings of one.
pub(super) fn clash(one: &CredentialPlace, other: &CredentialPlace) -> Option<&'static str> {
    use CredentialPlace::{Authorization, Basic, Cookie, Header};
    match (one, other) {
        (Basic(one), Basic(other)) if one != other => {
            Some("has no effect beside the other part of Basic; one credential brings one key")
        }
        // Schemes are compared without case (RFC 9110 §11.1).
        (Authorization(one), Authorization(other)) if one.eq_ignore_ascii_case(other) => {
            Some("stands in this list already")
        }
        (Authorization(scheme), Basic(_)) | (Basic(_), Authorization(scheme))
            if scheme.eq_ignore_ascii_case("Basic") =>
        {
            Some("reads credentials of Basic, which another place of this list reads too")
        }
        (Header(name), Authorization(_) | Basic(_))
        | (Authorization(_) | Basic(_), Header(name))
            if name == AUTHORIZATION =>
        {
            Some("reads Authorization, which another place of this list reads too")
        }
        (Header(name), Cookie(_)) | (Cookie(_), Header(name)) if name == COOKIE => {
            Some("reads Cookie, which another place of this list reads too")
        }
        _ => (one == other).then_some("stands in this list already"),
    }
}

/// The one place that a table names.
pub(super) fn place(section: &mut Section) -> Option<CredentialPlace> {
    let header = section.optional("header", FieldName("which cannot carry a key"));
    let header = header.map(CredentialPlace::Header);
    let scheme = section.optional("authorization", Token("a scheme such as \"Bearer\""));
    let scheme = scheme.map(|scheme| CredentialPlace::Authorization(scheme.into()));
    let basic = section.optional("basic", BASIC).map(CredentialPlace::Basic);
    let cookie = section.optional("cookie", Token("the name of a cookie"));
    let cookie = cookie.map(|name| CredentialPlace::Cookie(name.into()));
    let query = section.optional("query", NameKind("the name of a query parameter"));
    let query = query.map(|name| CredentialPlace::Query(name.as_str().into()));
    if section.given(&KINDS).count() != 1 {
        let message = format!("expected exactly one of {}", KINDS.join(", "));
        section.problem_at(section.here(), message);
        return None;
    }
    header.or(scheme).or(basic).or(cookie).or(query)
}
