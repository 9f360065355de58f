//! How calls are authenticated.

/// How calls are authenticated: what a key set is for (S4-3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AuthType {
    /// By the key alone.
    ApiKey,
    /// By the key and a proof that the caller has its secret.
    ApiKeyAndSecret,
}

impl AuthType {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::ApiKey, Self::ApiKeyAndSecret];

    /// Its name, in files, over the API and in the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ApiKey => "api_key",
            Self::ApiKeyAndSecret => "api_key_and_secret",
        }
    }

    /// Those that are taken where a proof is asked for (`proves`), of some keys only (`key_alone`),
    /// or of none.
    pub(crate) fn taken(proves: bool, key_alone: bool) -> impl Iterator<Item = Self> {
        let alone = (!proves || key_alone).then_some(Self::ApiKey);
        alone.into_iter().chain(proves.then_some(Self::ApiKeyAndSecret))
    }

    /// The type of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == name)
    }
}
