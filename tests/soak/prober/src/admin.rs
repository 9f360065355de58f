//! A client of the admin API.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::Value as Json;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::Failure;

/// What is not answered by then never will be.
const PATIENCE: Duration = Duration::from_secs(60);
const IMPORT_PATIENCE: Duration = Duration::from_secs(1800);

/// Somebody who is logged in, on one connection.
pub(crate) struct Admin {
    sender: SendRequest<Full<Bytes>>,
    token: String,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Json,
}

impl Answer {
    fn success(self, method: &str, target: &str) -> Result<Json, Failure> {
        let Self { status, body } = self;
        if matches!(status, 200 | 202) {
            Ok(body)
        } else {
            Err(format!("{method} {target}: {status} {body}").into())
        }
    }
}

impl Admin {
    /// Logs in as the administrator that a file names.
    pub(crate) async fn log_in(admin: SocketAddr, first: &Path) -> Result<Self, Failure> {
        let first = std::fs::read_to_string(first)?;
        let text = |name: &str| {
            let line = first.lines().find_map(|line| line.strip_prefix(&format!("{name} = ")));
            line.map(|value| value.trim_matches('"').to_owned()).ok_or(format!("no {name}"))
        };
        let client = STANDARD.encode(format!("{}:{}", text("client")?, text("client_secret")?));
        let (username, password) = (text("username")?, text("password")?);
        let form = format!("grant_type=password&username={username}&password={password}");
        let mut admin = Self::with_token(admin, String::new()).await?;
        let request = Request::post("/v3/token")
            .header("authorization", format!("Basic {client}"))
            .header("content-type", "application/x-www-form-urlencoded");
        let answer = admin.send(request.body(Full::from(form))?).await?;
        let token = answer.body["access_token"].as_str();
        admin.token = token.ok_or(format!("no token: {}", answer.status))?.to_owned();
        Ok(admin)
    }

    /// Goes on with a token on a new connection.
    pub(crate) async fn with_token(admin: SocketAddr, token: String) -> Result<Self, Failure> {
        let stream = TcpStream::connect(admin).await?;
        stream.set_nodelay(true)?;
        let (sender, driver) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(async { driver.await.unwrap_or(()) });
        Ok(Self { sender, token })
    }

    pub(crate) fn token(&self) -> String {
        self.token.clone()
    }

    /// Asks below `/v3/rest`. An error means that nobody knows what came of it.
    pub(crate) async fn ask(
        &mut self,
        method: &str,
        target: &str,
        body: &Json,
    ) -> Result<Answer, Failure> {
        self.call(method, format!("/v3/rest{target}"), body).await
    }

    async fn call(&mut self, method: &str, uri: String, body: &Json) -> Result<Answer, Failure> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let request = Request::builder()
            .method(method)
            .uri(uri)
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "application/json");
        self.send(request.body(Full::from(body))?).await
    }

    /// What is done and has to succeed.
    pub(crate) async fn done(
        &mut self,
        method: &str,
        target: &str,
        body: &Json,
    ) -> Result<Json, Failure> {
        let answer = self.ask(method, target, body).await?;
        answer.success(method, target)
    }

    /// Likewise, below `/api`.
    pub(crate) async fn native(
        &mut self,
        method: &str,
        target: &str,
        body: &Json,
    ) -> Result<Json, Failure> {
        let answer = self.call(method, format!("/api{target}"), body).await?;
        answer.success(method, target)
    }

    /// Imports a document, which takes its time.
    pub(crate) async fn import(&mut self, target: &str, document: String) -> Result<(), Failure> {
        let request = Request::post(format!("/api{target}"))
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "application/x-ndjson");
        let sent = self.answered(request.body(Full::from(document))?);
        timeout(IMPORT_PATIENCE, sent).await??.success("POST", target)?;
        Ok(())
    }

    async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<Answer, Failure> {
        timeout(PATIENCE, self.answered(request)).await?
    }

    async fn answered(&mut self, mut request: Request<Full<Bytes>>) -> Result<Answer, Failure> {
        request.headers_mut().insert("host", "soak".try_into()?);
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await?.to_bytes();
        let body = if body.is_empty() { Json::Null } else { serde_json::from_slice(&body)? };
        Ok(Answer { status, body })
    }
}
