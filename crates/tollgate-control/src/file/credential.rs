//! `services.*.credentials`

use http::HeaderName;
use http::header::{AUTHORIZATION, COOKIE};

use super::kinds::{FieldName, Token};
use crate::document::kind::{Choice, Integer, NameKind};
use crate::document::{Item, Section};
use crate::model::{BasicPart, CredentialPlace};

/// As TOML writes [`fallback`].
const DEFAULT: &str = "[ { header = \"X-Api-Key\" } ]";

/// Every kind of place, by its field.
const KINDS: [&str; 7] =
    ["header", "authorization", "basic", "cookie", "query", PATH_SEGMENT, "form"];

const PATH_SEGMENT: &str = "path_segment";

/// The greatest number of a path's segment.
const SEGMENTS: Integer<usize> = Integer::within(0, 255);

const BASIC: Choice<BasicPart> =
    Choice::of(&[("user", BasicPart::User), ("password", BasicPart::Password)]);

fn fallback() -> CredentialPlace {
    CredentialPlace::Header(HeaderName::from_static("x-api-key"))
}

/// The places in which a service looks for a key.
pub(super) struct Places {
    pub(super) all: Vec<CredentialPlace>,
    /// Where one of them is a segment of the path.
    pub(super) segment: Option<Item<usize>>,
}

/// The places in which a service looks for a key whose own path has `depth` segments.
pub(super) fn read(section: &mut Section, depth: usize) -> Places {
    let Some(tables) = section.table_list("credentials", Some(DEFAULT)) else {
        return Places { all: vec![fallback()], segment: None };
    };
    let mut places = Places { all: Vec::new(), segment: None };
    for mut table in tables {
        let Some(place) = place(&mut table) else { continue };
        if let Some(clash) = places.all.iter().find_map(|known| clash(known, &place)) {
            table.problem_at(table.here(), clash);
        } else if let CredentialPlace::PathSegment(value) = place {
            if value < depth {
                let message = format_args!(
                    "lies within the service's own path, by which it is known; expected at least {depth}"
                );
                table.problem(PATH_SEGMENT, message);
            } else {
                places.segment = Some(Item { value, site: table.site(PATH_SEGMENT) });
            }
        }
        places.all.push(place);
    }
    places
}

/// Why two places cannot stand side by side: they are one, or two readings of one.
pub(crate) fn clash(one: &CredentialPlace, other: &CredentialPlace) -> Option<&'static str> {
    use CredentialPlace::{Authorization, Basic, Cookie, Header, PathSegment};
    match (one, other) {
        (PathSegment(one), PathSegment(other)) if one != other => {
            Some("has no effect beside another path_segment; one path brings one key")
        }
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
    let form = section.optional("form", NameKind("the name of a form parameter"));
    let form = form.map(|name| CredentialPlace::Form(name.as_str().into()));
    let segment = section.optional(PATH_SEGMENT, SEGMENTS).map(CredentialPlace::PathSegment);
    if section.given(&KINDS).count() != 1 {
        let message = format!("expected exactly one of {}", KINDS.join(", "));
        section.problem_at(section.here(), message);
        return None;
    }
    header.or(scheme).or(basic).or(cookie).or(query).or(segment).or(form)
}
