//! A request, taken apart.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest, RawPathParams, Request};
use http::{HeaderMap, Method};
use tollgate_core::Source;

use super::listener::Peer;
use super::trial::Trial;
use super::wait::Wait;
use super::{Plane, authorization};
use crate::people::{Caller, Secret};
use crate::store::StoreError;

/// A request whose body has been read.
pub(super) struct Ask {
    pub(super) plane: Plane,
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) source: Option<Source>,
    /// It is only tried: what it changes is taken back.
    pub(super) trial: Option<Trial>,
    /// It waits until what it changes is enforced everywhere.
    pub(super) wait: Option<Wait>,
    parameters: Vec<(String, String)>,
}

/// Why a request could not be read.
pub(super) enum Unread {
    /// Its body is greater than it may be.
    TooLarge,
    /// It ended before its body did, or has a path that is no text.
    Broken,
}

/// Why nobody stands behind a request.
pub(super) enum Nobody {
    /// It has no token or access key, or one that is not good.
    BadToken,
    /// Its source has brought too many of those. How long it has to wait, in seconds.
    Throttled(u64),
    /// The store failed.
    Store(StoreError),
}

impl Ask {
    /// Reads a request to its end.
    pub(super) async fn read(plane: Plane, request: Request) -> Result<Self, Unread> {
        let (mut parts, body) = request.into_parts();
        let parameters = axum::RequestPartsExt::extract::<RawPathParams>(&mut parts).await;
        let parameters = parameters.map_err(|_| Unread::Broken)?;
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let parameters = parameters.iter().map(owned).collect();
        let peer = parts.extensions.get::<Peer>().copied();
        let trial = parts.extensions.remove::<Trial>();
        let wait = parts.extensions.remove::<Wait>();
        let (method, headers) = (parts.method.clone(), parts.headers.clone());
        let path = parts.uri.path().to_owned();
        let query = parts.uri.query().unwrap_or_default().to_owned();
        let request = Request::from_parts(parts, body);
        let body = Bytes::from_request(request, &()).await.map_err(|refused| {
            let too_large = refused.status() == http::StatusCode::PAYLOAD_TOO_LARGE;
            if too_large { Unread::TooLarge } else { Unread::Broken }
        })?;
        let source = peer.map(|Peer(address)| Source::from(address));
        Ok(Self { plane, method, path, query, headers, body, source, trial, wait, parameters })
    }

    /// A part of the path.
    pub(super) fn parameter(&self, name: &str) -> &str {
        let found = self.parameters.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    /// All parts of the path that are not the same for every request, by their names.
    pub(super) fn parameters(&self) -> &[(String, String)] {
        &self.parameters
    }

    /// Who asks.
    pub(super) async fn caller(&self) -> Result<Caller, Nobody> {
        let found = if let Some(token) = authorization::bearer(&self.headers) {
            self.find(token).await
        } else if let Some((id, secret)) = authorization::basic(&self.headers) {
            self.find_access_key(id, secret).await
        } else {
            return Err(Nobody::BadToken);
        };
        match found {
            Ok(Some(caller)) => Ok(caller),
            Ok(None) => Err(self.attempt().err().map_or(Nobody::BadToken, Nobody::Throttled)),
            Err(error) => Err(Nobody::Store(error)),
        }
    }

    async fn find(&self, token: Secret) -> Result<Option<Caller>, StoreError> {
        let (now, environment) = (self.plane.now(), self.plane.environment());
        let find = move |connection: &mut dyn crate::store::Connection| {
            Caller::find(connection, &token, now, &environment)
        };
        Arc::clone(&self.plane).store.read(find).await
    }

    async fn find_access_key(
        &self,
        id: String,
        secret: Secret,
    ) -> Result<Option<Caller>, StoreError> {
        let (environment, region) = (self.plane.environment(), &self.plane.settings.regions.own);
        let region = region.clone();
        let find = move |connection: &mut dyn crate::store::Connection| {
            Caller::by_access_key(connection, (&id, &secret), &region, &environment)
        };
        Arc::clone(&self.plane).store.read(find).await
    }

    /// Counts an attempt of the source to log in, or one that failed. If it was one too many, the
    /// error is how many seconds the source has to wait.
    pub(super) fn attempt(&self) -> Result<(), u64> {
        let Some(source) = self.source else { return Ok(()) };
        let attempt = self.plane.strangers.attempt(source, self.plane.clock.now());
        attempt.map_err(|wait| wait.as_secs().saturating_add(1))
    }
}
