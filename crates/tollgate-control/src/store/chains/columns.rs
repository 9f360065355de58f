//! Which column holds what of a chain and of a key.

use super::{Bought, Credential, StoredChain, Written, policy};
use crate::life_cycle::{Chain, Instant, Key, KeyNumber, Rotation, State, due};
use crate::model::DigestLiteral;
use crate::people::Realm;
use crate::store::texts::wording;
use crate::store::{Row, StoreError, Value};

pub(super) const CHAIN: &str = "id, version, name, application, auth_type, policy, template, \
     suspended_itself, application_suspended, last_error, due, package, plan, qps_limit_ceiling, \
     qps_limit_exempt, rate_limit_ceiling, rate_limit_exempt, body, created, updated, is_key_set, \
     words, organization, organization_group";

/// What is there for searches only: what is known of LATEST, and what stands for the words.
const DERIVED: &str =
    "state, provisioned, rotation_planned, expiration, expiration_is_day, revoked, wording";

pub(super) const KEY: &str = "id, chain, number, latest, state, superseded_until, provisioned, \
     rotation_planned, rotation_due, rotated, expiration, expiration_is_day, expired, revoked, \
     digest, sealed, sealed_secret, secret_digest, wrapped_secret, created, scheme";

/// Where the columns of a key begin in a row of [`select`].
const KEYS: usize = 24;

/// All columns of a chain, in the order of [`StoredChain::chain_values`].
pub(super) fn written() -> String {
    format!("{CHAIN}, {DERIVED}")
}

/// A row for each key, with its chain's columns in front.
pub(super) fn select() -> String {
    selected(CHAIN)
}

/// A row for each key of one version of a chain, in the order of their numbers, with all columns in front that
/// [`written`] names.
pub(super) fn whole() -> String {
    format!("{} WHERE c.id = $1 AND c.version = $2 ORDER BY k.number", selected(&written()))
}

fn selected(chain: &str) -> String {
    let of = |table: &str, columns: &str| {
        columns.split(", ").map(|column| format!("{table}.{column}")).collect::<Vec<_>>().join(", ")
    };
    format!(
        "SELECT {}, {} FROM chains c JOIN keys k ON k.chain = c.id",
        of("c", chain),
        of("k", KEY)
    )
}

impl StoredChain {
    pub(super) fn chain_values(&self) -> Result<Vec<Value>, StoreError> {
        let life = &self.life;
        let bought = self.bought.as_ref();
        let (expiration, is_day) = split(life.latest.expiration);
        Ok(vec![
            self.id.as_str().into(),
            life.version.cast_signed().into(),
            self.name.as_str().into(),
            self.application.as_str().into(),
            self.auth_type.as_str().into(),
            life.policy.as_ref().map(policy::write).transpose()?.into(),
            self.template.as_deref().into(),
            life.suspended_itself.into(),
            life.application_suspended.into(),
            life.last_error.as_ref().map(policy::write_failure).transpose()?.into(),
            due(life).map(|due| due.at).into(),
            bought.map(|bought| bought.package.as_str()).into(),
            bought.map(|bought| bought.plan.as_str()).into(),
            self.qps.ceiling.map(i64::from).into(),
            self.qps.exempt.into(),
            self.quota.ceiling.map(u64::cast_signed).into(),
            self.quota.exempt.into(),
            serde_json::to_string(&self.body).map_err(StoreError::failed)?.into(),
            self.created.into(),
            self.updated.into(),
            life.policy.is_some().into(),
            self.words.as_str().into(),
            self.realm.organization.as_deref().into(),
            self.realm.group.as_deref().into(),
            life.latest.state.as_str().into(),
            life.latest.provisioned.into(),
            life.latest.rotation.map(|rotation| rotation.planned).into(),
            expiration.into(),
            is_day.into(),
            life.latest.revoked.into(),
            wording(&self.words),
        ])
    }

    pub(super) fn key_values(&self, key: &Key) -> Result<Vec<Value>, StoreError> {
        let none = || StoreError::Corrupt("a key without a credential".to_owned());
        let credential = self.credential(key.number).ok_or_else(none)?;
        let (expiration, is_day) = split(key.expiration);
        Ok(vec![
            credential.id.as_str().into(),
            self.id.as_str().into(),
            i64::from(key.number.0).into(),
            (key.number == self.life.latest.number).into(),
            key.state.as_str().into(),
            key.superseded_until.into(),
            key.provisioned.into(),
            key.rotation.map(|rotation| rotation.planned).into(),
            key.rotation.map(|rotation| rotation.due).into(),
            key.rotated.into(),
            expiration.into(),
            is_day.into(),
            key.expired.into(),
            key.revoked.into(),
            credential.digest.to_string().into(),
            credential.sealed.as_deref().into(),
            credential.sealed_secret.as_deref().into(),
            credential.secret_digest.as_deref().into(),
            credential.wrapped_secret.as_deref().into(),
            credential.created.into(),
            credential.scheme.as_deref().into(),
        ])
    }

