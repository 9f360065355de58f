//! Keys out of chains.

use super::name;
use crate::life_cycle::Key as LifeKey;
use crate::model::{
    AuthType, Bought, DigestLiteral, Enforcement, Key, KeyStatus, Objects, Own, OwnQps, Owner,
    Wrapped,
};
use crate::store::{StoredChain, Subscription};
use tollgate_core::Status;

/// The keys of a chain that proxies are to know: all that are not over, and those that are, so that
/// a proxy can tell a revoked key from one that never was. `subscribed` is what a key set was
/// subscribed to; a plan that is gone opens nothing.
pub(crate) fn of_chain(
    chain: &StoredChain,
    subscribed: Vec<Bought>,
    objects: &Objects,
) -> Vec<Key> {
    let of_package_key = chain.bought.as_ref().map(|bought| Bought {
        package: name(&bought.package),
        plan: name(&bought.plan),
        service: None,
    });
    let mut bought: Vec<_> = of_package_key.into_iter().chain(subscribed).collect();
    bought.retain(|bought| objects.plan(bought).is_some());
    let keys = chain.life.keys().filter_map(|life| key(chain, life, &bought));
    keys.collect()
}

/// What a subscription opens.
pub(crate) fn of_subscription(subscription: &Subscription) -> Bought {
    Bought {
        package: name(&subscription.package),
        plan: name(&subscription.plan),
        service: Some(name(&subscription.service)),
    }
}

fn key(chain: &StoredChain, life: &LifeKey, bought: &[Bought]) -> Option<Key> {
    let credential = chain.credential(life.number)?;
    let enforced = chain.life.enforced(life);
    let secret_digest = credential.secret_digest.as_deref();
    let wrapped = credential.wrapped_secret.as_deref();
    Some(Key {
        name: name(&credential.id),
        counts_as: name(&chain.id),
        number: life.number.0,
        owner: Owner::Store,
        digest: credential.digest,
        secret_digest: secret_digest.and_then(|text| DigestLiteral::parse(text).ok()),
        wrapped_secret: wrapped.and_then(|text| Wrapped::parse(text).ok()),
        // A package key has no type of its own; a key set of none that is known proves all.
        auth_type: match chain.bought {
            Some(_) => None,
            None => AuthType::named(&chain.auth_type).or(Some(AuthType::ApiKeyAndSecret)),
        },
        application: name(&chain.application),
        bought: bought.to_vec(),
        status: match enforced.status {
            Status::Waiting => KeyStatus::Waiting,
            Status::Active => KeyStatus::Active,
            Status::Suspended => KeyStatus::Suspended,
            Status::Revoked => KeyStatus::Revoked,
        },
        not_before: None,
        expires: enforced.not_after,
        qps: match chain.qps.own() {
            Own::Inherit => Own::Inherit,
            Own::Exempt => Own::Exempt,
            Own::Ceiling(ceiling) => Own::Ceiling(OwnQps { ceiling, burst: None }),
        },
        quota: chain.quota.own(),
        concurrency_ceiling: None,
        allowed_sources: Vec::new(),
        client_certificates: Vec::new(),
        enforcement: Enforcement::INHERITED,
    })
}
