//! What an explanation says: for people to read and for scripts to take apart.

use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tollgate_core::{
    CredentialPlace, ExplainedKey, LimitSource, LimitState, Now, ReadingKind, Record, Refusal,
    Refused, Revision, Root, Route, Service, Shadow, Status,
};

use super::{Answer, Asked, AskedKey};

/// Why a request would be answered as it would be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// When it was asked, RFC 3339 in UTC.
    pub time: String,
    /// What it is answered from; `None` = there is no snapshot.
    pub revision: Option<RevisionTold>,
    /// The HTTP method.
    pub http_method: String,
    /// The host, as the request names it.
    pub host: Option<String>,
    /// The path, as the request names it.
    pub path: String,
    /// The address that it comes from.
    pub source: IpAddr,
    /// The steps that the request passes, in their order.
    pub steps: Vec<String>,
    /// Where it leads.
    pub route: Option<RouteTold>,
    /// Where its key stands.
    pub credential: Option<CredentialTold>,
    /// Whose key it is, if it is anybody's.
    pub key: Option<KeyTold>,
    /// What the key may do with the service, if anything.
    pub terms: Option<TermsTold>,
    /// Every limit of the call, in the order in which they refuse. Without those that are exempt.
    pub limits: Vec<LimitTold>,
    /// What would become of it.
    pub verdict: Verdict,
    /// What the caller would see of a refusal.
    pub answer: Option<Answer>,
}

/// The place of a snapshot in its history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevisionTold {
    /// Its epoch.
    pub epoch: u64,
    /// Its number within the epoch.
    pub number: u64,
}

/// Where a request leads, by the names of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteTold {
    /// The service.
    pub service: String,
    /// The endpoint.
    pub endpoint: Option<String>,
    /// The method; `None` = one that the endpoint does not name.
    pub method: Option<String>,
}

/// Where the key of a request stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialTold {
    /// Where the service looks for keys, in its order.
    pub places: Vec<String>,
    /// The request says itself where the key stands; else it is taken to stand in the first place.
    pub in_request: bool,
    /// `none`, `malformed` or `given`.
    pub key: String,
    /// Where the service looks for a proof, if it asks for one. It is taken to be there and right,
    /// as nobody else can make it.
    pub proof_places: Vec<String>,
}

/// A key that is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyTold {
    /// Its id.
    pub id: String,
    /// Whether the scheme in use has found it, or the one before it.
    pub found_by_previous_scheme: bool,
    /// Its state.
    pub status: String,
    /// From when on it works.
    pub not_before: Option<String>,
    /// When it ends.
    pub expires: Option<String>,
    /// Its application.
    pub application: Option<String>,
    /// Whether the application and the member who owns it are active.
    pub owner_active: bool,
}

/// What a key may do with a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TermsTold {
    /// The package.
    pub package: String,
    /// The plan.
    pub plan: String,
    /// Whether the plan is active.
    pub active: bool,
    /// Whether what the terms refuse is refused.
    pub enforced: bool,
    /// Whether the plan opens what is called.
    pub opens: bool,
    /// Limits of the key that there are none of, because somebody said so.
    pub exempt: Vec<String>,
}

/// A limit and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitTold {
    /// `qps`, `quota` or `concurrency`.
    pub limit: String,
    /// Whose it is: `service`, `method`, `plan` or `key`.
    pub of: String,
    /// Calls per second, in a window or at a time.
    pub ceiling: u64,
    /// Calls that may come at once; of QPS only.
    pub burst: Option<u64>,
    /// The window in seconds; of quotas only.
    pub window_seconds: Option<u64>,
    /// Calls that count against it now.
    pub used: u64,
    /// Calls that it would admit now.
    pub remaining: u64,
    /// Seconds until all of it is back.
    pub reset_seconds: Option<u64>,
    /// If not, it is a shadow: it refuses nothing.
    pub enforced: bool,
    /// Whether it would admit the call.
    pub admits: bool,
}

