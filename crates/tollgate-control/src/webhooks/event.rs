//! What webhooks are told of.

/// A kind of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventKind {
    /// A key's quota is used up to the share that its package names.
    NearQuota,
    /// Calls of a key are refused for its quota.
    OverQuota,
    /// Calls of a key are refused for its queries per second.
    OverThrottle,
    /// It is known when a key will be replaced.
    RotationPlanned,
    /// A key was replaced as planned.
    Rotated,
    /// A key that was replaced works for a day at most.
    OverlapEnding,
    /// A key expires in 30, 7 or 1 days.
    Expiring,
    /// A key has died of age.
    Expired,
    /// A key was suspended.
    Suspended,
    /// A key was revoked, or has given way to its successor.
    Revoked,
    /// Somebody was shown the values of keys.
    CredentialsRetrieved,
    /// Somebody tries the webhook.
    Test,
}

impl EventKind {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::NearQuota,
        Self::OverQuota,
        Self::OverThrottle,
        Self::RotationPlanned,
        Self::Rotated,
        Self::OverlapEnding,
        Self::Expiring,
        Self::Expired,
        Self::Suspended,
        Self::Revoked,
        Self::CredentialsRetrieved,
        Self::Test,
    ];

    /// Its name: `type` in what is sent.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NearQuota => "key.near_quota",
            Self::OverQuota => "key.over_quota",
            Self::OverThrottle => "key.over_throttle",
            Self::RotationPlanned => "key.rotation_planned",
            Self::Rotated => "key.rotated",
            Self::OverlapEnding => "key.overlap_ending",
            Self::Expiring => "key.expiring",
            Self::Expired => "key.expired",
            Self::Suspended => "key.suspended",
            Self::Revoked => "key.revoked",
            Self::CredentialsRetrieved => "credentials.retrieved",
            Self::Test => "webhook.test",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}
