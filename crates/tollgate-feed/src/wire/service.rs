//! Services, each part by itself.

use tollgate_core::{
    BasicPart, CredentialPlace, ErrorDialect, FrontId, MAX_TOLERANCE, MeterId, Proof, ProofScheme,
    RateLimitHeaders, ReturnedHeaders, Service, SignatureHash, Switches,
};

use super::codec::{Malformed, Read, choice, fields, number};
use super::{Reader, Wire};

/// A service as its control plane tells it: numbers are of its numbering, the upstream has a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentService {
    /// The upstream, by which the proxy's own configuration knows it.
    pub upstream: Box<str>,
    /// Everything else; neither upstream nor meter in it mean anything.
    pub service: Service,
}

number!(FrontId);
fields!(ReturnedHeaders { message_id, responder });
choice!(ErrorDialect, "a dialect" { 0 => Problem, 1 => Mashery });
choice!(RateLimitHeaders, "fields of limits" {
    0 => None, 1 => Draft11, 2 => XRateLimit, 3 => Mashery
});
choice!(BasicPart, "a part of Basic" { 0 => User, 1 => Password });
choice!(SignatureHash, "a hash" { 0 => Md5, 1 => Sha256 });

impl Wire for SentService {
    fn write(&self, to: &mut Vec<u8>) {
        self.upstream.write(to);
        let Service { front, id, name, upstream: _, upstream_path, path_length, .. } =
            &self.service;
        (*front, *id).write(to);
        name.write(to);
        upstream_path.write(to);
        path_length.write(to);
        let Service { tls_required, credentials, proof, key_alone, .. } = &self.service;
        tls_required.write(to);
        credentials.write(to);
        proof.write(to);
        key_alone.write(to);
        let Service { form_body_limit, qps, qps_enforced, error_dialect, .. } = &self.service;
        form_body_limit.write(to);
        qps.write(to);
        qps_enforced.write(to);
        error_dialect.write(to);
        let Service { returned_headers, rate_limit_headers, .. } = &self.service;
        returned_headers.write(to);
        rate_limit_headers.write(to);
        self.service.disclose_key_state.write(to);
        self.service.switches.write(to);
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        let upstream = from.get()?;
        let service = Service {
            front: from.get()?,
            id: from.get()?,
            name: from.get()?,
            upstream: 0,
            upstream_path: from.get()?,
            path_length: from.get()?,
            tls_required: from.get()?,
            credentials: from.get()?,
            proof: from.get()?,
            key_alone: from.get()?,
            form_body_limit: from.get()?,
            qps: from.get()?,
            qps_enforced: from.get()?,
            meter: MeterId::NONE,
            error_dialect: from.get()?,
            returned_headers: from.get()?,
            rate_limit_headers: from.get()?,
            disclose_key_state: from.get()?,
            switches: from.get::<Switches>()?,
        };
        Ok(Self { upstream, service })
    }
}

fields!(Proof { scheme, places });

impl Wire for CredentialPlace {
    fn write(&self, to: &mut Vec<u8>) {
        match self {
            Self::Header(name) => {
                to.push(0);
                name.write(to);
            }
            Self::Authorization(scheme) => {
                to.push(1);
                scheme.write(to);
            }
            Self::Basic(part) => {
                to.push(2);
                part.write(to);
            }
            Self::Cookie(name) => {
                to.push(3);
                name.write(to);
            }
            Self::Query(name) => {
                to.push(4);
                name.write(to);
            }
            Self::Form(name) => {
                to.push(5);
                name.write(to);
            }
            Self::PathSegment(number) => {
                to.push(6);
                number.write(to);
            }
        }
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        match from.byte()? {
            0 => from.get().map(Self::Header),
            1 => from.get().map(Self::Authorization),
            2 => from.get().map(Self::Basic),
            3 => from.get().map(Self::Cookie),
            4 => from.get().map(Self::Query),
            5 => from.get().map(Self::Form),
            6 => from.get().map(Self::PathSegment),
            _ => Err(Malformed("a place of a credential is of no known kind")),
        }
    }
}

impl Wire for ProofScheme {
    fn write(&self, to: &mut Vec<u8>) {
        match self {
            Self::Secret => to.push(0),
            Self::Signature { hash, tolerance } => {
                to.push(1);
                hash.write(to);
                tolerance.write(to);
            }
            Self::HmacSha256 { time, tolerance } => {
                to.push(2);
                time.write(to);
                tolerance.write(to);
            }
        }
    }

    fn read(from: &mut Reader<'_>) -> Read<Self> {
        match from.byte()? {
            0 => Ok(Self::Secret),
            1 => Ok(Self::Signature { hash: from.get()?, tolerance: tolerance(from)? }),
            2 => Ok(Self::HmacSha256 { time: from.get()?, tolerance: tolerance(from)? }),
            _ => Err(Malformed("a proof is of no known kind")),
        }
    }
}

fn tolerance(from: &mut Reader<'_>) -> Read<u64> {
    let tolerance = Some(from.get()?).filter(|tolerance| *tolerance <= MAX_TOLERANCE);
    tolerance.ok_or(Malformed("the tolerance of a proof is too great"))
}
