//! Importing keys of other gateways: all of a document, or nothing of it.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http_body_util::BodyExt as _;
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use super::NOUN;
use super::imported::Imported;
use super::parameters::Parameters;
use crate::admin::Plane;
use crate::admin::asked::Asked;
use crate::admin::native::answer::{answer, done};
use crate::admin::native::{Answered, Problem};
use crate::admin::once::Made;
use crate::admin::v3::{Failure, Violation};
use crate::migration::{self, Format, Reading};
use crate::operations::{Destination, ImportAhead, ImportDraft, NotImported};
use crate::people::{Action, Realm};
use crate::store::{NotChanged, StoreError};

/// Where documents are sent to.
pub(super) const PATH: &str = "/api/keys/import";

/// A document, and where its keys go.
struct Sent {
    document: Arc<Zeroizing<Vec<u8>>>,
    format: Format,
    destination: Destination,
}

/// A document is held in memory, and one set of rows is written ahead, so they are taken one after the
/// other.
pub(super) static TURN: Semaphore = Semaphore::const_new(1);

/// How often an import is worked out, while others change what it needs.
const TRIES: usize = 4;

/// How long nothing may come of a document before it is given up.
const STALLED: Duration = Duration::from_secs(30);

/// Import keys of another gateway.
///
/// The body is the document as that gateway gives it. All of its keys come, or none; those that
/// cannot be imported are named each with its place, which repeats nothing of it.
#[utoipa::path(
    post,
    path = "/api/keys/import",
    tag = "keys",
    operation_id = "importKeys",
    params(Parameters),
    request_body(content_type = "application/octet-stream", description = "The document."),
    responses((status = 200, description = "What was imported.", body = Imported), Problem),
)]
pub(super) async fn import(State(plane): State<Plane>, request: Request) -> Answered {
    let (head, body) = request.into_parts();
    let announced = head.headers.get(CONTENT_LENGTH).cloned();
    // Before anything of the document is read, it is known that somebody may send it.
    let mut asked =
        Asked::read(Arc::clone(&plane), Request::from_parts(head, Body::empty())).await?;
    for action in [Action::KeyWrite, Action::MemberWrite, Action::ApplicationWrite] {
        let permissions = &plane.settings.permissions;
        // What it makes may belong to anybody, so it takes the role everywhere.
        if !asked.work.caller.may(permissions, action, &Realm::default()) {
            return Err(asked.forbid(action, NOUN, "import", "").await.into());
        }
    }
    let Parameters { format, dry_run, destination } = asked.query()?;
    let destination = destination.as_deref().map(read_destination).transpose()?;
    let destination = destination.unwrap_or_default();
    let announced = announced.and_then(|length| length.to_str().ok()?.parse().ok());
    let _turn = TURN.acquire().await;
    let document = read(body, announced, plane.settings.import_body_limit).await?;
    let document = Arc::new(document);
    let (format, digest, reading) = blocking({
        let document = Arc::clone(&document);
        move || {
            let format = known(&document, format)?;
            let digest = Bytes::copy_from_slice(&Sha256::digest(&**document));
            Ok((format, digest, parse(&document, format)?))
        }
    })
    .await?;
    // By which the same request is known again.
    asked.ask.body = digest;
    let sent = Sent { document, format, destination };
    Ok(match dry_run {
        true => answer(&preview(&asked, sent, reading).await?)?,
        false => done(&carry_out(&asked, sent, reading).await?)?,
    })
}

fn read_destination(text: &str) -> Result<Destination, Failure> {
    serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let expected = "expected JSON with groups, plan, owner and application";
        Failure::invalid("destination", format!("line {line}, column {column}: {expected}"))
    })
}

/// Reads a document of `most` bytes at most.
async fn read(
    mut body: Body,
    announced: Option<u64>,
    most: u64,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    if announced.is_some_and(|length| length > most) {
        return Err(Failure::TooLarge);
    }
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let length = announced.and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
    let mut document = Zeroizing::new(Vec::with_capacity(length));
    loop {
        let frame = tokio::time::timeout(STALLED, body.frame()).await;
        let Some(frame) = frame.map_err(|_| Failure::Broken)? else { return Ok(document) };
        let frame = frame.map_err(|_| Failure::Broken)?;
        if let Some(piece) = frame.data_ref() {
            if document.len().saturating_add(piece.len()) > most {
                return Err(Failure::TooLarge);
            }
            document.extend_from_slice(piece);
        }
    }
}

