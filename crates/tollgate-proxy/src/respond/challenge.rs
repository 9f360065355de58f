//! How a caller may authenticate (RFC 9110 §11.6.1).

use bytes::BytesMut;
use http::HeaderValue;
use tollgate_core::CredentialPlace;

const WRITTEN: usize = 64;

/// Challenges that were written once, as a service says the same each time. As many as there are places; one that
/// wants a place takes it from another.
#[derive(Debug)]
pub(crate) struct Challenges(Box<[Option<Written>]>);

#[derive(Debug)]
struct Written {
    scheme: &'static str,
    realm: Box<str>,
    place: CredentialPlace,
    value: HeaderValue,
}

impl Default for Challenges {
    fn default() -> Self {
        Self((0..WRITTEN).map(|_| None).collect())
    }
}

impl Challenges {
    /// The challenge to bring a key or a proof in `place`; `None` if it cannot stand in a header.
    pub(super) fn value(
        &mut self,
        scheme: &'static str,
        realm: &str,
        place: &CredentialPlace,
    ) -> Option<HeaderValue> {
        // Places do not move while their service stands.
        let at = (std::ptr::from_ref(place) as usize / size_of::<CredentialPlace>()) % WRITTEN;
        let written = self.0.get_mut(at)?;
        match written {
            Some(known) if known.says(scheme, realm, place) => Some(known.value.clone()),
            _ => {
                let value = write(scheme, realm, place)?;
                let place = place.clone();
                *written =
                    Some(Written { scheme, realm: realm.into(), place, value: value.clone() });
                Some(value)
            }
        }
    }
}

impl Written {
    fn says(&self, scheme: &str, realm: &str, place: &CredentialPlace) -> bool {
        self.scheme == scheme && *self.realm == *realm && self.place == *place
    }
}

fn write(scheme: &str, realm: &str, place: &CredentialPlace) -> Option<HeaderValue> {
    let mut text = BytesMut::new();
    let to = &mut text;
    let named = |to: &mut BytesMut, kind: &str, name: &str| {
        join(to, &[scheme, " realm=\"", realm, "\", ", kind, "=\"", name, "\""]);
    };
    match place {
        CredentialPlace::Authorization(own) => join(to, &[own, " realm=\"", realm, "\""]),
        CredentialPlace::Basic(_) => join(to, &["Basic realm=\"", realm, "\""]),
        CredentialPlace::Header(name) => named(to, "header", name.as_str()),
        CredentialPlace::Cookie(name) => named(to, "cookie", name),
        CredentialPlace::Query(name) => named(to, "query", name),
        CredentialPlace::PathSegment(number) => {
            named(to, "path_segment", itoa::Buffer::new().format(*number));
        }
        CredentialPlace::Form(name) => named(to, "form", name),
    }
    HeaderValue::from_maybe_shared(text.freeze()).ok()
}

fn join(to: &mut BytesMut, pieces: &[&str]) {
    pieces.iter().for_each(|piece| to.extend_from_slice(piece.as_bytes()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_of_its_scheme_realm_and_place_even_where_another_stood() {
        let mut challenges = Challenges::default();
        let mut place = CredentialPlace::PathSegment(1);
        let mut says = |scheme, realm, place: &CredentialPlace| {
            [(); 2].map(|()| challenges.value(scheme, realm, place).unwrap())
        };
        for (realm, scheme, expected) in [
            ("orders", "ApiKey", "ApiKey realm=\"orders\", path_segment=\"1\""),
            ("items", "ApiKey", "ApiKey realm=\"items\", path_segment=\"1\""),
            ("items", "ApiKeyProof", "ApiKeyProof realm=\"items\", path_segment=\"1\""),
        ] {
            assert_eq!(says(scheme, realm, &place), [expected; 2]);
        }
        place = CredentialPlace::Query("key".into());
        assert_eq!(says("ApiKey", "items", &place), ["ApiKey realm=\"items\", query=\"key\""; 2]);
        assert_eq!(challenges.value("ApiKey", "line\nbreak", &place), None);
    }
}
