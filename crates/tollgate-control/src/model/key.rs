//! Package keys.

use tollgate_core::CertificateFingerprint;

use super::{AuthType, DigestLiteral, Enforcement, Name, Network, Own, OwnQps, Owner, Wrapped};

/// What an application calls with: what was bought, and limits of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its name, which is no secret.
    pub name: Name,
    /// The name that it counts under: its own, or that of the chain that it belongs to, so that a
    /// key and its successor share one set of counters.
    pub counts_as: Name,
    /// Which one it is of the successive keys that count there, from 1.
    pub number: u32,
    /// Who may change it.
    pub owner: Owner,
    /// What is known of the key itself.
    pub digest: DigestLiteral,
    /// What is known of its secret, for proof by secret.
    pub secret_digest: Option<DigestLiteral>,
    /// Its secret, wrapped under the key, for signatures.
    pub wrapped_secret: Option<Wrapped>,
    /// How its calls are authenticated; `None` = as each service asks, with a proof wherever one is
    /// asked for.
    pub auth_type: Option<AuthType>,
    /// Whose it is.
    pub application: Name,
    /// What was bought: one plan for a package key, one for each API of a key set. Of two that open
    /// the same service the first holds.
    pub bought: Vec<Bought>,
    /// Whether it works.
    pub status: KeyStatus,
    /// The first second since 1970 in which it works; `None` = at once.
    pub not_before: Option<i64>,
    /// The first second since 1970 in which it works no more; `None` = never. A date in the source
    /// is the first second of the day after.
    pub expires: Option<i64>,
    /// Queries per second of its own.
    pub qps: Own<OwnQps>,
    /// Calls in the plan's period of its own.
    pub quota: Own<u64>,
    /// Calls at once of its own; `None` = the plan's.
    pub concurrency_ceiling: Option<u32>,
    /// Where its calls may come from, within what the plan allows; none = what the plan allows.
    pub allowed_sources: Vec<Network>,
    /// The client certificates that it works with; none = it is bound to none.
    pub client_certificates: Vec<CertificateFingerprint>,
    /// What is refused, and what is only counted; `None` = as the plan says.
    pub enforcement: Enforcement<Option<bool>>,
}

/// A plan that a key was made under.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Bought {
    /// The package.
    pub package: Name,
    /// The plan of that package.
    pub plan: Name,
    /// The one service of what the plan opens; `None` = all of them, which share one set of
    /// counters then.
    pub service: Option<Name>,
}

/// Where a key is in life, apart from its dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyStatus {
    /// Made, not approved yet.
    Waiting,
    /// Works.
    Active,
    /// Refused until it is active again.
    Suspended,
    /// Refused for good.
    Revoked,
}