    /// Reads a chain out of the rows of its keys, in the order of their numbers.
    pub(super) fn read(rows: &[Row]) -> Result<Self, StoreError> {
        let row = rows.first().ok_or_else(|| corrupt("a chain without a key"))?;
        let text = |column| row.text(column).map(str::to_owned);
        let optional = |column| row.optional_text(column);
        let mut keys = Vec::with_capacity(rows.len());
        let mut latest = None;
        let mut credentials = Vec::with_capacity(rows.len());
        for row in rows {
            let (key, is_latest) = read_key(row)?;
            credentials.push((key.number, read_credential(row)?));
            if is_latest { latest = Some(key) } else { keys.push(key) }
        }
        let package = optional(11)?.zip(optional(12)?);
        Ok(Self {
            id: text(0)?,
            name: text(2)?,
            application: text(3)?,
            auth_type: text(4)?,
            template: optional(6)?.map(str::to_owned),
            bought: package.map(|(package, plan)| Bought {
                package: package.to_owned(),
                plan: plan.to_owned(),
            }),
            qps: read_written(row, 13)?,
            quota: read_written(row, 15)?,
            body: serde_json::from_str(row.text(17)?).map_err(|_| corrupt("a body"))?,
            life: Chain {
                version: row.integer(1)?.cast_unsigned(),
                policy: optional(5)?.map(policy::read).transpose()?,
                suspended_itself: row.switch(7)?,
                application_suspended: row.switch(8)?,
                last_error: optional(9)?.map(policy::read_failure).transpose()?,
                latest: latest.ok_or_else(|| corrupt("a chain without LATEST"))?,
                earlier: keys,
            },
            credentials,
            words: text(21)?,
            realm: Realm {
                organization: optional(22)?.map(str::to_owned),
                group: optional(23)?.map(str::to_owned),
            },
            created: row.integer(18)?,
            updated: row.integer(19)?,
        })
    }
}

fn split(expiration: Option<Instant>) -> (Option<i64>, bool) {
    match expiration {
        Some(Instant::Day(second)) => (Some(second), true),
        Some(Instant::Second(second)) => (Some(second), false),
        None => (None, false),
    }
}

fn read_key(row: &Row) -> Result<(Key, bool), StoreError> {
    let integer = |column: usize| row.optional_integer(KEYS + column);
    let number = u32::try_from(row.integer(KEYS + 2)?).map_err(|_| corrupt("a number"))?;
    let state = State::named(row.text(KEYS + 4)?).ok_or_else(|| corrupt("a state"))?;
    let rotation = integer(7)?.zip(integer(8)?);
    let is_day = row.switch(KEYS + 11)?;
    let instant = |second| if is_day { Instant::Day(second) } else { Instant::Second(second) };
    // A key is issued in the change that makes its credential.
    let issued = if number > 1 { Some(row.integer(KEYS + 19)?.div_euclid(1000)) } else { None };
    let key = Key {
        number: KeyNumber(number),
        state,
        superseded_until: integer(5)?,
        issued,
        provisioned: integer(6)?,
        rotation: rotation.map(|(planned, due)| Rotation { planned, due }),
        rotated: integer(9)?,
        expiration: integer(10)?.map(instant),
        expired: integer(12)?,
        revoked: integer(13)?,
    };
    Ok((key, row.switch(KEYS + 3)?))
}

fn read_credential(row: &Row) -> Result<Credential, StoreError> {
    let bytes =
        |column: usize| row.optional_bytes(KEYS + column).map(|found| found.map(<[u8]>::to_vec));
    let text =
        |column: usize| row.optional_text(KEYS + column).map(|found| found.map(str::to_owned));
    Ok(Credential {
        id: row.text(KEYS)?.to_owned(),
        digest: digest(row, KEYS + 14)?,
        sealed: bytes(15)?,
        sealed_secret: bytes(16)?,
        secret_digest: text(17)?,
        wrapped_secret: text(18)?,
        created: row.integer(KEYS + 19)?,
        scheme: text(20)?,
    })
}

pub(super) fn digest(row: &Row, column: usize) -> Result<DigestLiteral, StoreError> {
    DigestLiteral::parse(row.text(column)?).map_err(|_| corrupt("a digest"))
}

fn read_written<T: TryFrom<i64>>(row: &Row, column: usize) -> Result<Written<T>, StoreError> {
    let ceiling = row.optional_integer(column)?.map(T::try_from).transpose();
    let ceiling = ceiling.map_err(|_| corrupt("a ceiling out of range"))?;
    Ok(Written { ceiling, exempt: row.switch(column + 1)? })
}

fn corrupt(what: &str) -> StoreError {
    StoreError::Corrupt(what.to_owned())
}
