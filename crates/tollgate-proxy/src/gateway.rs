//! A request's road (design §3), on one screen.

use std::convert::Infallible;
use std::rc::Rc;

use http::{Request, Response, Version};
use hyper::body::Incoming;
use tollgate_core::{Call, Decision, Now, Refusal, Refused};

use crate::account::Account;
use crate::body::{Content, ReplyBody};
use crate::connection::Client;
use crate::forward::Admitted;
use crate::respond::Told;
use crate::target::{NoTarget, Target, host_field, permit};
use crate::worker::Worker;
use crate::{credential, headers, proof};

impl Worker {
    /// The whole road. Every end of it is a response.
    pub(crate) async fn handle(
        self: Rc<Self>,
        client: Rc<Client>,
        request: Request<Incoming>,
    ) -> Result<Response<ReplyBody>, Infallible> {
        let now = self.clock.now();
        let mut account = Account::open(&self, &client, &request, now);
        let response = match self.admit(&client, request, now, &mut account) {
            Ok(admitted) => self.forward(admitted, &mut account).await,
            Err(refused) => refused,
        };
        account.answer(response.status(), response.body().refusal());
        Ok(response.map(|content| ReplyBody::new(content, account)))
    }

    /// Route, credential, decision and live list: one poll, one load of the snapshot.
    fn admit(
        self: &Rc<Self>,
        client: &Rc<Client>,
        request: Request<Incoming>,
        now: Now,
        account: &mut Account,
    ) -> Result<Admitted, Response<Content>> {
        let mut cache = self.snapshot.borrow_mut();
        let root = cache.load().ok_or_else(|| self.refuse(None, Refusal::NoSnapshot, now))?;
        let lost = |refusal: Refusal| self.refuse(None, refusal, now);
        let nowhere = |none: NoTarget| self.nowhere(root, &none, now);

        // Route.
        let (mut head, body) = request.into_parts();
        let uri = std::mem::take(&mut head.uri);
        let host = host_field(&head.headers).map_err(lost)?.cloned();
        permit(&head.method).map_err(nowhere)?;
        client.fits(&uri, &body).map_err(lost)?;
        let target = Target::of(&uri, host.as_ref(), head.version).map_err(lost)?;
        account.noted(|note| note.target(root, target.host()));
        let route = target.route(&root.routes, &head.method).map_err(nowhere)?;
        let service = root.routes.service(route.service);
        let service = service.ok_or_else(|| lost(Refusal::RouteNotFound))?;
        account.serve(service.id);
        account.noted(|note| note.route(root, service, &route, &head.headers));
        let refuse = |refusal: Refusal| self.refuse(Some(service), refusal, now);

        // Credential and proof.
        let places = &service.credentials;
        headers::clean_request(&mut head.headers, head.version, places).map_err(refuse)?;
        let turn_away = |refused: Refused| self.turn_away(client, service, refused, now);
        let taken = credential::take(places, &mut head.headers, target.query)
            .map_err(|refusal| turn_away(refusal.into()))?;
        let proof = proof::take(service, &mut head.headers, taken.query.as_deref());

        // Decide.
        let call = Call::new(taken.key.bytes(), &route).with_proof(proof.presented());
        let decision = self.decider.decide(root, &call, now);
        self.sample_decision(now);
        let (permit, caller) = match decision {
            Decision::Admit(permit, caller) => (permit, caller),
            Decision::Refuse(refused, record) => {
                account.noted(|note| note.refused(root, record, service));
                return Err(turn_away(refused));
            }
        };

        // Live list, and what the upstream will see.
        let destination = self.destination(root, service);
        let destination = destination.ok_or_else(|| refuse(Refusal::UpstreamUnreachable))?;
        self.introduce(&mut head.headers, client, &target, &caller, &destination);
        self.tell_shadow(&mut head.headers, permit.shadow(), account);
        account.noted(|note| note.admitted(&caller, &head.headers));
        head.uri = target.upstream_uri(&uri, service, proof.query.as_deref()).unwrap_or(uri);
        head.version = Version::HTTP_11;
        let told = Told::of(service, &permit, &head.headers);
        let live = self.enter(client, permit, &destination, now);
        let body = self.watch(client, body, &live, &destination, account);
        let request = Request::from_parts(head, body);
        Ok(Admitted { request, live, destination, service: service.id, told, started: now })
    }
}
