//! A connection to the gate, of either version of HTTP.

use std::net::SocketAddr;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::{http1, http2};
use hyper::{Request, Response, Uri, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::Failure;

/// Nothing on loopback takes longer.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http1,
    Http2,
}

pub(crate) const PROTOCOLS: [Protocol; 2] = [Protocol::Http1, Protocol::Http2];

pub(crate) struct Connection {
    pub(crate) protocol: Protocol,
    /// Ours, by which the other end knows it.
    pub(crate) port: u16,
    gate: SocketAddr,
    sender: Sender,
}

enum Sender {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

impl Connection {
    pub(crate) async fn open(gate: SocketAddr, protocol: Protocol) -> Result<Self, Failure> {
        timeout(PATIENCE, Self::shake_hands(gate, protocol)).await?
    }

    async fn shake_hands(gate: SocketAddr, protocol: Protocol) -> Result<Self, Failure> {
        let stream = TcpStream::connect(gate).await?;
        stream.set_nodelay(true)?;
        let port = stream.local_addr()?.port();
        let stream = TokioIo::new(stream);
        // How a connection ends, its requests say.
        let sender = match protocol {
            Protocol::Http1 => {
                let (sender, driver) = http1::handshake(stream).await?;
                tokio::spawn(async { driver.await.unwrap_or(()) });
                Sender::Http1(sender)
            }
            Protocol::Http2 => {
                let (sender, driver) = http2::handshake(TokioExecutor::new(), stream).await?;
                tokio::spawn(async { driver.await.unwrap_or(()) });
                Sender::Http2(sender)
            }
        };
        Ok(Self { protocol, port, gate, sender })
    }

    /// Another handle to the same connection, where it carries several requests at once.
    pub(crate) fn beside(&self) -> Option<Self> {
        let Sender::Http2(sender) = &self.sender else { return None };
        let sender = Sender::Http2(sender.clone());
        Some(Self { protocol: self.protocol, port: self.port, gate: self.gate, sender })
    }

    /// Asks for a path and returns status and body.
    pub(crate) async fn get(
        &mut self,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Result<(u16, Bytes), Failure> {
        let mut request = Request::get(path);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::default())?;
        let respond = async {
            let response = self.send(request).await?;
            let status = response.status().as_u16();
            Ok((status, response.into_body().collect().await?.to_bytes()))
        };
        timeout(PATIENCE, respond).await?
    }

    /// Sends a request for a path and returns the head of its answer, whenever that comes.
    pub(crate) async fn send(
        &mut self,
        mut request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, Failure> {
        match &mut self.sender {
            Sender::Http1(sender) => {
                request.headers_mut().insert("host", self.gate.to_string().try_into()?);
                sender.ready().await?;
                Ok(sender.send_request(request).await?)
            }
            Sender::Http2(sender) => {
                let target = format!("http://{}{}", self.gate, request.uri());
                *request.uri_mut() = Uri::try_from(target)?;
                *request.version_mut() = Version::HTTP_2;
                sender.ready().await?;
                Ok(sender.send_request(request).await?)
            }
        }
    }

    /// Whether it takes one more request, once it is done with those before.
    pub(crate) async fn is_open(&mut self) -> bool {
        match &mut self.sender {
            Sender::Http1(sender) => sender.ready().await.is_ok(),
            Sender::Http2(sender) => sender.ready().await.is_ok(),
        }
    }
}
