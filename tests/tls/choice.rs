use crate::support::{Request, TlsConnection};

use super::{HOST, House};

fn presented(connection: &TlsConnection) -> Vec<u8> {
    connection.conn.peer_certificates().unwrap()[0].to_vec()
}

#[test]
fn the_certificate_is_the_one_for_the_host_or_the_default() {
    let house = House::new().tls("default_certificate = \"main\"");
    let below = house.authority.issue(&["*.example.com"]);
    let other = house.authority.issue(&["other.example.org"]);
    // The default is shown to who asks for nothing that is there, and does not fit it.
    let main = house.authority.issue(&[HOST, "elsewhere.example.net"]);
    let house = house.certificate("main", &main);
    let house = house.certificate("below", &below).certificate("other", &other);
    let (house, _origin) = house.start();
    let client = house.client();
    for (host, expected) in [
        (HOST, &main),
        ("www.example.com", &below),
        ("other.example.org", &other),
        ("elsewhere.example.net", &main),
    ] {
        let connection = client.connect(house.gate.data(), host);
        assert_eq!(presented(&connection), expected.der().to_vec(), "{host}");
    }
    let nameless = house.client().without_name();
    assert_eq!(presented(&house.connect(&nameless)), main.der().to_vec());
    // Two labels are not one.
    assert!(client.try_connect(house.gate.data(), "a.b.example.com").is_err());
    house.wait_for_failures("alert", 1.0);
}

#[test]
fn without_a_default_an_unknown_host_is_refused() {
    let house = House::new();
    let other = house.authority.issue(&["other.example.org"]);
    let (house, _origin) = house.certificate("other", &other).start();
    house.client().connect(house.gate.data(), "other.example.org");
    let unknown = house.client().try_connect(house.gate.data(), "www.example.com");
    assert!(unknown.unwrap_err().to_string().contains("AccessDenied"));
    assert!(house.client().without_name().try_connect(house.gate.data(), HOST).is_err());
    house.wait_for_failures("unknown_name", 2.0);
}

#[test]
fn plain_and_tls_listeners_stand_side_by_side() {
    let house = House::new().section("listeners.plain", "address = \"127.0.0.1:0\"");
    let (house, origin) = house.start();
    let plain = Request::new(house.gate.listener("plain"), "GET", "/orders").key("demo");
    plain.send().admitted();
    let public = Request::new(house.gate.listener("public"), "GET", "/orders").key("demo");
    let mut connection = house.client().http1(house.gate.listener("public"), HOST);
    public.header("X-Forwarded-Proto", "http").over(&mut connection).admitted();
    let schemes: Vec<_> = origin
        .requests()
        .iter()
        .map(|request| request.header("x-forwarded-proto").unwrap().to_owned())
        .collect();
    assert_eq!(schemes, ["http", "https"]);
}
