//! What a refusal is to a client of gRPC, which looks at nothing else.

use super::Refusal;

/// A status of gRPC, by its number (gRPC's `statuscodes.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[expect(missing_docs, reason = "gRPC says what each one means")]
pub enum GrpcStatus {
    Unknown = 2,
    DeadlineExceeded = 4,
    PermissionDenied = 7,
    ResourceExhausted = 8,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
    Unauthenticated = 16,
}

impl GrpcStatus {
    /// The number that `grpc-status` holds.
    #[must_use]
    pub fn number(self) -> u16 {
        self as u16
    }
}

impl Refusal {
    /// The status that a call of gRPC ends with. It says of keys no more than the HTTP status does.
    #[must_use]
    pub fn grpc_status(self) -> GrpcStatus {
        use GrpcStatus as G;
        match self {
            Self::KeyMissing
            | Self::KeyMalformed
            | Self::KeyAmbiguous
            | Self::KeyUnknown
            | Self::KeyPending
            | Self::KeyNotYetValid
            | Self::KeySuspended
            | Self::KeyRevoked
            | Self::KeyExpired
            | Self::OwnerInactive
            | Self::PlanInactive
            | Self::ProofMissing
            | Self::ProofInvalid => G::Unauthenticated,
            Self::TlsRequired
            | Self::RefererNotAllowed
            | Self::SourceNotAllowed
            | Self::NotEntitled => G::PermissionDenied,
            Self::ServiceOverQps
            | Self::OverQps
            | Self::OverQuota
            | Self::OverConcurrency
            | Self::SourceThrottled
            | Self::BodyTooLarge
            | Self::HeadersTooLarge => G::ResourceExhausted,
            Self::Maintenance
            | Self::NoSnapshot
            | Self::SnapshotStale
            | Self::Draining
            | Self::UpstreamUnreachable
            | Self::UpstreamBadResponse
            | Self::UpstreamTimeout
            | Self::UpstreamOverloaded => G::Unavailable,
            // As gRPC reads these where a proxy answers with an HTTP status alone.
            Self::RouteNotFound | Self::MethodNotAllowed => G::Unimplemented,
            Self::BadRequest | Self::TargetTooLong => G::Internal,
            Self::RequestTimeout => G::Unknown,
            Self::DeadlineExceeded => G::DeadlineExceeded,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_looks_alike_to_grpc_too() {
        for refusal in Refusal::all().filter(|refusal| refusal.hidden()) {
            assert_eq!(refusal.grpc_status(), GrpcStatus::Unauthenticated, "{}", refusal.code());
        }
    }
}
