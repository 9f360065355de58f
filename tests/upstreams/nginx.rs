//! nginx as an upstream.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::gate_in;
use crate::support::{Authority, Origin, wait_for};

/// A running nginx, and where its files are.
struct Nginx {
    child: Child,
    port: u16,
    _folder: TempDir,
}

impl Nginx {
    /// Serves `server`, the inside of a `server` block, where `PORT` stands for its port.
    fn start(folder: TempDir, server: &str) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let config = format!(
            "daemon off; master_process off; pid nginx.pid; error_log stderr;\n\
             events {{}}\n\
             http {{ access_log off; client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f;\n\
             uwsgi_temp_path u; scgi_temp_path s; server {{ {} }} }}",
            server.replace("PORT", &port.to_string())
        );
        fs::write(folder.path().join("nginx.conf"), config).unwrap();
        let mut command = Command::new("nginx");
        command.arg("-p").arg(folder.path()).args(["-c", "nginx.conf", "-e", "stderr"]);
        let child = command.stderr(Stdio::null()).spawn().unwrap();
        wait_for("nginx", || TcpStream::connect(("127.0.0.1", port)).ok());
        Self { child, port, _folder: folder }
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

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
