//! Why a request would be answered as it would be (`tollgate explain`): a request's road up to the
//! decision, by the same functions, with a key of which only the digests are known. Nothing is
//! counted, and nothing is sent anywhere.

mod answer;
mod told;

use std::net::IpAddr;
use std::sync::Arc;

use http::header::HOST;
use http::{HeaderMap, Method, Uri};
use tollgate_core::{
    Clock, Decider, Digests, ExplainedKey, Now, Presented, Refusal, Refused, Root, Schemes,
    Service, Shadow, SnapshotReader,
};

use crate::arena::Arena;
use crate::credential::{self, Brought, Credential};
use crate::respond::{self, Challenges, Ended};
use crate::switches::{Lead, Onward};
use crate::target::{NoTarget, Target, host_field, permit};
use crate::worker::WorkerSettings;
use crate::{headers, proof};

pub use answer::Answer;
pub use told::{
    CredentialTold, Explanation, KeyTold, LimitTold, RevisionTold, RouteTold, TermsTold, Verdict,
};

/// Stands for the key in a request that is asked about, so that the request can say where the key
/// stands without holding it. Nothing in it needs an encoding anywhere.
pub const KEY_STAND_IN: &str = "key-of-tollgate-explain";

/// Digests of what is no key. Whoever has the same makes the same of keys as we do.
#[must_use]
pub fn probe(schemes: &Schemes) -> Digests {
    let brand = schemes.brand.as_ref().map_or("", |brand| brand.name());
    Digests::of(schemes, format!("tollgate explain {brand}").as_bytes())
}

/// A request that somebody asks about.
#[derive(Debug)]
pub struct Asked {
    /// The HTTP method.
    pub http_method: Method,
    /// The target; with a host if the request has no `Host` field.
    pub target: Uri,
    /// The header, with [`KEY_STAND_IN`] in the place of the key if it says where the key stands.
    pub fields: HeaderMap,
    /// Where it comes from.
    pub source: IpAddr,
    /// The key that the request brings.
    pub key: AskedKey,
    /// What [`probe`] says of the schemes of whoever asks.
    pub probe: Digests,
}

/// The key of a request that somebody asks about.
#[derive(Clone, Copy, Debug)]
pub enum AskedKey {
    /// There is none.
    Missing,
    /// What is there can be no key.
    Malformed,
    /// One with these digests and of so many bytes.
    Given {
        /// Its digests.
        digests: Digests,
        /// Its length.
        length: u8,
    },
}

impl AskedKey {
    /// What is to be told of `key`, which is empty where there is none.
    #[must_use]
    pub fn of(key: &[u8], schemes: &Schemes) -> Self {
        let disowned = || schemes.brand.as_ref().is_some_and(|brand| brand.disowns(key));
        match (key, u8::try_from(key.len())) {
            ([], _) => Self::Missing,
            (key, Ok(length)) if credential::plausible(key) && !disowned() => {
                Self::Given { digests: Digests::of(schemes, key), length }
            }
            _ => Self::Malformed,
        }
    }
}

/// Why a request cannot be explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unexplained {
    /// The request holds a key that is not the one asked about.
    HoldsAKey,
    /// The request holds a proof, which nobody needs here.
    HoldsAProof,
    /// Who asks digests keys by other schemes.
    OtherSchemes,
}

impl std::fmt::Display for Unexplained {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::HoldsAKey => {
                "the arguments hold a key where the service looks for one, which others can see; \
                 expected the key on standard input or in a file, and {key} in its place"
            }
            Self::HoldsAProof => {
                "the arguments hold a proof where the service looks for one, which others can see; \
                 expected none, as it is taken to be right"
            }
            Self::OtherSchemes => {
                "the process digests keys by other schemes than the configuration says, \
                 expected the configuration that it serves"
            }
        })
    }
}

impl std::error::Error for Unexplained {}

/// Explains from the newest snapshot of a reader and from its meters.
pub struct Explainer {
    reader: SnapshotReader,
    decider: Decider,
    clock: Arc<dyn Clock>,
    settings: WorkerSettings,
}

impl std::fmt::Debug for Explainer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Explainer").field(&self.decider).finish()
    }
}

/// How the road of a request that is refused ended.
struct End {
    refused: Refused,
    allow: Option<String>,
}

impl From<Refusal> for End {
    fn from(refusal: Refusal) -> Self {
        Self { refused: refusal.into(), allow: None }
    }
}

impl From<Refused> for End {
    fn from(refused: Refused) -> Self {
        Self { refused, allow: None }
    }
}

impl From<NoTarget> for End {
    fn from(none: NoTarget) -> Self {
        Self { refused: none.refusal.into(), allow: none.allow }
    }
}

impl Explainer {
    /// Explains what workers with these settings would do.
    #[must_use]
    pub fn new(reader: SnapshotReader, clock: Arc<dyn Clock>, settings: WorkerSettings) -> Self {
        let decider = Decider::new(reader.clone(), Arc::clone(&clock));
        Self { reader, decider, clock, settings }
    }

