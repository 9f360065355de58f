//! nginx as an upstream.

use std::fs;

use tempfile::TempDir;

use super::{gate, gate_in};
use crate::support::{Authority, Connection, Http1, Load, Nginx, Origin};

#[test]
fn nginx_is_spoken_to_in_either_version_with_certificates_of_both_sides() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let served = TempDir::new().unwrap();
    authority.issue(&["localhost"]).write(served.path(), "nginx");
    fs::write(served.path().join("clients.pem"), clients.pem()).unwrap();
    let nginx = Nginx::start(
        served,
        "listen 127.0.0.1:PORT ssl http2; ssl_certificate nginx.pem; ssl_certificate_key nginx.key; \
         ssl_client_certificate clients.pem; ssl_verify_client on; keepalive_requests 3; \
         location / { return 200 \"$server_protocol $ssl_client_verify $request_uri\"; }",
    );
    for (http, version) in [("1", "HTTP/1.1"), ("2", "HTTP/2.0"), ("auto", "HTTP/2.0")] {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
        clients.issue(&["gate"]).write(folder.path(), "gate");
        let url = format!(
            "url = \"https://localhost:{}\"\nhttp = \"{http}\"\nconnect_timeout = \"20s\"",
            nginx.port
        );
        let tls = "ca_file = \"ca.pem\"\ncertificate_file = \"gate.pem\"\nkey_file = \"gate.key\"";
        let sections = [("upstreams.demo", &*url), ("upstreams.demo.tls", tls)];
        let gate = gate_in(folder, &Origin::start(), &sections);
        // More than it takes on one connection, after which it goes away.
        for number in 0..20 {
            let response = gate.request("POST", &format!("/orders/{number}")).key("demo").send();
            let expected = format!("{version} SUCCESS /orders/{number}");
            assert_eq!(response.admitted().text(), expected);
        }
    }
}

#[test]
fn large_bodies_pass_both_ways_over_connections_that_stay_open() {
    let folder = TempDir::new().unwrap();
    let large: String = (0..2_000_000).map(|number: u32| format!("{number:08}")).collect();
    fs::write(folder.path().join("large"), &large).unwrap();
    let nginx = Nginx::start(
        folder,
        "listen 127.0.0.1:PORT; root .; client_max_body_size 100m; client_body_buffer_size 64k;\n\
         location /orders/ { alias ./; }\n\
         location /orders/put { client_body_in_file_only clean; proxy_pass http://127.0.0.1:PORT/took; }\n\
         location /took { return 200 $http_content_length; }\n\
         location /orders/connection { return 200 $connection; }",
    );
    let gate = gate(&Origin::start(), &format!("url = \"http://127.0.0.1:{}\"", nginx.port));
    let mut client = Http1::connect(gate.data());
    let first = client.send(&gate.get("/orders/connection").key("demo")).admitted();
    for _ in 0..2 {
        let response = client.send(&gate.get("/orders/large").key("demo")).admitted();
        assert!(response.text() == large, "{}", response.text().len());
        let request = gate.request("PUT", "/orders/put").key("demo").body(&large);
        let response = client.send(&request).admitted();
        assert_eq!(response.text(), large.len().to_string());
    }
    let last = client.send(&gate.get("/orders/connection").key("demo")).admitted();
    assert_eq!(first.text(), last.text(), "the connection is the same");
}

#[test]
fn what_is_compressed_stays_so() {
    let nginx = Nginx::start(
        TempDir::new().unwrap(),
        "listen 127.0.0.1:PORT; gzip on; gzip_proxied any; gzip_min_length 1; gzip_types text/plain; default_type text/plain;\n\
         location / { root .; try_files /nginx.conf =404; }",
    );
    let plain = fs::read_to_string(nginx.folder().join("nginx.conf")).unwrap();
    let gate = gate(&Origin::start(), &format!("url = \"http://127.0.0.1:{}\"", nginx.port));
    let request = gate.get("/orders").key("demo");
    assert_eq!(request.send().admitted().text(), plain);
    let mut command = std::process::Command::new("curl");
    command.args(["-s", "--compressed", "-D", "-", "-H", "X-Api-Key: demo"]);
    let output = command.arg(format!("http://{}/orders", gate.data())).output().unwrap();
    let answer = String::from_utf8(output.stdout).unwrap();
    assert!(answer.to_lowercase().contains("content-encoding: gzip"), "{answer}");
    assert!(answer.ends_with(&plain), "{answer}");
}

#[test]
fn a_reload_under_load_fails_no_call_that_may_be_repeated() {
    let nginx = Nginx::start_with_workers(
        TempDir::new().unwrap(),
        "listen 127.0.0.1:PORT; keepalive_requests 50; location / { return 200 well; }",
    );
    let upstream = format!("url = \"http://127.0.0.1:{}\"", nginx.port);
    let gate = gate(&Origin::start(), &upstream);
    let load = Load::of(4, &gate.get("/orders").key("demo"));
    for _ in 0..5 {
        load.goes_on(100);
        nginx.reload();
    }
    load.goes_on(200);
    let answers = load.end();
    assert_eq!(answers.into_keys().collect::<Vec<_>>(), [200]);
}
