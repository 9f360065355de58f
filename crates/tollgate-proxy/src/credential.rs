//! Keys, taken out of a request (design §3, step 3): out of every configured place, byte-exact, so
//! that no copy goes upstream.

mod authorization;
mod cookie;
mod parameters;

use std::borrow::Cow;
use std::ops::Range;

use http::{HeaderMap, HeaderName, HeaderValue};
use tollgate_core::{CredentialPlace, MAX_KEY_LENGTH, Refusal};

/// A key as it was presented. It has no way to be printed.
pub(crate) struct Credential(Held);

enum Held {
    /// A part of a header value.
    Part(HeaderValue, Range<usize>),
    /// Decoded.
    Bytes(Vec<u8>),
}

impl Credential {
    /// The key's bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        match &self.0 {
            Held::Part(value, range) => value.as_bytes().get(range.clone()).unwrap_or_default(),
            Held::Bytes(bytes) => bytes,
        }
    }
}

/// What a request brings, as far as a key may stand in it.
pub(crate) struct Brought<'a, 'h> {
    pub(crate) headers: &'h mut HeaderMap,
    pub(crate) query: Option<&'a str>,
    /// The segment of the path that is a key, percent-encoded.
    pub(crate) segment: Option<&'h str>,
    pub(crate) form: Option<&'h [u8]>,
}

/// What is left of query and form, and the key.
pub(crate) struct Taken<'a> {
    /// The key, if there is one.
    pub(crate) key: Option<Credential>,
    /// The query without the key: borrowed where it never held one.
    pub(crate) query: Option<Cow<'a, str>>,
    /// The form without the key; `None` where it never held one.
    pub(crate) form: Option<Vec<u8>>,
}

/// Takes the key out of all of `places`.
///
/// # Errors
/// [`Refusal::KeyMalformed`] for what cannot be a key, wherever it stands, and
/// [`Refusal::KeyAmbiguous`] for two different ones.
pub(crate) fn take<'a>(
    places: &[CredentialPlace],
    brought: Brought<'a, '_>,
) -> Result<Taken<'a>, Refusal> {
    let Brought { headers, query, segment, form } = brought;
    let mut found = Found(None);
    let mut rest = None;
    let mut query = query.map(Cow::Borrowed);
    for place in places {
        match place {
            CredentialPlace::Header(name) => from_header(headers, name, &mut found)?,
            CredentialPlace::Authorization(scheme) => {
                authorization::take(headers, scheme, |value, token| found.add_part(value, token))?;
            }
            CredentialPlace::Basic(part) => {
                authorization::take(headers, "Basic", |value, token| {
                    let token = value.as_bytes().get(token).unwrap_or_default();
                    found.add_bytes(authorization::basic(token, *part))
                })?;
            }
            CredentialPlace::Cookie(name) => {
                cookie::take(headers, name, |value, range| found.add_part(value, range))?;
            }
            CredentialPlace::Query(name) => query = from_query(query, name, &mut found)?,
            CredentialPlace::Form(name) => {
                let whole = rest.as_deref().or(form).unwrap_or_default();
                if let Some(stripped) = parameters::strip(whole, name) {
                    found.add_all(stripped.values)?;
                    rest = Some(stripped.rest.unwrap_or_default());
                }
            }
            CredentialPlace::PathSegment(_) => {
                if let Some(segment) = segment {
                    found.add_bytes(parameters::decode(segment.as_bytes()))?;
                }
            }
        }
    }
    Ok(Taken { key: found.0, query, form: rest })
}

/// Whether something can be a key: 1 to 255 printable characters of ASCII.
pub(crate) fn plausible(key: &[u8]) -> bool {
    (1..=MAX_KEY_LENGTH.into()).contains(&key.len()) && key.iter().all(u8::is_ascii_graphic)
}

/// The first key found; any other must be the same.
struct Found(Option<Credential>);

impl Found {
    fn add_part(&mut self, value: HeaderValue, range: Range<usize>) -> Result<(), Refusal> {
        self.add(Credential(Held::Part(value, range)))
    }

    /// `None` is what cannot be read as a key.
    fn add_bytes(&mut self, bytes: Option<Vec<u8>>) -> Result<(), Refusal> {
        self.add(Credential(Held::Bytes(bytes.ok_or(Refusal::KeyMalformed)?)))
    }

    fn add_all(&mut self, values: Vec<Option<Vec<u8>>>) -> Result<(), Refusal> {
        values.into_iter().try_for_each(|value| self.add_bytes(value))
    }

    fn add(&mut self, key: Credential) -> Result<(), Refusal> {
        let bytes = key.bytes();
        if !plausible(bytes) {
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
        found.add_part(value, whole)?;
    }
    Ok(())
}

fn from_query<'a>(
    query: Option<Cow<'a, str>>,
    name: &str,
    found: &mut Found,
) -> Result<Option<Cow<'a, str>>, Refusal> {
    let Some(text) = query else { return Ok(None) };
    let Some(stripped) = parameters::strip(text.as_bytes(), name) else { return Ok(Some(text)) };
    found.add_all(stripped.values)?;
    // Cut out of a text at signs of ASCII, it is one.
    let rest = stripped.rest.map(String::from_utf8).transpose();
    Ok(rest.map_err(|_| Refusal::BadRequest)?.map(Cow::Owned))
}

#[cfg(test)]
mod tests;
