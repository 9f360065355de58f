//! Whose key it is, whatever is decided about it.

use super::{Caller, long_name};
use crate::{KeyId, Record, Root, Service};

/// Who brought a known key, as logs tell of a call: also of one that was refused.
#[derive(Clone, Copy, Debug)]
pub struct Bearer<'a> {
    /// The application.
    pub application: Option<&'a str>,
    /// The package, where the key has one for the service.
    pub package: Option<&'a str>,
    /// The plan, where the key has one for the service.
    pub plan: Option<&'a str>,
    key: KeyId,
    long_name: Option<&'a str>,
}

impl<'a> Bearer<'a> {
    /// Whose the key of `record` is, who calls `service` with it.
    #[must_use]
    pub fn of(root: &'a Root, record: &Record, service: &Service) -> Self {
        let owner = root.owners.get(record.owner.0);
        let grant = root.terms.get(record.terms.0).and_then(|terms| terms.grant(service.id));
        Self {
            application: owner.map(|owner| &*owner.application),
            package: grant.map(|grant| &*grant.package),
            plan: grant.map(|grant| &*grant.plan),
            key: record.id,
            long_name: long_name(root, record),
        }
    }

    /// The key's public name, written into `to` unless it is a long one.
    pub fn key<'b>(&self, to: &'b mut [u8; 36]) -> &'b str
    where
        'a: 'b,
    {
        self.key.write(to, |_| self.long_name)
    }
}

impl<'a> From<&Caller<'a>> for Bearer<'a> {
    fn from(caller: &Caller<'a>) -> Self {
        Self {
            application: Some(caller.application),
            package: Some(caller.package),
            plan: Some(caller.plan),
            key: caller.key,
            long_name: caller.long_name,
        }
    }
}
