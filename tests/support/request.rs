//! A request, to be sent over either version of HTTP.

use std::net::SocketAddr;

use super::{Connection, Fields, Http1, Response};

#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) address: SocketAddr,
    pub(crate) method: String,
    pub(crate) target: String,
    /// `Host` in HTTP/1.1, `:authority` in HTTP/2.
    pub(crate) host: String,
    pub(crate) fields: Fields,
    pub(crate) body: Option<Vec<u8>>,
}

impl Request {
    pub(crate) fn new(address: SocketAddr, method: &str, target: &str) -> Self {
        Self {
            address,
            method: method.to_owned(),
            target: target.to_owned(),
            host: address.to_string(),
            fields: Fields::default(),
            body: None,
        }
    }

    /// Brings a key in the place that is the default.
    pub(crate) fn key(self, key: &str) -> Self {
        self.header("X-Api-Key", key)
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.fields.push(name, value);
        self
    }

    pub(crate) fn host(mut self, host: &str) -> Self {
        host.clone_into(&mut self.host);
        self
    }

    pub(crate) fn body(mut self, body: &str) -> Self {
        self.body = Some(body.as_bytes().to_vec());
        self
    }

    /// Sends it over a connection of its own, in HTTP/1.1.
    pub(crate) fn send(&self) -> Response {
        Http1::connect(self.address).send(self)
    }

    pub(crate) fn over(&self, connection: &mut impl Connection) -> Response {
        connection.send(self)
    }

    /// Whether it is answered so, in whole: its key may lose its life while the response is read.
    pub(crate) fn is_answered(&self, status: u16) -> bool {
        matches!(self.start().try_read(), Ok(Some(response)) if response.status == status)
    }

    /// Sends it over a connection of its own and leaves its response to be read.
    pub(crate) fn start(&self) -> Http1 {
        let mut connection = Http1::connect(self.address);
        connection.write(self);
        connection
    }

    /// As it goes over the wire in HTTP/1.1.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut head =
            format!("{} {} HTTP/1.1\r\nHost: {}\r\n", self.method, self.target, self.host);
        for (name, value) in self.fields.iter() {
            head += &format!("{name}: {value}\r\n");
        }
        if let Some(body) = &self.body {
            head += &format!("Content-Length: {}\r\n", body.len());
        }
        let mut bytes = (head + "\r\n").into_bytes();
        bytes.extend(self.body.iter().flatten());
        bytes
    }
}
