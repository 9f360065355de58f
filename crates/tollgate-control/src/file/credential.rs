//! `services.*.credentials`

use http::HeaderName;

use super::kinds::{FieldName, Token};
use crate::document::Section;
use crate::document::kind::NameKind;
use crate::model::CredentialPlace;

/// As TOML writes [`fallback`].
const DEFAULT: &str = "[ { header = \"X-Api-Key\" } ]";

fn fallback() -> CredentialPlace {
    CredentialPlace::Header(HeaderName::from_static("x-api-key"))
}

/// The places in which a service looks for a key.
pub(super) fn read(section: &mut Section) -> Vec<CredentialPlace> {
    let Some(tables) = section.table_list("credentials", DEFAULT) else {
        return vec![fallback()];
    };
    let mut places = Vec::new();
    for mut table in tables {
        let Some(place) = place(&mut table) else { continue };
        if places.iter().any(|known| same(known, &place)) {
            table.problem_at(table.here(), "stands in this list already");
        }
        places.push(place);
    }
    places
}

/// Whether two places are one. Schemes are compared without case (RFC 9110 §11.1).
fn same(one: &CredentialPlace, other: &CredentialPlace) -> bool {
    match (one, other) {
        (CredentialPlace::Authorization(one), CredentialPlace::Authorization(other)) => {
            one.eq_ignore_ascii_case(other)
        }
        (one, other) => one == other,
    }
}

fn place(section: &mut Section) -> Option<CredentialPlace> {
    let header = section.optional("header", FieldName).map(CredentialPlace::Header);
    let scheme = section.optional("authorization", Token("a scheme such as \"Bearer\""));
    let scheme = scheme.map(|scheme| CredentialPlace::Authorization(scheme.into()));
    let query = section.optional("query", NameKind("the name of a query parameter"));
    let query = query.map(|name| CredentialPlace::Query(name.as_str().into()));
    let kinds = ["header", "authorization", "query"];
    match section.given(&kinds).count() {
        1 => header.or(scheme).or(query),
        _ => {
            let message = "expected exactly one of header, authorization, query";
            section.problem_at(section.here(), message);
            None
        }
    }
}
