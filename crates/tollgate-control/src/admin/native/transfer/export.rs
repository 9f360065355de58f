//! Exporting package keys, in the form that imports them again.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use http::HeaderValue;
use http::header::CONTENT_TYPE;

use super::NOUN;
use super::streamed::{Broken, streamed};
use crate::admin::asked::Asked;
use crate::admin::native::answer::unkept;
use crate::admin::native::{Answered, Problem};
use crate::admin::v3::Failure;
use crate::operations::{Export, Refused, Retrieval};
use crate::people::Action;
use crate::store::{Change, Deed, NotChanged, StoreError};

/// Export all package keys.
///
/// Lines of JSON with keys and secrets in the clear, which an import reads again, written out as
/// they are read. It takes `key_retrieve` everywhere, and is an entry of the audit log. Keys that
/// may be seen only once are not among them.
#[utoipa::path(
    get,
    path = "/api/keys/export",
    tag = "keys",
    operation_id = "exportKeys",
    responses(
        (status = 200, description = "The lines.", body = String,
         content_type = "application/jsonl"),
        Problem,
    ),
)]
pub(super) async fn export(asked: Asked) -> Answered {
    let work = asked.work.clone();
    for action in [Action::KeyRead, Action::KeyRetrieve] {
        let everywhere = work.caller.sees(&work.plane.settings.permissions, action).is_none();
        if !everywhere {
            return Err(asked.forbid(action, NOUN, "export", "").await.into());
        }
    }
    if work.context.retrieval == Retrieval::Once {
        let why = "keys are shown once here, by the answer that makes them";
        return Err(Failure::Conflict(why.to_owned()).into());
    }
    // Nothing is shown that the log does not tell of.
    tell(&asked, asked.deed(NOUN, "export", "")).await?;
    let (mut pieces, lines) = streamed();
    tokio::spawn(async move {
        let context = Arc::clone(&work.context);
        let read = work.plane.store.read(move |connection| {
            let exported = context.export(connection, |line| pieces.add(&line))?;
            let refused = |refused: Refused| StoreError::Corrupt(refused.to_string());
            let Export { keys, unseen } = exported.map_err(refused)?;
            pieces.end()?;
            tracing::info!(keys, unseen, "keys were exported");
            Ok(())
        });
        if let Err(error) = read.await {
            tracing::warn!(%error, "an export broke off");
        }
    });
    let lines = lines.begun().await.map_err(|Broken| Failure::Store(StoreError::Closed))?;
    let mut response = Response::new(Body::new(lines));
    let kind = HeaderValue::from_static("application/jsonl");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    Ok(unkept(response))
}

async fn tell(asked: &Asked, deed: Deed) -> Result<(), Failure> {
    let told = |_: &mut Change<'_>, _: &mut Deed| Ok::<_, NotChanged<Failure>>(());
    asked.work.plane.store.change(deed, told).await?;
    Ok(())
}
