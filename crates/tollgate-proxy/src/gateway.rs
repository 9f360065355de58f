//! A request's road (design §3), on one screen.

use std::rc::Rc;
use std::sync::Arc;

use http::header::CONNECTION;
use http::{HeaderValue, Method, Request, Response, StatusCode, Version};
use tollgate_core::{Call, CallKey, Decision, Now, Refusal, Refused};

use crate::account::Account;
use crate::body::{Content, Incoming, OutBody, ReplyBody};
use crate::connection::{Client, Stream};
use crate::credential::Brought;
use crate::form::{Arriving, Bounds, Unread};
use crate::forward::Admitted;
use crate::respond::{Grpc, Told};
use crate::switches::Exchange;
use crate::target::{NoTarget, Target, host_field, permit};
use crate::tunnel::{Wish, opening_stream};
use crate::worker::{Ending, Worker};
use crate::{credential, headers, proof, switches};

/// Why a request is not admitted.
enum Stop {
    /// It ends with this answer.
    Answer(Response<Content>),
    /// Its form has to be read first.
    Form(Box<Unread>),
}

impl From<Response<Content>> for Stop {
    fn from(answer: Response<Content>) -> Self {
        Self::Answer(answer)
    }
}

impl Worker {
    /// The whole road. Every end of it is a response. The request stays where it is made, as it is large; its body
    /// is what goes upstream, once that is known.
    ///
    /// It is no `async fn`, as that has room for all that it is given twice.
    pub(crate) fn handle(
        self: &Rc<Self>,
        client: &Rc<Client>,
        stream: Option<Stream>,
        request: &mut Request<OutBody>,
        incoming: Incoming,
    ) -> impl Future<Output = Response<ReplyBody>> {
        let version = request.version();
        let mut body = Arriving::Incoming(incoming);
        async move {
            let task = stream.and_then(Stream::task);
            let mut now = self.clock.now();
            let mut account = Account::open(self, client, request, now);
            // A 200 would be taken for the tunnel that a CONNECT asks for.
            let grpc = Grpc::of(request.headers(), now);
            let grpc = grpc.filter(|_| request.method() != Method::CONNECT);
            let mut cors = None;
            let response = loop {
                let grpc = grpc.as_deref();
                let admitted =
                    match self.admit(client, request, body, now, grpc, &mut account, &mut cors) {
                        Ok(admitted) => admitted,
                        Err(Stop::Answer(answer)) => {
                            self.rooms.put_fields(std::mem::take(request.headers_mut()));
                            break answer;
                        }
                        Err(Stop::Form(unread)) => {
                            // Boxed, so that requests without a form have no room for it in their future.
                            body = Box::pin(self.read_form(*unread, client, &mut account)).await;
                            now = self.clock.now();
                            continue;
                        }
                    };
                let response = self.forward(request, admitted, task, &mut account).await;
                // What was not sent of it nobody sends any more.
                *request.body_mut() = OutBody::Empty;
                break response;
            };
            self.finish(client, version, response, account, grpc, cors)
        }
    }

