//! Tokens: what a member acts with after they have logged in. The store has their digests only.

use std::time::Duration;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::random_text;
use crate::store::{Change, Connection, NotChanged, Reason, Row, StoreError, Value};

/// How long an access token is (domain.md §1.1).
const ACCESS_LENGTH: usize = 24;
const REFRESH_LENGTH: usize = 32;
const SECRET_LENGTH: usize = 40;

/// Random text that opens something. It cannot be printed and is wiped when dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

/// A login that lasts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// Its id.
    pub id: String,
    /// Whose it is.
    pub member: String,
    /// The client through which it was made; empty for a token that a member made.
    pub client: String,
    /// A member's own word for a token that they made; else empty.
    pub name: String,
    /// Milliseconds since 1970.
    pub created: i64,
    /// When it ends, in milliseconds since 1970.
    pub expires: i64,
}

/// A login that is to begin.
#[derive(Clone, Debug)]
pub struct NewLogin {
    /// Whose it is.
    pub member: String,
    /// The client through which it is made.
    pub client: String,
}

/// How long tokens last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// An access token.
    pub access: Duration,
    /// A refresh token, from the last refresh on.
    pub refresh: Duration,
}

/// Fresh tokens.
#[derive(Clone, Debug)]
pub struct Issued {
    /// What a member acts with.
    pub access: Secret,
    /// What it is renewed with, once.
    pub refresh: Secret,
    /// Whose they are.
    pub member: String,
}

/// A login that was ended because a refresh token came a second time: one of the two who had it is
/// a thief, and nobody can say which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Whose it was.
    pub member: String,
}

/// Why there are no tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenRefused {
    /// The refresh token is unknown, or another client's.
    Unknown,
    /// It has expired.
    Expired,
    /// The member is not active, or gone.
    MemberInactive,
    /// Neither a member's name and password nor a client's.
    WrongCredentials,
    /// The system has no randomness.
    NoRandomness,
}

impl Reason for TokenRefused {
    fn code(&self) -> &str {
        match self {
            Self::Unknown => "token_unknown",
            Self::Expired => "token_expired",
            Self::MemberInactive => "member_inactive",
            Self::WrongCredentials => "wrong_credentials",
            Self::NoRandomness => "no_randomness",
        }
    }
}

impl Secret {
    /// One that somebody brought.
    #[must_use]
    pub fn brought(text: impl Into<Zeroizing<String>>) -> Self {
        Self(text.into())
    }

    /// A fresh one for a client or a token that lasts: 238 bits.
    ///
    /// # Errors
    /// If the system has no randomness.
    pub fn fresh() -> Result<Self, getrandom::Error> {
        random_text(SECRET_LENGTH).map(Self)
    }

