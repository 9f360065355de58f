//! `[services.*.proof]`

use std::time::Duration;

use http::HeaderName;

use super::credential::{clash, place};
use super::kinds::FieldName;
use crate::document::Section;
use crate::document::kind::{Choice, Time};
use crate::model::{CredentialPlace, MAX_TOLERANCE, Proof, ProofScheme, SignatureHash};

const KIND: Choice<Option<Kind>> = Choice::of(&[
    ("none", None),
    ("secret", Some(Kind::Secret)),
    ("signature-md5", Some(Kind::Signature(SignatureHash::Md5))),
    ("signature-sha256", Some(Kind::Signature(SignatureHash::Sha256))),
    ("hmac-sha256", Some(Kind::HmacSha256)),
]);

/// Where the time of a signature stands unless a service says otherwise.
pub(crate) const TIME: HeaderName = HeaderName::from_static("x-timestamp");

const LONGEST: Duration = Duration::from_secs(MAX_TOLERANCE);
const TOLERANCE: Time = Time::within(Duration::from_secs(1), LONGEST);

/// A scheme without its settings.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Secret,
    Signature(SignatureHash),
    HmacSha256,
}

/// What a service asks its callers to prove; `credentials` is where it looks for keys.
pub(super) fn read(service: &mut Section, credentials: &[CredentialPlace]) -> Option<Proof> {
    let mut section = service.table_or_empty("proof");
    let kind = section.or("kind", KIND, None);
    let given = places(&mut section, credentials);
    let tolerance = section.optional("tolerance", TOLERANCE).unwrap_or(LONGEST);
    if tolerance.subsec_nanos() > 0 {
        section.problem("tolerance", "is no whole number of seconds");
    }
    let time = section.optional("time_header", FieldName("which cannot carry a time"));
    let time = time.unwrap_or(TIME);
    if section.is_misfit("kind") {
        return None;
    }
    check_effect(&section, kind);
    let kind = kind?;
    let places = given.unwrap_or_else(|| checked_places(&section, kind, credentials));
    if kind == Kind::HmacSha256 {
        check_time(&section, &time, credentials.iter().chain(&places));
    }
    Some(Proof { scheme: kind.scheme(tolerance.as_secs(), time), places: places.into() })
}

impl Kind {
    /// With these settings, as far as it has them.
    pub(crate) fn scheme(self, tolerance: u64, time: HeaderName) -> ProofScheme {
        match self {
            Self::Secret => ProofScheme::Secret,
            Self::Signature(hash) => ProofScheme::Signature { hash, tolerance },
            Self::HmacSha256 => ProofScheme::HmacSha256 { time, tolerance },
        }
    }
}

fn places(section: &mut Section, credentials: &[CredentialPlace]) -> Option<Vec<CredentialPlace>> {
    let mut places: Vec<CredentialPlace> = Vec::new();
    for mut table in section.table_list("places", None)? {
        let Some(place) = place(&mut table) else { continue };
        if let Some(clash) = places.iter().find_map(|known| clash(known, &place)) {
            table.problem_at(table.here(), clash);
        } else if clashes(credentials, &place) {
            table.problem_at(table.here(), "is where the service looks for keys, expected another");
        } else if matches!(place, CredentialPlace::PathSegment(_)) {
            table.problem("path_segment", "is for keys only; expected another place for a proof");
        }
        places.push(place);
    }
    Some(places)
}

/// Reports settings that are not of this kind.
fn check_effect(section: &Section, kind: Option<Kind>) {
    let (without, kind) = match kind {
        None => (&["places", "tolerance", "time_header"][..], "none"),
        Some(Kind::Secret) => (&["tolerance", "time_header"][..], "secret"),
        Some(Kind::Signature(_)) => (&["time_header"][..], "signature-md5 and signature-sha256"),
        Some(Kind::HmacSha256) => return,
    };
    for field in section.given(without) {
        section.problem(field, format_args!("has no effect with kind {kind}"));
    }
}

/// Reports a time that would be looked for where a key or a proof is.
fn check_time<'a>(
    section: &Section,
    time: &HeaderName,
    mut others: impl Iterator<Item = &'a CredentialPlace>,
) {
    let time = CredentialPlace::Header(time.clone());
    if others.any(|other| clash(other, &time).is_some()) {
        section.problem("time_header", "is where the service looks for a key or a proof");
    }
}

fn checked_places(
    section: &Section,
    kind: Kind,
    credentials: &[CredentialPlace],
) -> Vec<CredentialPlace> {
    let places = usual_places(kind, credentials);
    if places.iter().any(|place| clashes(credentials, place)) {
        let message = "its usual place is where the service looks for keys, expected places too";
        section.problem("kind", message);
    }
    places
}

/// Where a proof stands unless a service says otherwise. The vendor's signatures go where the key
/// goes: into the query, the form or the header (domain.md §2.2).
pub(crate) fn usual_places(kind: Kind, credentials: &[CredentialPlace]) -> Vec<CredentialPlace> {
    let header = |name| CredentialPlace::Header(HeaderName::from_static(name));
    let mut places = Vec::new();
    match kind {
        Kind::Secret => places.push(header("x-api-secret")),
        Kind::HmacSha256 => places.push(header("x-signature")),
        Kind::Signature(_) => {
            for credential in credentials {
                let place = match credential {
                    CredentialPlace::Query(_) => CredentialPlace::Query("sig".into()),
                    CredentialPlace::Form(_) => CredentialPlace::Form("sig".into()),
                    _ => header("x-signature"),
                };
                if !places.contains(&place) {
                    places.push(place);
                }
            }
        }
    }
    places
}

/// Whether a proof's place is where a service looks for keys.
pub(crate) fn clashes(credentials: &[CredentialPlace], place: &CredentialPlace) -> bool {
    credentials.iter().any(|known| clash(known, place).is_some())
}
