//! Webhooks over TLS, under an authority that no system knows.

use std::io::{self, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use super::super::House;
use super::super::native::{ask, id, make};
use super::event;
use crate::support::{
    Admin, Authority, Config, Issued, Message, Origin, Tollgate, tollgate, wait_for,
};

/// A server that listens to webhooks over TLS, and answers each with 204.
struct Ear {
    address: SocketAddr,
    state: Arc<State>,
    listening: Option<JoinHandle<()>>,
}

struct State {
    tls: Arc<ServerConfig>,
    heard: Mutex<Vec<Message>>,
    closed: AtomicBool,
}

impl Ear {
    fn presenting(certificate: &Issued) -> Self {
        let key = PrivateKeyDer::from_pem_slice(certificate.key.as_bytes()).unwrap();
        let tls = ServerConfig::builder_with_provider(aws_lc_rs::default_provider().into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der()], key)
            .unwrap();
        let state = Arc::new(State {
            tls: Arc::new(tls),
            heard: Mutex::default(),
            closed: AtomicBool::new(false),
        });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let listening = std::thread::spawn({
            let state = Arc::clone(&state);
            move || {
                for stream in listener.incoming() {
                    if state.closed.load(SeqCst) {
                        return;
                    }
                    // Who does not trust us goes away.
                    state.hear(stream.unwrap()).ok();
                }
            }
        });
        Self { address, state, listening: Some(listening) }
    }

    fn url(&self) -> String {
        format!("https://localhost:{}/hook", self.address.port())
    }

    fn heard(&self) -> Vec<Message> {
        self.state.heard.lock().unwrap().clone()
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.state.closed.store(true, SeqCst);
        // Wakes the one who listens.
        TcpStream::connect(self.address).ok();
        self.listening.take().map(JoinHandle::join);
    }
}

impl State {
    fn hear(&self, stream: TcpStream) -> io::Result<()> {
        let connection = ServerConnection::new(Arc::clone(&self.tls)).map_err(io::Error::other)?;
        let mut reader = BufReader::new(StreamOwned::new(connection, stream));
        let Some(request) = Message::read_request(&mut reader)? else { return Ok(()) };
        self.heard.lock().unwrap().push(request);
        reader.get_mut().write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
    }
}

/// A house whose webhooks may be on this machine, where this authority is trusted.
fn that_trusts(authority: &Authority) -> House {
    let origin = Origin::start();
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
    let rules = "allow_private = true\nca_file = \"ca.pem\"";
    let config = Config::new(&origin).control().section("control.webhooks", rules);
    std::fs::write(folder.path().join("tollgate.toml"), config.to_string()).unwrap();
    let gate = Tollgate::start_in(folder, "tollgate.toml");
    let admin = Admin::first(&gate);
    House { gate, admin, origin }
}

/// Has a webhook tried. Answers with it.
fn tried(house: &House, ear: &Ear) -> Json {
    let webhook = make(&house.admin, "/webhooks", &json!({ "url": ear.url() }));
    make(&house.admin, &format!("/webhooks/{}/deliveries", id(&webhook)), &json!({}));
    webhook
}

/// Waits for the one delivery of a webhook to be like this.
fn delivery(house: &House, webhook: &Json, like: impl Fn(&Json) -> bool) -> Json {
    wait_for("a delivery", || {
        let target = format!("/webhooks/{}/deliveries", id(webhook));
        let deliveries = ask(&house.admin, "GET", &target, None).json();
        Some(deliveries[0].clone()).filter(&like)
    })
}

/// It is told what is wrong, tried again, and nothing of it leaves the house.
fn never_arrives(house: &House, ear: &Ear) {
    let webhook = tried(house, ear);
    let again = delivery(house, &webhook, |delivery| delivery["attempts"].as_u64() >= Some(2));
    assert_eq!(again["state"], "waiting", "{again}");
    assert_eq!(again["status"], json!(null));
    let failure = again["failure"].as_str().unwrap();
    assert!(failure.contains("no certificate that can be trusted"), "{failure}");
    assert!(again["nextAttempt"].is_string(), "{again}");
    house.gate.wait_for("the tries to be counted", |metrics| {
        metrics.sum("tollgate_webhook_deliveries_total", &[("outcome", "failed")]) >= 2.0
    });
    assert!(ear.heard().is_empty(), "{:?}", ear.heard());
}

#[test]
fn a_webhook_is_told_under_an_authority_of_ones_own() {
    let authority = Authority::new();
    let house = that_trusts(&authority);
    let ear = Ear::presenting(&authority.issue(&["localhost"]));
    let webhook = tried(&house, &ear);
    let delivery = delivery(&house, &webhook, |delivery| delivery["state"] == "delivered");
    assert_eq!((&delivery["status"], &delivery["attempts"]), (&json!(204), &json!(1)));
    let heard = ear.heard();
    assert_eq!(heard.len(), 1);
    assert_eq!(event(&heard[0], &webhook)["type"], "webhook.test");
}

#[test]
fn a_webhook_of_an_authority_that_is_not_trusted_is_never_told() {
    let house = that_trusts(&Authority::new());
    never_arrives(&house, &Ear::presenting(&Authority::new().issue(&["localhost"])));
}

#[test]
fn a_webhook_with_a_certificate_of_another_name_is_never_told() {
    let authority = Authority::new();
    let house = that_trusts(&authority);
    never_arrives(&house, &Ear::presenting(&authority.issue(&["hooks.example"])));
}

#[test]
fn authorities_that_are_none_keep_the_process_from_starting() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("ca.pem"), "no certificate\n").unwrap();
    let rules = "ca_file = \"ca.pem\"";
    let config = Config::new(&Origin::start()).control().section("control.webhooks", rules);
    let file = folder.path().join("tollgate.toml");
    std::fs::write(&file, config.to_string()).unwrap();
    let run = tollgate(&["run", "--config", file.to_str().unwrap()], "");
    assert!(!run.stderr.is_empty() && run.code != Some(0), "{run:?}");
    assert!(
        run.stderr.contains("control.webhooks.ca_file: the file holds no certificate"),
        "{run:?}"
    );
}
