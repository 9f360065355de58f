use std::io::Read;

use crate::support::{Authority, Config, Http2, TlsClient};

use super::{HOST, House};

const OPTIONAL: &str = "client_certificate = \"optional\"\nclient_ca_file = \"ca.pem\"";
const REQUIRED: &str = "client_certificate = \"required\"\nclient_ca_file = \"ca.pem\"";

#[test]
fn who_has_to_present_a_certificate_cannot_do_without() {
    let (house, _origin) = House::new().tls(REQUIRED).start();
    let issued = house.authority.issue(&["client"]);
    house.admits(&TlsClient::presenting(&house.authority, &issued));
    // With TLS 1.3 a client hears of it when it reads.
    let mut without = house.connect(&house.client());
    assert!(without.read(&mut [0]).is_err());
    house.wait_for_failures("client_certificate", 1.0);
}

#[test]
fn a_certificate_of_an_authority_that_is_not_known_is_refused() {
    for listener in [OPTIONAL, REQUIRED] {
        let (house, _origin) = House::new().tls(listener).start();
        let stranger = Authority::new().issue(&["client"]);
        let expired = house.authority.issue_expired(&["client"]);
        for issued in [stranger, expired] {
            let client = TlsClient::presenting(&house.authority, &issued);
            assert!(house.connect(&client).read(&mut [0]).is_err());
        }
        house.wait_for_failures("client_certificate", 2.0);
    }
}

#[test]
fn who_may_present_a_certificate_need_not_and_the_upstream_is_told_who_did() {
    let (house, origin) = House::new().tls(OPTIONAL).start();
    let issued = house.authority.issue(&["client"]);
    for client in [TlsClient::presenting(&house.authority, &issued), house.client()] {
        let mut connection = client.http1(house.gate.data(), HOST);
        let request = house.gate.get("/orders").key("demo");
        let forged = request.header("X-Tollgate-Client-Certificate", "sha256:00");
        forged.over(&mut connection).admitted();
    }
    let told: Vec<_> = origin
        .requests()
        .iter()
        .map(|request| request.header("x-tollgate-client-certificate").map(str::to_owned))
        .collect();
    assert_eq!(told, [Some(issued.fingerprint()), None]);
}

#[test]
fn a_client_that_presents_a_certificate_does_so_each_time() {
    let (house, _origin) = House::new().tls(OPTIONAL).start();
    let issued = house.authority.issue(&["client"]);
    let client = TlsClient::presenting(&house.authority, &issued);
    for _ in 0..3 {
        house.admits(&client);
    }
    assert_eq!(house.handshakes("resumed"), 0.0);
}

#[test]
fn a_bound_key_works_with_its_certificates_alone() {
    let house = House::new().tls(OPTIONAL);
    let [old, new, other] = ["old", "new", "other"].map(|name| house.authority.issue(&[name]));
    let bound = [&old, &new].map(|issued| format!("{:?}", issued.fingerprint())).join(", ");
    let bound = Config::key_body("bound", &format!("client_certificates = [{bound}]"));
    let (house, origin) = house.section("keys.bound", &bound).start();
    let ask = |client: &TlsClient, key: &str| {
        let mut connection = client.http1(house.gate.data(), HOST);
        house.gate.get("/orders").key(key).over(&mut connection)
    };
    let presenting = |issued| TlsClient::presenting(&house.authority, issued);
    ask(&presenting(&old), "bound").admitted();
    ask(&presenting(&new), "bound").admitted();
    ask(&presenting(&other), "bound").refused(401, "proof_invalid");
    ask(&house.client(), "bound").refused(401, "proof_missing");
    ask(&presenting(&other), "demo").admitted();
    assert_eq!(origin.requests().len(), 3);
    // Also when the binding is taken up or changed under an open connection.
    let mut open = presenting(&old).http1(house.gate.data(), HOST);
    house.gate.get("/orders").key("bound").over(&mut open).admitted();
    let only = format!("client_certificates = [{:?}]", new.fingerprint());
    house.gate.apply(&house.config.clone().key("bound", "bound", &only));
    house.gate.get("/orders").key("bound").over(&mut open).refused(401, "proof_invalid");
}

#[test]
fn a_bound_key_does_not_work_over_http2_of_another_either() {
    let house = House::new().tls(OPTIONAL);
    let (own, other) = (house.authority.issue(&["own"]), house.authority.issue(&["other"]));
    let bound = format!("client_certificates = [{:?}]", own.fingerprint());
    let bound = Config::key_body("bound", &bound);
    let (house, _origin) = house.section("keys.bound", &bound).start();
    for (issued, admitted) in [(&own, true), (&other, false)] {
        let client = TlsClient::presenting(&house.authority, issued).offering(&["h2"]);
        let mut connection = Http2::connect_tls(house.gate.data(), &client, HOST);
        let answer = house.gate.get("/orders").key("bound").over(&mut connection);
        assert_eq!(answer.status == 200, admitted, "{answer:?}");
    }
}
