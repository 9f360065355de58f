//! Snapshots that were made up, for tests and benches: the same for the same numbers.

use std::io::{self, Write};
use std::num::NonZeroU32;
use std::sync::Arc;

use http::{HeaderName, Method, StatusCode};
use tollgate_core::{
    Authentication, CredentialPlace, Digest, EndpointId, ErrorDialect, FixedResponse, FrontId,
    Grant, HostPattern, KeyId, Limit, LimitSource, LineTag, MeterId, Owner, OwnerId, Period, Qps,
    Quota, RateLimitHeaders, Record, ReturnedHeaders, Revision, Root, Route, RoutesBuilder, Scheme,
    Schemes, Scope, Segment, Service, ServiceId, Status, Switches, Target, Terms, TermsId,
    Upstream, Watch,
};

use crate::file::{SnapshotParts, write_snapshot};
use crate::sign::SigningKey;
use crate::wire::{Counter, GivenName, Numbering, SentScheme, SentSchemes};

/// What is made up. Key `n` of `keys`, counted from 0, is the text that [`Synthetic::key`] tells.
/// Every third one belongs to a key set, which has a name of its own; every second one expires.
#[derive(Clone, Debug)]
pub struct Synthetic {
    /// Tells snapshots of one size apart.
    pub seed: u64,
    /// How many keys.
    pub keys: u32,
    /// Whose numbers it goes by.
    pub numbering: Numbering,
    /// The environment.
    pub environment: String,
    /// The upstream of the only service, which takes keys in `X-Api-Key` on every host.
    pub upstream: String,
    /// The revision.
    pub revision: Revision,
    /// When it was published, in milliseconds since 1970.
    pub published: u64,
}

/// How many plans there are; the last one has no limit.
const PLANS: u32 = 50;

/// Keys of one application.
const KEYS_EACH: u32 = 10;

/// Seconds of a year.
const YEAR: u64 = 31_536_000;

impl Synthetic {
    /// Key `number`.
    #[must_use]
    pub fn key(&self, number: u32) -> String {
        format!("synthetic-{:x}-{number}", self.seed)
    }

    /// What a service, an endpoint and a method are called.
    #[must_use]
    pub fn given(&self) -> Vec<GivenName> {
        vec![GivenName::service(0, "synthetic"), GivenName::endpoint(0, "synthetic", "everything")]
    }

    /// What keys are digested under.
    #[must_use]
    pub fn schemes(&self) -> SentSchemes {
        SentSchemes { current: SentScheme::Sha256, previous: None, brand: None }
    }

    /// What a key counts under.
    #[must_use]
    pub fn counter(record: &Record) -> Counter {
        let mut text = [0; 36];
        let name = record.id.write(&mut text, |_| None);
        if record.number == 0 { Counter::of(name) } else { Counter::of(&format!("set-{name}")) }
    }

    /// The record of key `number`.
    #[must_use]
    pub fn record(&self, number: u32) -> Record {
        let digest = Scheme::Sha256.digest(self.key(number).as_bytes());
        Record {
            digest,
            id: uuid(&digest).unwrap_or_else(|| KeyId::long(0)),
            meter: MeterId::NONE,
            terms: TermsId(number % PLANS),
            owner: OwnerId(number / KEYS_EACH),
            not_before: 0,
            not_after: self.not_after(number),
            number: u16::from(number.is_multiple_of(3)),
            status: Status::Active,
        }
    }

    fn not_after(&self, number: u32) -> u32 {
        let expires = self.published / 1000 + YEAR + u64::from(number);
        if number.is_multiple_of(2) {
            u32::try_from(expires).unwrap_or(Record::NEVER)
        } else {
            Record::NEVER
        }
    }

    /// The snapshot. Its keys have no meters.
    #[must_use]
    pub fn root(&self) -> Root {
        let mut root = Root::empty(Arc::new(Schemes::only(Scheme::Sha256)));
        root.revision = self.revision;
        root.published = self.published / 1000;
        for plan in 0..PLANS {
            root.terms.set(plan, Some(Arc::new(terms(plan))));
        }
        for owner in 0..self.keys.div_ceil(KEYS_EACH) {
            let application = format!("application-{owner}").into();
            root.owners.set(owner, Some(Arc::new(Owner { application, active: true })));
        }
        for number in 0..self.keys {
            root.keys.put(self.record(number));
        }
        root.routes = Arc::new(self.routes());
        root
    }

