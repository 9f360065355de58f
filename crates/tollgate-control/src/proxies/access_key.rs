//! Proxy access keys (requirements S1): what a remote proxy subscribes to the key feed with, and what
//! programs watch proxies or use the admin API with.

use subtle::ConstantTimeEq;

use super::{CertificateMark, PresentedCertificate};
use crate::people::{Realm, Secret};
use crate::store::{Connection, Row, StoreError, Value};

/// So many keys of a region are good at once (S1-3).
pub const MOST_OF_REGION: i64 = 500;

/// An access key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessKey {
    /// What whoever made it calls it: 1 to 50 of `A-Z a-z 0-9 _ - .`.
    pub id: String,
    /// What it is good for.
    pub capability: Capability,
    /// Where it works, and nowhere else (S1-2).
    pub region: String,
    /// The id of the member who made it.
    pub member: String,
    /// Whose it is.
    pub realm: Realm,
    /// Milliseconds since 1970.
    pub created: i64,
    /// When it was revoked, in milliseconds since 1970.
    pub revoked: Option<i64>,
    /// What whoever comes by it has to have.
    pub proof: Proof,
}

/// What shows that somebody is who an access key is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// A secret, known by its digest only.
    Secret([u8; 32]),
    /// A certificate with this mark, and its key.
    Certificate(CertificateMark),
}

/// What an access key is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Capability {
    /// To subscribe to the key feed, as a proxy that enforces keys.
    Enforce,
    /// To look at the status of proxies.
    Observe,
    /// To use the admin API as the member who made it, but for credentials.
    Automate,
}

impl Proof {
    /// By a secret.
    #[must_use]
    pub fn of(secret: &Secret) -> Self {
        Self::Secret(secret.digest())
    }
}

const COLUMNS: &str = "id, capability, region, member, organization, organization_group, created, \
                       revoked, digest, certificate";

impl Capability {
    /// All words for one.
    pub const WORDS: &'static [&'static str] = &["enforce", "observe", "automate"];

    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Observe => "observe",
            Self::Automate => "automate",
        }
    }

    /// What a word means.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        [Self::Enforce, Self::Observe, Self::Automate].into_iter().find(|all| all.as_str() == word)
    }
}

impl AccessKey {
    /// A key with this proof, which is good from `created` on.
    #[must_use]
    pub fn new(
        id: &str,
        (capability, region): (Capability, &str),
        (member, realm): (&str, Realm),
        proof: Proof,
        created: i64,
    ) -> Self {
        let [id, region, member] = [id, region, member].map(str::to_owned);
        Self { id, capability, region, member, realm, created, revoked: None, proof }
    }

    /// Whether this is its secret. Takes as long whatever it is.
    #[must_use]
    pub fn has(&self, secret: &Secret) -> bool {
        match &self.proof {
            Proof::Secret(digest) => digest.ct_eq(&secret.digest()).into(),
            Proof::Certificate(_) => false,
        }
    }

    /// Whether it is for whoever has this certificate, at a second since 1970.
    #[must_use]
    pub fn is_for(&self, certificate: &PresentedCertificate, unix: i64) -> bool {
        match &self.proof {
            Proof::Secret(_) => false,
            Proof::Certificate(mark) => certificate.has(mark) && !certificate.is_over(unix),
        }
    }

    /// The key of an id, if this is its secret, it is good, and it was made for this region.
    ///
    /// # Errors
    /// What the store said; likewise below.
    pub fn proven(
        connection: &mut dyn Connection,
        id: &str,
        secret: &Secret,
        region: &str,
    ) -> Result<Option<Self>, StoreError> {
        Ok(Self::good(connection, id, region)?.filter(|key| key.has(secret)))
    }

    /// The key of an id, if it is good and was made for this region. Whether somebody has what shows
    /// that it is for them is yet to be seen.
    pub fn good(
        connection: &mut dyn Connection,
        id: &str,
        region: &str,
    ) -> Result<Option<Self>, StoreError> {
        let found = Self::find(connection, id)?;
        Ok(found.filter(|key| key.revoked.is_none() && key.region == region))
    }

    /// The key of an id.
    pub fn find(connection: &mut dyn Connection, id: &str) -> Result<Option<Self>, StoreError> {
        let query = format!("SELECT {COLUMNS} FROM access_keys WHERE id = $1");
        connection.row(&query, &[id.into()])?.as_ref().map(Self::read).transpose()
    }

    /// All keys, the oldest first.
    pub fn all(connection: &mut dyn Connection) -> Result<Vec<Self>, StoreError> {
        let query = format!("SELECT {COLUMNS} FROM access_keys ORDER BY created, id");
        connection.rows(&query, &[])?.iter().map(Self::read).collect()
    }

    /// How many keys of a region are good.
    pub fn count(connection: &mut dyn Connection, region: &str) -> Result<i64, StoreError> {
        let query = "SELECT count(*) FROM access_keys WHERE region = $1 AND revoked IS NULL";
        connection.row(query, &[region.into()])?.map_or(Ok(0), |row| row.integer(0))
    }

    /// Keeps a new one.
    pub fn insert(&self, connection: &mut dyn Connection) -> Result<(), StoreError> {
        let statement = format!(
            "INSERT INTO access_keys ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, \
             $10)"
        );
        let Self { id, capability, region, member, realm, created, revoked, proof } = self;
        let (digest, certificate) = match proof {
            Proof::Secret(digest) => (digest.to_vec(), None),
            Proof::Certificate(mark) => (Vec::new(), Some(mark.as_str())),
        };
        let values = [
            id.as_str().into(),
            capability.as_str().into(),
            region.as_str().into(),
            member.as_str().into(),
            realm.organization.as_deref().into(),
            realm.group.as_deref().into(),
            (*created).into(),
            (*revoked).into(),
            Value::Bytes(digest),
            certificate.into(),
        ];
        connection.run(&statement, &values).map(|_| ())
    }

    /// Revokes it, for good.
    pub fn revoke(&mut self, connection: &mut dyn Connection, at: i64) -> Result<(), StoreError> {
        self.revoked = Some(at);
        let statement = "UPDATE access_keys SET revoked = $1 WHERE id = $2";
        connection.run(statement, &[at.into(), self.id.as_str().into()]).map(|_| ())
    }

    /// Takes a key away.
    pub fn delete(connection: &mut dyn Connection, id: &str) -> Result<(), StoreError> {
        connection.run("DELETE FROM access_keys WHERE id = $1", &[id.into()]).map(|_| ())
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        let corrupt = |what: &str| StoreError::Corrupt(format!("{what} of an access key"));
        let capability = Capability::of_word(row.text(1)?);
        let proof = match row.optional_text(9)? {
            None => {
                let digest = row.bytes(8)?.try_into();
                Proof::Secret(digest.map_err(|_| corrupt("no digest"))?)
            }
            Some(mark) => {
                let mark = CertificateMark::read(mark).ok_or_else(|| corrupt("no such mark"))?;
                Proof::Certificate(mark)
            }
        };
        Ok(Self {
            id: row.text(0)?.to_owned(),
            capability: capability.ok_or_else(|| corrupt("no such capability"))?,
            region: row.text(2)?.to_owned(),
            member: row.text(3)?.to_owned(),
            realm: Realm {
                organization: row.optional_text(4)?.map(str::to_owned),
                group: row.optional_text(5)?.map(str::to_owned),
            },
            created: row.integer(6)?,
            revoked: row.optional_integer(7)?,
            proof,
        })
    }
}
