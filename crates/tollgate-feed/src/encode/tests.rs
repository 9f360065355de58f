use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use http::{HeaderName, Method};
use tollgate_core::{
    AllowedOrigins, Authentication, BasicPart, CertificateFingerprint, Cors, Counts,
    CredentialPlace, Digest, EndpointGrant, EndpointId, ErrorDialect, FixedResponse, FrontId,
    Grant, HostPattern, KeyId, KeySecret, Limit, LimitSource, LineTag, Maintenance, MethodCeiling,
    MethodId, Methods, Network, Networks, OriginPattern, Owner, OwnerId, Period, Proof,
    ProofScheme, Qps, Quota, RateLimitHeaders, ReturnedHeaders, Route, RoutesBuilder, Scheme,
    Schemes, Scope, Segment, Service, ServiceId, SignatureHash, Status, Switches, Target, Terms,
    TermsId, Upstream, Watch, Wrapped, handoff,
};

use super::*;
use crate::wire::frame::Frames;
use crate::wire::{SentScheme, ToProxy};

/// 2027-06-01, in milliseconds.
const NOW: u64 = 1_811_808_000_000;

fn digest(number: u8) -> Digest {
    Digest::new(std::array::from_fn(|at| number.wrapping_mul(31).wrapping_add(at as u8)))
}

/// A key of a control plane's store with an expiration, as large as they come.
fn record(meter: MeterId) -> Record {
    Record {
        digest: digest(1),
        id: KeyId::inline("0190a7c2-5c6e-7b3a-9d41-3f2a9c0b7e55").unwrap(),
        meter,
        terms: TermsId(4711),
        owner: OwnerId(123_456),
        not_before: 0,
        not_after: 1_830_000_000,
        number: 3,
        status: Status::Suspended,
    }
}

fn terms() -> Terms {
    let qps = Qps::new(NonZeroU32::new(50).unwrap(), NonZeroU32::new(100).unwrap());
    let quota = Quota { ceiling: 1_000_000, period: Period::Month };
    let method = MethodId(9);
    let ceiling = MethodCeiling {
        method,
        qps: Limit::Ceiling(qps),
        qps_enforced: true,
        quota: Limit::Exempt,
        quota_enforced: true,
        tag: Counts::Method(method).tag(),
    };
    let networks = [("192.0.2.0", 24), ("2001:db8::", 32)];
    let networks =
        networks.map(|(address, bits)| Network::around(address.parse().unwrap(), bits).unwrap());
    let grant = |service: u32, scope, tag| Grant {
        service: ServiceId(service),
        package: "gold".into(),
        plan: "monthly".into(),
        active: true,
        sources: Some(Networks::of(&networks)),
        scope,
        qps: Limit::Ceiling(qps),
        qps_source: LimitSource::Key,
        qps_enforced: true,
        quota: Limit::Ceiling(quota),
        quota_source: LimitSource::Plan,
        quota_enforced: false,
        tag,
        watch: Watch { near_quota: 900_000, ..Watch::NOTHING },
    };
    let listed = Methods::Listed([ceiling].into());
    let endpoints = [
        EndpointGrant { endpoint: EndpointId(3), methods: Methods::All, undefined: false },
        EndpointGrant { endpoint: EndpointId(5), methods: listed, undefined: true },
    ];
    Terms {
        grants: [
            grant(1, Scope::Service, LineTag::KEY),
            grant(7, Scope::Endpoints(endpoints.into()), Counts::Grant(ServiceId(7)).tag()),
        ]
        .into(),
        concurrency: Limit::Ceiling(8),
        authentication: Authentication::KeyAndSecret,
        client_certificates: [CertificateFingerprint::of(b"der")].into(),
        concurrency_enforced: true,
        enforced: true,
    }
}

