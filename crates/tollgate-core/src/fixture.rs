//! A small world for tests: one service, one key, limits as the test wants them.

use std::sync::Arc;

use crate::{
    Authentication, Batch, Change, EndpointId, ErrorDialect, FrontId, Grant, HostPattern, KeyId,
    KeySecret, Limit, LimitSource, LineTag, MethodCeiling, MethodId, Methods, Now, Owner, OwnerId,
    Proof, ProofScheme, Qps, Quota, RateLimitHeaders, Record, ReturnedHeaders, Revision, Root,
    Route, RoutesBuilder, Scheme, Schemes, Scope, Segment, Service, ServiceId, SnapshotReader,
    SnapshotWriter, Status, Switches, Terms, TermsId, Watch, Wrapped, handoff,
};

pub(crate) const KEY: &[u8] = b"demo-key";

pub(crate) const ROUTE: Route =
    Route { front: FrontId(0), endpoint: EndpointId(0), method: Some(MethodId(0)) };

/// What limits the key. Everything is exempt unless a test says otherwise. The QPS limit is the
/// plan's, the quota the key's own.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) service: Limit<Qps>,
    pub(crate) method_qps: Limit<Qps>,
    pub(crate) qps: Limit<Qps>,
    pub(crate) method_quota: Limit<Quota>,
    pub(crate) quota: Limit<Quota>,
    pub(crate) concurrency: Limit<u32>,
    /// Which of them are enforced.
    pub(crate) enforced: Enforced,
    /// What is told of.
    pub(crate) watch: Watch,
}

/// What is enforced: everything, unless a test says otherwise.
#[derive(Clone, Copy)]
pub(crate) struct Enforced {
    pub(crate) terms: bool,
    pub(crate) service: bool,
    pub(crate) method_qps: bool,
    pub(crate) qps: bool,
    pub(crate) method_quota: bool,
    pub(crate) quota: bool,
    pub(crate) concurrency: bool,
}

impl Enforced {
    pub(crate) const ALL: Self = Self {
        terms: true,
        service: true,
        method_qps: true,
        qps: true,
        method_quota: true,
        quota: true,
        concurrency: true,
    };

    pub(crate) const NOTHING: Self = Self {
        terms: false,
        service: false,
        method_qps: false,
        qps: false,
        method_quota: false,
        quota: false,
        concurrency: false,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            service: Limit::Exempt,
            method_qps: Limit::Exempt,
            qps: Limit::Exempt,
            method_quota: Limit::Exempt,
            quota: Limit::Exempt,
            concurrency: Limit::Exempt,
            enforced: Enforced::ALL,
            watch: Watch::NOTHING,
        }
    }
}

pub(crate) struct World {
    pub(crate) writer: SnapshotWriter,
    pub(crate) reader: SnapshotReader,
    pub(crate) record: Record,
    service: Service,
    number: u64,
}

pub(crate) fn qps(ceiling: u32, burst: u32) -> Limit<Qps> {
    Limit::Ceiling(Qps::new(ceiling.try_into().unwrap(), burst.try_into().unwrap()))
}

pub(crate) fn at(seconds: u64) -> Now {
    Now { monotonic: seconds * 1_000_000_000, unix_ms: (1_767_268_800 + seconds) * 1000 }
}

impl World {
    pub(crate) fn new(limits: Limits) -> Self {
        let (mut writer, reader) = handoff();
        let record = Record {
            digest: Scheme::Sha256.digest(KEY),
            id: KeyId::inline("demo").unwrap(),
            meter: writer.allot(&[LineTag(1)]).unwrap(),
            terms: TermsId(0),
            owner: OwnerId(0),
            not_before: 0,
            not_after: Record::NEVER,
            number: 1,
            status: Status::Active,
        };
        let service = Service {
            id: ServiceId(0),
            front: FrontId(0),
            name: "orders".into(),
            upstream: 0,
            upstream_path: None,
            path_length: 0,
            tls_required: false,
            credentials: Box::default(),
            proof: None,
            key_alone: false,
            form_body_limit: None,
            qps: Limit::Exempt,
            qps_enforced: true,
            meter: writer.allot(&[]).unwrap(),
            error_dialect: ErrorDialect::Problem,
            returned_headers: ReturnedHeaders::default(),
            rate_limit_headers: RateLimitHeaders::Draft11,
            disclose_key_state: false,
            switches: Switches::default(),
        };
        let mut world = Self { writer, reader, record, service, number: 0 };
        let owner = Owner { application: "acme".into(), active: true };
        world.publish(Batch {
            keys: vec![Change::Put(record)],
            owners: vec![(OwnerId(0), Some(Arc::new(owner)))],
            ..world.batch(limits)
        });
        world
    }