    /// Says what would become of a request at this instant, and why.
    ///
    /// # Errors
    /// See [`Unexplained`].
    pub fn explain(&self, asked: Asked) -> Result<Explanation, Unexplained> {
        let now = self.clock.now();
        let root = self.reader.current();
        let mut told = Explanation::new(now, &asked);
        let mut service = None;
        let ended = match root.as_deref() {
            Some(root) => self.walk(root, asked, now, &mut told, &mut service)?,
            None => Err(Refusal::NoSnapshot.into()),
        };
        let refused = match ended {
            Ok(Outcome::Admitted(shadow)) => {
                told.verdict = Verdict::admitted(shadow);
                return Ok(told);
            }
            Ok(Outcome::Preflight) => {
                told.verdict = Verdict::preflight();
                return Ok(told);
            }
            Err(end) => end,
        };
        told.verdict = Verdict::refused(&refused.refused);
        let End { refused, allow } = &refused;
        let ended = Ended { service, refused, allow: allow.as_deref(), now };
        let answer = respond::refuse(
            &mut Arena::default(),
            &mut Challenges::default(),
            &self.settings,
            HeaderMap::new(),
            &ended,
        );
        told.answer = Some(Answer::of(answer));
        Ok(told)
    }

    /// The road, step by step as a worker goes it.
    fn walk<'a>(
        &self,
        root: &'a Root,
        asked: Asked,
        now: Now,
        told: &mut Explanation,
        found: &mut Option<&'a Service>,
    ) -> Result<Result<Outcome, End>, Unexplained> {
        if asked.probe != probe(&root.schemes) {
            return Err(Unexplained::OtherSchemes);
        }
        told.revision = Some(root.revision.into());

        // Route, and what the service asks of a call.
        let Asked { http_method, target: uri, fields, source, key, .. } = asked;
        let mut request = http::Request::new(());
        (*request.method_mut(), *request.headers_mut()) = (http_method, fields);
        let host = match host_field(request.headers()) {
            Ok(host) => host.cloned(),
            Err(refusal) => return Ok(Err(refusal.into())),
        };
        let target = permit(request.method()).and_then(|()| {
            Target::of(&uri, host.as_ref(), request.version()).map_err(NoTarget::from)
        });
        let mut target = match target {
            Ok(target) => target,
            Err(none) => return Ok(Err(none.into())),
        };
        target.take_key(&root.routes);
        let lead = Lead::find(root, &target, &request);
        let (service, route) = match lead.onward(request.headers(), now) {
            Onward::Key(service, route) => (service, route),
            Onward::Preflight => return Ok(Ok(Outcome::Preflight)),
            Onward::Refused(service, refused) => {
                *found = Some(service);
                return Ok(Err(refused.into()));
            }
            Onward::Nowhere(none) => {
                *found = none.called.and_then(|(front, _)| root.routes.service(front));
                return Ok(Err(none.into()));
            }
        };
        *found = Some(service);
        told.route(root, service, &route);
        told.passed("route");

        // Credential and proof.
        let places = &service.credentials;
        let framed = headers::only_chunked(request.headers());
        let version = request.version();
        let cleaned = headers::clean_request(request.headers_mut(), version, places);
        if let Err(refusal) = framed.and(cleaned) {
            return Ok(Err(refusal.into()));
        }
        let segment = target.key.as_deref();
        // The request that is asked about has no body.
        let brought =
            Brought { headers: request.headers_mut(), query: target.query, segment, form: None };
        let taken = match credential::take(places, brought) {
            Ok(taken) => taken,
            Err(refusal) => return Ok(Err(refusal.into())),
        };
        let carried = taken.key.as_ref().map(Credential::bytes);
        if carried.is_some_and(|carried| carried != KEY_STAND_IN.as_bytes()) {
            return Err(Unexplained::HoldsAKey);
        }
        let proof = proof::take(service, request.headers_mut(), taken.query.as_deref(), None);
        if !matches!(proof.presented(), Presented::Nothing) {
            return Err(Unexplained::HoldsAProof);
        }
        told.credential(service, carried.is_some(), &key);
        let key = match key.of_service(service) {
            Ok(key) => key,
            Err(refusal) => return Ok(Err(refusal.into())),
        };
        told.passed("credential");

        // Decide.
        let decided = self.decider.explain(root, &key, &route, source, now);
        told.decision(root, &route, &key, &decided);
        Ok(decided.verdict.map(Outcome::Admitted).map_err(End::from))
    }
}

/// How a request that is not refused ends.
enum Outcome {
    Admitted(Shadow),
    Preflight,
}

impl AskedKey {
    /// The key that a call of `service` is decided with, as
    /// [`switches::key`](crate::switches::key) finds it in a request.
    fn of_service(&self, service: &Service) -> Result<ExplainedKey, Refusal> {
        match *self {
            Self::Given { digests, length } if service.switches.key_length.contains(&length) => {
                Ok(ExplainedKey::Presented(digests))
            }
            Self::Given { .. } | Self::Malformed => Err(Refusal::KeyMalformed),
            Self::Missing => {
                let keyless = service.switches.keyless;
                keyless.map(ExplainedKey::Keyless).ok_or(Refusal::KeyMissing)
            }
        }
    }
}

/// The host that a request that is asked about names, as it is told.
fn host(asked: &Asked) -> Option<String> {
    let field = asked.fields.get(HOST).and_then(|host| host.to_str().ok());
    field.or_else(|| Some(asked.target.authority()?.as_str())).map(str::to_owned)
}