fn service() -> Service {
    let places = [
        CredentialPlace::Header(HeaderName::from_static("x-api-key")),
        CredentialPlace::Authorization("Bearer".into()),
        CredentialPlace::Basic(BasicPart::Password),
        CredentialPlace::Cookie("key".into()),
        CredentialPlace::Query("api_key".into()),
        CredentialPlace::Form("api_key".into()),
        CredentialPlace::PathSegment(2),
    ];
    let time = HeaderName::from_static("x-time");
    let hash = SignatureHash::Sha256;
    let signed = ProofScheme::Signature { hash, tolerance: 300 };
    let origins = ["https://shop.example.com", "https://*.example.com:8443"];
    let patterns = origins.map(|origin| OriginPattern::parse(origin).unwrap());
    Service {
        front: FrontId(2),
        id: ServiceId(7),
        name: "orders".into(),
        upstream: 0,
        upstream_path: Some("/v2".into()),
        path_length: 7,
        tls_required: true,
        credentials: places.into(),
        proof: Some(Box::new(Proof {
            scheme: signed,
            places: [CredentialPlace::Header(time)].into(),
        })),
        key_alone: true,
        form_body_limit: Some(65_536),
        qps: Limit::Closed,
        qps_enforced: false,
        meter: MeterId::NONE,
        error_dialect: ErrorDialect::Mashery,
        returned_headers: ReturnedHeaders { message_id: true, responder: false },
        rate_limit_headers: RateLimitHeaders::XRateLimit,
        disclose_key_state: true,
        switches: Switches {
            maintenance: [(
                EndpointId(5),
                Maintenance { retry_after: Some(60), ..Maintenance::default() },
            )]
            .into(),
            allowed_referers: patterns.clone().into(),
            cors: Some(Box::new(Cors {
                origins: AllowedOrigins::Listed { patterns: patterns.into(), null: true },
                credentials: true,
                methods: "GET, POST".into(),
                headers: "x-api-key".into(),
                exposed_headers: "".into(),
                max_age: 600,
            })),
            drop_request_headers: [HeaderName::from_static("x-internal")].into(),
            drop_response_headers: Some([HeaderName::from_static("server")].into()),
            key_length: 24..=40,
            keyless: Some(digest(9)),
        },
    }
}

fn full_routes() -> Routes {
    let mut builder = RoutesBuilder::default();
    builder.upstream(Arc::new(Upstream {
        name: "orders-backend".into(),
        generation: 1,
        target: Target::Fixed(FixedResponse {
            status: http::StatusCode::OK,
            headers: Vec::new(),
            body: "".into(),
        }),
    }));
    builder.service(service());
    let route = |method| Route { front: FrontId(2), endpoint: EndpointId(5), method };
    let host = HostPattern::Below(".example.com".into());
    builder.key(&host, &["orders".into()], 1);
    let path = [Segment::Literal("orders".into()), Segment::Any, Segment::Rest];
    builder.route(&host, &path, route(Some(MethodId(9))), &[Method::GET]);
    builder.route(&host, &path, route(None), &[]);
    builder.build()
}

fn root() -> Root {
    let mut root = Root::empty(Arc::new(Schemes::only(Scheme::Sha256)));
    root.revision = Revision { epoch: 3, number: 70_000_000 };
    root
}

fn context(before: &Root) -> Context<'_, impl Fn(&Record) -> Option<Counter>> {
    let revision = Revision { number: before.revision.number + 1, ..before.revision };
    Context {
        before,
        revision,
        published: NOW,
        given: Vec::new(),
        schemes: None,
        counter: |_: &Record| Some(Counter::of("chain")),
    }
}

fn sent_and_read(batch: &SentBatch) -> (usize, SentBatch) {
    let bytes = ToProxy::Batch(batch.clone()).to_bytes();
    let mut frames = Frames::default();
    frames.push(&bytes);
    let frame = frames.frame().unwrap().unwrap();
    let ToProxy::Batch(read) = ToProxy::read(&frame).unwrap() else { panic!("another message") };
    (bytes.len(), read)
}

#[test]
fn a_change_of_one_key_takes_at_most_120_bytes() {
    let (mut writer, _) = handoff();
    let record = record(writer.allot(&[]).unwrap());
    let changed = Batch { keys: vec![Change::Put(record)], ..Batch::default() };
    let (before, gone) = (root(), Change::Remove(record.digest));
    let sent = batch(&changed, context(&before)).unwrap();
    let (bytes, read) = sent_and_read(&sent);
    assert!(bytes <= 120, "{bytes} bytes");
    assert_eq!(format!("{read:?}"), format!("{sent:?}"));
    let removed = Batch { keys: vec![gone], ..Batch::default() };
    let (bytes, _) = sent_and_read(&batch(&removed, context(&before)).unwrap());
    assert!(bytes <= 120, "{bytes} bytes");
}

