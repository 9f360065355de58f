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
use crate::operations::{Destination, Import, NotImported};
use crate::people::{Action, Realm};
use crate::store::{NotChanged, StoreError};

/// Where documents are sent to.
pub(super) const PATH: &str = "/api/keys/import";

/// What stands in a document.
struct Parsed {
    format: Format,
    reading: Reading,
    /// SHA-256 of all of it.
    digest: Bytes,
}

/// A document is held in memory, so they are taken one after the other.
static TURN: Semaphore = Semaphore::const_new(1);

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
    let Parsed { format, reading, digest } = parse(document, format).await?;
    // By which the same request is known again.
    asked.ask.body = digest;
    Ok(match dry_run {
        true => answer(&preview(&asked, format, reading, destination).await?)?,
        false => done(&carry_out(&asked, format, reading, destination).await?)?,
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

/// Reads keys out of a document, on a thread that may take its time.
async fn parse(document: Zeroizing<Vec<u8>>, format: Option<Format>) -> Result<Parsed, Failure> {
    let parsed = tokio::task::spawn_blocking(move || {
        let format = format.or_else(|| Format::detect(&document)).ok_or_else(|| {
            let names: Vec<_> = Format::ALL.iter().map(|format| format.as_str()).collect();
            let expected = format!("cannot be told, expected one of {}", names.join(", "));
            Failure::invalid("format", expected)
        })?;
        let reading = format.read(&document);
        let malformed = |malformed: migration::Malformed| {
            let expected = format!("{malformed} (as {})", format.as_str());
            Failure::invalid("document", expected)
        };
        let digest = Bytes::copy_from_slice(&Sha256::digest(&*document));
        Ok(Parsed { format, reading: reading.map_err(malformed)?, digest })
    });
    parsed.await.unwrap_or(Err(Failure::Store(StoreError::Closed)))
}

/// What would be imported. Nobody has to wait for it.
async fn preview(
    asked: &Asked,
    format: Format,
    reading: Reading,
    destination: Destination,
) -> Result<Imported, Failure> {
    let (work, now) = (asked.work.clone(), asked.work.plane.now());
    let looked = asked.look(move |connection| {
        let imported = work.context.preview_import(connection, reading, &destination, now);
        Ok(Imported::of(format, true, imported.map_err(refused)?))
    });
    looked.await
}

async fn carry_out(
    asked: &Asked,
    format: Format,
    reading: Reading,
    destination: Destination,
) -> Result<Made, Failure> {
    let context = Arc::clone(&asked.work.context);
    let mut deed = asked.deed(NOUN, "import", "");
    deed.details = json!({ "format": format.as_str() }).to_string();
    let changed = asked.change(deed, move |change, deed| {
        let import = Import { reading, destination, dry_run: false };
        let imported = context.import(change, import).map_err(refused)?;
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
