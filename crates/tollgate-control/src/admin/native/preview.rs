//! What a change would do to the keys that are there, before it is made.

mod call;
mod notes;
mod seen;

use std::pin::Pin;

use axum::http::{Response, StatusCode};
use http::header::AUTHORIZATION;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::call::{Call, Wanted};
use self::seen::{Page, PreviewedKey, Totals};
use super::answer::answer;
use super::input::Paging;
use super::instant::{read, show};
use super::{Answered, Problem};
use crate::admin::asked::Asked;
use crate::admin::trial::{Submitted, Trial, Tried, Waiting};
use crate::admin::v3::Failure;
use crate::admin::{Plane, callable};
use crate::preview::{self, After, Compared, Draft};
use crate::store::{Change, NotChanged, StoreError};

/// By default a key counts as used that was within so many seconds: 30 days.
const LATELY: i64 = 30 * 86_400;

pub(super) fn router() -> OpenApiRouter<Plane> {
    OpenApiRouter::new().routes(routes!(post))
}

/// Which keys count as used.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Lately {
    /// Those that were last used then or later: a date or an instant. Left out, 30 days ago.
    used_since: Option<String>,
}

/// What a change would do to the keys that are there.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Preview {
    /// How many keys would be treated otherwise.
    totals: Totals,
    /// Since when a key counts as used.
    used_since: String,
    /// A page of them, those that were used last first.
    keys: Vec<PreviewedKey>,
    /// What cannot be known beforehand, in words.
    unknown: Vec<String>,
}

type Touched = Vec<(crate::store::Kind, String)>;

/// What a change came to that was made and taken back: it was refused, by the call of this number,
/// or what was read of it, and what it has touched.
type Tries = Result<(After, Touched), (usize, Failure)>;

type Answering = Pin<Box<dyn Future<Output = Response<axum::body::Body>> + Send>>;

/// Preview a change: who would be refused.
///
/// The call is made as the caller would make it, and taken back: no revision, no event, nothing is
/// kept but an entry in the audit log that says that it was tried. What it would have made is
/// compiled as it would be published and held against what is enforced now, with what the proxy of
/// this process has counted. A call that would be refused is answered as it would be.
#[utoipa::path(
    post, path = "/api/preview", tag = "preview", operation_id = "previewChange",
    params(Lately, Paging),
    request_body = Wanted,
    responses(
        (status = 200, description = "What would be treated otherwise.", body = Preview),
        Problem,
    ),
)]
async fn post(asked: Asked) -> Answered {
    let (wanted, page) = (asked.input::<Wanted>()?, asked.page()?);
    let Lately { used_since } = asked.query()?;
    let calls = wanted.calls()?;
    let now = asked.work.plane.now().div_euclid(1000);
    let since = match used_since {
        None => now - LATELY,
        Some(text) => read("usedSince", &text)?.0.div_euclid(1000),
    };
    // What is compared is what is committed, so that has to be what is enforced.
    asked.work.plane.settle().await.map_err(Failure::from)?;
    let (mut tried, mut waiting) = (Vec::new(), Vec::new());
    for (number, call) in calls.iter().enumerate() {
        match begin(&asked, call).await? {
            Begun::Ended(response) if response.status() < StatusCode::BAD_REQUEST => {
                let expected = "expected a call that changes something";
                return Err(Failure::invalid(&format!("changes[{number}]"), expected).into());
            }
            Begun::Ended(response) => return Ok(response),
            Begun::Submitted(answering, submitted) => {
                let (work, answer) = submitted.apart();
                tried.push(work);
                waiting.push((answering, answer));
            }
        }
    }
    let (after, touched) = match make(&asked, &calls, tried).await? {
        Ok(made) => made,
        Err((number, failure)) => return Ok(refused(waiting, number, failure).await?),
    };
    let files = asked.work.plane.context().files;
    let draft =
        asked.look(move |connection| Ok(after.with_rest(&files, connection, &touched)?)).await?;
    let keys = compare(&asked, draft).await?;
    let unknown = notes::of(&keys);
    let (work, page) = (asked.work.clone(), Page { since, page });
    let looked = asked.look(move |connection| seen::of(work.scene(), connection, keys, page));
    let (totals, keys) = looked.await?;
    Ok(answer(&Preview { totals, used_since: show(since), keys, unknown })?)
}

/// How a call begins.
enum Begun {
    /// It was answered without a change.
    Ended(Response<axum::body::Body>),
    /// It waits for what comes of its change.
    Submitted(Answering, Submitted),
}

/// Makes a call, up to its change.
async fn begin(asked: &Asked, call: &Call) -> Result<Begun, Failure> {
    let (trial, mut submitted) = Trial::new();
    let authorization = asked.ask.headers.get(AUTHORIZATION).cloned();
    let request = call.request(authorization, trial)?;
    let router = callable().with_state(asked.work.plane.clone());
    let answering = TowerToHyperService::new(router).call(request);
    let mut answering: Answering = Box::pin(async move {
        match answering.await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    });
    Ok(tokio::select! {
        biased;
        Some(submitted) = submitted.recv() => Begun::Submitted(answering, submitted),
        response = &mut answering => Begun::Ended(response),
    })
}

/// Makes all changes in one transaction, reads what came of them, and takes them back.
async fn make(asked: &Asked, calls: &[Call], tried: Vec<Tried>) -> Result<Tries, Failure> {
    let mut deed = asked.deed("preview", "make", "");
    let named = calls.iter().map(|call| json!({ "method": call.method(), "path": call.path() }));
    deed.details = json!({ "changes": named.collect::<Vec<_>>() }).to_string();
    let plane = asked.work.plane.clone();
    let made = asked.work.plane.store.change(deed, move |change, _| {
        let files = plane.context().files;
        Ok::<_, NotChanged<Failure>>(change.would(|change| all(&files, change, tried))?)
    });
    Ok(made.await?.0)
}

fn all(
    files: &crate::model::Objects,
    change: &mut Change<'_>,
    tried: Vec<Tried>,
) -> Result<Tries, StoreError> {
    for (number, tried) in tried.into_iter().enumerate() {
        match tried.make(change) {
            Ok(_) => {}
            Err(Failure::Store(error)) => return Err(error),
            Err(failure) => return Ok(Err((number, failure))),
        }
    }
    let mut touched = change.touched().to_vec();
    touched.sort();
    touched.dedup();
    Ok(Ok((After::read(files, change.connection(), &touched)?, touched)))
}

/// The refusal of a call, as the call itself words it.
async fn refused(
    waiting: Vec<(Answering, Waiting)>,
    number: usize,
    failure: Failure,
) -> Result<Response<axum::body::Body>, Failure> {
    let gone = || Failure::Store(StoreError::Closed);
    let (answering, waits) = waiting.into_iter().nth(number).ok_or_else(gone)?;
    waits.refuse(failure);
    Ok(answering.await)
}

/// Compares on a thread that may take its time.
async fn compare(asked: &Asked, draft: Draft) -> Result<Vec<Compared>, Failure> {
    let plane = asked.work.plane.clone();
    let compared = tokio::task::spawn_blocking(move || {
        let Some(present) = plane.reader.current() else { return Some(Vec::new()) };
        let given = plane.given.borrow().clone();
        preview::compare(&draft, &given, &present, &plane.decider(), plane.clock.now())
    });
    let compared = compared.await.map_err(|_| Failure::Store(StoreError::Closed))?;
    compared.ok_or_else(|| Failure::Conflict("it could not be published".to_owned()))
}
