//! Secrets of keys, as far as a service that the key reaches asks for a proof.

use std::collections::HashSet;

use tollgate_core::{Change, Digest, KeySecret, Root};

use super::Compiled;
use crate::model::{AuthType, Bought, Key, Objects, Plan, Service};

/// What calls with the key are held against, in no other form than the services of the plan ask for;
/// `None` where none asks for a proof.
pub(super) fn compile(
    objects: &Objects,
    key: &Key,
    plans: &[(&Bought, &Plan)],
) -> Option<KeySecret> {
    if key.auth_type == Some(AuthType::ApiKey) {
        return None;
    }
    let opened = plans.iter().flat_map(|(_, plan)| plan.services.keys());
    let services = opened.filter_map(|name| objects.services.get(name));
    let (mut by_secret, mut by_signature) = (false, false);
    for (secret, signature) in services.map(Service::asks) {
        by_secret |= secret;
        by_signature |= signature;
    }
    (by_secret || by_signature).then(|| KeySecret {
        key: Digest::new(key.digest.bytes),
        digest: key.secret_digest.filter(|_| by_secret).map(|digest| Digest::new(digest.bytes)),
        wrapped: key.wrapped_secret.clone().filter(|_| by_signature),
    })
}

/// What makes the secrets of some keys in `root` what was compiled of them, and takes those of the
/// digests in `gone` out.
pub(super) fn difference_of_keys(
    root: &Root,
    compiled: &Compiled,
    gone: &[Digest],
) -> Vec<Change<KeySecret>> {
    let (present, mut changes) = held(root, &compiled.secrets);
    let keys = compiled.records.iter().map(|record| &record.digest).chain(gone);
    let gone =
        keys.copied().filter(|key| !present.contains(key) && root.secrets.find(key).is_some());
    changes.extend(gone.map(Change::Remove));
    changes
}

/// What makes `compiled` out of the secrets of `root`.
pub(super) fn difference(root: &Root, compiled: &[KeySecret]) -> Vec<Change<KeySecret>> {
    let (present, mut changes) = held(root, compiled);
    let gone = root.secrets.iter().filter(|secret| !present.contains(&secret.key));
    changes.extend(gone.map(|secret| Change::Remove(secret.key)));
    changes
}

/// Whose secrets were compiled, and what has `root` hold them.
fn held(root: &Root, compiled: &[KeySecret]) -> (HashSet<Digest>, Vec<Change<KeySecret>>) {
    let present = compiled.iter().map(|secret| secret.key).collect();
    let changed = compiled.iter().filter(|secret| root.secrets.find(&secret.key) != Some(secret));
    (present, changed.cloned().map(Change::Put).collect())
}
