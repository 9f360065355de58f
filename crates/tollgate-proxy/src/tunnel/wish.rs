//! What a request asks its connection or its stream to become (RFC 9110 §7.8, RFC 8441).

use http::header::{
    CONNECTION, CONTENT_LENGTH, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version};
use hyper::ext::Protocol;
use hyper::upgrade::OnUpgrade;
use tollgate_core::{Refusal, Server, Target, Upstream, UpstreamHttp};

use super::handshake::{accept, is_opening, is_version_13, key, single};
use crate::form::Arriving;

/// What RFC 6455 calls itself.
const WEBSOCKET: &str = "websocket";

/// What a request asks its connection or stream to become. The upstream is asked for nothing else.
#[derive(Debug)]
pub(crate) struct Wish {
    protocol: HeaderValue,
    /// Of a WebSocket, the key that its server has to answer to: the client's or, where it has
    /// none as it speaks HTTP/2, ours.
    key: Option<HeaderValue>,
    /// What the client's stream of HTTP/2 becomes.
    pub(crate) stream: Option<OnUpgrade>,
}

/// A stream of HTTP/2 whose client asks for a WebSocket by extended CONNECT (RFC 8441 §5). In all but this
/// its request is a GET.
pub(crate) fn opening_stream<B>(request: &mut Request<B>) -> Option<OnUpgrade> {
    let protocol = request.extensions().get::<Protocol>();
    let asked = *request.method() == Method::CONNECT
        && request.version() == Version::HTTP_2
        && protocol.is_some_and(|asked| asked.as_str() == WEBSOCKET);
    let stream = asked.then(|| request.extensions_mut().remove::<OnUpgrade>()).flatten()?;
    *request.method_mut() = Method::GET;
    Some(stream)
}

impl Wish {
    /// What a request of HTTP/1.1 asks for, if it may and the request is one that can be upgraded; any
    /// other goes on without a word of it. Of several protocols it is the first that the upstream may
    /// switch to.
    pub(crate) fn of<B>(
        request: &Request<B>,
        body: &Arriving,
        upstream: Option<&Upstream>,
    ) -> Option<Box<Self>> {
        let headers = request.headers();
        let may = request.version() == Version::HTTP_11
            && body.is_empty()
            && says(headers, &CONNECTION, "upgrade");
        let server = server(upstream).filter(|_| may)?;
        let protocol = allowed(headers, server)?;
        let websocket = protocol == WEBSOCKET;
        if websocket && !is_opening(request.method(), headers) {
            return None;
        }
        // HTTP/2 has no word for others.
        if !websocket && server.http == UpstreamHttp::Two {
            return None;
        }
        let key = single(headers, &SEC_WEBSOCKET_KEY).filter(|_| websocket).cloned();
        let protocol = HeaderValue::from_str(protocol).ok()?;
        Some(Box::new(Self { protocol, key, stream: None }))
    }

    /// What the request on a stream of HTTP/2 asks for. `nonce` is what a key can be made of.
    ///
    /// # Errors
    /// [`Refusal::MethodNotAllowed`] where the upstream has no WebSockets, and
    /// [`Refusal::BadRequest`] for a version of them that there is not.
    pub(crate) fn of_stream(
        stream: OnUpgrade,
        headers: &HeaderMap,
        upstream: Option<&Upstream>,
        nonce: [u8; 16],
    ) -> Result<Box<Self>, Refusal> {
        let upgrades = server(upstream).map_or(&[][..], |server| &server.upgrades);
        if !upgrades.iter().any(|known| **known == *WEBSOCKET) {
            return Err(Refusal::MethodNotAllowed);
        }
        if !is_version_13(headers) {
            return Err(Refusal::BadRequest);
        }
        let protocol = HeaderValue::from_static(WEBSOCKET);
        Ok(Box::new(Self { protocol, key: Some(key(nonce)), stream: Some(stream) }))
    }

    /// Whether it is for a WebSocket.
    pub(crate) fn is_websocket(&self) -> bool {
        self.key.is_some()
    }

