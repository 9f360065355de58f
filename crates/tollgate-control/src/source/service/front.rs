//! How an endpoint of the store is called.

mod credential;
mod maintenance;
mod method;

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};
use tollgate_core::MAX_KEY_LENGTH;

use super::fields::Fields;
use super::{Problem, Target, id};
use crate::directory::text;
use crate::file::kinds::{Dropped, Host, LiteralPath, shown};
use crate::model::{
    AuthType, CredentialPlace, Endpoint, ErrorDialect, Front, Name, Objects, RateLimitHeaders,
    ReturnedHeaders, Segment, Switches,
};
use crate::source::name;

/// A form in which a key may stand has so many bytes at most.
const FORM_BODY_LIMIT: u64 = 64 << 10;

/// Switches that ask for more than Tollgate can do.
const UNSUPPORTED: [&str; 2] = ["strictSecurity", "highSecurity"];

/// What an endpoint of a service says, or every reason why its calls lead nowhere.
pub(super) fn of_endpoint(
    service: &Map<String, Json>,
    endpoint: &Map<String, Json>,
    files: &Objects,
) -> Result<Front, Vec<Problem>> {
    let mut fields = Fields::of(endpoint);
    refuse_unsupported(&mut fields);
    let hosts = fields.addresses("publicDomains");
    if hosts.is_empty() {
        fields.lack("publicDomains", "expected the hosts that it answers for");
    }
    let hosts = fields.read_all("publicDomains", &hosts, Host);
    let path = path(&mut fields, "requestPathAlias");
    if path.is_none() {
        fields.lack("requestPathAlias", "expected the path below which it lies, such as \"/\"");
    }
    let path = path.unwrap_or_default();
    let upstream = Target::read(&mut fields).find(files);
    let upstream_path = self::path(&mut fields, "outboundRequestTargetPath").unwrap_or_default();
    let credentials = credential::places(&mut fields, path.len());
    let (proof, key_alone) = credential::proof(&mut fields, &credentials);
    let keyless = credential::keyless(&mut fields, proof.as_ref());
    let dropped = dropped(&mut fields, &credentials, proof.as_ref());
    let maintenance = maintenance::read(&mut fields);
    let told = fields.switch("rateLimitHeadersEnabled");
    let returned_headers = returned(&mut fields);
    let tls_required = fields.switch("inboundSslRequired");
    let http_methods = method::supported(&mut fields);
    let (methods, has_unknown_methods) = method::methods(&mut fields);
    let upstream = match upstream {
        Ok(upstream) => upstream,
        Err((property @ "upstream", why)) => {
            fields.refuse(property, why);
            name("")
        }
        Err((property, why)) => {
            fields.lack(property, why);
            name("")
        }
    };
    if !fields.problems.is_empty() {
        return Err(fields.problems);
    }
    let endpoint = Endpoint {
        name: name(id(endpoint)),
        // What lies below a path is the endpoint's too, as at the vendor's.
        path: vec![Segment::Rest],
        http_methods,
        // Which calls that match no method are open is for plans to say.
        undefined_methods_allowed: true,
        has_unknown_methods,
        maintenance,
        methods,
    };
    Ok(Front {
        part: Some(endpoint.name.clone()),
        hosts,
        path,
        upstream,
        upstream_path: Some(shown(&upstream_path)),
        tls_required,
        credentials,
        proof,
        key_alone,
        form_body_limit: FORM_BODY_LIMIT,
        error_dialect: match text(service, "errorDialect") {
            Some("mashery") => ErrorDialect::Mashery,
            _ => ErrorDialect::Problem,
        },
        returned_headers,
        rate_limit_headers: if told { RateLimitHeaders::Mashery } else { RateLimitHeaders::None },
        disclose_key_state: false,
        switches: Switches {
            maintenance: None,
            keyless,
            key_length: 1..=MAX_KEY_LENGTH,
            allowed_referers: Vec::new(),
            drop_request_headers: dropped,
            drop_response_headers: Vec::new(),
            cors: None,
        },
        endpoints: BTreeMap::from([(endpoint.name.clone(), endpoint)]),
    })
}

/// How calls of an endpoint are authenticated.
pub(super) fn auth_types(endpoint: &Map<String, Json>) -> Vec<AuthType> {
    let (proof, key_alone) = credential::proof(&mut Fields::of(endpoint), &[]);
    AuthType::taken(proof.is_some(), key_alone).collect()
}

/// Refuses what would restrict calls and cannot be carried out, or would loosen what is.
fn refuse_unsupported(fields: &mut Fields<'_>) {
    for property in UNSUPPORTED {
        if fields.switch(property) {
            fields.refuse(property, "is not supported; expected false");
        }
    }
    if fields.text("customRequestAuthenticationAdapter").is_some() {
        let message = "adapters are not supported; expected none";
        fields.refuse("customRequestAuthenticationAdapter", message);
    }
    if fields.text("outboundTransportProtocol") == Some("https") {
        let message = "upstreams are spoken to over plain HTTP only; expected http or use-inbound";
        fields.refuse("outboundTransportProtocol", message);
    }
    let processor = fields.get("processor").and_then(Json::as_object);
    let on = |name| processor.and_then(|own| own.get(name)).and_then(Json::as_bool) == Some(true);
    if on("preProcessEnabled") || on("postProcessEnabled") {
        fields.refuse("processor", "call transformations are not supported; expected none enabled");
    }
}

/// A path of literal segments: `None` where none is given. A slash at its end, or `/**`, means the
/// same.
fn path(fields: &mut Fields<'_>, property: &'static str) -> Option<Vec<Segment>> {
    let text = fields.text(property)?;
    let bare = text.strip_suffix("/**").unwrap_or(text).trim_end_matches('/');
    let bare = if bare.is_empty() { "/" } else { bare };
    let rooted = if bare.starts_with('/') { bare.to_owned() } else { format!("/{bare}") };
    fields.read(property, &rooted, LiteralPath)
}

/// The vendor's fields that admitted callers see.
fn returned(fields: &mut Fields<'_>) -> ReturnedHeaders {
    const PROPERTY: &str = "returnedHeaders";
    let mut returned = ReturnedHeaders::default();
    for name in fields.texts(PROPERTY) {
        match name {
            "mashery-message-id" => returned.message_id = true,
            "mashery-responder" => returned.responder = true,
            _ => {
                let message = "expected some of mashery-message-id and mashery-responder";
                fields.refuse(PROPERTY, message);
            }
        }
    }
    returned
}

/// The header fields that do not go upstream. Those that hold keys and proofs never do.
fn dropped(
    fields: &mut Fields<'_>,
    credentials: &[CredentialPlace],
    proof: Option<&crate::model::Proof>,
) -> Vec<http::HeaderName> {
    const PROPERTY: &str = "headersToExcludeFromIncomingCall";
    let names = fields.texts(PROPERTY);
    let mut dropped = fields.read_all(PROPERTY, &names, Dropped::OfRequests);
    let proofs = proof.map_or(&[][..], |proof| &proof.places);
    dropped.retain(|name| {
        let place = CredentialPlace::Header(name.clone());
        !credentials.contains(&place) && !proofs.contains(&place)
    });
    dropped
}

/// The name under which plans open a method.
fn method_name(method: &Map<String, Json>) -> Name {
    name(id(method))
}
