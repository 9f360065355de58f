//! What a service asks of a call beside its key, and what it does to it

use std::time::Duration;

use super::check::duplicates::distinct;
use super::cors;
use super::kinds::{Dropped, PageOrigin};
use crate::document::Section;
use crate::document::kind::{Integer, NameKind, Switch, Time};
use crate::model::{CredentialPlace, Keyless, MAX_KEY_LENGTH, Maintenance, Proof, Switches};

const KEY_LENGTH: Integer<u8> = Integer::within(1, MAX_KEY_LENGTH);
const AGAIN: Time = Time::within(Duration::from_secs(1), Duration::from_secs(7 * 24 * 60 * 60));

pub(super) fn read(
    section: &mut Section,
    credentials: &[CredentialPlace],
    proof: Option<&Proof>,
) -> Switches {
    let proofs = proof.map_or(&[][..], |proof| &proof.places);
    let min_key_length = section.or("min_key_length", KEY_LENGTH, 1);
    let max_key_length = section.or("max_key_length", KEY_LENGTH, MAX_KEY_LENGTH);
    if min_key_length > max_key_length {
        section.problem("min_key_length", "is above max_key_length, so no key would fit");
    }
    let allowed_referers = section.optional_list("allowed_referers", PageOrigin);
    let drop_request_headers = section.list("drop_request_headers", Dropped::OfRequests);
    for item in &drop_request_headers {
        let place = CredentialPlace::Header(item.value.clone());
        if credentials.contains(&place) || proofs.contains(&place) {
            let message = "has no effect, as what holds a key or a proof never goes upstream";
            section.problem_at(item.site.clone(), message);
        }
    }
    let drop_response_headers = section.list("drop_response_headers", Dropped::OfResponses);
    let cors = section.table("cors").map(|mut cors| cors::read(&mut cors, credentials, proofs));
    for item in &drop_response_headers {
        if cors.is_some() && item.value.as_str().starts_with("access-control-") {
            let message = "has no effect beside cors, which replaces all such fields";
            section.warning_at(item.site.clone(), message);
        }
    }
    Switches {
        maintenance: maintenance(section),
        keyless: section.optional("keyless_key", NameKind("the name of a key")).map(Keyless::Key),
        key_length: min_key_length..=max_key_length,
        allowed_referers: distinct(section, allowed_referers),
        drop_request_headers: distinct(section, drop_request_headers),
        drop_response_headers: distinct(section, drop_response_headers),
        cors,
    }
}

/// How the service or endpoint of `section` is closed, if it is.
pub(super) fn maintenance(section: &mut Section) -> Option<Maintenance> {
    let closed = section.or("maintenance", Switch, false);
    let retry_after = section.optional("maintenance_retry_after", AGAIN);
    let seconds = |time: Duration| u32::try_from(time.as_millis().div_ceil(1000)).ok();
    closed.then(|| Maintenance {
        retry_after: retry_after.and_then(seconds),
        ..Maintenance::default()
    })
}
