//! The duties of an intermediary towards header fields (RFC 9110 §7.6): what concerned one
//! connection ends there, what we assert nobody else may.

use http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_TYPE, COOKIE, EXPECT, HOST, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, SET_COOKIE, TE,
    TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Version};
use tollgate_core::{CredentialPlace, Refusal, Service};

/// Fields that tell an upstream who called. No client sets or removes them.
pub(crate) const APPLICATION: HeaderName = HeaderName::from_static("x-tollgate-application");
/// The package of the caller's key.
pub(crate) const PACKAGE: HeaderName = HeaderName::from_static("x-tollgate-package");
/// The plan of the caller's key.
pub(crate) const PLAN: HeaderName = HeaderName::from_static("x-tollgate-plan");
/// The id of the caller's key.
pub(crate) const KEY: HeaderName = HeaderName::from_static("x-tollgate-key");
/// What the request would have been refused for, if all of it were enforced.
pub(crate) const SHADOW: HeaderName = HeaderName::from_static("x-tollgate-shadow");
/// The fingerprint of the certificate that the client has presented.
pub(crate) const CLIENT_CERTIFICATE: HeaderName =
    HeaderName::from_static("x-tollgate-client-certificate");
/// The address of the client.
pub(crate) const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// The scheme that the client used.
pub(crate) const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
/// The host that the client asked for.
pub(crate) const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
/// Names a request in the logs of all who see it.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const HTTP2_SETTINGS: HeaderName = HeaderName::from_static("http2-settings");
/// What proxies say of a request (RFC 7239).
pub(crate) const FORWARDED: HeaderName = HeaderName::from_static("forwarded");

/// What begins with this is ours to say.
const OURS: &[u8] = b"x-tollgate-";
const FORWARDED_PREFIX: &[u8] = b"x-forwarded-";

/// Removes from a request what ends here: hop-by-hop fields, those that `Connection` nominates, every
/// spelling of the fields that we assert, and other spellings of those that frame it or hold keys.
///
/// # Errors
/// [`Refusal::BadRequest`] for a nomination of a field that others rely on.
pub(crate) fn clean_request(
    headers: &mut HeaderMap,
    version: Version,
    credentials: &[CredentialPlace],
) -> Result<(), Refusal> {
    let mut ends: Vec<HeaderName> = Vec::new();
    let mut connection = false;
    let mut trailers = false;
    let mut cookies = 0;
    for (name, value) in headers.iter() {
        match *name {
            // By itself, as it is the only one that most messages have: then nothing is allocated.
            CONNECTION => {
                nominations(value, credentials, &mut ends)?;
                connection = true;
                continue;
            }
            TE => trailers |= accepts_trailers(value),
            COOKIE => {
                cookies += 1;
                continue;
            }
            _ if hop_by_hop(name) || asserted(name) || is_alias(name, credentials) => {}
            _ => continue,
        }
        ends.push(name.clone());
    }
    if connection {
        headers.remove(CONNECTION);
    }
    for name in ends {
        headers.remove(name);
    }
    if trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
    }
    if cookies > 1 && version == Version::HTTP_2 {
        join_cookies(headers);
    }
    Ok(())
}

/// Removes from a response what concerned the connection to the upstream only.
///
/// # Errors
/// [`Refusal::UpstreamBadResponse`] for one whose end two readers could see in different places: with
/// a length and chunks, a `Transfer-Encoding` other than `chunked`, or a length that is no single
/// number (RFC 9112 §6.3).
pub(crate) fn clean_response(headers: &mut HeaderMap) -> Result<(), Refusal> {
    let mut ends: Vec<HeaderName> = Vec::new();
    let mut connection = false;
    let mut framings = 0;
    for (name, value) in headers.iter() {
        match *name {
            CONNECTION => {
                connection = true;
                let tokens = tokens(value).filter(|token| !about_connection(token));
                ends.extend(tokens.filter_map(|token| HeaderName::from_bytes(token).ok()));
            }
            CONTENT_LENGTH if length(value).is_some() => framings += 1,
            TRANSFER_ENCODING if is_chunked(value) => {
                framings += 1;
                ends.push(TRANSFER_ENCODING);
            }
            CONTENT_LENGTH | TRANSFER_ENCODING => return Err(Refusal::UpstreamBadResponse),
            _ if hop_by_hop(name) => ends.push(name.clone()),
            _ => {}
        }
    }
    if framings > 1 {
        return Err(Refusal::UpstreamBadResponse);
    }
    // By itself, as it is the only one that most responses have: then nothing is allocated.
    if connection {
        headers.remove(CONNECTION);
    }
    for name in ends {
        // A nominated Content-Length still says how long it is.
        if name != CONTENT_LENGTH {
            headers.remove(name);
        }
    }
    Ok(())
}