    /// The text, for the one whom it is given to.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Its SHA-256: as random as it is long, it needs no salt.
    pub(crate) fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }

    fn value(&self) -> Value {
        Value::Bytes(self.digest().to_vec())
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

const COLUMNS: &str = "logins.id, member, client, name, created, logins.expires";

impl Login {
    /// The login of an access token that is good at `now`.
    ///
    /// # Errors
    /// What the store said; likewise below.
    pub fn of(
        connection: &mut dyn Connection,
        token: &Secret,
        now: i64,
    ) -> Result<Option<Self>, StoreError> {
        let query = format!(
            "SELECT {COLUMNS} FROM tokens JOIN logins ON logins.id = tokens.login \
             WHERE digest = $1 AND tokens.kind = 'access' AND tokens.expires > $2"
        );
        let row = connection.row(&query, &[token.value(), now.into()])?;
        row.as_ref().map(Self::read).transpose()
    }

    /// The login that a token of a client's belongs to, whichever of its tokens it is and whether or
    /// not it is good still.
    pub fn of_client(
        connection: &mut dyn Connection,
        token: &Secret,
        client: &str,
    ) -> Result<Option<Self>, StoreError> {
        let query = format!(
            "SELECT {COLUMNS} FROM tokens JOIN logins ON logins.id = tokens.login \
             WHERE digest = $1 AND client = $2"
        );
        let row = connection.row(&query, &[token.value(), client.into()])?;
        row.as_ref().map(Self::read).transpose()
    }

    /// The tokens that a member made, the oldest first.
    pub fn made_by(
        connection: &mut dyn Connection,
        member: &str,
        now: i64,
    ) -> Result<Vec<Self>, StoreError> {
        let query = format!(
            "SELECT {COLUMNS} FROM logins WHERE member = $1 AND kind = 'api' AND expires > $2 \
             ORDER BY created, id"
        );
        let rows = connection.rows(&query, &[member.into(), now.into()])?;
        rows.iter().map(Self::read).collect()
    }

    /// Begins a login and issues its first tokens.
    pub fn begin(
        change: &mut Change<'_>,
        new: &NewLogin,
        lifetimes: &Lifetimes,
    ) -> Result<Issued, NotChanged<TokenRefused>> {
        let now = change.now();
        sweep(change)?;
        let login = Self {
            id: uuid::Uuid::new_v4().to_string(),
            member: new.member.clone(),
            client: new.client.clone(),
            name: String::new(),
            created: now,
            expires: after(now, lifetimes.refresh),
        };
        login.insert(change.connection(), "session")?;
        login.issue(change, lifetimes)
    }

    /// Makes a token that lasts until `expires`, by a member's own word for it.
    pub fn make(
        change: &mut Change<'_>,
        member: &str,
        name: &str,
        expires: i64,
    ) -> Result<(Self, Secret), NotChanged<TokenRefused>> {
        sweep(change)?;
        let token = Secret::fresh().map_err(|_| NotChanged::Refused(TokenRefused::NoRandomness))?;
        let login = Self {
            id: uuid::Uuid::new_v4().to_string(),
            member: member.to_owned(),
            client: String::new(),
            name: name.to_owned(),
            created: change.now(),
            expires,
        };
        login.insert(change.connection(), "api")?;
        login.insert_token(change.connection(), &token, "access", expires)?;
        Ok((login, token))
    }

    /// Takes a refresh token in and issues new tokens for it. The tokens before them are good for
    /// nothing then. Where the refresh token has been used already, the login ends.
    pub fn refresh(
        change: &mut Change<'_>,
        token: &Secret,
        client: &str,
        lifetimes: &Lifetimes,
    ) -> Result<Result<Issued, Ended>, NotChanged<TokenRefused>> {
        let now = change.now();
        let query = format!(
            "SELECT {COLUMNS}, tokens.expires, spent FROM tokens \
             JOIN logins ON logins.id = tokens.login \
             WHERE digest = $1 AND tokens.kind = 'refresh'"
        );
        let refused = |why| Err(NotChanged::Refused(why));
        let Some(row) = change.connection().row(&query, &[token.value()])? else {
            return refused(TokenRefused::Unknown);
        };
        let login = Self::read(&row)?;
        if login.client != client {
            return refused(TokenRefused::Unknown);
        }
        if row.optional_integer(7)?.is_some() {
            Self::end(change.connection(), &login.id)?;
            return Ok(Err(Ended { member: login.member }));
        }
        if row.integer(6)? <= now {
            return refused(TokenRefused::Expired);
        }
        let connection = change.connection();
        let spend = "UPDATE tokens SET spent = $1 WHERE digest = $2";
        connection.run(spend, &[now.into(), token.value()])?;
        let dead = "DELETE FROM tokens WHERE login = $1 AND kind = 'access'";
        connection.run(dead, &[login.id.as_str().into()])?;
        let expires = after(now, lifetimes.refresh);
        let longer = "UPDATE logins SET expires = $1 WHERE id = $2";
        connection.run(longer, &[expires.into(), login.id.as_str().into()])?;
        Self { expires, ..login }.issue(change, lifetimes).map(Ok)
    }

    /// Ends a login. Returns whether it was there.
    pub fn end(connection: &mut dyn Connection, id: &str) -> Result<bool, StoreError> {
        Ok(connection.run("DELETE FROM logins WHERE id = $1", &[id.into()])? > 0)
    }

    /// Ends every login of a member.
    pub fn end_all(connection: &mut dyn Connection, member: &str) -> Result<(), StoreError> {
        connection.run("DELETE FROM logins WHERE member = $1", &[member.into()]).map(|_| ())
    }

    fn issue(
        &self,
        change: &mut Change<'_>,
        lifetimes: &Lifetimes,
    ) -> Result<Issued, NotChanged<TokenRefused>> {
        let fresh = |length| random_text(length).map(Secret);
        let no_randomness = |_| NotChanged::Refused(TokenRefused::NoRandomness);
        let access = fresh(ACCESS_LENGTH).map_err(no_randomness)?;
        let refresh = fresh(REFRESH_LENGTH).map_err(no_randomness)?;
        let expires = after(change.now(), lifetimes.access);
        let connection = change.connection();
        self.insert_token(connection, &access, "access", expires)?;
        self.insert_token(connection, &refresh, "refresh", self.expires)?;
        Ok(Issued { access, refresh, member: self.member.clone() })
    }

    fn insert(&self, connection: &mut dyn Connection, kind: &str) -> Result<(), StoreError> {
        let Self { id, member, client, name, created, expires } = self;
        let statement = "INSERT INTO logins (id, member, client, kind, name, created, expires) \
                         VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let values = [
            id.as_str().into(),
            member.as_str().into(),
            client.as_str().into(),
            kind.into(),
            name.as_str().into(),
            (*created).into(),
            (*expires).into(),
        ];
        connection.run(statement, &values).map(|_| ())
    }

    fn insert_token(
        &self,
        connection: &mut dyn Connection,
        token: &Secret,
        kind: &str,
        expires: i64,
    ) -> Result<(), StoreError> {
        let statement = "INSERT INTO tokens (digest, login, kind, expires) VALUES ($1, $2, $3, $4)";
        let values = [token.value(), self.id.as_str().into(), kind.into(), expires.into()];
        connection.run(statement, &values).map(|_| ())
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        let text = |column| row.text(column).map(str::to_owned);
        Ok(Self {
            id: text(0)?,
            member: text(1)?,
            client: text(2)?,
            name: text(3)?,
            created: row.integer(4)?,
            expires: row.integer(5)?,
        })
    }
}

/// Forgets logins that have ended by themselves.
fn sweep(change: &mut Change<'_>) -> Result<(), StoreError> {
    let now = change.now();
    change.connection().run("DELETE FROM logins WHERE expires <= $1", &[now.into()]).map(|_| ())
}

/// The instant so long after another, in milliseconds since 1970.
fn after(now: i64, time: Duration) -> i64 {
    now.saturating_add(i64::try_from(time.as_millis()).unwrap_or(i64::MAX))
}
