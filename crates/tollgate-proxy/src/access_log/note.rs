//! What a worker notes of a request for the access log, while it is on its road.

use std::cell::Cell;
use std::net::IpAddr;
use std::rc::Rc;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode};
use http_body::Frame;
use tollgate_core::{Bearer, Caller, Now, Record, Refusal, Root, Route, Service, Shadow};

use super::entry::{Entry, Field};
use crate::connection::Client;
use crate::target::Target;
use crate::trace::Span;

/// The entry of a request that is not over yet.
#[derive(Debug)]
pub(crate) struct Note {
    entry: Box<Entry>,
    /// Bytes of the request's body, counted where it is read.
    received: Option<Rc<Cell<u64>>>,
}

impl Note {
    /// Of a request that has just begun and comes from `address`. Its target is left out: it may hold a key.
    pub(crate) fn of<B>(
        request: &Request<B>,
        client: &Client,
        address: Option<IpAddr>,
        span: Option<Span>,
        now: Now,
    ) -> Self {
        let version = request.version();
        let mut entry = Entry::new(client.door.number, address, version, now.unix_ms);
        entry.span = span;
        entry.tls = client.session.as_ref().map(|session| session.version);
        entry.put(Field::HttpMethod, request.method().as_str().as_bytes());
        Self { entry: Box::new(entry), received: None }
    }

    /// Notes which snapshot decides, and the path as it came, unless the paths of any service hold
    /// keys.
    pub(crate) fn path(&mut self, root: &Root, path: &str) {
        self.entry.revision = Some(root.revision);
        if !root.routes.keys_in_paths() {
            self.entry.put(Field::Path, path.as_bytes());
        }
    }

    /// Notes what was asked for, as it was matched: the path has no key in it any more.
    pub(crate) fn target(&mut self, target: &Target<'_>) {
        self.entry.put(Field::Host, target.host().as_bytes());
        self.entry.put(Field::Path, target.path.as_bytes());
    }

    /// Notes where the request leads.
    pub(crate) fn route(&mut self, root: &Root, service: &Service, route: &Route) {
        self.entry.put(Field::Service, service.name.as_bytes());
        if let Some(name) = root.routes.endpoint_name(route.endpoint) {
            self.entry.put(Field::Endpoint, name.as_bytes());
        }
        if let Some(name) = route.method.and_then(|method| root.routes.method_name(method)) {
            self.entry.put(Field::Method, name.as_bytes());
        }
    }

    /// Notes who calls.
    pub(crate) fn admitted(&mut self, caller: &Caller<'_>) {
        self.bearer(&Bearer::from(caller));
    }

    /// Notes the id of the request.
    pub(crate) fn request_id(&mut self, id: &HeaderValue) {
        self.entry.put(Field::RequestId, id.as_bytes());
    }

    /// Notes whose key was refused, if it is anybody's.
    pub(crate) fn refused(&mut self, root: &Root, record: Option<&Record>, service: &Service) {
        if let Some(record) = record {
            self.bearer(&Bearer::of(root, record, service));
        }
    }

    fn bearer(&mut self, bearer: &Bearer<'_>) {
        self.entry.put(Field::Key, bearer.key(&mut [0; 36]).as_bytes());
        for (field, name) in [
            (Field::Application, bearer.application),
            (Field::Package, bearer.package),
            (Field::Plan, bearer.plan),
        ] {
            self.entry.put(field, name.unwrap_or_default().as_bytes());
        }
    }

    /// Notes what an admitted request would have been refused for.
    pub(crate) fn shadow(&mut self, shadow: Shadow) {
        self.entry.shadow = shadow;
    }

    /// Where the bytes of the request's body are counted.
    pub(crate) fn received(&mut self) -> Rc<Cell<u64>> {
        Rc::clone(self.received.get_or_insert_default())
    }

    /// Notes that one server of the upstream is tried.
    pub(crate) fn attempt(&mut self) {
        self.entry.attempts = self.entry.attempts.saturating_add(1);
    }

    /// Notes how long the upstream took to answer or to fail, in nanoseconds.
    pub(crate) fn upstream(&mut self, elapsed: u64) {
        self.entry.upstream = Some(elapsed);
    }

    /// Notes the answer.
    pub(crate) fn answer(&mut self, status: StatusCode, refusal: Option<Refusal>) {
        self.entry.status = Some(status);
        self.entry.refusal = refusal;
        // Nobody asks for the body of an answer to HEAD.
        let head = self.entry.text(Field::HttpMethod).as_deref() == Some(Method::HEAD.as_str());
        self.entry.complete |= head;
    }

    /// Notes a piece of the response's body.
    pub(crate) fn sent(&mut self, frame: &Frame<Bytes>) {
        self.entry.response_bytes += frame.data_ref().map_or(0, Bytes::len) as u64;
    }

    /// Notes how many bytes a tunnel has carried, either way.
    pub(crate) fn carried(&mut self, from_client: u64, to_client: u64) {
        self.received().set(from_client);
        self.entry.response_bytes = to_client;
    }

    /// Notes what broke the response off.
    pub(crate) fn broken(&mut self, refusal: Refusal) {
        self.entry.refusal = Some(refusal);
    }

    /// Notes that the response came to its end.
    pub(crate) fn complete(&mut self) {
        self.entry.complete = true;
    }

    /// The entry of a request that is over after `total` nanoseconds.
    pub(crate) fn close(mut self, total: u64) -> Box<Entry> {
        self.entry.total = total;
        self.entry.request_bytes = self.received.map_or(0, |received| received.get());
        self.entry
    }
}