/// Whose document it is.
fn known(document: &[u8], format: Option<Format>) -> Result<Format, Failure> {
    format.or_else(|| Format::detect(document)).ok_or_else(|| {
        let names: Vec<_> = Format::ALL.iter().map(|format| format.as_str()).collect();
        let expected = format!("cannot be told, expected one of {}", names.join(", "));
        Failure::invalid("format", expected)
    })
}

/// Reads keys out of a document.
fn parse(document: &[u8], format: Format) -> Result<Reading, Failure> {
    format.read(document).map_err(|malformed: migration::Malformed| {
        Failure::invalid("document", format!("{malformed} (as {})", format.as_str()))
    })
}

/// Does something on a thread that may take its time.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or(Err(Failure::Store(StoreError::Closed)))
}

/// What would be imported by what is committed now. Nobody has to wait for it.
async fn draft(asked: &Asked, sent: &Sent, reading: Reading) -> Result<ImportDraft, Failure> {
    let plane = &asked.work.plane;
    let (context, now, destination) = (plane.context(), plane.now(), sent.destination.clone());
    let drafted = asked.look(move |connection| {
        context.draft_import(connection, reading, &destination, now).map_err(refused)
    });
    drafted.await
}

async fn preview(asked: &Asked, sent: Sent, reading: Reading) -> Result<Imported, Failure> {
    let draft = draft(asked, &sent, reading).await?;
    Ok(Imported::of(sent.format, true, draft.imported().clone()))
}

/// Works the import out and carries it out, anew if others have changed what it needs in between.
async fn carry_out(asked: &Asked, sent: Sent, reading: Reading) -> Result<Made, Failure> {
    let mut reading = Some(reading);
    for tries_left in (0..TRIES).rev() {
        let reading = match reading.take() {
            Some(reading) => reading,
            None => {
                let (document, format) = (Arc::clone(&sent.document), sent.format);
                blocking(move || parse(&document, format)).await?
            }
        };
        let drafted = match draft(asked, &sent, reading).await {
            Ok(draft) => {
                tracing::info!(keys = draft.imported().keys, "an import was drafted");
                let plane = Arc::clone(&asked.work.plane);
                let written = draft.write_ahead(&plane.store, {
                    let plane = Arc::clone(&plane);
                    move || plane.context()
                });
                written.await.map(Arc::new).map_err(refused)
            }
            Err(refused) => Err(refused),
        };
        let written = drafted.as_ref().ok().cloned();
        let done = reveal(asked, sent.format, drafted, tries_left == 0).await;
        if let Some(written) = written {
            // Also where the same request was answered before.
            written.end(&asked.work.plane.store).await?;
        }
        match done {
            Err(Failure::Overtaken) if tries_left > 0 => {
                tracing::info!(tries_left, "an import is drafted anew: what it needs was changed");
            }
            done => return done,
        }
    }
    Err(Failure::Overtaken)
}

/// Reveals what was written, or refuses what was refused: what is asked for twice is answered as it
/// was, whatever was made of it now.
async fn reveal(
    asked: &Asked,
    format: Format,
    written: Result<Arc<ImportAhead>, Failure>,
    last: bool,
) -> Result<Made, Failure> {
    let plane = Arc::clone(&asked.work.plane);
    let mut deed = asked.deed(NOUN, "import", "");
    deed.details = json!({ "format": format.as_str() }).to_string();
    let changed = asked.change(deed, move |change, deed| {
        // With what files say now, which stays so until the change is over.
        let imported = plane.context().import(change, &*written?).map_err(refused);
        if !last && matches!(imported, Err(Failure::Overtaken)) {
            change.leave_untold();
        }
        let imported = imported?;
        deed.details = json!({
            "format": format.as_str(),
            "keys": imported.keys,
            "members": imported.members,
            "applications": imported.applications,
        })
        .to_string();
        Made::new(&Imported::of(format, false, imported), None)
    });
    changed.await
}

/// Why nothing was imported: each row with its place and field for a property.
fn refused(not: NotChanged<NotImported>) -> Failure {
    match not {
        NotChanged::Store(error) => Failure::Store(error),
        NotChanged::Refused(NotImported::Refused(refused)) => {
            Failure::of_operation(NotChanged::Refused(refused))
        }
        NotChanged::Refused(NotImported::Overtaken) => Failure::Overtaken,
        NotChanged::Refused(underway @ NotImported::Underway) => {
            Failure::Conflict(underway.to_string())
        }
        NotChanged::Refused(NotImported::Rows(problems, _)) => {
            let violation = |problem: migration::Problem| {
                let migration::Problem { place, field, message } = problem;
                let property =
                    if field.is_empty() { place.to_string() } else { format!("{place}: {field}") };
                Violation::new(property, message)
            };
            Failure::Invalid(problems.into_iter().map(violation).collect())
        }
    }
}
