//! Secrets of keys, as far as a service that the key reaches asks for a proof.

use std::collections::HashSet;

use tollgate_core::{Change, Digest, KeySecret, ProofScheme, Root};

use crate::model::{Key, Objects, Plan};

/// What calls with the key are held against; `None` where no service of the plan asks for a proof.
pub(super) fn compile(objects: &Objects, key: &Key, plan: &Plan) -> Option<KeySecret> {
    let services = plan.services.keys().filter_map(|name| objects.services.get(name));
    let asked = |scheme: fn(&ProofScheme) -> bool| {
        services
            .clone()
            .filter_map(|service| service.proof.as_ref())
            .any(|proof| scheme(&proof.scheme))
    };
    let by_secret = asked(|scheme| matches!(scheme, ProofScheme::Secret));
    let digest = key.secret_digest.filter(|_| by_secret);
    by_secret.then(|| KeySecret {
        key: Digest::new(key.digest.bytes),
        digest: digest.map(|digest| Digest::new(digest.bytes)),
    })
}

/// What makes `compiled` out of the secrets of `root`.
pub(super) fn difference(root: &Root, compiled: &[KeySecret]) -> Vec<Change<KeySecret>> {
    let present: HashSet<_> = compiled.iter().map(|secret| secret.key).collect();
    let changed = compiled.iter().filter(|secret| root.secrets.find(&secret.key) != Some(secret));
    let mut changes: Vec<_> = changed.cloned().map(Change::Put).collect();
    let gone = root.secrets.iter().filter(|secret| !present.contains(&secret.key));
    changes.extend(gone.map(|secret| Change::Remove(secret.key)));
    changes
}
