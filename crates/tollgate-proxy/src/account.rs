//! The account of a request, closed once: when its response has ended or was dropped.

#[cfg(feature = "otlp")]
mod recorded;

use std::rc::Rc;

use http::{HeaderMap, HeaderValue, Request, StatusCode, Version};
use tollgate_core::{Now, Refusal, Service, ServiceId};

use crate::access_log::Note;
use crate::arena::Arena;
use crate::body::Reading;
use crate::connection::{Client, StreamRefused};
use crate::headers::REQUEST_ID;
use crate::peer::Whence;
use crate::request_id::{RequestId, given_request_id};
#[cfg(feature = "otlp")]
use crate::spans::Attempt;
use crate::trace::Trace;
use crate::worker::Worker;

/// What is counted of a request when it is over.
pub(crate) struct Account {
    worker: Rc<Worker>,
    client: Rc<Client>,
    whence: Whence,
    /// When its head had arrived, in nanoseconds of the monotonic clock.
    started: u64,
    service: Option<ServiceId>,
    id: RequestId,
    /// Boxed, so that requests that are not traced have no room for it.
    trace: Option<Box<Trace>>,
    status: StatusCode,
    /// To the client the end of the connection may be the end of the body (RFC 1945 §7.2.2).
    ends_by_close: bool,
    /// For whoever wants to know what came of it, if anybody does.
    note: Option<Note>,
    /// Of a request that is recorded.
    #[cfg(feature = "otlp")]
    attempts: Option<Vec<Attempt>>,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Account({})", self.status)
    }
}

impl Account {
    /// Opens the account of a request that began `now`. The answer is not known yet: until
    /// it is [named](Account::answer), the request counts as a client's disconnect.
    pub(crate) fn open<B>(
        worker: &Rc<Worker>,
        client: &Rc<Client>,
        request: &Request<B>,
        now: Now,
    ) -> Self {
        client.begin();
        let whence = client.whence(request.headers());
        let trace = worker.tracer.as_ref();
        let trace = trace.map(|tracer| Box::new(tracer.begin(request.headers(), client)));
        let span = trace.as_ref().map(|trace| trace.span);
        let logged = worker.access_log.is_some();
        #[cfg(feature = "otlp")]
        let attempts = worker.records(span).then(Vec::new);
        #[cfg(feature = "otlp")]
        let logged = logged || attempts.is_some();
        let note = logged.then(|| Note::of(request, client, whence.address, span, now));
        let (worker, client) = (Rc::clone(worker), Rc::clone(client));
        let (started, status) = (now.monotonic, CLIENT_CLOSED);
        let ends_by_close = request.version() == Version::HTTP_10;
        let (service, id) = (None, RequestId::None);
        Self {
            worker,
            client,
            whence,
            started,
            service,
            id,
            trace,
            status,
            ends_by_close,
            note,
            #[cfg(feature = "otlp")]
            attempts,
        }
    }

    /// Where the request comes from.
    pub(crate) fn whence(&self) -> &Whence {
        &self.whence
    }

    /// Whether the request comes as safely as a service asks for.
    ///
    /// # Errors
    /// [`Refusal::TlsRequired`].
    pub(crate) fn suits(&self, service: &Service) -> Result<(), Refusal> {
        let unsafe_for_it = service.tls_required && !self.whence.secure;
        if unsafe_for_it { Err(Refusal::TlsRequired) } else { Ok(()) }
    }

    /// Names the service.
    pub(crate) fn serve(&mut self, service: ServiceId) {
        self.service = Some(service);
    }

    /// Takes the request's id from its client, where that is whose word is taken. One that stands where
    /// the service looks for keys or proofs is none.
    pub(crate) fn take_id(&mut self, service: &Service, headers: &HeaderMap) {
        let trust = self.worker.settings.request_ids.trust;
        if trust.includes(&self.client)
            && let Some(id) = given_request_id(headers)
            && !service.reads(&REQUEST_ID)
        {
            self.noted(|note| note.request_id(id));
            self.id = RequestId::Given(id.clone());
        }
    }

    /// The request's id; one that has none gets one. `None` never happens.
    pub(crate) fn identify(&mut self, arena: &mut Arena) -> Option<HeaderValue> {
        let ids = &self.worker.request_ids;
        let id = self.id.value(ids, arena);
        if let Some((note, id)) = self.note.as_mut().zip(id.as_ref()) {
            note.request_id(id);
        }
        id
    }

    /// Tells the client the request's id.
    pub(crate) fn tell_id(&mut self, headers: &mut HeaderMap) {
        let worker = Rc::clone(&self.worker);
        if let Some(id) = self.identify(&mut worker.arena.borrow_mut()) {
            headers.insert(REQUEST_ID, id);
        }
    }

    /// Tells the upstream which trace the request is of, if it is traced.
    pub(crate) fn tell_trace(&self, headers: &mut HeaderMap) {
        if let Some(trace) = &self.trace {
            trace.tell(headers, &mut self.worker.arena.borrow_mut());
        }
    }

    /// Names the answer, and the refusal that it is, if it is one.
    pub(crate) fn answer(&mut self, status: StatusCode, refusal: Option<Refusal>) {
        self.status = status;
        if let Some(note) = &mut self.note {
            note.answer(status, refusal);
        }
    }

    /// The response breaks off: no client may take what it got for all of it.
    pub(crate) fn break_off(&self) {
        if self.ends_by_close {
            self.client.reset();
        }
    }

    /// How its client has to read the response that comes `now`, if it has a stream for it.
    pub(crate) fn reading(&self, now: u64) -> Option<Reading> {
        self.client.reading_of_stream(now)
    }

    /// Counts that its stream is reset for what the client does.
    pub(crate) fn refuse_stream(&self, why: StreamRefused) {
        self.client.door.connections.refuse_stream(why);
    }

    /// Notes something for the access log, if there is one.
    pub(crate) fn noted(&mut self, write: impl FnOnce(&mut Note)) {
        self.note.as_mut().map(write);
    }

    /// What is noted for the access log; `None` if there is none.
    pub(crate) fn note(&mut self) -> Option<&mut Note> {
        self.note.as_mut()
    }
}

/// What a request counts as whose client went away before there was an answer.
const CLIENT_CLOSED: StatusCode = StatusCode::BAD_REQUEST;

impl Drop for Account {
    fn drop(&mut self) {
        let now = self.worker.clock.monotonic();
        self.worker.cells.count_request(self.service, self.status);
        let total = now.saturating_sub(self.started);
        self.worker.cells.request_duration.record(total);
        let entry = self.note.take().map(|note| note.close(total));
        #[cfg(feature = "otlp")]
        self.record(entry.as_deref());
        if let Some((entry, ring)) = entry.zip(self.worker.access_log.as_ref())
            && !ring.put(entry)
        {
            self.worker.cells.access_log_dropped.add(1);
        }
        self.worker.coarse.set(now);
        self.client.end(now);
    }
}