/// Removes from the fields behind a body, of either direction, what has no business there: framing,
/// routing, credentials, and what tells how the body is to be read (RFC 9110 §6.5.1).
pub(crate) fn clean_trailers(trailers: &mut HeaderMap) {
    let ends = |name: &&HeaderName| {
        let meant_for_heads = matches!(
            **name,
            AUTHORIZATION
                | CACHE_CONTROL
                | CONNECTION
                | CONTENT_ENCODING
                | CONTENT_LENGTH
                | CONTENT_RANGE
                | CONTENT_TYPE
                | COOKIE
                | HOST
                | SET_COOKIE
        );
        meant_for_heads || hop_by_hop(name) || asserted(name) || is_alias(name, &[])
    };
    let ends: Vec<_> = trailers.keys().filter(ends).cloned().collect();
    for name in ends {
        trailers.remove(name);
    }
    keep_out_of_table(trailers);
}

/// Has HTTP/2 send fields without entering them in its table of fields (RFC 7541 §7.1.3), where each would keep
/// all of the memory that it stands in.
pub(crate) fn keep_out_of_table(fields: &mut HeaderMap) {
    fields.values_mut().for_each(|value| value.set_sensitive(true));
}

/// The fields that a service's upstream never sees: what holds keys and proofs, and what it drops.
pub(crate) fn withheld(service: &Service) -> Box<[HeaderName]> {
    service.read_fields().chain(&service.switches.drop_request_headers).cloned().collect()
}

fn hop_by_hop(name: &HeaderName) -> bool {
    matches!(
        *name,
        TRANSFER_ENCODING
            | UPGRADE
            | EXPECT
            | TRAILER
            | PROXY_AUTHENTICATE
            | PROXY_AUTHORIZATION
            | TE
    ) || *name == KEEP_ALIVE
        || *name == PROXY_CONNECTION
        || *name == HTTP2_SETTINGS
}

/// Whether a field is one that we assert, in any spelling: a server that maps fields to variables
/// takes `_` and `-` for the same.
fn asserted(name: &HeaderName) -> bool {
    let bytes = name.as_str().as_bytes();
    match bytes.first() {
        Some(b'x') => begins(bytes, OURS) || begins(bytes, FORWARDED_PREFIX),
        Some(b'f') => *name == FORWARDED,
        _ => false,
    }
}

/// Whether a name is another spelling of a field that frames the message, concerns the connection or
/// may hold a key.
fn is_alias(name: &HeaderName, credentials: &[CredentialPlace]) -> bool {
    let length = name.as_str().len();
    let of_key = credentials.iter().any(|place| match place {
        CredentialPlace::Header(key) => {
            key.as_str().len() == length && key != name && same(name, key)
        }
        _ => false,
    });
    of_key || (name.as_str().as_bytes().contains(&b'_') && is_alias_of_framing(name))
}

#[cold]
fn is_alias_of_framing(name: &HeaderName) -> bool {
    let plain = HeaderName::try_from(name.as_str().replace('_', "-"));
    plain.is_ok_and(|plain| matches!(plain, CONTENT_LENGTH | CONNECTION) || hop_by_hop(&plain))
}

/// Removes the fields of these names, in any spelling that a server could take for them.
pub(crate) fn remove(headers: &mut HeaderMap, names: &[HeaderName]) {
    if names.is_empty() {
        return;
    }
    let meant = |name: &&HeaderName| names.iter().any(|meant| same(name, meant));
    let found: Vec<_> = headers.keys().filter(meant).cloned().collect();
    for name in found {
        headers.remove(name);
    }
}