    /// Ends a response on which everything else is decided.
    fn finish(
        self: &Rc<Self>,
        client: &Client,
        version: Version,
        mut response: Response<Content>,
        mut account: Account,
        grpc: Option<Box<Grpc>>,
        cors: Option<Box<Exchange>>,
    ) -> Response<ReplyBody> {
        if let Some(grpc) = grpc {
            response = grpc.word(response);
        }
        if let Some(cors) = cors {
            cors.tell(response.headers_mut());
        }
        let refusal = response.body().refusal();
        if self.settings.request_ids.told.tells(refusal) {
            account.tell_id(response.headers_mut());
        }
        // Whoever stands in front may have read another request: nothing follows this one.
        let doubtful = refusal == Some(Refusal::BadRequest);
        let last = client.is_old() || self.ending.get() >= Ending::Last;
        let last = last && response.status() != StatusCode::SWITCHING_PROTOCOLS;
        if version < Version::HTTP_2 && (doubtful || last) {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if version == Version::HTTP_2 {
            headers::keep_out_of_table(response.headers_mut());
        }
        account.answer(response.status(), refusal);
        response.map(|content| match content {
            Content::Switched(switched) => {
                client.switch(*switched, self, account);
                ReplyBody::switched()
            }
            content => ReplyBody::new(content, account),
        })
    }

    /// Route, switches, credential, decision and live list: one poll, one load of the snapshot. Where
    /// a form has to be read first it stops, and all of it comes again.
    #[expect(clippy::too_many_arguments, reason = "the request, and what is found out about it")]
    fn admit(
        self: &Rc<Self>,
        client: &Rc<Client>,
        request: &mut Request<OutBody>,
        body: Arriving,
        now: Now,
        grpc: Option<&Grpc>,
        account: &mut Account,
        cors: &mut Option<Box<Exchange>>,
    ) -> Result<Admitted, Stop> {
        let mut cache = self.snapshot.borrow_mut();
        let root = cache.load().ok_or_else(|| self.refuse(None, Refusal::NoSnapshot, now))?;
        let lost = |refusal: Refusal| self.refuse(None, refusal, now);
        if self.ending.get() == Ending::Sealed {
            return Err(lost(Refusal::Draining).into());
        }
        let nowhere = |none: NoTarget| self.nowhere(root, &none, now);

        // Route.
        let uri = std::mem::take(request.uri_mut());
        let version = request.version();
        account.noted(|note| note.path(root, uri.path()));
        if body.is_of_unknown_length() {
            headers::only_chunked(request.headers()).map_err(lost)?;
        }
        let host = host_field(request.headers()).map_err(lost)?.cloned();
        // Only a request that asks for an upgrade has extensions, and one of HTTP/2 with CONNECT.
        let stream = match request.extensions().is_empty() {
            true => None,
            false => opening_stream(request),
        };
        permit(request.method()).map_err(nowhere)?;
        client.target_fits(&uri).map_err(lost)?;
        client.fields_fit(request.headers()).map_err(lost)?;
        let mut target = Target::of(&uri, host.as_ref(), version).map_err(lost)?;
        target.take_key(&root.routes);
        account.noted(|note| note.target(&target));
        let (service, route) = self.lead(root, &target, request, now, account, cors)?;
        let refuse = |refusal: Refusal| self.refuse(Some(service), refusal, now);
        client.body_fits(&body).map_err(refuse)?;
        let timed = grpc.filter(|_| version == Version::HTTP_2);
        let deadline = timed.map_or(Ok(u64::MAX), Grpc::deadline).map_err(refuse)?;
        if body.is_unread(service, request.headers()) {
            let bounds = Bounds::of(service, client, self.destination(root, service).as_deref());
            *request.uri_mut() = uri;
            return Err(Stop::Form(Box::new(Unread { body, bounds })));
        }

        let upstream = || root.routes.upstream(service).map(Arc::as_ref);
        let wish = match stream {
            None if request.extensions().is_empty() => None,
            None => Wish::of(request, &body, upstream()),
            Some(stream) => {
                let nonce = self.request_ids.nonce();
                Some(
                    Wish::of_stream(stream, request.headers(), upstream(), nonce)
                        .map_err(refuse)?,
                )
            }
        };

        // Credential and proof.
        let places = &service.credentials;
        headers::clean_request(request.headers_mut(), version, places).map_err(refuse)?;
        let (address, source) = (account.whence().address, account.whence().source);
        let turn_away = |refused: Refused| self.turn_away(source, service, refused, now);
        let refused_key = |refusal: Refusal| turn_away(refusal.into());
        let form = body.form(service, request.headers()).map_err(refuse)?;
        let segment = target.key.as_deref();
        let brought =
            Brought { headers: request.headers_mut(), query: target.query, segment, form };
        let taken = credential::take(places, brought).map_err(refused_key)?;
        let key = switches::key(service, taken.key.as_ref()).map_err(refused_key)?;
        let form = taken.form.as_deref().or(form);
        let proof = proof::take(service, request.headers_mut(), taken.query.as_deref(), form);

        // Decide.
        let call = Call::new(key, &route, address)
            .with_proof(proof.presented())
            .with_certificate(client.fingerprint());
        let decision = self.decider.decide(root, &call, now);
        self.sample_decision(now);
        let (unkept, permit, caller) = match decision {
            Decision::Admit(mut permit, caller) => (permit.take_unkept(), permit, caller),
            Decision::Refuse(refused, record) => {
                if let Some(record) = record {
                    self.tell_of_refusal(root, record, refused.refusal, service, now);
                }
                account.noted(|note| note.refused(root, record, service));
                return Err(Stop::Answer(match key {
                    CallKey::Presented(_) => turn_away(refused),
                    // It brought none that could have failed.
                    CallKey::Keyless(_) => self.refuse_with(Some(service), &refused, now),
                }));
            }
        };

        self.tell_if_near(&permit, service, now);

        // Live list, and what the upstream will see.
        let destination = self.destination(root, service);
        let destination = destination.ok_or_else(|| refuse(Refusal::UpstreamUnreachable))?;
        let fields = request.headers_mut();
        account.tell_trace(fields);
        headers::remove(fields, &service.switches.drop_request_headers);
        let introduction = self.introduce(fields, client, account, &target, &caller, &destination);
        self.tell_shadow(fields, permit.shadow(), account);
        account.noted(|note| note.admitted(&caller));
        let body = body.framed(proof.form.or(taken.form), fields);
        wish.iter().for_each(|wish| wish.ask_in_one(fields));
        let meter = permit.meter();
        let told = Told::of(service, &permit, fields);
        let upstream_uri = target.upstream_uri(&uri, service, proof.query.as_deref());
        *request.uri_mut() = upstream_uri.unwrap_or(uri);
        *request.version_mut() = Version::HTTP_11;
        request.extensions_mut().clear();
        let live = self.enter(client, permit, &destination, now);
        live.give_up_at(deadline);
        *request.body_mut() = self.watch(client, body, &live, &destination, service, account);
        let (front, started) = (service.front, now);
        Ok(Admitted { introduction, wish, live, destination, front, told, started, meter, unkept })
    }
}
