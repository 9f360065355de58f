//! Terms and owners. Their numbers are the sender's. What a line counts is told as what it counts, so
//! that the receiver has tags of its own.

use std::num::NonZeroU32;

use tollgate_core::{
    Authentication, CertificateFingerprint, Counts, EndpointGrant, EndpointId, Grant, Limit,
    LimitSource, LineTag, MAX_QUOTA, MethodCeiling, MethodId, Methods, Networks, Owner, Period,
    Qps, Quota, Scope, ServiceId, Terms, Watch,
};

use super::codec::{Malformed, Read, choice, fields, number};
use super::{Reader, Wire};

fields!(Terms {
    grants,
    concurrency,
    authentication,
    client_certificates,
    concurrency_enforced,
    enforced
});
fields!(EndpointGrant { endpoint, methods, undefined });
fields!(Watch { near_quota, over_quota, over_throttle });
fields!(Owner { application, active });
number!(ServiceId, EndpointId, MethodId);
choice!(Authentication, "an authentication" { 0 => AsAsked, 1 => Key, 2 => KeyAndSecret });
choice!(LimitSource, "the source of a limit" { 0 => Plan, 1 => Key });
choice!(Period, "a period" { 0 => Minute, 1 => Hour, 2 => Day, 3 => Month });

impl Wire for Grant {
    fn write(&self, to: &mut Vec<u8>) {
        self.service.write(to);
        self.package.write(to);
        self.plan.write(to);
        self.active.write(to);
        self.sources.write(to);
        self.scope.write(to);
        self.qps.write(to);
        self.qps_source.write(to);
        self.qps_enforced.write(to);
        self.quota.write(to);
        self.quota_source.write(to);
        self.quota_enforced.write(to);
        (self.tag != LineTag::KEY).write(to);
        self.watch.write(to);
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        let service = from.get()?;
        Ok(Self {
            service,
            package: from.get()?,
            plan: from.get()?,
            active: from.get()?,
            sources: from.get()?,
            scope: from.get()?,
            qps: from.get()?,
            qps_source: from.get()?,
            qps_enforced: from.get()?,
            quota: from.get()?,
            quota_source: from.get()?,
            quota_enforced: from.get()?,
            tag: if from.get()? { Counts::Grant(service).tag() } else { LineTag::KEY },
            watch: from.get()?,
        })
    }
}

impl Wire for Scope {
    fn write(&self, to: &mut Vec<u8>) {
        match self {
            Self::Service => to.push(0),
            Self::Endpoints(endpoints) => {
                to.push(1);
                endpoints.write(to);
            }
        }
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        match from.byte()? {
            0 => Ok(Self::Service),
            1 => from.get().map(Self::Endpoints),
            _ => Err(Malformed("a scope is of no known kind")),
        }
    }
}

impl Wire for Methods {
    fn write(&self, to: &mut Vec<u8>) {
        match self {
            Self::All => to.push(0),
            Self::Listed(methods) => {
                to.push(1);
                methods.write(to);
            }
        }
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        match from.byte()? {
            0 => Ok(Self::All),
            1 => from.get().map(Self::Listed),
            _ => Err(Malformed("methods are of no known kind")),
        }
    }
}

impl Wire for MethodCeiling {
    fn write(&self, to: &mut Vec<u8>) {
        self.method.write(to);
        self.qps.write(to);
        self.qps_enforced.write(to);
        self.quota.write(to);
        self.quota_enforced.write(to);
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        let method = from.get()?;
        Ok(Self {
            method,
            qps: from.get()?,
            qps_enforced: from.get()?,
            quota: from.get()?,
            quota_enforced: from.get()?,
            tag: Counts::Method(method).tag(),
        })
    }
}

impl<P: Wire> Wire for Limit<P> {
    fn write(&self, to: &mut Vec<u8>) {
        match self {
            Self::Exempt => to.push(0),
            Self::Closed => to.push(1),
            Self::Ceiling(policy) => {
                to.push(2);
                policy.write(to);
            }
        }
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        match from.byte()? {
            0 => Ok(Self::Exempt),
            1 => Ok(Self::Closed),
            2 => from.get().map(Self::Ceiling),
            _ => Err(Malformed("a limit is of no known kind")),
        }
    }
}

impl Wire for Qps {
    fn write(&self, to: &mut Vec<u8>) {
        self.ceiling().get().write(to);
        self.burst().get().write(to);
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        let mut positive = || {
            let number = NonZeroU32::new(from.get()?).filter(|number| number.get() <= MAX_QPS);
            number.ok_or(Malformed("queries per second are out of range"))
        };
        Ok(Self::new(positive()?, positive()?))
    }
}

/// What a ceiling of queries per second can be, and its burst.
const MAX_QPS: u32 = 1_000_000_000;

impl Wire for Quota {
    fn write(&self, to: &mut Vec<u8>) {
        self.ceiling.write(to);
        self.period.write(to);
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        let ceiling = Some(from.get()?).filter(|ceiling| (1..=MAX_QUOTA).contains(ceiling));
        let ceiling = ceiling.ok_or(Malformed("a quota is out of range"))?;
        Ok(Self { ceiling, period: from.get()? })
    }
}

impl Wire for Networks {
    fn write(&self, to: &mut Vec<u8>) {
        super::codec::write_list(self.v4().iter(), to);
        super::codec::write_list(self.v6().iter(), to);
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        let networks = Self::of_ranges(from.get()?, from.get()?);
        networks.ok_or(Malformed("a range of addresses ends before it begins"))
    }
}

impl Wire for CertificateFingerprint {
    fn write(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(self.bytes());
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        from.array().map(Self::new)
    }
}