    /// Writes the snapshot as a file.
    ///
    /// # Errors
    /// What `to` says.
    pub fn write(&self, root: &Root, software: &str, to: impl Write) -> io::Result<()> {
        self.write_signed(root, (software, None), to)
    }

    /// The same, signed.
    ///
    /// # Errors
    /// What `to` says.
    pub fn write_signed(
        &self,
        root: &Root,
        (software, signer): (&str, Option<&SigningKey>),
        to: impl Write,
    ) -> io::Result<()> {
        let parts = SnapshotParts {
            signer,
            environment: &self.environment,
            software,
            numbering: self.numbering,
            published: self.published,
            schemes: self.schemes(),
            given: self.given(),
            counter: |record: &Record| Some(Self::counter(record)),
        };
        write_snapshot(root, parts, to)
    }

    fn routes(&self) -> tollgate_core::Routes {
        let mut builder = RoutesBuilder::default();
        let response =
            FixedResponse { status: StatusCode::OK, headers: Vec::new(), body: "".into() };
        builder.upstream(Arc::new(Upstream {
            name: self.upstream.as_str().into(),
            generation: 1,
            target: Target::Fixed(response),
        }));
        builder.service(Service {
            front: FrontId(0),
            id: ServiceId(0),
            name: "synthetic".into(),
            upstream: 0,
            upstream_path: None,
            path_length: 0,
            tls_required: false,
            credentials: [CredentialPlace::Header(HeaderName::from_static("x-api-key"))].into(),
            proof: None,
            key_alone: false,
            form_body_limit: None,
            qps: Limit::Exempt,
            qps_enforced: true,
            meter: MeterId::NONE,
            error_dialect: ErrorDialect::Problem,
            returned_headers: ReturnedHeaders::default(),
            rate_limit_headers: RateLimitHeaders::Draft11,
            disclose_key_state: false,
            switches: Switches::default(),
        });
        let route = Route { front: FrontId(0), endpoint: EndpointId(0), method: None };
        let any: &[Method] = &[];
        builder.route(&HostPattern::Every, &[Segment::Rest], route, any);
        builder.build()
    }
}

fn terms(plan: u32) -> Terms {
    let ceiling = NonZeroU32::new((plan + 1) * 1000);
    let limited = plan + 1 < PLANS;
    let qps = ceiling.filter(|_| limited).map(|ceiling| Qps::new(ceiling, ceiling));
    let quota = Quota { ceiling: u64::from(plan + 1) * 1_000_000, period: Period::Day };
    let grant = Grant {
        service: ServiceId(0),
        package: "synthetic".into(),
        plan: format!("plan-{plan}").into(),
        active: true,
        sources: None,
        scope: Scope::Service,
        qps: qps.map_or(Limit::Exempt, Limit::Ceiling),
        qps_source: LimitSource::Plan,
        qps_enforced: true,
        quota: if limited { Limit::Ceiling(quota) } else { Limit::Exempt },
        quota_source: LimitSource::Plan,
        quota_enforced: true,
        tag: LineTag::KEY,
        watch: Watch::NOTHING,
    };
    Terms {
        grants: [grant].into(),
        concurrency: Limit::Exempt,
        authentication: Authentication::AsAsked,
        client_certificates: [].into(),
        concurrency_enforced: true,
        enforced: true,
    }
}

/// A UUID of version 8 (RFC 9562 §5.8) out of a digest.
fn uuid(digest: &Digest) -> Option<KeyId> {
    let (_, bytes) = digest.bytes().split_last_chunk::<16>()?;
    let mut hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    hex.replace_range(12..13, "8");
    hex.replace_range(16..17, "a");
    for dash in [8, 13, 18, 23] {
        hex.insert(dash, '-');
    }
    KeyId::inline(&hex)
}
