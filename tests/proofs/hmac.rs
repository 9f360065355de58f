//! HMAC-SHA-256 with the time beside it, accepted once.

use super::hmac_sha256 as sign;
use super::{KEY, SECRET, failures, hold_unseen, house, in_both, unix, wrapped};
use crate::support::{Config, Connection, Http1, Origin, Request, Tollgate};

const PROOF: &str = "kind = \"hmac-sha256\"\ntolerance = \"60s\"";

/// The request with a signature of this time.
fn signed(gate: &Tollgate, time: &str) -> Request {
    let request = gate.get("/orders").key(KEY).header("X-Timestamp", time);
    request.header("X-Signature", &sign(KEY, SECRET, time))
}

fn config(origin: &Origin) -> Config {
    house(origin, PROOF, &wrapped(KEY, SECRET))
}

#[test]
fn many_calls_a_second_are_signed_by_their_fractions_and_nothing_goes_further() {
    let origin = Origin::start();
    let gate = Tollgate::start(&config(&origin));
    let now = unix();
    in_both(&gate, |send| {
        let begun = origin.requests().len();
        for fraction in 0..20 {
            let time = format!("{now}.{begun}{fraction:06}");
            send(&signed(&gate, &time)).admitted();
            send(&signed(&gate, &time)).refused(401, "proof_invalid");
        }
    });
    assert_eq!(failures(&gate, "replayed"), 40.0);
    hold_unseen(&origin, &[KEY, SECRET, "x-signature", "x-timestamp", &now.to_string()]);
}

#[test]
fn what_is_signed_otherwise_is_refused() {
    let origin = Origin::start();
    let gate = Tollgate::start(&config(&origin));
    let now = unix().to_string();
    in_both(&gate, |send| {
        let bare = || gate.get("/orders").key(KEY);
        let right = sign(KEY, SECRET, &now);
        send(&bare()).refused(401, "proof_missing");
        send(&bare().header("X-Timestamp", &now)).refused(401, "proof_missing");
        send(&bare().header("X-Signature", &right)).refused(401, "proof_missing");
        let later = (unix() + 1).to_string();
        send(&bare().header("X-Timestamp", &later).header("X-Signature", &right))
            .refused(401, "proof_invalid");
        for wrong in [sign("other", SECRET, &now), sign(KEY, "other", &now), right[1..].to_owned()]
        {
            send(&bare().header("X-Timestamp", &now).header("X-Signature", &wrong))
                .refused(401, "proof_invalid");
        }
        for time in [unix() - 70, unix() + 70] {
            send(&signed(&gate, &time.to_string())).refused(401, "proof_invalid");
        }
        for time in ["", "now", "1e9", "-1", "1700000000."] {
            send(&signed(&gate, time)).refused(401, "proof_invalid");
        }
        let two = signed(&gate, &now).header("X-Timestamp", &later);
        send(&two).refused(401, "proof_invalid");
    });
    assert_eq!(failures(&gate, "untimely"), 4.0);
    assert!(origin.requests().is_empty());
}

#[test]
fn a_signature_is_accepted_once_over_all_workers_and_swaps() {
    let origin = Origin::start();
    let config = config(&origin).section("process", "workers = 4");
    let gate = Tollgate::start(&config);
    let now = unix();
    let times: Vec<_> = (0..40).map(|number| format!("{now}.{number}")).collect();
    let admitted: usize = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..8)
            .map(|client| {
                let (gate, times) = (&gate, &times);
                scope.spawn(move || {
                    let mut connection = Http1::connect(gate.data());
                    let ask = |time: &String| connection.send(&signed(gate, time)).status == 200;
                    let begin = client * 5;
                    times[begin..].iter().chain(&times[..begin]).map(ask).filter(|ok| *ok).count()
                })
            })
            .collect();
        clients.into_iter().map(|client| client.join().unwrap()).sum()
    });
    assert_eq!(admitted, times.len());
    let plan = "qps_limit_ceiling = 100000\nrate_limit_exempt = true";
    gate.apply(&config.plan(plan));
    for time in &times {
        signed(&gate, time).send().refused(401, "proof_invalid");
    }
    assert_eq!(origin.requests().len(), times.len());
}

#[test]
fn a_refused_call_may_come_again_with_its_signature() {
    let origin = Origin::start();
    let plan = |ceiling: u32| {
        format!(
            "qps_limit_exempt = true\nrate_limit_ceiling = {ceiling}\nrate_limit_period = \"month\""
        )
    };
    let gate = Tollgate::start(&config(&origin).plan(&plan(1)));
    let now = unix();
    let [first, second] = [1, 2].map(|number| signed(&gate, &format!("{now}.{number}")));
    first.send().admitted();
    second.send().refused(429, "over_quota");
    second.send().refused(429, "over_quota");
    gate.apply(&config(&origin).plan(&plan(2)));
    second.send().admitted();
    second.send().refused(401, "proof_invalid");
}
