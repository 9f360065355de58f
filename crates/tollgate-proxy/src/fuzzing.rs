//! What reads the words of strangers, opened to fuzzers and to nobody else.

use std::borrow::Cow;
use std::net::IpAddr;
use std::time::Duration;

use http::header::FORWARDED;
use http::{HeaderMap, HeaderValue, Method, Uri, Version};
use tollgate_core::{CredentialPlace, Refusal, Routes};

use crate::connection::{Frames, TurnedAway};
use crate::credential::Brought;
use crate::peer::forwarded::{self, Hop};
use crate::peer::proxy_header::{Announced, LONGEST, Malformed, parse};
use crate::request_id::is_plain;
use crate::respond::grpc;
use crate::target::{Target, host_field};
use crate::trace;
use crate::{credential, headers};

pub use crate::connection::{HeardRequest, hear_requests};
pub use crate::upstream::{Heard, hear};

/// A key as it was taken, and the query and the form that are left; no form is one that never held a
/// key.
pub type Taken<'a> = (Vec<u8>, Option<Cow<'a, str>>, Option<Vec<u8>>);

/// Takes the key out of all of `places`.
///
/// # Errors
/// Why there is none.
pub fn take_key<'a>(
    places: &[CredentialPlace],
    headers: &mut HeaderMap,
    query: Option<&'a str>,
    segment: Option<&str>,
    form: Option<&[u8]>,
) -> Result<Taken<'a>, Refusal> {
    let brought = Brought { headers, query, segment, form };
    let taken = credential::take(places, brought)?;
    let key = taken.key.ok_or(Refusal::KeyMissing)?;
    Ok((key.bytes().to_vec(), taken.query, taken.form))
}

/// Removes from a request what ends here.
///
/// # Errors
/// Why it cannot be made clean.
pub fn clean_request(
    headers: &mut HeaderMap,
    version: Version,
    places: &[CredentialPlace],
) -> Result<(), Refusal> {
    headers::clean_request(headers, version, places)
}

/// Removes from a response what ends here.
///
/// # Errors
/// Why nobody can tell where it ends.
pub fn clean_response(headers: &mut HeaderMap) -> Result<(), Refusal> {
    headers::clean_response(headers)
}

/// Whether a client's request id may be kept.
#[must_use]
pub fn plain_request_id(value: &HeaderValue) -> bool {
    is_plain(value)
}

/// The trace and the span that a request names as its parent, with the flags of the trace.
#[must_use]
pub fn trace_parent(headers: &HeaderMap) -> Option<(u128, u64, u8)> {
    trace::Parent::of(headers).map(|parent| (parent.trace, parent.id, parent.flags))
}

/// Whether what is noted of a request's trace can be read.
#[must_use]
pub fn is_valid_trace_state(headers: &HeaderMap) -> bool {
    trace::is_valid_state(headers)
}

/// Host and path of a request as they are matched, and its target as the upstream sees it, if a
/// route leads anywhere.
///
/// # Errors
/// Why it has no host and path.
pub fn target(
    uri: &Uri,
    headers: &HeaderMap,
    version: Version,
    routes: &Routes,
) -> Result<(String, String, Option<Uri>), Refusal> {
    let mut target = Target::of(uri, host_field(headers)?, version)?;
    target.take_key(routes);
    let route = target.route(routes, &Method::GET).ok();
    let service = route.and_then(|route| routes.service(route.front));
    let upstream = service.map(|service| {
        let changed = target.upstream_uri(uri, service, target.query);
        changed.unwrap_or_else(|| uri.clone())
    });
    Ok((target.host().to_owned(), target.path.into_owned(), upstream))
}

/// The longest PROXY header that is read.
pub const LONGEST_PROXY_HEADER: usize = LONGEST;

/// What bytes are that should begin with a PROXY header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyHeader {
    /// They begin with none.
    Malformed,
    /// They are the beginning of one.
    Begun,
    /// They begin with one of this length, which tells of this client, if of any.
    Whole(usize, Option<IpAddr>),
}

/// Reads the PROXY header that `bytes` begin with.
#[must_use]
pub fn proxy_header(bytes: &[u8]) -> ProxyHeader {
    match parse(bytes) {
        Err(Malformed) => ProxyHeader::Malformed,
        Ok(None) => ProxyHeader::Begun,
        Ok(Some((length, Announced::Client(address)))) => ProxyHeader::Whole(length, Some(address)),
        Ok(Some((length, Announced::Itself | Announced::Unknown))) => {
            ProxyHeader::Whole(length, None)
        }
    }
}

/// A hop of `Forwarded`: the client's address, the scheme and the host, as far as it tells them.
pub type ForwardedHop<'h> = (Option<IpAddr>, Option<&'h str>, Option<&'h str>);

/// The hops that `Forwarded` tells of, from the nearest; `None` for one that is malformed.
pub fn forwarded(headers: &HeaderMap) -> impl Iterator<Item = Option<ForwardedHop<'_>>> {
    let hops = forwarded::members(headers, &FORWARDED).map(|member| Hop::read(member?));
    hops.map(|hop| hop.map(|hop| (hop.client, hop.scheme, hop.host)))
}

/// The address of a node of `X-Forwarded-For`.
#[must_use]
pub fn forwarded_for(node: &str) -> Option<IpAddr> {
    forwarded::address(node)
}

/// What a `grpc-timeout` says.
#[must_use]
pub fn grpc_timeout(value: &[u8]) -> Option<Duration> {
    grpc::timeout_of(value)
}

/// What a connection of HTTP/2 has sent too much of once it has sent `pieces`, all at one time, as metrics
/// call it; `None` = of nothing.
pub fn flooded_with<'p>(
    mut pieces: impl Iterator<Item = &'p [u8]>,
    max_resets: u32,
    max_control_frames: u32,
) -> Option<&'static str> {
    let mut frames = Frames::within(max_resets, max_control_frames);
    let found = pieces.find_map(|piece| frames.read(piece, 0).err())?;
    TurnedAway::all().find_map(|(reason, label)| (reason == found).then_some(label))
}
