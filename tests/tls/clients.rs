use std::io::Read;

use crate::support::{Authority, TlsClient};

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