/// What would become of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Whether it would go upstream.
    pub admitted: bool,
    /// Why not, as metrics and the access log have it.
    pub code: Option<String>,
    /// The same in a sentence; of one that is not refused, what else becomes of it.
    pub title: Option<String>,
    /// Seconds after which it may work; `None` if waiting does not help.
    pub retry_after: Option<u64>,
    /// What it would be refused for, if all of it were enforced; of an admitted one.
    pub shadow: Vec<String>,
}

impl From<Revision> for RevisionTold {
    fn from(Revision { epoch, number }: Revision) -> Self {
        Self { epoch, number }
    }
}

impl Verdict {
    pub(super) fn admitted(shadow: Shadow) -> Self {
        let shadow = shadow.refusals().map(|refusal| refusal.code().to_owned()).collect();
        Self { admitted: true, code: None, title: None, retry_after: None, shadow }
    }

    /// Of a request of a page for leave to call, which the process answers itself.
    pub(super) fn preflight() -> Self {
        let title = Some("A preflight, which is answered without a key".to_owned());
        Self { title, ..Self::admitted(Shadow::default()) }
    }

    pub(super) fn refused(refused: &Refused) -> Self {
        let refusal = refused.refusal;
        Self {
            admitted: false,
            code: Some(refusal.code().to_owned()),
            title: Some(refusal.title().to_owned()),
            retry_after: refused.retry_after,
            shadow: Vec::new(),
        }
    }
}

impl Explanation {
    /// Of a request of which nothing is found yet.
    pub(super) fn new(now: Now, asked: &Asked) -> Self {
        Self {
            time: instant(now.unix()),
            revision: None,
            http_method: asked.http_method.to_string(),
            host: super::host(asked),
            path: asked.target.path().to_owned(),
            source: asked.source,
            steps: Vec::new(),
            route: None,
            credential: None,
            key: None,
            terms: None,
            limits: Vec::new(),
            verdict: Verdict::refused(&Refusal::NoSnapshot.into()),
            answer: None,
        }
    }

    /// Tells of a step that was passed.
    pub(super) fn passed(&mut self, step: &str) {
        self.steps.push(step.to_owned());
    }

    pub(super) fn route(&mut self, root: &Root, service: &Service, route: &Route) {
        let method = route.method.and_then(|method| root.routes.method_name(method));
        self.route = Some(RouteTold {
            service: service.name.to_string(),
            endpoint: root.routes.endpoint_name(route.endpoint).map(str::to_owned),
            method: method.map(str::to_owned),
        });
    }

    pub(super) fn credential(&mut self, service: &Service, in_request: bool, key: &AskedKey) {
        let key = match key {
            AskedKey::Missing => "none",
            AskedKey::Malformed => "malformed",
            AskedKey::Given { .. } => "given",
        };
        let told = |places: &[CredentialPlace]| places.iter().map(place).collect();
        self.credential = Some(CredentialTold {
            places: told(&service.credentials),
            in_request,
            key: key.to_owned(),
            proof_places: service.proof.as_ref().map_or(Vec::new(), |proof| told(&proof.places)),
        });
    }

    /// Tells of the decision, as far as it went. What is known of a key is told whether or not the
    /// key works.
    pub(super) fn decision(
        &mut self,
        root: &Root,
        route: &Route,
        key: &ExplainedKey,
        decided: &tollgate_core::Explanation<'_>,
    ) {
        self.steps.extend(decided.steps.iter().copied().map(str::to_owned));
        let Some(record) = decided.known else { return };
        self.key = Some(KeyTold::of(root, record, key));
        self.terms = TermsTold::of(root, route, record, decided);
        self.limits = decided.limits.iter().map(LimitTold::of).collect();
    }
}

