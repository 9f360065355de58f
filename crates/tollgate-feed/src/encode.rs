//! What a publisher publishes, as it is sent.

use std::fmt;

use tollgate_core::{Batch, Change, KeyIdForm, MeterId, Record, Revision, Root, Routes};

use crate::wire::{
    Counter, GivenName, SentBatch, SentKey, SentKeyName, SentRoutes, SentSchemes, SentService,
};

/// What a batch cannot say by itself of what it publishes.
pub struct Context<'a, C> {
    /// The snapshot that the batch changes.
    pub before: &'a Root,
    /// The revision that it makes.
    pub revision: Revision,
    /// When, in milliseconds since 1970.
    pub published: u64,
    /// The numbers of services, endpoints and methods that were given since the batch before.
    pub given: Vec<GivenName>,
    /// The schemes, if the batch changes them.
    pub schemes: Option<SentSchemes>,
    /// What a key counts under.
    pub counter: C,
}

/// Something that is published has no name, which a publisher's own never lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unnamed {
    /// What keys count under.
    Meter(MeterId),
    /// A key.
    Key,
    /// The upstream of a service.
    Upstream,
}

impl fmt::Display for Unnamed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Meter(meter) => write!(f, "the meter {} has no name", meter.number()),
            Self::Key => f.write_str("a key has no name"),
            Self::Upstream => f.write_str("the upstream of a service is not there"),
        }
    }
}

impl std::error::Error for Unnamed {}

/// A batch as it is sent.
///
/// # Errors
/// See [`Unnamed`].
pub fn batch<C: Fn(&Record) -> Option<Counter>>(
    batch: &Batch,
    context: Context<'_, C>,
) -> Result<SentBatch, Unnamed> {
    let Context { before, revision, published, given, schemes, counter } = context;
    let long = |index: u32| {
        let new = batch.names.iter().rev().find(|(named, _)| *named == index);
        new.map_or_else(|| before.names.get(index), |(_, name)| name.as_ref()).map(|name| &***name)
    };
    let keys = batch.keys.iter().map(|change| {
        Ok(match change {
            Change::Put(record) => Change::Put(key(record, long, &counter)?),
            Change::Remove(digest) => Change::Remove(*digest),
        })
    });
    let terms = batch.terms.iter();
    let owners = batch.owners.iter();
    Ok(SentBatch {
        revision,
        previous: before.revision,
        published,
        given,
        keys: keys.collect::<Result<_, _>>()?,
        moved: batch.moved.iter().map(|(from, to)| (*from, *to)).collect(),
        secrets: batch.secrets.clone(),
        terms: terms.map(|(id, terms)| (id.0, terms.as_deref().cloned())).collect(),
        owners: owners.map(|(id, owner)| (id.0, owner.as_deref().cloned())).collect(),
        routes: batch.routes.as_deref().map(routes).transpose()?.map(Box::new),
        schemes,
        seal: None,
    })
}

/// A key as it is sent. `long` knows the names that do not fit into an id.
///
/// # Errors
/// See [`Unnamed`].
pub fn key<'a>(
    record: &Record,
    long: impl FnOnce(u32) -> Option<&'a str>,
    counter: impl FnOnce(&Record) -> Option<Counter>,
) -> Result<SentKey, Unnamed> {
    Ok(SentKey {
        digest: record.digest,
        name: match record.id.form() {
            KeyIdForm::Long(index) => SentKeyName::Long(long(index).ok_or(Unnamed::Key)?.into()),
            KeyIdForm::Short | KeyIdForm::Uuid => SentKeyName::Inline(record.id),
        },
        counter: counter(record).ok_or(Unnamed::Meter(record.meter))?,
        terms: record.terms.0,
        owner: record.owner.0,
        not_before: record.not_before,
        not_after: record.not_after,
        number: record.number,
        status: record.status,
    })
}

/// Services and routes as they are sent.
///
/// # Errors
/// See [`Unnamed`].
pub fn routes(routes: &Routes) -> Result<SentRoutes, Unnamed> {
    let services = routes.services().map(|service| {
        let upstream = routes.upstream(service).ok_or(Unnamed::Upstream)?;
        Ok(SentService {
            upstream: upstream.name.clone(),
            service: tollgate_core::Service {
                upstream: 0,
                meter: MeterId::NONE,
                ..service.clone()
            },
        })
    });
    let services = services.collect::<Result<_, _>>()?;
    let (keys, routes) = routes.listed();
    Ok(SentRoutes { services, keys, routes })
}

#[cfg(test)]
mod tests;
