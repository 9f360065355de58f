//! What a client got, over either version of HTTP.

use serde_json::Value;

use super::{Fields, Message};

#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) fields: Fields,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Fields,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.fields.get(name)
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The body, which is JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The body of a refusal.
    pub(crate) fn problem(&self) -> Value {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let problem: Value = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(problem["status"], self.status, "{self:?}");
        problem
    }

    /// Status and code of a refusal.
    pub(crate) fn refusal(&self) -> (u16, String) {
        (self.status, self.problem()["code"].as_str().unwrap().to_owned())
    }

    /// Holds it to be an answer of the upstream.
    pub(crate) fn admitted(self) -> Self {
        assert_eq!(self.status, 200, "{self:?}");
        self
    }

    /// Holds it to be this refusal.
    pub(crate) fn refused(self, status: u16, code: &str) -> Self {
        assert_eq!(self.refusal(), (status, code.to_owned()), "{self:?}");
        self
    }
}

impl From<Message> for Response {
    fn from(message: Message) -> Self {
        assert!(message.start.starts_with("HTTP/1.1 "), "{message:?}");
        Self {
            status: message.target().parse().unwrap(),
            fields: message.fields,
            body: message.body,
            trailers: message.trailers,
        }
    }
}
