//! A key's secret against what the services of its plan ask for: a call that could never prove
//! anything is a mistake.

use std::collections::BTreeMap;

use crate::document::{Kind, Section};
use crate::file::kinds::{Literal, WrappedSecret};
use crate::model::{AuthType, Key, Name, Plan, Service};

/// Reports each form of its secret that a service of `plan` asks for and the key does not have.
pub(in crate::file) fn check(
    section: &Section,
    key: &Key,
    plan: &Plan,
    services: &BTreeMap<Name, Service>,
) {
    let proves = key.auth_type != Some(AuthType::ApiKey);
    let asking = |by_secret: bool| {
        let mut opened = plan.services.keys().filter_map(|name| services.get(name));
        opened.find(|service| {
            let (secret, signature) = service.asks();
            proves && if by_secret { secret } else { signature }
        })
    };
    for (service, field, expected) in [
        (asking(true), "secret_digest", Literal.expected()),
        (asking(false), "wrapped_secret", WrappedSecret.expected()),
    ] {
        if let Some(service) = service.filter(|_| !section.has(field)) {
            let name = &service.name;
            let expected = format!("{expected}, as service {name} of the plan asks for a proof");
            section.missing(field, &expected);
        }
    }
    if key.secret_digest == Some(key.digest) {
        section
            .problem("secret_digest", "is the digest of the key itself, expected another secret");
    }
}
