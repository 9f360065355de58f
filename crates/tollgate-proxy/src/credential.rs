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

/// What is left of the query, and the key.
pub(crate) struct Taken<'a> {
    /// The key, if there is one.
    pub(crate) key: Option<Credential>,
    /// The query without the key: borrowed where it never held one.
    pub(crate) query: Option<Cow<'a, str>>,
}

/// Takes the key out of all of `places`.
///
/// # Errors
/// [`Refusal::KeyMalformed`] for what cannot be a key, wherever it stands, and
/// [`Refusal::KeyAmbiguous`] for two different ones.
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
        }
    }
    Ok(Taken { key: found.0, query })
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

    fn add(&mut self, key: Credential) -> Result<(), Refusal> {
        let bytes = key.bytes();
        let plausible = (1..=MAX_KEY_LENGTH.into()).contains(&bytes.len())
            && bytes.iter().all(u8::is_ascii_graphic);
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
    for value in stripped.values {
        found.add_bytes(value)?;
    }
    // Cut out of a text at signs of ASCII, it is one.
    let rest = stripped.rest.map(String::from_utf8).transpose();
    Ok(rest.map_err(|_| Refusal::BadRequest)?.map(Cow::Owned))
}

#[cfg(test)]
mod tests;
