//! What a service asks of a call before its key is looked at: that what it calls is open and knows
//! its HTTP method, and that it comes from a page that may call.

mod cors;
mod referer;

use http::{HeaderMap, Method, Request, Response, StatusCode};
use tollgate_core::{CallKey, EndpointId, Now, Refusal, Refused, Root, Route, Service};

use crate::account::Account;
use crate::body::Content;
use crate::credential::Credential;
use crate::target::{NoTarget, Target};
use crate::worker::Worker;

pub(crate) use cors::Exchange;

/// Where a request leads, as far as it leads anywhere.
pub(crate) struct Lead<'r> {
    /// What is called of which service, also where its HTTP method is not known there.
    called: Option<(&'r Service, EndpointId)>,
    route: Result<Route, NoTarget>,
    /// It is a preflight, which its service answers.
    preflight: bool,
}

/// Where a request goes from there.
pub(crate) enum Onward<'r> {
    /// To its key.
    Key(&'r Service, Route),
    /// No further: it is a preflight, which is answered.
    Preflight,
    /// No further, as its service says.
    Refused(&'r Service, Refused),
    /// Nowhere.
    Nowhere(NoTarget),
}

impl<'r> Lead<'r> {
    /// A preflight leads to what it asks for; where nobody here answers it, it is a call.
    pub(crate) fn find<B>(root: &'r Root, target: &Target<'_>, request: &Request<B>) -> Self {
        let asked = cors::asked(request).map(|method| Self::of(root, target, &method));
        match asked.filter(Self::has_cors) {
            Some(lead) => Self { preflight: true, ..lead },
            None => Self::of(root, target, request.method()),
        }
    }

    fn of(root: &'r Root, target: &Target<'_>, method: &Method) -> Self {
        let route = target.route(&root.routes, method);
        let called = match &route {
            Ok(route) => Some((route.front, route.endpoint)),
            Err(none) => none.called,
        };
        let called =
            called.and_then(|(front, endpoint)| Some((root.routes.service(front)?, endpoint)));
        Self { called, route, preflight: false }
    }

    fn has_cors(&self) -> bool {
        self.called.is_some_and(|(service, _)| service.switches.cors.is_some())
    }

    /// How far its service lets it go.
    pub(crate) fn onward(self, fields: &HeaderMap, now: Now) -> Onward<'r> {
        let Some((service, endpoint)) = self.called else {
            let none = self.route.err().unwrap_or_else(|| Refusal::RouteNotFound.into());
            return Onward::Nowhere(none);
        };
        let closed = service.switches.maintenance(endpoint, now.unix());
        match (self.route, closed) {
            // A page has to get through to what it asks about to learn that it is closed.
            (Ok(_), _) if self.preflight => Onward::Preflight,
            (_, Some(maintenance)) if !self.preflight => {
                let retry_after = maintenance.retry_after(now.unix());
                Onward::Refused(service, Refused { retry_after, ..Refusal::Maintenance.into() })
            }
            (Err(none), _) => Onward::Nowhere(none),
            (Ok(_), _) if !referer::allowed(&service.switches.allowed_referers, fields) => {
                Onward::Refused(service, Refusal::RefererNotAllowed.into())
            }
            (Ok(route), _) => Onward::Key(service, route),
        }
    }
}

impl Worker {
    /// What a request calls, if its service lets it get as far as its key. `cors` is what the
    /// response will say to the page that calls, whatever the response is.
    ///
    /// # Errors
    /// The answer: a refusal, or that to a preflight.
    pub(crate) fn lead<'r, B>(
        &self,
        root: &'r Root,
        target: &Target<'_>,
        request: &Request<B>,
        now: Now,
        account: &mut Account,
        cors: &mut Option<Box<Exchange>>,
    ) -> Result<(&'r Service, Route), Response<Content>> {
        let lead = Lead::find(root, target, request);
        if let Some((service, _)) = lead.called {
            if let Ok(route) = &lead.route {
                account.serve(service.id);
                account.noted(|note| note.route(root, service, route));
            }
            account.take_id(service, request.headers());
            if let Some(policy) = &service.switches.cors {
                let mut arena = self.arena.borrow_mut();
                let exchange = Exchange::of(policy, request.headers(), lead.preflight, &mut arena);
                *cors = Some(Box::new(exchange));
            }
            account.suits(service).map_err(|refusal| self.refuse(Some(service), refusal, now))?;
        }
        match lead.onward(request.headers(), now) {
            Onward::Key(service, route) => Ok((service, route)),
            Onward::Preflight => Err(no_content()),
            Onward::Refused(service, refused) => {
                Err(self.refuse_with(Some(service), &refused, now))
            }
            Onward::Nowhere(none) => Err(self.nowhere(root, &none, now)),
        }
    }
}

fn no_content() -> Response<Content> {
    let mut response = Response::new(Content::full(bytes::Bytes::new()));
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// The key that a call is decided with: the one that it brought, or the one that calls without any
/// are charged to. What cannot be a key of the service is no call without one.
///
/// # Errors
/// [`Refusal::KeyMissing`] and [`Refusal::KeyMalformed`].
pub(crate) fn key<'a>(
    service: &'a Service,
    brought: Option<&'a Credential>,
) -> Result<CallKey<'a>, Refusal> {
    match brought.map(Credential::bytes) {
        Some(key) if service.switches.fits(key) => Ok(CallKey::Presented(key)),
        Some(_) => Err(Refusal::KeyMalformed),
        None => {
            let keyless = service.switches.keyless.as_ref();
            keyless.map(CallKey::Keyless).ok_or(Refusal::KeyMissing)
        }
    }
}
