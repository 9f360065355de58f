//! `[services.*.proof]`

use http::HeaderName;

use super::credential::{clash, place};
use crate::document::Section;
use crate::document::kind::Choice;
use crate::model::{CredentialPlace, Proof, ProofScheme};

const KIND: Choice<Option<Kind>> = Choice::of(&[("none", None), ("secret", Some(Kind::Secret))]);

/// A scheme without its settings.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Secret,
}

/// What a service asks its callers to prove; `credentials` is where it looks for keys.
pub(super) fn read(service: &mut Section, credentials: &[CredentialPlace]) -> Option<Proof> {
    let mut section = service.table_or_empty("proof");
    let kind = section.or("kind", KIND, None);
    let places = places(&mut section, credentials);
    let Some(kind) = kind else {
        if !section.is_misfit("kind") {
            for field in section.given(&["places"]) {
                section.problem(field, "has no effect without a kind of proof");
            }
        }
        return None;
    };
    let scheme = match kind {
        Kind::Secret => ProofScheme::Secret,
    };
    let places = places.unwrap_or_else(|| kind.usual_places());
    Some(Proof { scheme, places: places.into() })
}

fn places(section: &mut Section, credentials: &[CredentialPlace]) -> Option<Vec<CredentialPlace>> {
    let mut places: Vec<CredentialPlace> = Vec::new();
    for mut table in section.table_list("places", None)? {
        let Some(place) = place(&mut table) else { continue };
        if let Some(clash) = places.iter().find_map(|known| clash(known, &place)) {
            table.problem_at(table.here(), clash);
        } else if credentials.iter().any(|known| clash(known, &place).is_some()) {
            table.problem_at(table.here(), "is where the service looks for keys, expected another");
        } else if matches!(place, CredentialPlace::PathSegment(_)) {
            table.problem("path_segment", "is for keys only; expected another place for a proof");
        }
        places.push(place);
    }
    Some(places)
}

impl Kind {
    /// Where a proof stands unless a service says otherwise.
    fn usual_places(self) -> Vec<CredentialPlace> {
        let header = |name| CredentialPlace::Header(HeaderName::from_static(name));
        match self {
            Self::Secret => vec![header("x-api-secret")],
        }
    }
}
