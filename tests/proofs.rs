//! What a caller proves beside its key.

mod hmac;
mod secret;
mod signature;
mod signing;

use std::fmt::Write;
use std::time::SystemTime;

pub(crate) use signing::{hmac_sha256, md5, sha256};

use crate::support::{Config, Connection, Http1, Http2, Origin, Request, Tollgate, tollgate};

/// The key of domain.md §2.2 and its secret.
const KEY: &str = "2fvmer3qbk7f3jnqneg58bu2";
const SECRET: &str = "qvxkmw57pec7";

/// The service asks for this proof, and `acme-1` is [`KEY`], whose section says more.
fn house(origin: &Origin, proof: &str, more: &str) -> Config {
    Config::new(origin)
        .service(
            "path = \"/orders\"\nupstream = \"demo\"\n\
             credentials = [{ header = \"X-Api-Key\" }, { query = \"api_key\" }]",
        )
        .section("services.orders.proof", proof)
        .key("acme-1", KEY, more)
}

/// What `tollgate digest --with-secret` prints for a section, in place of its digest.
pub(crate) fn wrapped(key: &str, secret: &str) -> String {
    let finished = tollgate(&["digest", "--with-secret"], &format!("{key}\n{secret}\n"));
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let (_, wrapped) = finished.stdout.split_once("wrapped_secret").unwrap();
    format!("wrapped_secret{wrapped}")
}

fn failures(gate: &Tollgate, reason: &str) -> f64 {
    gate.metrics().sum("tollgate_proof_failures_total", &[("reason", reason)])
}

/// The present second since 1970.
pub(crate) fn unix() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

/// Sends the request in each version of HTTP.
fn in_both(gate: &Tollgate, check: impl Fn(&mut dyn FnMut(&Request) -> crate::support::Response)) {
    let (mut one, mut two) = (Http1::connect(gate.data()), Http2::connect(gate.data()));
    check(&mut |request| one.send(request));
    check(&mut |request| two.send(request));
}

/// Holds that nothing of `words` went upstream.
pub(crate) fn hold_unseen(origin: &Origin, words: &[&str]) {
    for message in origin.requests() {
        let seen = format!("{message:?}").to_ascii_lowercase();
        for word in words {
            assert!(!seen.contains(&word.to_ascii_lowercase()), "{word}: {seen}");
        }
    }
}