    /// Asks an upstream that speaks HTTP/1.1, in a head that says nothing of the kind any more.
    pub(crate) fn ask_in_one(&self, headers: &mut HeaderMap) {
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, self.protocol.clone());
        if let Some(key) = &self.key {
            headers.insert(SEC_WEBSOCKET_KEY, key.clone());
        }
    }

    /// Turns a request that asks in HTTP/1.1 into one of HTTP/2.
    pub(crate) fn ask_in_two<B>(mut request: Request<B>) -> Request<B> {
        *request.method_mut() = Method::CONNECT;
        request.extensions_mut().insert(Protocol::from_static(WEBSOCKET));
        for field in [CONNECTION, UPGRADE, SEC_WEBSOCKET_KEY] {
            request.headers_mut().remove(field);
        }
        request
    }

    /// Whether a response grants what was asked for, and nothing else, without a body of its own (RFC 9110
    /// §15.2.2, RFC 8441 §5). Where both sides speak HTTP/1.1, a WebSocket's key is theirs to compare.
    pub(crate) fn is_granted_by<B>(&self, response: &Response<B>, in_two: bool) -> bool {
        let headers = response.headers();
        if in_two {
            return response.status() == StatusCode::OK
                && response.extensions().get::<OnUpgrade>().is_some();
        }
        let answered = self.stream.as_ref().and(self.key.as_ref()).is_none_or(|key| {
            single(headers, &SEC_WEBSOCKET_ACCEPT).is_some_and(|answer| *answer == accept(key))
        });
        let mut protocols = headers.get_all(UPGRADE).iter();
        let protocol = protocols.next().map_or(&b""[..], HeaderValue::as_bytes);
        response.status() == StatusCode::SWITCHING_PROTOCOLS
            && answered
            && protocol.eq_ignore_ascii_case(self.protocol.as_bytes())
            && protocols.next().is_none()
            && says(headers, &CONNECTION, "upgrade")
            && !headers.contains_key(CONTENT_LENGTH)
            && !headers.contains_key(TRANSFER_ENCODING)
    }

    /// Whether a response that does not grant it can go on as an ordinary one: no client may take it for a
    /// grant (RFC 9110 §9.3.6).
    pub(crate) fn may_be_answered(&self, status: StatusCode, in_two: bool) -> bool {
        status != StatusCode::SWITCHING_PROTOCOLS
            && !(status.is_success() && (in_two || self.stream.is_some()))
    }

    /// Tells the client that it is granted, with `headers` that say nothing of the kind any more.
    pub(crate) fn grant(&self, headers: &mut HeaderMap, in_two: bool) -> StatusCode {
        if self.stream.is_some() {
            for field in [SEC_WEBSOCKET_ACCEPT, CONTENT_LENGTH] {
                headers.remove(field);
            }
            return StatusCode::OK;
        }
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, self.protocol.clone());
        if in_two {
            headers.remove(CONTENT_LENGTH);
            self.key.iter().for_each(|key| drop(headers.insert(SEC_WEBSOCKET_ACCEPT, accept(key))));
        }
        StatusCode::SWITCHING_PROTOCOLS
    }
}

fn server(upstream: Option<&Upstream>) -> Option<&Server> {
    match &upstream?.target {
        Target::Server(server) => Some(server),
        Target::Fixed(_) => None,
    }
}

/// The first protocol that is asked for and that the upstream may switch to.
fn allowed<'s>(headers: &HeaderMap, server: &'s Server) -> Option<&'s str> {
    let mut asked = members(headers, &UPGRADE);
    asked.find_map(|asked| {
        let known = server.upgrades.iter();
        let mut known = known.filter(|known| asked.eq_ignore_ascii_case(known.as_bytes()));
        known.next().map(|known| &**known)
    })
}

/// The members of a list, from all of its lines.
fn members<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h [u8]> {
    let lines = headers.get_all(name).into_iter();
    lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii))
}

fn says(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    members(headers, name).any(|member| member.eq_ignore_ascii_case(word.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, fields: &[(&str, &str)]) -> Response<()> {
        let mut response = Response::builder().status(status);
        for (name, value) in fields {
            response = response.header(*name, *value);
        }
        response.body(()).unwrap()
    }

    #[test]
    fn only_what_was_asked_for_is_granted() {
        let key = Some(key(*b"the sample nonce"));
        let wish = Wish { protocol: HeaderValue::from_static(WEBSOCKET), key, stream: None };
        let good = [("connection", "keep-alive, Upgrade"), ("upgrade", "WebSocket")];
        let granted = |status, fields| wish.is_granted_by(&response(status, fields), false);
        assert!(granted(101, &good));
        assert!(!granted(200, &good));
        for wrong in [
            &good[..1],
            &good[1..],
            &[good[0], ("upgrade", "h2c")],
            &[good[0], ("upgrade", "websocket, h2c")],
            &[good[0], good[1], ("upgrade", "h2c")],
            &[good[0], good[1], ("content-length", "0")],
            &[good[0], good[1], ("transfer-encoding", "chunked")],
            &[("connection", "upgraded"), good[1]],
        ] {
            assert!(!granted(101, wrong), "{wrong:?}");
        }
        assert!(!wish.is_granted_by(&response(200, &[]), true), "no stream has been opened");
    }
}
