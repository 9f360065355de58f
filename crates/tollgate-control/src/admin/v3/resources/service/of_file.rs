//! Services of a file, as the v3 API shows them.

use serde_json::{Map, Value as Json, json};

use super::super::super::source::Object;
use super::check::ROUTED;
use crate::file::kinds::shown;
use crate::model::{AuthType, Endpoint, Front, HostPattern, ProofScheme, Service, SignatureHash};
use crate::people::Realm;

/// One that a file owns.
pub(super) fn object(service: &Service) -> Object {
    let mut json = Map::new();
    json.insert("id".to_owned(), json!(&*service.name));
    json.insert("name".to_owned(), json!(&*service.name));
    json.insert("description".to_owned(), json!(service.description));
    if let Some(qps) = service.qps_limit_overall {
        json.insert("qpsLimitOverall".to_owned(), json!(qps.ceiling));
    }
    let fronts = service.fronts.iter();
    let endpoints =
        fronts.flat_map(|front| front.endpoints.values().map(|each| endpoint(front, each)));
    json.insert("endpoints".to_owned(), endpoints.collect());
    Object {
        id: service.name.to_string(),
        json,
        realm: Realm::default(),
        owner: service.owner.clone(),
        document: None,
        application: None,
        chain: None,
    }
}

fn endpoint(front: &Front, endpoint: &Endpoint) -> Json {
    let path: Vec<_> = front.path.iter().chain(&endpoint.path).cloned().collect();
    let methods = endpoint.methods.values().map(|method| {
        let verbs: Vec<_> = method.http_methods.iter().map(http::Method::as_str).collect();
        json!({ "id": &*method.name, "name": &*method.name, "httpMethods": verbs })
    });
    let methods: Vec<_> = methods.collect();
    let domains: Vec<_> =
        front.hosts.iter().map(|host| json!({ "address": address(host) })).collect();
    let auth_types: Vec<_> = front.auth_types().map(AuthType::as_str).collect();
    json!({
        "id": &*endpoint.name,
        "name": &*endpoint.name,
        "requestAuthenticationType": authentication(front),
        "authTypes": auth_types,
        "requestPathAlias": shown(&path),
        "publicDomains": domains,
        "upstream": &*front.upstream,
        "inboundSslRequired": front.tls_required,
        "methods": methods,
        ROUTED: true,
    })
}

/// What the vendor calls the proof that is asked for.
fn authentication(front: &Front) -> &'static str {
    match front.proof.as_ref().map(|proof| &proof.scheme) {
        None => "apiKey",
        Some(ProofScheme::Signature { hash: SignatureHash::Md5, .. }) => "apiKeyAndSecret_MD5",
        Some(ProofScheme::Signature { hash: SignatureHash::Sha256, .. }) => {
            "apiKeyAndSecret_SHA256"
        }
        Some(ProofScheme::HmacSha256 { .. }) => "secureHash_SHA256",
        Some(ProofScheme::Secret) => "custom",
    }
}

fn address(host: &HostPattern) -> String {
    match host {
        HostPattern::Name(name) => name.to_string(),
        HostPattern::Below(name) => format!("*.{name}"),
    }
}