impl KeyTold {
    fn of(root: &Root, record: &Record, key: &ExplainedKey) -> Self {
        let owner = root.owners.get(record.owner.0);
        let status = match record.status {
            Status::Waiting => "waiting",
            Status::Active => "active",
            Status::Suspended => "suspended",
            Status::Revoked => "revoked",
        };
        let second = |second: u32| instant(second.into());
        Self {
            id: root.key_name(record, &mut [0; 36]).to_owned(),
            found_by_previous_scheme: match key {
                ExplainedKey::Presented(digests) => record.digest != digests.current,
                ExplainedKey::Keyless(_) => false,
            },
            status: status.to_owned(),
            not_before: (record.not_before > 0).then(|| second(record.not_before)),
            expires: (record.not_after != Record::NEVER).then(|| second(record.not_after)),
            application: owner.map(|owner| owner.application.to_string()),
            owner_active: owner.is_some_and(|owner| owner.active),
        }
    }
}

impl TermsTold {
    /// Of a key that has a plan for the service; of another, those that limit it where they are
    /// not enforced.
    fn of(
        root: &Root,
        route: &Route,
        record: &Record,
        decided: &tollgate_core::Explanation<'_>,
    ) -> Option<Self> {
        let terms = root.terms.get(record.terms.0)?;
        let service = root.routes.service(route.front);
        let of_service = service.and_then(|service| terms.grant(service.id));
        let grant = of_service.or(decided.entitled).or(terms.grants.first())?;
        let exempt = [
            ("qps", grant.qps == tollgate_core::Limit::Exempt),
            ("quota", grant.quota == tollgate_core::Limit::Exempt),
            ("concurrency", terms.concurrency == tollgate_core::Limit::Exempt),
        ];
        let exempt = exempt.into_iter().filter(|(_, exempt)| *exempt);
        Some(Self {
            package: grant.package.to_string(),
            plan: grant.plan.to_string(),
            active: grant.active,
            enforced: terms.enforced,
            opens: of_service.is_some_and(|grant| grant.opens(route).is_some()),
            exempt: exempt.map(|(limit, _)| limit.to_owned()).collect(),
        })
    }
}

impl LimitTold {
    fn of(state: &LimitState) -> Self {
        let (limit, of) = match (state.kind, state.refusal) {
            (Some(ReadingKind::Qps(source)), _) => ("qps", whose(source)),
            (Some(ReadingKind::Quota(source)), _) => ("quota", whose(source)),
            (Some(ReadingKind::MethodQps), _) => ("qps", "method"),
            (Some(ReadingKind::MethodQuota), _) => ("quota", "method"),
            (None, Refusal::ServiceOverQps) => ("qps", "service"),
            (None, _) => ("concurrency", "key"),
        };
        let of_qps = state.reading.filter(|_| limit == "qps");
        let of_quota = state.reading.filter(|_| limit == "quota");
        Self {
            limit: limit.to_owned(),
            of: of.to_owned(),
            ceiling: state.ceiling,
            burst: of_qps.map(|reading| reading.quota),
            window_seconds: of_quota.map(|reading| reading.window),
            used: state.used,
            remaining: match state.reading {
                Some(reading) => reading.remaining,
                None => state.ceiling.saturating_sub(state.used),
            },
            reset_seconds: state.reading.map(|reading| reading.reset),
            enforced: state.enforced,
            admits: state.admits,
        }
    }
}

fn whose(source: LimitSource) -> &'static str {
    match source {
        LimitSource::Plan => "plan",
        LimitSource::Key => "key",
    }
}

fn place(place: &CredentialPlace) -> String {
    match place {
        CredentialPlace::Header(name) => format!("header {name}"),
        CredentialPlace::Authorization(scheme) => format!("Authorization {scheme}"),
        CredentialPlace::Basic(part) => format!("Authorization Basic, {part:?}").to_lowercase(),
        CredentialPlace::Cookie(name) => format!("cookie {name}"),
        CredentialPlace::Query(name) => format!("query {name}"),
        CredentialPlace::Form(name) => format!("form {name}"),
        CredentialPlace::PathSegment(number) => format!("path segment {number}"),
    }
}

/// RFC 3339, in UTC.
fn instant(unix: u64) -> String {
    let time = i64::try_from(unix).ok().and_then(|unix| Timestamp::from_second(unix).ok());
    time.map_or_else(|| format!("second {unix} since 1970"), |time| time.to_string())
}
