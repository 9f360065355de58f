//! `X-Request-Id`: what a request is called in the logs of all who see it.

use http::{HeaderMap, HeaderValue};
use tollgate_core::Refusal;

use crate::arena::Arena;
use crate::headers::REQUEST_ID;
use crate::peer::Trust;
use crate::worker::RequestIds;

/// What becomes of `X-Request-Id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestIdSettings {
    /// Whose ids are kept. The requests of all others get new ones.
    pub trust: Trust,
    /// Which responses carry the id.
    pub told: ToldRequestId,
}

/// Which responses carry the id of their request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToldRequestId {
    /// All of them.
    All,
    /// Refusals.
    Refusals,
    /// None of them.
    None,
}

impl ToldRequestId {
    /// Whether a response carries it that is this refusal, or none.
    pub(crate) fn tells(self, refusal: Option<Refusal>) -> bool {
        match self {
            Self::All => true,
            Self::Refusals => refusal.is_some(),
            Self::None => false,
        }
    }
}

/// The id of a request, as far as it has one.
#[derive(Debug)]
pub(crate) enum RequestId {
    /// It has none yet.
    None,
    /// Its client has given it.
    Given(HeaderValue),
    /// The one of this number is ours.
    Own(u64),
}

impl RequestId {
    /// What it says in a field; where there is none yet, the next of `ids` is taken.
    pub(crate) fn value(&mut self, ids: &RequestIds, arena: &mut Arena) -> Option<HeaderValue> {
        let number = match self {
            Self::Given(id) => return Some(id.clone()),
            Self::Own(number) => *number,
            Self::None => ids.next(),
        };
        *self = Self::Own(number);
        arena.build(|to| ids.write(number, to))
    }
}

/// The id that a request brings, if it is one and can be kept.
pub(crate) fn given_request_id(headers: &HeaderMap) -> Option<&HeaderValue> {
    let id = headers.get(REQUEST_ID).filter(|id| is_plain(id))?;
    (headers.get_all(REQUEST_ID).iter().count() == 1).then_some(id)
}

/// Whether an id may be kept: short, and nothing that could break a log.
pub(crate) fn is_plain(id: &HeaderValue) -> bool {
    (1..=128).contains(&id.len())
        && id
            .as_bytes()
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:+/=".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_kept_only_if_it_is_plain_and_alone() {
        let long = "x".repeat(129);
        for (ids, kept) in [
            (&["abc-1.2:3"][..], Some("abc-1.2:3")),
            (&[&long[1..]], Some(&long[1..])),
            (&[&long], None),
            (&[""], None),
            (&["a b"], None),
            (&["\""], None),
            (&["a", "b"], None),
            (&["a", "a"], None),
            (&[], None),
        ] {
            let field = |id: &&str| (REQUEST_ID, HeaderValue::from_str(id).unwrap());
            let mut headers = HeaderMap::new();
            for (name, id) in ids.iter().map(field) {
                headers.append(name, id);
            }
            assert_eq!(headers.get_all(REQUEST_ID).iter().count(), ids.len());
            let given = given_request_id(&headers).map(|id| id.to_str().unwrap());
            assert_eq!(given, kept, "{ids:?}");
        }
    }

    #[test]
    fn an_id_stays_once_it_is_given() {
        let (ids, mut arena) = (RequestIds::new(), Arena::default());
        let mut own = RequestId::None;
        let first = own.value(&ids, &mut arena).unwrap();
        assert_eq!(own.value(&ids, &mut arena).unwrap(), first);
        assert_ne!(RequestId::None.value(&ids, &mut arena).unwrap(), first);
        let mut given = RequestId::Given(HeaderValue::from_static("mine"));
        assert_eq!(given.value(&ids, &mut arena).unwrap(), "mine");
    }
}
