//! Keys, taken out of a request (design §3, step 3): out of every configured place, byte-exact, so
//! that no copy goes upstream.

mod query;

use std::borrow::Cow;
use std::ops::Range;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
use tollgate_core::{CredentialPlace, Refusal};

/// The longest key (domain.md §1.2).
const MAX_KEY: usize = 255;

/// A key as it was presented. It has no way to be printed.
pub(crate) struct Credential(Held);

enum Held {
    /// A part of a header value.
    Value(HeaderValue, Range<usize>),
    Text(String),
}

impl Credential {
    /// The key's bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        match &self.0 {
            Held::Value(value, range) => value.as_bytes().get(range.clone()).unwrap_or_default(),
            Held::Text(text) => text.as_bytes(),
        }
    }
}

/// What is left of the query, and the key.
pub(crate) struct Taken<'a> {
    /// The key.
    pub(crate) key: Credential,
    /// The query without the key: borrowed where it never held one.
    pub(crate) query: Option<Cow<'a, str>>,
}

/// Takes the key out of all of `places`.
///
/// # Errors
/// [`Refusal::KeyMissing`], [`Refusal::KeyMalformed`] for what cannot be a key, wherever it
/// stands, and [`Refusal::KeyAmbiguous`] for two different ones.
pub(crate) fn take<'a>(
    places: &[CredentialPlace],
    headers: &mut HeaderMap,
    query: Option<&'a str>,
) -> Result<Taken<'a>, Refusal> {
    let mut found = Found(None);
    let mut query = query.map(Cow::Borrowed);
    for place in places {
        match place {
            CredentialPlace::Header(name) => from_header(headers, name, &mut found)?,
            CredentialPlace::Authorization(scheme) => {
                from_authorization(headers, scheme, &mut found)?;
            }
            CredentialPlace::Query(name) => query = from_query(query, name, &mut found)?,
        }
    }
    let key = found.0.ok_or(Refusal::KeyMissing)?;
    Ok(Taken { key, query })
}

/// The first key found; any other must be the same.
struct Found(Option<Credential>);

impl Found {
    fn add(&mut self, key: Credential) -> Result<(), Refusal> {
        let bytes = key.bytes();
        let plausible =
            (1..=MAX_KEY).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic);
        if !plausible {
            return Err(Refusal::KeyMalformed);
        }
        match &self.0 {
            Some(first) if first.bytes() != bytes => Err(Refusal::KeyAmbiguous),
            Some(_) => Ok(()),
            None => {
                self.0 = Some(key);
                Ok(())
            }
        }
    }
}

fn from_header(
    headers: &mut HeaderMap,
    name: &HeaderName,
    found: &mut Found,
) -> Result<(), Refusal> {
    let http::header::Entry::Occupied(entry) = headers.entry(name) else { return Ok(()) };
    for value in entry.remove_entry_mult().1 {
        let whole = 0..value.len();
        found.add(Credential(Held::Value(value, whole)))?;
    }
    Ok(())
}

fn from_authorization(
    headers: &mut HeaderMap,
    scheme: &str,
    found: &mut Found,
) -> Result<(), Refusal> {
    let mut others = Vec::new();
    let http::header::Entry::Occupied(entry) = headers.entry(AUTHORIZATION) else { return Ok(()) };
    for value in entry.remove_entry_mult().1 {
        match after_scheme(value.as_bytes(), scheme) {
            Some(range) => found.add(Credential(Held::Value(value, range)))?,
            None => others.push(value),
        }
    }
    // What is of another scheme is not ours to take.
    for value in others {
        headers.append(AUTHORIZATION, value);
    }
    Ok(())
}

/// Where the token stands in `scheme token` (RFC 9110 §11.4); `None` for another scheme.
fn after_scheme(value: &[u8], scheme: &str) -> Option<Range<usize>> {
    let (given, rest) = value.split_at_checked(scheme.len())?;
    let end = rest.first().is_none_or(|byte| *byte == b' ');
    if !end || !given.eq_ignore_ascii_case(scheme.as_bytes()) {
        return None;
    }
    let spaces = rest.iter().take_while(|byte| **byte == b' ').count();
    Some(scheme.len() + spaces..value.len())
}

fn from_query<'a>(
    query: Option<Cow<'a, str>>,
    name: &str,
    found: &mut Found,
) -> Result<Option<Cow<'a, str>>, Refusal> {
    let Some(text) = query else { return Ok(None) };
    match query::strip(&text, name) {
        None => Ok(Some(text)),
        Some(stripped) => {
            for value in stripped.values {
                let text = value.ok_or(Refusal::KeyMalformed)?;
                found.add(Credential(Held::Text(text)))?;
            }
            Ok(stripped.rest.map(Cow::Owned))
        }
    }
}

#[cfg(test)]
mod tests;
