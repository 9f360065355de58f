//! One of the 160.

use std::fmt::{self, Display, Formatter};

use tollgate_core::Refusal;

use super::{
    Dialect, House, Place, Proof, Way,
    call::Call,
    house::SECRET,
    ways::{Left, way},
};
use crate::{
    proofs::hold_unseen,
    support::{Connection, Http1, Http2, Message, Request, Response},
};

pub(super) struct Cell<'a> {
    pub(super) house: &'a House,
    pub(super) place: Place,
    pub(super) proof: Proof,
    pub(super) dialect: Dialect,
    pub(super) version: Version,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Version {
    Http1,
    Http2,
}

impl Version {
    pub(super) const ALL: [Self; 2] = [Self::Http1, Self::Http2];
}

impl Cell<'_> {
    /// Holds it to every row of the table, and tells of those that it does not meet.
    pub(super) fn hold(&self) -> Vec<Left> {
        self.is_admitted();
        let seen = self.house.origin.requests().len();
        let before = self.refusals();
        let mut expected = before.clone();
        let (mut hidden, mut left) = (Vec::new(), Vec::new());
        for refusal in Refusal::all() {
            let response = match way(refusal, self) {
                Way::Left(why) => {
                    left.push(why);
                    continue;
                }
                Way::Call(call) => self.send(&call.request(self).0),
                Way::Request(request) => self.send(&request),
                Way::Guessing(call) => {
                    let (response, guesses) = self.guess(&call);
                    expected[Refusal::KeyUnknown.index()] += guesses;
                    response
                }
            };
            expected[refusal.index()] += 1.0;
            self.dialect.hold(refusal, &response);
            if refusal.hidden() {
                hidden.push(look(&response));
            }
        }
        assert!(hidden.len() > 7 && hidden.windows(2).all(|two| two[0] == two[1]), "{hidden:?}");
        self.house.gate.wait_for("what was refused to be counted", |metrics| {
            let counted = Refusal::all().map(|refusal| metrics.refusals(refusal.code()));
            counted.collect::<Vec<_>>() == expected
        });
        assert_eq!(self.house.origin.requests().len(), seen, "something refused went upstream");
        left
    }

    /// What the upstream sees of a call is the same call without key and proof.
    fn is_admitted(&self) {
        let call = Call::of("good");
        let (request, unseen) = call.request(self);
        self.send(&request).admitted();
        let seen = self.house.origin.requests().pop().unwrap();
        let rest = call.rest(self);
        assert_eq!((seen.method(), seen.target()), (&*rest.method, &*rest.target));
        assert_eq!(Some(&seen.body), rest.body.as_ref());
        assert_eq!(fields(&seen), sorted(rest.fields.iter()));
        assert_eq!(seen.header("x-tollgate-key"), Some("good"));
        let unseen: Vec<_> = unseen.iter().map(String::as_str).chain([SECRET]).collect();
        hold_unseen(&self.house.origin, &unseen);
    }

    fn send(&self, request: &Request) -> Response {
        match self.version {
            Version::Http1 => Http1::connect_from(self.source(), request.address).send(request),
            Version::Http2 => Http2::connect_from(self.source(), request.address).send(request),
        }
    }

    /// An address that no other cell of the house has, so that none spends what another has left.
    fn source(&self) -> [u8; 4] {
        [127, 1, self.version as u8, self.place as u8 + 1]
    }

    /// Guesses until the source is throttled, and how often it was not.
    fn guess(&self, call: &Call) -> (Response, f64) {
        let mut guesses = 0.0;
        while guesses < 1000.0 {
            let response = self.send(&call.request(self).0);
            if response.fields.has("retry-after") {
                return (response, guesses);
            }
            self.dialect.hold(Refusal::KeyUnknown, &response);
            guesses += 1.0;
        }
        panic!("the source was not throttled");
    }

    /// How often each refusal was counted.
    fn refusals(&self) -> Vec<f64> {
        let metrics = self.house.gate.metrics();
        Refusal::all().map(|refusal| metrics.refusals(refusal.code())).collect()
    }
}

impl Display for Cell<'_> {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        let Self { place, proof, dialect, version, .. } = self;
        write!(to, "{place:?} {proof:?} {dialect:?} {version:?}")
    }
}

/// What the gate adds to a request.
const ADDED: [&str; 3] = ["host", "content-length", "via"];

fn fields(seen: &Message) -> Vec<(String, &str)> {
    sorted(seen.fields.iter().filter(|(name, _)| {
        let name = name.to_ascii_lowercase();
        let added = ADDED.contains(&name.as_str());
        !added
            && !["x-tollgate-", "x-forwarded-", "x-request-id"]
                .iter()
                .any(|it| name.starts_with(it))
    }))
}

fn sorted<'a>(fields: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<(String, &'a str)> {
    let mut fields: Vec<_> =
        fields.map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
    fields.sort();
    fields
}

/// All of an answer by which two can be told apart, but for what is another in each.
fn look(response: &Response) -> String {
    let other = |name: &str| ["date", "x-mashery-message-id", "x-request-id"].contains(&name);
    let fields = response.fields.iter().filter(|(name, _)| !other(&name.to_ascii_lowercase()));
    format!("{} {:?} {}", response.status, sorted(fields), response.text())
}
