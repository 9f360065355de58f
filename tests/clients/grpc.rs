//! Callers and servers of gRPC, of a library: every kind of call goes through as if there were no gate.

mod ends;
mod refusals;

use futures_util::stream::iter;
use tonic::metadata::MetadataValue;
use tonic::{Code, Status, Streaming};

use super::gate;
use crate::support::{
    Authority, Config, NUMBERS, Number, NumberServer, Numbers, Tollgate, runtime, soon, wait_for,
};

/// A gate in front of the server, over HTTP/2.
fn config(server: &NumberServer) -> Config {
    let upstream = format!("url = \"http://{}\"\nhttp = \"2\"", server.address());
    Config::to(server.address())
        .section("upstreams.demo", &upstream)
        .service(&format!("path = \"{NUMBERS}\"\nupstream = \"demo\""))
}

/// Everything that is still to be heard.
fn all(mut numbers: Streaming<Number>) -> (Vec<u64>, Result<(), Status>) {
    let mut all = Vec::new();
    loop {
        match soon(numbers.message()) {
            Ok(Some(number)) => all.push(number.value),
            Ok(None) => return (all, Ok(())),
            Err(status) => return (all, Err(status)),
        }
    }
}

#[test]
fn all_four_kinds_of_call_go_through_in_clear_and_through_tls() {
    let (server, authority) = (NumberServer::start(), Authority::new());
    let gate = gate(config(&server), &authority, &["localhost"]);
    let clear = Numbers::at(gate.listener("public"));
    let secure = Numbers::at_tls(gate.listener("secure"), &authority, "localhost");
    for numbers in [clear.key("demo"), secure.key("demo")] {
        let doubled = numbers.double(numbers.request(21.into())).unwrap();
        assert_eq!(doubled.get_ref().value, 42);
        let summands = iter((1..=100).map(Number::from));
        assert_eq!(numbers.sum(numbers.request(summands)).unwrap().get_ref().value, 5050);
        let counted = numbers.count(numbers.request(1000.into())).unwrap();
        let (counted, end) = all(counted.into_inner());
        assert!(counted.into_iter().eq(1..=1000));
        end.unwrap();
        let mut talk = numbers.talk().unwrap();
        (1..=100).for_each(|value| talk.goes_on(value));
        let (rest, end) = all(talk.fall_silent());
        assert!(rest.is_empty(), "{rest:?}");
        end.unwrap();
        server.wait_for_open(0);
    }
    assert_eq!(server.asked().len(), 8);
}

#[test]
fn metadata_and_status_go_both_ways() {
    let server = NumberServer::start();
    let gate = Tollgate::start(&config(&server));
    let numbers = Numbers::at(gate.data()).key("demo");
    let mut request = numbers.request(3.into());
    let metadata = request.metadata_mut();
    metadata.insert("x-note", MetadataValue::from_static("a word"));
    metadata.insert_bin("x-note-bin", MetadataValue::from_bytes(&[0, 200, 255]));
    metadata.insert("x-fail", MetadataValue::from_static("100 % lost"));
    let response = numbers.count(request).unwrap();
    assert_eq!(response.metadata().get("x-server").unwrap(), "numbers");
    let (counted, end) = all(response.into_inner());
    assert_eq!(counted, [1, 2, 3]);
    let status = end.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::DataLoss, "100 % lost"));
    assert_eq!(status.details(), b"details");
    assert_eq!(status.metadata().get("x-behind").unwrap(), "the messages");
    let behind = status.metadata().get_bin("x-behind-bin").unwrap();
    assert_eq!(behind.to_bytes().unwrap(), &[0, 1, 254, 255][..]);

    let asked = &server.asked()[0];
    assert_eq!(asked.get("x-note").unwrap(), "a word");
    let note = asked.get_bin("x-note-bin").unwrap();
    assert_eq!(note.to_bytes().unwrap(), &[0, 200, 255][..]);
    assert_eq!(asked.get("te").unwrap(), "trailers");
    assert_eq!(asked.get("content-type").unwrap(), "application/grpc");
    assert_eq!(asked.get("x-tollgate-application").unwrap(), "acme");
    assert!(asked.get("x-api-key").is_none());
}

#[test]
fn who_does_not_listen_holds_up_who_talks() {
    const MESSAGES: usize = 400;
    let server = NumberServer::start();
    let gate = Tollgate::start(&config(&server));
    let numbers = Numbers::at(gate.data()).key("demo");
    let mut talk = numbers.talk().unwrap();
    let voice = talk.voice();
    runtime().spawn(async move {
        for value in 0..MESSAGES as u64 {
            let number = Number { value, ballast: vec![7; 64 << 10] };
            voice.send(number).await.unwrap();
        }
    });
    let mut last = usize::MAX;
    wait_for("the talker to be held up", || {
        std::thread::sleep(std::time::Duration::from_millis(300));
        let now = server.heard();
        (now > 0 && std::mem::replace(&mut last, now) == now).then_some(())
    });
    assert!(last < MESSAGES / 2, "{last} messages were taken that nobody has heard the answers to");
    for value in 0..MESSAGES as u64 {
        assert_eq!(talk.hear().unwrap(), Some(2 * value));
    }
    let (rest, end) = all(talk.fall_silent());
    assert!(rest.is_empty(), "{rest:?}");
    end.unwrap();
}
