//! Passwords: argon2id, on threads that may block, a few at a time.

use std::sync::Arc;

use argon2::Argon2;
use argon2::password_hash::phc;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use super::Login;
use crate::store::{Change, Connection, StoreError};

/// Passwords that are hashed at one time. Each takes 19 MiB and a CPU for some 20 ms.
const AT_ONCE: usize = 2;
/// Passwords that may wait. Who comes after them is told to come again.
const WAITING: usize = 32;
/// What passwords that nobody has are compared with: it takes as long as any other.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5aGFzdGhpcw\
                      $UcNSqoLaM0Y2CXBgZxHo1VGyUeUBpAVDc1dEB4mD6Xk";

/// A password in the clear. It cannot be printed and is wiped when dropped.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

/// A password as it is stored: a PHC string of argon2id.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

/// Hashes and compares passwords.
#[derive(Debug)]
pub struct Passwords {
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

/// Too many passwords are being compared already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Busy;

impl Password {
    /// The shortest one that can be set.
    pub const SHORTEST: usize = 10;
    /// The longest one.
    pub const LONGEST: usize = 256;

    /// A password.
    #[must_use]
    pub fn new(text: impl Into<Zeroizing<String>>) -> Self {
        Self(text.into())
    }

    /// Why it cannot be set, if it cannot.
    #[must_use]
    pub fn misfit(&self) -> Option<&'static str> {
        let length = self.0.chars().count();
        (!(Self::SHORTEST..=Self::LONGEST).contains(&length))
            .then_some("expected 10 to 256 characters")
    }
}

impl Passwords {
    /// Nothing is being compared yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            running: Arc::new(Semaphore::new(AT_ONCE)),
            waiting: Arc::new(Semaphore::new(AT_ONCE + WAITING)),
        }
    }

    /// Hashes a password that is to be stored.
    ///
    /// # Errors
    /// [`Busy`], also if the system has no randomness or memory.
    pub async fn hash(&self, password: Password) -> Result<PasswordHash, Busy> {
        self.run(move || password.hash()).await?.ok_or(Busy)
    }

    /// Whether it is the password of this hash. `None` is nobody's, and takes as long.
    ///
    /// # Errors
    /// [`Busy`].
    pub async fn fits(&self, password: Password, hash: Option<PasswordHash>) -> Result<bool, Busy> {
        self.run(move || {
            let somebody = hash.is_some();
            password.fits(&hash.map_or_else(|| NOBODY.to_owned(), |hash| hash.0)) && somebody
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Busy> {
        let waits = Arc::clone(&self.waiting).try_acquire_owned().map_err(|_| Busy)?;
        let runs = Arc::clone(&self.running).acquire_owned().await.map_err(|_| Busy)?;
        // The places go with the thread: whoever asked may go away before it has ended.
        let work = move || {
            let _places = (waits, runs);
            work()
        };
        tokio::task::spawn_blocking(work).await.map_err(|_| Busy)
    }
}

impl Default for Passwords {
    fn default() -> Self {
        Self::new()
    }
}

impl Password {
    /// As it is stored. Takes some 20 ms.
    pub(super) fn hash(&self) -> Option<PasswordHash> {
        let hash = Argon2::default().hash_password(self.0.as_bytes());
        hash.ok().map(|hash: phc::PasswordHash| PasswordHash(hash.to_string()))
    }

    fn fits(&self, hash: &str) -> bool {
        let Ok(hash) = phc::PasswordHash::new(hash) else { return false };
        Argon2::default().verify_password(self.0.as_bytes(), &hash).is_ok()
    }
}

impl PasswordHash {
    /// A member's.
    ///
    /// # Errors
    /// What the store said; likewise below.
    pub fn of(connection: &mut dyn Connection, member: &str) -> Result<Option<Self>, StoreError> {
        let query = "SELECT hash FROM passwords WHERE member = $1";
        let row = connection.row(query, &[member.into()])?;
        row.map(|row| row.text(0).map(|text| Self(text.to_owned()))).transpose()
    }

    /// Whether anybody has a password.
    pub fn any(connection: &mut dyn Connection) -> Result<bool, StoreError> {
        Ok(connection.row("SELECT 1 FROM passwords LIMIT 1", &[])?.is_some())
    }

    /// Makes it a member's, and ends every login that they have.
    pub fn set(&self, change: &mut Change<'_>, member: &str) -> Result<(), StoreError> {
        let statement = "INSERT INTO passwords (member, hash, changed) VALUES ($1, $2, $3) \
                         ON CONFLICT (member) DO UPDATE \
                         SET hash = excluded.hash, changed = excluded.changed";
        let values = [member.into(), self.0.as_str().into(), change.now().into()];
        change.connection().run(statement, &values)?;
        Login::end_all(change.connection(), member)
    }

    /// Takes a member's away, with every login that they have.
    pub fn forget(connection: &mut dyn Connection, member: &str) -> Result<(), StoreError> {
        connection.run("DELETE FROM passwords WHERE member = $1", &[member.into()])?;
        Login::end_all(connection, member)
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(..)")
    }
}

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        Password::new(text.to_owned())
    }

    #[tokio::test]
    async fn only_the_password_itself_fits() {
        let passwords = Passwords::new();
        let hash = passwords.hash(password("correct horse")).await.unwrap();
        assert!(hash.0.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        for (text, fits) in [("correct horse", true), ("correct horsf", false), ("", false)] {
            let found = passwords.fits(password(text), Some(hash.clone())).await;
            assert_eq!(found, Ok(fits), "{text}");
        }
        assert_eq!(passwords.fits(password("correct horse"), None).await, Ok(false));
    }

    #[test]
    fn what_nobody_has_is_compared_with_a_hash() {
        let hash = phc::PasswordHash::new(NOBODY).unwrap();
        assert!(hash.hash.is_some() && hash.salt.is_some());
    }

    #[tokio::test]
    async fn who_comes_after_those_who_wait_is_told_to_come_again() {
        let passwords = Passwords::new();
        let places = u32::try_from(AT_ONCE + WAITING).unwrap();
        let full = Arc::clone(&passwords.waiting).try_acquire_many_owned(places).unwrap();
        assert_eq!(passwords.fits(password("correct horse"), None).await, Err(Busy));
        drop(full);
        assert_eq!(passwords.fits(password("correct horse"), None).await, Ok(false));
    }

    #[test]
    fn short_and_long_ones_cannot_be_set() {
        for (length, fits) in [(0, false), (9, false), (10, true), (256, true), (257, false)] {
            assert_eq!(password(&"x".repeat(length)).misfit().is_none(), fits, "{length}");
        }
        assert!(!format!("{:?}", password("canary")).contains("canary"));
    }
}