#[test]
fn everything_that_a_batch_can_hold_comes_back() {
    let (mut writer, _) = handoff();
    let put = record(writer.allot(&[]).unwrap());
    let long = Record { id: KeyId::long(7), digest: digest(2), ..put };
    let wrapped = Wrapped::seal(b"the key", b"the secret", [5; Wrapped::NONCE]);
    let secret = KeySecret { key: digest(1), digest: Some(digest(3)), wrapped };
    let mut before = root();
    before.names.set(7, Some(Arc::new("the-name-before-this-one".into())));
    let name: Arc<Box<str>> = Arc::new("a-name-longer-than-fifteen".into());
    let whole = Batch {
        keys: vec![Change::Put(put), Change::Put(long), Change::Remove(digest(4))],
        moved: HashMap::from([(digest(4), digest(2))]),
        secrets: vec![Change::Put(secret), Change::Remove(digest(4))],
        terms: vec![(TermsId(4711), Some(Arc::new(terms()))), (TermsId(0), None)],
        owners: vec![
            (OwnerId(1), Some(Arc::new(Owner { application: "shop".into(), active: false }))),
            (OwnerId(2), None),
        ],
        names: vec![(7, Some(name))],
        routes: Some(Arc::new(full_routes())),
        schemes: Some(Arc::new(Schemes::only(Scheme::Sha256))),
    };
    let mut context = context(&before);
    context.given = vec![
        GivenName::service(7, "orders"),
        GivenName::endpoint(5, "orders", "items"),
        GivenName::method(9, "orders", "items", ""),
    ];
    let current = SentScheme::HmacSha256([7; 8]);
    let previous = Some(SentScheme::Sha256);
    let brand = tollgate_core::Brand::new("acme");
    context.schemes = Some(SentSchemes { current, previous, brand });
    let sent = batch(&whole, context).unwrap();
    let (_, read) = sent_and_read(&sent);
    assert_eq!(format!("{read:?}"), format!("{sent:?}"));
    assert_eq!(read.terms, sent.terms);
    assert_eq!(read.routes, sent.routes);
    let [_, Change::Put(long), _] = &*read.keys else { panic!("other keys") };
    assert_eq!(long.name, SentKeyName::Long("a-name-longer-than-fifteen".into()));
    let routes = read.routes.unwrap();
    assert_eq!(&*routes.services[0].upstream, "orders-backend");
    assert_eq!((routes.keys.len(), routes.routes.len()), (1, 2));
}

#[test]
fn whatever_turns_in_what_is_sent_is_read_or_refused() {
    let (mut writer, _) = handoff();
    let whole = Batch {
        keys: vec![Change::Put(record(writer.allot(&[]).unwrap()))],
        terms: vec![(TermsId(4711), Some(Arc::new(terms())))],
        routes: Some(Arc::new(full_routes())),
        ..Batch::default()
    };
    let before = root();
    let sent = ToProxy::Batch(batch(&whole, context(&before)).unwrap()).to_bytes();
    let (head, text) = sent.split_at(crate::wire::frame::HEAD);
    assert_eq!(head.len(), 8);
    let mut refused = 0;
    for at in 1..text.len() {
        for bit in 0..8 {
            let mut turned = text.to_vec();
            turned[at] ^= 1 << bit;
            // As if the checksum fitted.
            let mut framed = Vec::new();
            crate::wire::frame::write(turned[0], &turned[1..], &mut framed);
            let mut frames = Frames::default();
            frames.push(&framed);
            refused += usize::from(ToProxy::read(&frames.frame().unwrap().unwrap()).is_err());
        }
        let mut framed = Vec::new();
        crate::wire::frame::write(text[0], &text[1..at], &mut framed);
        let mut frames = Frames::default();
        frames.push(&framed);
        assert!(ToProxy::read(&frames.frame().unwrap().unwrap()).is_err(), "cut after {at}");
    }
    assert!(refused > 0);
}
