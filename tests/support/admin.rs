//! A client of the admin API.

use std::{fs, net::SocketAddr};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;

use super::{Request, Response, Tollgate};

/// Somebody who is logged in.
#[derive(Clone)]
pub(crate) struct Admin {
    pub(crate) address: SocketAddr,
    /// The client through which they came, and its secret.
    pub(crate) client: (String, String),
    pub(crate) tokens: Json,
}

/// What the file of the first administrator says.
pub(crate) fn first_administrator(gate: &Tollgate) -> toml::Table {
    let file = gate.folder().join("first-administrator.toml");
    fs::read_to_string(file).unwrap().parse().unwrap()
}

impl Admin {
    /// Logs in as the first administrator.
    pub(crate) fn first(gate: &Tollgate) -> Self {
        let first = first_administrator(gate);
        let text = |name: &str| first[name].as_str().unwrap().to_owned();
        let client = (text("client"), text("client_secret"));
        Self::log_in(gate.admin(), client, &text("username"), &text("password"))
    }

    /// Logs in with a password, through the same client.
    pub(crate) fn as_member(&self, username: &str, password: &str) -> Self {
        Self::log_in(self.address, self.client.clone(), username, password)
    }

    fn log_in(
        address: SocketAddr,
        client: (String, String),
        username: &str,
        password: &str,
    ) -> Self {
        let form = format!("grant_type=password&username={username}&password={password}");
        let response = token(address, &client, &form);
        assert_eq!(response.status, 200, "{response:?}");
        let tokens = response.json();
        Self { address, client, tokens }
    }

    /// Goes on at another address.
    pub(crate) fn move_to(&mut self, address: SocketAddr) {
        self.address = address;
    }

    /// Asks for tokens.
    pub(crate) fn token(&self, form: &str) -> Response {
        token(self.address, &self.client, form)
    }

    /// Ends the login of a token.
    pub(crate) fn revoke(&self, form: &str) -> Response {
        ask(self.address, "/v3/token/revoke", &self.client, form)
    }

    /// A request with the token, below `/v3/rest`.
    pub(crate) fn v3(&self, method: &str, target: &str) -> Request {
        let token = self.tokens["access_token"].as_str().unwrap();
        Request::new(self.address, method, &format!("/v3/rest{target}"))
            .header("Authorization", &format!("Bearer {token}"))
    }

    /// A request with the token, below `/api`.
    pub(crate) fn native(&self, method: &str, target: &str) -> Request {
        let token = self.tokens["access_token"].as_str().unwrap();
        Request::new(self.address, method, &format!("/api{target}"))
            .header("Authorization", &format!("Bearer {token}"))
    }

    /// Asks the native API, with a body.
    pub(crate) fn ask(&self, method: &str, target: &str, body: &Json) -> Response {
        self.native(method, target).body(&body.to_string()).send()
    }

    /// What there is below `/api`, which has to be there.
    pub(crate) fn look(&self, target: &str) -> Json {
        done(&self.native("GET", target).send())
    }

    pub(crate) fn get(&self, target: &str) -> Response {
        self.v3("GET", target).send()
    }

    /// What there is, which has to be there.
    pub(crate) fn read(&self, target: &str) -> Json {
        done(&self.get(target))
    }

    pub(crate) fn post(&self, target: &str, body: &Json) -> Response {
        self.v3("POST", target).body(&body.to_string()).send()
    }

    pub(crate) fn put(&self, target: &str, body: &Json) -> Response {
        self.v3("PUT", target).body(&body.to_string()).send()
    }

    pub(crate) fn delete(&self, target: &str) -> Response {
        self.v3("DELETE", target).send()
    }

    /// Makes an object, which has to succeed.
    pub(crate) fn make(&self, target: &str, body: &Json) -> Json {
        done(&self.post(target, body))
    }
}

/// What was answered to a request that succeeded.
pub(crate) fn done(response: &Response) -> Json {
    assert_eq!(response.status, 200, "{response:?}");
    response.json()
}

fn token(address: SocketAddr, client: &(String, String), form: &str) -> Response {
    ask(address, "/v3/token", client, form)
}

fn ask(
    address: SocketAddr,
    target: &str,
    (client, secret): &(String, String),
    form: &str,
) -> Response {
    let basic = STANDARD.encode(format!("{client}:{secret}"));
    Request::new(address, "POST", target)
        .header("Authorization", &format!("Basic {basic}"))
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(form)
        .send()
}
