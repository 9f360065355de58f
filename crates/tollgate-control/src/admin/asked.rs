//! A request by somebody who is known, and what every answer to one is made with.

use std::sync::Arc;

use axum::extract::Request;
use http::header::IF_MATCH;
use serde_json::{Map, Value as Json, json};

use super::Plane;
use super::ask::Ask;
use super::once::{Made, Once};
use super::v3::{Failure, Scene, Within};
use crate::operations::Context;
use crate::people::{Action, Caller};
use crate::store::{Change, Connection, Deed, NotChanged};

/// A request, and who brings it.
pub(crate) struct Asked {
    pub(crate) ask: Ask,
    pub(crate) work: Work,
}

/// What goes to the thread that does the work.
#[derive(Clone)]
pub(crate) struct Work {
    pub(crate) plane: Plane,
    pub(crate) context: Arc<Context>,
    pub(crate) caller: Arc<Caller>,
    pub(crate) within: Arc<Within>,
}

impl Work {
    /// The same in the middle of a change: with what files say now, which may be more than they said
    /// when the request came, and stays so until the change is over.
    pub(crate) fn of_change(mut self) -> Self {
        self.context = Arc::new(self.plane.context());
        self
    }

    /// Who asks what of whom.
    pub(crate) fn scene(&self) -> Scene<'_> {
        Scene {
            plane: &self.plane,
            context: &self.context,
            caller: &self.caller,
            within: &self.within,
        }
    }
}

impl Asked {
    /// Reads a request to its end, and finds out who brings it.
    ///
    /// # Errors
    /// One that cannot be read, or that nobody stands behind.
    pub(crate) async fn read(plane: Plane, request: Request) -> Result<Self, Failure> {
        let ask = Ask::read(Arc::clone(&plane), request).await?;
        let caller = Arc::new(ask.caller().await?);
        let context = Arc::new(plane.context());
        let within = Arc::new(Within(ask.parameters().to_vec()));
        Ok(Self { ask, work: Work { plane, context, caller, within } })
    }

    /// The id in the path of one object.
    pub(crate) fn id(&self) -> &str {
        self.ask.parameter("id")
    }

    /// The body, which has to be a JSON object.
    pub(crate) fn body(&self) -> Result<Map<String, Json>, Failure> {
        let body: Json = serde_json::from_slice(&self.ask.body).map_err(|error| {
            // The words of the error can hold what it found.
            let (line, column) = (error.line(), error.column());
            Failure::invalid("body", format!("line {line}, column {column}: expected JSON"))
        })?;
        let Json::Object(body) = body else {
            return Err(Failure::invalid("body", "expected a JSON object"));
        };
        Ok(body)
    }

    /// `If-Match`, if it is given.
    pub(crate) fn expected(&self) -> Result<Option<String>, Failure> {
        let Some(expected) = self.ask.headers.get(IF_MATCH) else { return Ok(None) };
        let expected = expected.to_str().map_err(|_| Failure::Changed)?;
        Ok((expected != "*").then(|| expected.to_owned()))
    }

    /// Looks at the store, on a thread that may block.
    pub(crate) async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&mut dyn Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let looked = self.work.plane.store.read(move |connection| match look(connection) {
            Err(Failure::Store(error)) => Err(error),
            looked => Ok(looked),
        });
        looked.await?
    }

    /// Changes the store, or finds what was made of the same request before. The change, or its
    /// refusal, is an entry of the audit log.
    pub(crate) async fn change(
        &self,
        deed: Deed,
        work: impl FnOnce(&mut Change<'_>, &mut Deed) -> Result<Made, Failure> + Send + 'static,
    ) -> Result<Made, Failure> {
        if let Some(trial) = &self.ask.trial {
            return trial.submit(deed, work).await;
        }
        let once = Once::read(&self.ask, &self.work.caller)?;
        let context = Arc::clone(&self.work.context);
        let work = move |change: &mut Change<'_>, deed: &mut Deed| {
            let done = match &once {
                None => work(change, deed).map(|made| (made, false)),
                Some(once) => once.perform(&context, change, deed, work),
            };
            done.map_err(|failure| match failure {
                Failure::Store(error) => NotChanged::Store(error),
                failure => NotChanged::Refused(failure),
            })
        };
        let plane = &self.work.plane;
        if let Some(wait) = &self.ask.wait {
            let ((made, repeated), revision) = plane.store.change(deed, work).await?;
            wait.note(revision.filter(|_| !repeated));
            return Ok(made);
        }
        let (made, repeated) = plane.change(deed, work).await?;
        if repeated {
            // What was committed then is enforced before it is answered again, too.
            self.work.plane.settle().await?;
        }
        Ok(made)
    }

    /// Does what a change would do and takes it back: what would come of it. The audit log says
    /// nothing of it, unless the caller may not do it.
    pub(crate) async fn would<T: Send + 'static>(
        &self,
        deed: Deed,
        work: impl FnOnce(&mut Change<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let tried = self.work.plane.store.change(deed.clone(), move |change, _| {
            change.leave_untold();
            // What would be refused is no refusal.
            Ok::<_, NotChanged<Failure>>(change.would(work))
        });
        let (would, _) = tried.await.map_err(Failure::from)?;
        match would {
            Err(Failure::Forbidden(action)) => Err(self.forbidden(deed, action).await),
            would => would,
        }
    }

    /// Writes into the audit log that the caller has seen the values of keys of these ids, which
    /// is an entry for each call (design decision 3). They are shown to nobody if it cannot be
    /// written.
    pub(crate) async fn tell_of_keys(&self, noun: &str, shown: Vec<String>) -> Result<(), Failure> {
        let [first, ..] = shown.as_slice() else { return Ok(()) };
        let id = if shown.len() == 1 { first } else { "" };
        let mut deed = self.deed(noun, "retrieve", id);
        deed.details = json!({ "ids": shown }).to_string();
        let (context, actor) = (Arc::clone(&self.work.context), deed.actor.clone());
        let told = move |change: &mut Change<'_>, _: &mut Deed| {
            context.tell_of_retrieval(change, &actor, &shown)?;
            Ok::<_, NotChanged<Failure>>(())
        };
        self.work.plane.store.change(deed, told).await?;
        Ok(())
    }

    /// Writes into the audit log that the caller may not do this.
    pub(crate) async fn forbid(&self, action: Action, noun: &str, verb: &str, id: &str) -> Failure {
        self.forbidden(self.deed(noun, verb, id), action).await
    }

    async fn forbidden(&self, deed: Deed, action: Action) -> Failure {
        if self.ask.trial.is_some() {
            return Failure::Forbidden(action);
        }
        let refused = self.work.plane.refuse(deed, Failure::Forbidden(action)).await;
        refused.err().map_or(Failure::Forbidden(action), Failure::Store)
    }

    /// What the audit log says of it.
    pub(crate) fn deed(&self, noun: &str, verb: &str, id: &str) -> Deed {
        Deed {
            actor: self.work.caller.member.clone(),
            action: format!("{noun}.{verb}"),
            kind: noun.to_owned(),
            object: id.to_owned(),
            details: "{}".to_owned(),
        }
    }
}
