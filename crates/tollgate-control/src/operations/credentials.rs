//! Keys and secrets: made, checked, and turned into what is kept of them.

use std::fmt;

use tollgate_core::weakness;
use zeroize::Zeroizing;

use super::{Context, Refused, Retrieval};
use crate::model::{DigestLiteral, DigestSchemes, SchemeSettings, Wrapped};
use crate::seal::SealError;
use crate::store::Credential;

/// A key or a secret in the clear, on its way from or to whoever may know it. It cannot be
/// printed, and is wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

/// The longest key and secret (domain.md §1.2).
const LONGEST: usize = 255;

/// What generated secrets, and keys of a given length, are made of.
const DIGITS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";

impl Secret {
    /// This text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text, for whoever may know it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Why it cannot be a custom key (S2-8); `None` if it can. The words repeat nothing of it.
    pub(super) fn key_misfit(&self) -> Option<&'static str> {
        let charset = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b':');
        if self.0.is_empty() || self.0.len() > LONGEST {
            return Some("expected 1 to 255 characters");
        }
        (!self.0.bytes().all(charset)).then_some("expected A-Z a-z 0-9 _ - . : only")
    }

    /// Why it cannot be a secret; `None` if it can.
    pub(super) fn secret_misfit(&self) -> Option<&'static str> {
        let fits =
            (1..=LONGEST).contains(&self.0.len()) && self.0.bytes().all(|b| b.is_ascii_graphic());
        (!fits).then_some("expected 1 to 255 printable ASCII characters without spaces")
    }

    /// Why it is easy to guess, if it is.
    #[must_use]
    pub fn weakness(&self) -> Option<&'static str> {
        weakness(self.0.as_bytes())
    }

    /// A random text of a length.
    pub(super) fn random(length: usize) -> Result<Self, SealError> {
        let mut text = Zeroizing::new(String::with_capacity(length));
        // What is left over from whole turns around the digits would make some likelier.
        let fair = 256 - 256 % DIGITS.len();
        while text.len() < length {
            let mut bytes = Zeroizing::new([0; 64]);
            getrandom::fill(&mut *bytes).map_err(|_| SealError::NoRandomness)?;
            let bytes = bytes.iter().map(|byte| usize::from(*byte)).filter(|byte| *byte < fair);
            let left = length - text.len();
            text.extend(bytes.take(left).map(|byte| char::from(DIGITS[byte % DIGITS.len()])));
        }
        Ok(Self(text))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Context {
    /// A fresh key: of the brand's form, or of plain characters where the package has a length.
    pub(super) fn generate_key(&self, length: Option<usize>) -> Result<Secret, SealError> {
        match (self.brand(), length) {
            (Some(brand), None) => {
                let mut random = Zeroizing::new([0; 8]);
                for limb in random.iter_mut() {
                    *limb = getrandom::u32().map_err(|_| SealError::NoRandomness)?;
                }
                Ok(Secret::new(brand.generate(self.environment(), &random).reveal()))
            }
            (_, length) => Secret::random(length.unwrap_or(PLAIN_KEY).min(LONGEST)),
        }
    }

    /// The digest by which proxies know a key.
    pub(super) fn digest(&self, key: &Secret) -> Result<DigestLiteral, Refused> {
        digest(&self.digests().current, key)
    }

    /// Everything that a proxy may know a key by: its digest in each scheme that keys are looked up
    /// under, the one in use first.
    pub(super) fn digests_of(&self, key: &Secret) -> Result<Vec<DigestLiteral>, Refused> {
        let DigestSchemes { current, previous } = self.digests();
        let schemes = std::iter::once(current).chain(previous);
        schemes.map(|settings| digest(settings, key)).collect()
    }

    /// What is kept of a key and its secret, under the key's id.
    pub(super) fn keep(
        &self,
        id: &str,
        key: &Secret,
        secret: Option<&Secret>,
        now: i64,
    ) -> Result<Credential, Refused> {
        let mut credential = Credential {
            id: id.to_owned(),
            digest: self.digest(key)?,
            scheme: Some(self.scheme_mark()),
            sealed: self.seal(id, "apikey", key)?,
            sealed_secret: None,
            secret_digest: None,
            wrapped_secret: None,
            created: now,
        };
        if let Some(secret) = secret {
            self.keep_secret(&mut credential, key, secret)?;
        }
        Ok(credential)
    }

    /// Keeps another secret of a key, whose value has to be known: proxies get the secret wrapped
    /// under it (design decision 4).
    ///
    /// # Errors
    /// [`Refused::Invalid`] where the value of the key is not kept.
    pub(super) fn replace_secret(
        &self,
        credential: &mut Credential,
        secret: &Secret,
    ) -> Result<(), Refused> {
        let key = self.open_key(credential).map_err(Refused::Sealing)?;
        let key = key.ok_or_else(|| {
            Refused::invalid("secret", "cannot be changed, as the key itself is not kept")
        })?;
        // Of both digests one mark tells the scheme.
        credential.digest = self.digest(&key)?;
        credential.scheme = Some(self.scheme_mark());
        self.keep_secret(credential, &key, secret)
    }

    fn keep_secret(
        &self,
        credential: &mut Credential,
        key: &Secret,
        secret: &Secret,
    ) -> Result<(), Refused> {
        credential.sealed_secret = self.seal(&credential.id, "secret", secret)?;
        credential.secret_digest = Some(self.digest(secret)?.to_string());
        let mut nonce = [0; Wrapped::NONCE];
        getrandom::fill(&mut nonce).map_err(|_| Refused::Sealing(SealError::NoRandomness))?;
        let wrapped = Wrapped::seal(key.reveal().as_bytes(), secret.reveal().as_bytes(), nonce);
        credential.wrapped_secret = wrapped.map(|wrapped| wrapped.to_string());
        Ok(())
    }

    /// What tells the digest scheme in use.
    pub(crate) fn scheme_mark(&self) -> String {
        self.digests().current.mark()
    }

    /// A credential as it would be made now: sealed with the key in use and digested under the scheme
    /// in use. What is not kept is neither; then the digests stay as they are, both of them, since one
    /// mark tells the scheme of both.
    ///
    /// # Errors
    /// What keeps it from being opened, sealed or digested.
    pub(crate) fn renewed(&self, before: &Credential) -> Result<Credential, Refused> {
        let open = |field: &str, sealed: &Option<Vec<u8>>| match sealed {
            Some(sealed) => self.open_sealed(&before.id, field, sealed).map(Some),
            None => Ok(None),
        };
        let key = open("apikey", &before.sealed).map_err(Refused::Sealing)?;
        let secret = open("secret", &before.sealed_secret).map_err(Refused::Sealing)?;
        let mut after = before.clone();
        for (field, text, sealed) in
            [("apikey", &key, &mut after.sealed), ("secret", &secret, &mut after.sealed_secret)]
        {
            let behind = sealed.as_ref().is_some_and(|sealed| !self.sealer.is_current(sealed));
            if let Some(text) = text.as_ref().filter(|_| behind) {
                let anew = self.sealer.seal(&before.id, field, text.reveal().as_bytes());
                *sealed = Some(anew.map_err(Refused::Sealing)?);
            }
        }
        let whole = secret.is_some() || before.secret_digest.is_none();
        if let Some(key) = key.filter(|_| whole) {
            after.digest = self.digest(&key)?;
            after.scheme = Some(self.scheme_mark());
            if let Some(secret) = &secret {
                after.secret_digest = Some(self.digest(secret)?.to_string());
            }
        }
        Ok(after)
    }

    fn seal(&self, id: &str, field: &str, text: &Secret) -> Result<Option<Vec<u8>>, Refused> {
        match self.retrieval {
            Retrieval::Once => Ok(None),
            Retrieval::Always => {
                let sealed = self.sealer.seal(id, field, text.reveal().as_bytes());
                sealed.map(Some).map_err(Refused::Sealing)
            }
        }
    }

    /// A key in the clear, where the policy lets it be seen again.
    ///
    /// # Errors
    /// [`SealError`] if what is kept does not open.
    pub fn open_key(&self, credential: &Credential) -> Result<Option<Secret>, SealError> {
        self.open(&credential.id, "apikey", credential.sealed.as_deref())
    }

    /// A key's secret in the clear, where it has one and the policy lets it be seen again.
    ///
    /// # Errors
    /// [`SealError`] if what is kept does not open.
    pub fn open_secret(&self, credential: &Credential) -> Result<Option<Secret>, SealError> {
        self.open(&credential.id, "secret", credential.sealed_secret.as_deref())
    }

    fn open(
        &self,
        id: &str,
        field: &str,
        sealed: Option<&[u8]>,
    ) -> Result<Option<Secret>, SealError> {
        let Some(sealed) = sealed.filter(|_| self.retrieval == Retrieval::Always) else {
            return Ok(None);
        };
        self.open_sealed(id, field, sealed).map(Some)
    }

    fn open_sealed(&self, id: &str, field: &str, sealed: &[u8]) -> Result<Secret, SealError> {
        let opened = self.sealer.open(id, field, sealed)?;
        let text = std::str::from_utf8(&opened).map_err(|_| SealError::Forged)?;
        Ok(Secret::new(text))
    }
}

fn digest(settings: &SchemeSettings, key: &Secret) -> Result<DigestLiteral, Refused> {
    let scheme = settings.compile().ok_or(Refused::Sealing(SealError::OtherKey))?;
    let bytes = *scheme.digest(key.reveal().as_bytes()).bytes();
    Ok(DigestLiteral { scheme: settings.scheme(), bytes })
}

/// How long a generated key is where there is neither a brand nor a length: 165 bits of chance.
const PLAIN_KEY: usize = 32;