/// Whether a server that takes `_` and `-` for the same takes two names for the same.
fn same(name: &HeaderName, other: &HeaderName) -> bool {
    let fold = |byte: u8| if byte == b'_' { b'-' } else { byte };
    name.as_str().bytes().map(fold).eq(other.as_str().bytes().map(fold))
}

fn begins(name: &[u8], prefix: &[u8]) -> bool {
    name.len() >= prefix.len()
        && name
            .iter()
            .zip(prefix)
            .all(|(byte, expected)| byte == expected || (*byte == b'_' && *expected == b'-'))
}

fn nominations(
    value: &HeaderValue,
    credentials: &[CredentialPlace],
    ends: &mut Vec<HeaderName>,
) -> Result<(), Refusal> {
    for token in tokens(value) {
        if token.is_empty() || about_connection(token) {
            continue;
        }
        let name = HeaderName::from_bytes(token).map_err(|_| Refusal::BadRequest)?;
        let relied_on = matches!(name, HOST | CONTENT_LENGTH)
            || name == REQUEST_ID
            || asserted(&name)
            || credentials.iter().any(|place| holds(place, &name));
        if relied_on {
            return Err(Refusal::BadRequest);
        }
        ends.push(name);
    }
    Ok(())
}

/// The members of a list (RFC 9110 §5.6.1).
pub(crate) fn tokens(value: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    members(value.as_bytes())
}

/// The same of a value that is none yet.
pub(crate) fn members(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii)
}

/// Whether an option of `Connection` is about the connection itself and nominates no field.
fn about_connection(token: &[u8]) -> bool {
    token.eq_ignore_ascii_case(b"keep-alive") || token.eq_ignore_ascii_case(b"close")
}

fn holds(place: &CredentialPlace, name: &HeaderName) -> bool {
    match place {
        CredentialPlace::Header(header) => header == name,
        CredentialPlace::Authorization(_) | CredentialPlace::Basic(_) => name == AUTHORIZATION,
        CredentialPlace::Cookie(_) => name == COOKIE,
        CredentialPlace::Query(_) | CredentialPlace::PathSegment(_) => false,
        CredentialPlace::Form(_) => matches!(*name, CONTENT_TYPE | CONTENT_ENCODING),
    }
}

/// Whether the body of a request that comes in chunks can only be read in one way (RFC 9112 §6.1).
///
/// # Errors
/// [`Refusal::BadRequest`] for a `Transfer-Encoding` other than `chunked`, which two servers could
/// frame differently.
pub(crate) fn only_chunked(headers: &HeaderMap) -> Result<(), Refusal> {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let only = codings.next().is_none_or(is_chunked);
    if only && codings.next().is_none() { Ok(()) } else { Err(Refusal::BadRequest) }
}

/// Whether a coding is `chunked` and no other.
pub(crate) fn is_chunked(coding: &HeaderValue) -> bool {
    coding.as_bytes().eq_ignore_ascii_case(b"chunked")
}

/// The bytes that a `Content-Length` tells of; `None` if it is no single number.
pub(crate) fn length(value: &HeaderValue) -> Option<u64> {
    let digits = Some(value.as_bytes()).filter(|digits| !digits.is_empty())?;
    digits.iter().try_fold(0_u64, |length, digit| {
        let digit = char::from(*digit).to_digit(10)?;
        length.checked_mul(10)?.checked_add(digit.into())
    })
}

fn accepts_trailers(value: &HeaderValue) -> bool {
    tokens(value).any(|coding| coding.eq_ignore_ascii_case(b"trailers"))
}

/// HTTP/2 splits cookies to compress them; towards HTTP/1.1 they are one field (RFC 9113 §8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let crumbs: Vec<_> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if let Ok(joined) = HeaderValue::from_bytes(&crumbs.join(&b"; "[..])) {
        headers.insert(COOKIE, joined);
    }
}

#[cfg(test)]
mod tests;
