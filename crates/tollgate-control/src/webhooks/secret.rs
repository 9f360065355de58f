//! What deliveries are signed with.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::seal::{SealError, Sealer};
use crate::store::{Connection, StoreError};

/// What Standard Webhooks have in front of a secret.
const PREFIX: &str = "whsec_";

/// The field that it is sealed for.
const FIELD: &str = "webhook_secret";

/// The secret of a webhook. It cannot be printed, and is wiped when dropped.
pub struct SigningSecret(Zeroizing<[u8; 32]>);

impl SigningSecret {
    /// A fresh one.
    ///
    /// # Errors
    /// [`SealError::NoRandomness`].
    pub fn fresh() -> Result<Self, SealError> {
        let mut secret = Zeroizing::new([0; 32]);
        getrandom::fill(secret.as_mut_slice()).map_err(|_| SealError::NoRandomness)?;
        Ok(Self(secret))
    }

    /// As its owner is shown it, once.
    #[must_use]
    pub fn reveal(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(PREFIX.len() + 44));
        text.push_str(PREFIX);
        STANDARD.encode_string(self.0.as_slice(), &mut text);
        text
    }

    /// `webhook-signature` of what is sent at a second since 1970.
    #[must_use]
    pub fn sign(&self, id: &str, timestamp: i64, body: &str) -> String {
        // HMAC takes a key of any length.
        let Ok(mut hmac) = Hmac::<Sha256>::new_from_slice(self.0.as_slice()) else {
            return String::new();
        };
        hmac.update(format!("{id}.{timestamp}.{body}").as_bytes());
        format!("v1,{}", STANDARD.encode(hmac.finalize().into_bytes()))
    }

    /// Keeps it as that of a webhook, sealed, in place of any other.
    ///
    /// # Errors
    /// What the store said; a system without randomness is [`StoreError::Closed`].
    pub fn keep(
        &self,
        sealer: &Sealer,
        connection: &mut dyn Connection,
        webhook: &str,
    ) -> Result<(), StoreError> {
        let sealed = sealer.seal(webhook, FIELD, self.0.as_slice());
        let sealed = sealed.map_err(|_| StoreError::Closed)?;
        let statement = "INSERT INTO webhook_secrets (webhook, sealed) VALUES ($1, $2) \
                         ON CONFLICT (webhook) DO UPDATE SET sealed = excluded.sealed";
        connection.run(statement, &[webhook.into(), sealed.as_slice().into()]).map(drop)
    }

    /// The secret of a webhook, sealed.
    ///
    /// # Errors
    /// What the store said; likewise below.
    pub fn sealed(
        connection: &mut dyn Connection,
        webhook: &str,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let query = "SELECT sealed FROM webhook_secrets WHERE webhook = $1";
        let row = connection.row(query, &[webhook.into()])?;
        row.map(|row| row.bytes(0).map(<[u8]>::to_vec)).transpose()
    }

    /// Seals those anew that were not sealed with the key in use. Returns how many, and how many it
    /// cannot, because they do not open.
    pub(crate) fn renew_all(
        sealer: &Sealer,
        connection: &mut dyn Connection,
    ) -> Result<(u64, u64), StoreError> {
        let (mut renewed, mut left) = (0, 0);
        for row in connection.rows("SELECT webhook, sealed FROM webhook_secrets", &[])? {
            let (webhook, sealed) = (row.text(0)?, row.bytes(1)?);
            if sealer.is_current(sealed) {
                continue;
            }
            let opened = sealer.open(webhook, FIELD, sealed);
            let Ok(anew) = opened.and_then(|opened| sealer.seal(webhook, FIELD, &opened)) else {
                left += 1;
                continue;
            };
            let statement = "UPDATE webhook_secrets SET sealed = $1 WHERE webhook = $2";
            connection.run(statement, &[anew.as_slice().into(), webhook.into()])?;
            renewed += 1;
        }
        Ok((renewed, left))
    }

    /// Forgets the secret of a webhook.
    pub fn forget(connection: &mut dyn Connection, webhook: &str) -> Result<(), StoreError> {
        let statement = "DELETE FROM webhook_secrets WHERE webhook = $1";
        connection.run(statement, &[webhook.into()]).map(drop)
    }

    /// Opens what was kept.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn open(sealer: &Sealer, webhook: &str, sealed: &[u8]) -> Result<Self, SealError> {
        let opened = sealer.open(webhook, FIELD, sealed)?;
        let bytes = opened.as_slice().try_into().map_err(|_| SealError::Forged)?;
        Ok(Self(Zeroizing::new(bytes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_those_of_standard_webhooks() {
        // printf '%s' 'msg_1.1674087231.{"a":1}' | openssl dgst -sha256 -mac HMAC
        //   -macopt hexkey:$(printf '07%.0s' $(seq 32)) -binary | base64
        let secret = SigningSecret(Zeroizing::new([7; 32]));
        assert_eq!(&**secret.reveal(), "whsec_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=");
        let signature = secret.sign("msg_1", 1_674_087_231, r#"{"a":1}"#);
        assert_eq!(signature, "v1,0ANzGnJGWWHmwudt0qLST2wpUTgWaHglALeEiddVSyk=");
    }
}
