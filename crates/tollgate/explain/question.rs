//! What is asked, and what is answered: one line of JSON each way. A key is in neither.

use std::fmt;
use std::net::IpAddr;

use hyper::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tollgate_control::model::{DigestLiteral, Objects, SchemeSettings};
use tollgate_core::{Digest, Digests};
use tollgate_proxy::explain::{Asked, AskedKey, Explanation, probe};

/// A request, and the key that it brings, by its digests.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Question {
    http_method: String,
    target: String,
    headers: Vec<(String, String)>,
    source: IpAddr,
    key: Key,
    /// Digests of what everybody knows: they tell whether both sides digest alike.
    probe: Pair,
}

/// The answer to it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Reply {
    /// What would become of the request, and why.
    Explanation(Box<Explanation>),
    /// Why nothing is said of it.
    Error(String),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
enum Key {
    Missing,
    Malformed,
    Given { digests: Pair, length: u8 },
}

/// By the scheme in use, and by the one before it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pair {
    current: Literal,
    previous: Option<Literal>,
}

#[derive(Debug)]
struct Literal(DigestLiteral);

impl Serialize for Literal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Literal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let literal = DigestLiteral::parse(&text);
        literal.map(Self).map_err(|why| serde::de::Error::custom(Unfit("digest", why)))
    }
}

/// A part of a question that is not what it should be. It is not repeated.
#[derive(Debug)]
pub(crate) struct Unfit(&'static str, &'static str);

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "found a {} {}", self.0, self.1)
    }
}

impl Question {
    /// Asks about a request with `key`, which is empty where it brings none. `None` if a pepper of
    /// `objects` cannot be used.
    pub(crate) fn of(
        http_method: String,
        target: String,
        headers: Vec<(String, String)>,
        source: IpAddr,
        key: &[u8],
        objects: &Objects,
    ) -> Option<Self> {
        let (schemes, settings) = (objects.schemes()?, &objects.digests);
        let pair = |digests: Digests| Pair {
            current: Literal::of(&settings.current, digests.current),
            previous: settings
                .previous
                .as_ref()
                .zip(digests.previous)
                .map(|(scheme, digest)| Literal::of(scheme, digest)),
        };
        let key = match AskedKey::of(key, &schemes) {
            AskedKey::Missing => Key::Missing,
            AskedKey::Malformed => Key::Malformed,
            AskedKey::Given { digests, length } => Key::Given { digests: pair(digests), length },
        };
        let probe = pair(probe(&schemes));
        Some(Self { http_method, target, headers, source, key, probe })
    }

    /// The request that it is about.
    ///
    /// # Errors
    /// The part of it that can be no part of a request.
    pub(crate) fn asked(&self) -> Result<Asked, Unfit> {
        let http_method = Method::from_bytes(self.http_method.as_bytes())
            .map_err(|_| Unfit("method", "that HTTP does not know, expected one such as GET"))?;
        let target: Uri = self.target.parse().map_err(|_| {
            Unfit("URL", "that is none, expected https://HOST/PATH or a path that begins with /")
        })?;
        let mut fields = HeaderMap::new();
        for (name, value) in &self.headers {
            let name = HeaderName::from_bytes(name.as_bytes());
            let value = HeaderValue::from_str(value);
            let (Ok(name), Ok(value)) = (name, value) else {
                return Err(Unfit("header field", "that is none, expected 'Name: value'"));
            };
            fields
                .try_append(name, value)
                .map_err(|_| Unfit("header", "with more fields than a request can have"))?;
        }
        let key = match &self.key {
            Key::Missing => AskedKey::Missing,
            Key::Malformed => AskedKey::Malformed,
            Key::Given { digests, length } => {
                AskedKey::Given { digests: digests.digests(), length: *length }
            }
        };
        let probe = self.probe.digests();
        Ok(Asked { http_method, target, fields, source: self.source, key, probe })
    }
}

impl Pair {
    fn digests(&self) -> Digests {
        let digest = |literal: &Literal| Digest::new(literal.0.bytes);
        Digests { current: digest(&self.current), previous: self.previous.as_ref().map(digest) }
    }
}

impl Literal {
    fn of(scheme: &SchemeSettings, digest: Digest) -> Self {
        Self(DigestLiteral { scheme: scheme.scheme(), bytes: *digest.bytes() })
    }
}
