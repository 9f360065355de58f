//! The values of a key set's keys (S4-8).

use serde::Serialize;
use utoipa::ToSchema;

use super::filters::Status;
use super::{NOUN, existing};
use crate::admin::asked::Asked;
use crate::admin::native::answer::{answer, unkept};
use crate::admin::native::input::Named;
use crate::admin::native::{Answered, Problem};
use crate::admin::v3::{Failure, permit};
use crate::operations::{Context, Issued};
use crate::people::Action;
use crate::store::StoredChain;

/// A key with its value.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Credentials {
    /// The id of the key.
    key: String,
    /// It is the most recently generated one.
    latest: bool,
    status: Status,
    /// What calls are made with. Absent where it may not be seen again.
    #[serde(skip_serializing_if = "Option::is_none")]
    apikey: Option<String>,
    /// What calls are proved with, where the authentication type has a secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

/// Retrieve credentials.
///
/// The keys that are not over, LATEST first; also while the key set is suspended. Where keys are
/// shown once only, by the answer that made them, their values are absent. Each call is an entry of
/// the audit log.
#[utoipa::path(
    get,
    path = "/api/key-sets/{id}/credentials",
    tag = "key sets",
    operation_id = "retrieveCredentials",
    params(Named),
    responses((status = 200, description = "They.", body = [Credentials]), Problem),
)]
pub(super) async fn get(asked: Asked) -> Answered {
    let (work, id) = (asked.work.clone(), asked.id().to_owned());
    let looked = asked.look(move |connection| {
        let chain = existing(connection, &id)?;
        permit(work.scene(), Action::KeyRead, &chain.realm)?;
        permit(work.scene(), Action::KeyRetrieve, &chain.realm)?;
        Credentials::kept(&work.context, &chain)
    });
    match looked.await {
        Ok(all) => {
            let shown = all.iter().filter(|one| one.apikey.is_some() || one.secret.is_some());
            asked.tell_of_keys(NOUN, shown.map(|one| one.key.clone()).collect()).await?;
            Ok(unkept(answer(&all)?))
        }
        Err(Failure::Forbidden(action)) => {
            Err(asked.forbid(action, NOUN, "retrieve", asked.id()).await.into())
        }
        Err(failure) => Err(failure.into()),
    }
}

impl Credentials {
    /// Those of a chain that may be seen again.
    fn kept(context: &Context, chain: &StoredChain) -> Result<Vec<Self>, Failure> {
        let mut all = Vec::new();
        for key in chain.life.keys().filter(|key| !key.state.is_over()) {
            let Some(credential) = chain.credential(key.number) else { continue };
            let (apikey, secret) =
                (context.open_key(credential)?, context.open_secret(credential)?);
            all.push(Self {
                key: credential.id.clone(),
                latest: key.number == chain.life.latest.number,
                status: key.state.into(),
                apikey: apikey.map(|apikey| apikey.reveal().to_owned()),
                secret: secret.map(|secret| secret.reveal().to_owned()),
            });
        }
        all.reverse();
        Ok(all)
    }

    /// Those that were just made for a chain.
    pub(crate) fn issued(chain: &StoredChain, issued: &Issued) -> Self {
        let key = chain.life.keys().find(|key| key.number == issued.number);
        let state = key.map_or(chain.life.state(), |key| key.state);
        Self {
            key: chain.key_id(issued.number).unwrap_or_default().to_owned(),
            latest: issued.number == chain.life.latest.number,
            status: state.into(),
            apikey: Some(issued.apikey.reveal().to_owned()),
            secret: issued.secret.as_ref().map(|secret| secret.reveal().to_owned()),
        }
    }
}
