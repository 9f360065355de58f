//! Snapshots, fetched as files.

use std::ops::Range;
use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, RANGE};
use http::{HeaderValue, StatusCode};
use tokio::sync::mpsc;

use super::{Brought, MEDIA_TYPE, proven};
use crate::admin::Plane;
use crate::admin::native::Problem;
use crate::admin::v3::Failure;
use crate::feed::{Sent, Snapshot};

/// Bytes that are read at once.
const PIECE: u64 = 256 << 10;
/// So many pieces wait for whoever takes them.
const WAITING: usize = 2;

/// A snapshot that a proxy was told of, or the rest of it (RFC 9110 §14).
pub(super) async fn get(
    State(plane): State<Plane>,
    Path((id, etag)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Problem> {
    let part = request.headers().get(RANGE).cloned();
    let brought = Brought::by(&request);
    drop(request);
    proven(&plane, id, brought).await?;
    let snapshot = plane.feed.known_snapshot(&etag);
    let gone = || Failure::NotFound("there is no such snapshot any more".to_owned());
    let snapshot = snapshot.ok_or_else(gone)?;
    let bytes = snapshot.offer.bytes;
    let part = part.and_then(|range| rest_of(&range, bytes));
    let range = part.clone().unwrap_or(0..bytes);
    let (length, begin) = (range.end - range.start, range.start);
    let (to, taken) = mpsc::channel(WAITING);
    tokio::spawn(send(snapshot, range, to));
    let mut response = axum::body::Body::new(Sent(taken)).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, MEDIA_TYPE);
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if let Ok(etag) = HeaderValue::from_str(&format!("\"{etag}\"")) {
        headers.insert(ETAG, etag);
    }
    if part.is_some() {
        let last = bytes.saturating_sub(1);
        if let Ok(range) = HeaderValue::from_str(&format!("bytes {begin}-{last}/{bytes}")) {
            headers.insert(CONTENT_RANGE, range);
        }
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    Ok(response)
}

/// The bytes of `bytes=N-`; any other range is answered with all of it.
fn rest_of(range: &HeaderValue, bytes: u64) -> Option<Range<u64>> {
    let begin = range.to_str().ok()?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()?;
    (begin < bytes).then_some(begin..bytes)
}

/// Sends a part of a snapshot as it is taken. One that cannot be read breaks off.
async fn send(snapshot: Arc<Snapshot>, mut range: Range<u64>, to: mpsc::Sender<Bytes>) {
    while range.start < range.end {
        let length = PIECE.min(range.end - range.start);
        let (from, file) = (range.start, Arc::clone(&snapshot));
        let length_here = usize::try_from(length).unwrap_or_default();
        let read = tokio::task::spawn_blocking(move || file.read(from, length_here)).await;
        let Ok(Ok(piece)) = read else {
            tracing::error!("a snapshot cannot be read");
            return;
        };
        if to.send(piece.into()).await.is_err() {
            return;
        }
        range.start += length;
    }
}
