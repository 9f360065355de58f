//! Where an endpoint looks for keys, and what it asks for beside them (domain.md §2.2).

use tollgate_core::{MAX_TOLERANCE, SignatureHash};

use super::Fields;
use crate::document::kind::{Integer, NameKind};
use crate::document::{Kind as _, Value};
use crate::file::kinds::FieldName;
use crate::file::proof::{Kind, TIME, clashes, usual_places};
use crate::model::{AuthType, CredentialPlace, Keyless, Proof};

const LOCATIONS: &str = "apiKeyValueLocations";
const LOCATION_KEY: &str = "apiKeyValueLocationKey";
const AUTHENTICATION: &str = "requestAuthenticationType";

/// What the place of a key is called unless an endpoint says otherwise.
const API_KEY: &str = "api_key";

/// The greatest number of a path's segment.
const SEGMENTS: Integer<usize> = Integer::within(0, 255);

/// The places in which an endpoint looks for keys whose own path has `depth` segments.
pub(super) fn places(fields: &mut Fields<'_>, depth: usize) -> Vec<CredentialPlace> {
    let mut locations = fields.texts(LOCATIONS);
    locations.dedup();
    if locations.is_empty() {
        locations.push("request-parameters");
    }
    let key = fields.text(LOCATION_KEY).unwrap_or(API_KEY);
    let mut places = Vec::new();
    for location in &locations {
        let place = match *location {
            "request-header" => {
                let name = fields.read(LOCATION_KEY, key, FieldName("which cannot carry a key"));
                name.map(CredentialPlace::Header)
            }
            "request-parameters" => parameter(fields, key).map(CredentialPlace::Query),
            "request-body" => parameter(fields, key).map(CredentialPlace::Form),
            "request-path" if locations.len() == 1 => segment(fields, key, depth),
            "request-path" => {
                fields.refuse(LOCATIONS, "request-path cannot stand beside another location");
                None
            }
            _ => {
                let message = format!(
                    "{location:?} is not supported; expected some of request-header, \
                     request-parameters and request-body, or request-path"
                );
                fields.refuse(LOCATIONS, message);
                None
            }
        };
        places.extend(place.filter(|place| !places.contains(place)));
    }
    places
}

fn parameter(fields: &mut Fields<'_>, key: &str) -> Option<Box<str>> {
    let name = fields.read(LOCATION_KEY, key, NameKind("the name of a parameter"));
    name.map(|name| name.as_str().into())
}

/// The number of one segment, from 0.
fn segment(fields: &mut Fields<'_>, key: &str, depth: usize) -> Option<CredentialPlace> {
    let number = key.parse().ok().map(|number| Value::Integer(Ok(number)));
    let number = number.and_then(|number| SEGMENTS.read(&number).ok());
    match number {
        Some(number) if number >= depth => Some(CredentialPlace::PathSegment(number)),
        Some(_) => {
            let message = format!("lies within requestPathAlias; expected at least {depth}");
            fields.refuse(LOCATION_KEY, message);
            None
        }
        None => {
            let message = "expected the number of one segment of the path, from 0";
            fields.refuse(LOCATION_KEY, message);
            None
        }
    }
}

/// What callers prove beside their key, and whether keys that need no proof may call too.
pub(super) fn proof(
    fields: &mut Fields<'_>,
    credentials: &[CredentialPlace],
) -> (Option<Proof>, bool) {
    let kind = match fields.text(AUTHENTICATION) {
        None | Some("apiKey") => None,
        Some("apiKeyAndSecret_MD5") => Some(Kind::Signature(SignatureHash::Md5)),
        Some("apiKeyAndSecret_SHA256") => Some(Kind::Signature(SignatureHash::Sha256)),
        Some("secureHash_SHA256") => Some(Kind::HmacSha256),
        Some(other) => {
            let message = format!(
                "{other:?} is not supported; expected apiKey, apiKeyAndSecret_MD5, \
                 apiKeyAndSecret_SHA256 or secureHash_SHA256"
            );
            fields.refuse(AUTHENTICATION, message);
            return (None, false);
        }
    };
    let key_alone = key_alone(fields, kind.is_some());
    let Some(kind) = kind else { return (None, false) };
    let places = usual_places(kind, credentials);
    let time = CredentialPlace::Header(TIME);
    let times = (kind == Kind::HmacSha256).then_some(&time);
    if places.iter().chain(times).any(|place| clashes(credentials, place)) {
        fields.refuse(LOCATION_KEY, "is where the signature stands; expected another name");
    }
    let scheme = kind.scheme(MAX_TOLERANCE, TIME);
    (Some(Proof { scheme, places: places.into() }), key_alone)
}

/// Whether keys of the type `api_key` call without the proof that others bring.
fn key_alone(fields: &mut Fields<'_>, proves: bool) -> bool {
    const PROPERTY: &str = "authTypes";
    let texts = fields.texts(PROPERTY);
    let types: Option<Vec<_>> = texts.iter().map(|text| AuthType::named(text)).collect();
    let Some(types) = types else {
        fields.refuse(PROPERTY, "expected some of api_key and api_key_and_secret");
        return false;
    };
    if types.is_empty() {
        return false;
    }
    if types.contains(&AuthType::ApiKeyAndSecret) != proves {
        let message = "does not fit requestAuthenticationType: api_key_and_secret is what asks for \
                       a signature";
        fields.refuse(PROPERTY, message);
    }
    proves && types.contains(&AuthType::ApiKey)
}

/// The key that calls without one are charged to.
pub(super) fn keyless(fields: &mut Fields<'_>, proof: Option<&Proof>) -> Option<Keyless> {
    const PROPERTY: &str = "allowMissingApiKey";
    let allowed = fields.switch(PROPERTY);
    if allowed && proof.is_some() {
        fields.refuse(PROPERTY, "a call without a key can prove nothing; expected false");
    }
    allowed.then_some(Keyless::NoApiKey)
}