    pub(crate) fn batch(&self, limits: Limits) -> Batch {
        let service = Service {
            qps: limits.service,
            qps_enforced: limits.enforced.service,
            ..self.service.clone()
        };
        let mut routes = RoutesBuilder::default();
        routes.service(service);
        routes.route(&HostPattern::Every, &[Segment::Rest], ROUTE, &[http::Method::GET]);
        let terms = terms(limits);
        Batch {
            terms: vec![(TermsId(0), Some(Arc::new(terms)))],
            routes: Some(Arc::new(routes.build())),
            ..Batch::default()
        }
    }

    /// Has the key be this one, with a secret, and the service ask for a proof of it.
    pub(crate) fn prove(&mut self, key: &[u8], scheme: ProofScheme, secret: &[u8], limits: Limits) {
        self.service.proof = Some(Box::new(Proof { scheme, places: Box::default() }));
        self.record.digest = Scheme::Sha256.digest(key);
        let secret = KeySecret {
            key: self.record.digest,
            digest: Some(Scheme::Sha256.digest(secret)),
            wrapped: Wrapped::seal(key, secret, [7; Wrapped::NONCE]),
        };
        self.publish(Batch {
            keys: vec![Change::Put(self.record)],
            secrets: vec![Change::Put(secret)],
            ..self.batch(limits)
        });
    }

    pub(crate) fn publish(&mut self, batch: Batch) {
        self.number += 1;
        let revision = Revision { epoch: 1, number: self.number };
        let first = || Root::empty(Arc::new(Schemes::only(Scheme::Sha256)));
        self.writer.publish(batch, revision, 0, first, || ());
    }
}

pub(crate) fn terms(limits: Limits) -> Terms {
    let ceiling = MethodCeiling {
        method: MethodId(0),
        qps: limits.method_qps,
        qps_enforced: limits.enforced.method_qps,
        quota: limits.method_quota,
        quota_enforced: limits.enforced.method_quota,
        tag: LineTag(1),
    };
    let endpoint = crate::EndpointGrant {
        endpoint: EndpointId(0),
        methods: Methods::Listed([ceiling].into()),
        undefined: false,
    };
    let grant = Grant {
        service: ServiceId(0),
        package: "basic".into(),
        plan: "free".into(),
        active: true,
        sources: None,
        scope: Scope::Endpoints([endpoint].into()),
        qps: limits.qps,
        qps_source: LimitSource::Plan,
        qps_enforced: limits.enforced.qps,
        quota: limits.quota,
        quota_source: LimitSource::Key,
        quota_enforced: limits.enforced.quota,
        tag: LineTag::KEY,
        watch: limits.watch,
    };
    Terms {
        grants: [grant].into(),
        concurrency: limits.concurrency,
        concurrency_enforced: limits.enforced.concurrency,
        enforced: limits.enforced.terms,
        client_certificates: Box::default(),
        authentication: Authentication::default(),
    }
}

/// What has no way to be printed: `Type::silent()` does not compile for a type that has one, as
/// two traits would fit then.
pub(crate) trait Unprinted<Which> {
    fn silent() {}
}

impl<T: ?Sized> Unprinted<()> for T {}

pub(crate) struct Printed;

impl<T: ?Sized + std::fmt::Debug> Unprinted<Printed> for T {}

pub(crate) struct Shown;

impl<T: ?Sized + std::fmt::Display> Unprinted<Shown> for T {}
