//! What the native API answers where it does not refuse.

use axum::body::Body;
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use http::{HeaderName, HeaderValue};
use serde::Serialize;

use crate::admin::once::Made;
use crate::admin::v3::Failure;
use crate::store::StoreError;

static TOTAL_COUNT: HeaderName = HeaderName::from_static("x-total-count");

/// JSON.
///
/// # Errors
/// [`Failure::Store`] for what JSON cannot say, which nothing here is.
pub(super) fn answer(body: &impl Serialize) -> Result<Response, Failure> {
    let body = serde_json::to_vec(body);
    let body = body.map_err(|error| Failure::Store(StoreError::Corrupt(error.to_string())))?;
    let mut response = Response::new(Body::from(body));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    Ok(response)
}

/// One page of a list, and how long the list is.
///
/// # Errors
/// As [`answer`]; likewise below.
pub(super) fn listed(page: &[impl Serialize], total: u64) -> Result<Response, Failure> {
    let mut response = answer(&page)?;
    response.headers_mut().insert(&TOTAL_COUNT, HeaderValue::from(total));
    Ok(response)
}

/// An object, and what tells it from itself changed.
pub(super) fn versioned(body: &impl Serialize, etag: &str) -> Result<Response, Failure> {
    let mut response = answer(body)?;
    if let Ok(etag) = HeaderValue::from_str(etag) {
        response.headers_mut().insert(ETAG, etag);
    }
    Ok(response)
}

/// What was made of a change.
pub(super) fn done(made: &Made) -> Result<Response, Failure> {
    let response = match &made.etag {
        Some(etag) => versioned(&made.body, etag)?,
        None => answer(&made.body)?,
    };
    Ok(if made.secret { unkept(response) } else { response })
}

/// Has nobody keep an answer: it holds what is secret.
pub(super) fn unkept(mut response: Response) -> Response {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
