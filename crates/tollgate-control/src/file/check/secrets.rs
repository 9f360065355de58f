//! A key's secret against what the services of its plan ask for: a call that could never prove
//! anything is a mistake.

use std::collections::BTreeMap;

use crate::document::{Kind, Section};
use crate::file::kinds::Literal;
use crate::model::{Key, Name, Plan, ProofScheme, Service};

/// Reports a secret that a service of `plan` asks for and the key does not have.
pub(in crate::file) fn check(
    section: &Section,
    key: &Key,
    plan: &Plan,
    services: &BTreeMap<Name, Service>,
) {
    let asking = plan.services.keys().filter_map(|name| services.get(name));
    for service in asking {
        let Some(proof) = &service.proof else { continue };
        let (field, expected) = match proof.scheme {
            ProofScheme::Secret => ("secret_digest", Literal.expected()),
        };
        if !section.has(field) {
            let name = &service.name;
            let expected = format!("{expected}, as service {name} of the plan asks for a proof");
            section.missing(field, &expected);
            return;
        }
    }
    if key.secret_digest == Some(key.digest) {
        section
            .problem("secret_digest", "is the digest of the key itself, expected another secret");
    }
}
