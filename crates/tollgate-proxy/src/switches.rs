//! What a service asks of a call before its key is looked at: that what it calls is open and knows
//! its HTTP method, and that it comes from a page that may call.

mod cors;
mod referer;

use http::request::Parts;
use http::{Method, Response, StatusCode};
use tollgate_core::{CallKey, EndpointId, Now, Refusal, Refused, Root, Route, Service};

use crate::account::Account;
use crate::body::Content;
use crate::credential::Credential;
use crate::target::{NoTarget, Target};
use crate::worker::Worker;

pub(crate) use cors::Exchange;

/// Where a request leads, as far as it leads anywhere.
struct Lead<'r> {
    /// What is called of which service, also where its HTTP method is not known there.
    called: Option<(&'r Service, EndpointId)>,
    route: Result<Route, NoTarget>,
}

impl<'r> Lead<'r> {
    fn of(root: &'r Root, target: &Target<'_>, method: &Method) -> Self {
        let route = target.route(&root.routes, method);
        let called = match &route {
            Ok(route) => Some((route.service, route.endpoint)),
            Err(none) => none.called,
        };
        let called =
            called.and_then(|(service, endpoint)| Some((root.routes.service(service)?, endpoint)));
        Self { called, route }
    }

    fn has_cors(&self) -> bool {
        self.called.is_some_and(|(service, _)| service.switches.cors.is_some())
    }
}

impl Worker {
    /// What a request calls, if its service lets it get as far as its key. `cors` is what the
    /// response will say to the page that calls, whatever the response is.
    ///
    /// # Errors
    /// The answer: a refusal, or that to a preflight.
    pub(crate) fn lead<'r>(
        &self,
        root: &'r Root,
        target: &Target<'_>,
        head: &Parts,
        now: Now,
        account: &mut Account,
        cors: &mut Option<Box<Exchange>>,
    ) -> Result<(&'r Service, Route), Response<Content>> {
        // A preflight leads to what it asks for; where nobody here answers it, it is a call.
        let asked = cors::asked(head);
        let mut lead = Lead::of(root, target, asked.as_ref().unwrap_or(&head.method));
        let preflight = asked.is_some() && lead.has_cors();
        if asked.is_some() && !preflight {
            lead = Lead::of(root, target, &head.method);
        }
        let Some((service, endpoint)) = lead.called else {
            let none = lead.route.err().unwrap_or_else(|| Refusal::RouteNotFound.into());
            return Err(self.nowhere(root, &none, now));
        };
        if let Ok(route) = &lead.route {
            account.serve(service.id);
            account.noted(|note| note.route(root, service, route, &head.headers));
        }
        if let Some(policy) = &service.switches.cors {
            let mut arena = self.arena.borrow_mut();
            let exchange = Exchange::of(policy, &head.headers, preflight, &mut arena);
            *cors = Some(Box::new(exchange));
        }
        account.suits(service).map_err(|refusal| self.refuse(Some(service), refusal, now))?;
        let closed = service.switches.maintenance(endpoint);
        match (lead.route, closed) {
            // A page has to get through to what it asks about to learn that it is closed.
            (Ok(_), _) if preflight => Err(no_content()),
            (_, Some(maintenance)) if !preflight => {
                let retry_after = maintenance.retry_after.map(Into::into);
                let refused = Refused { retry_after, ..Refusal::Maintenance.into() };
                Err(self.refuse_with(Some(service), &refused, now))
            }
            (Err(none), _) => Err(self.nowhere(root, &none, now)),
            (Ok(_), _) if !referer::allowed(&service.switches.allowed_referers, &head.headers) => {
                Err(self.refuse(Some(service), Refusal::RefererNotAllowed, now))
            }
            (Ok(route), _) => Ok((service, route)),
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
