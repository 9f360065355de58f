//! The details of a key set (S4-7, S4-9, S4-11).

use serde::Serialize;
use utoipa::ToSchema;

use super::acting::Act;
use super::keys::{self, Key};
use super::seen::{KeySet, Names, Reference};
use super::{NOUN, etag, existing};
use crate::admin::asked::Asked;
use crate::admin::native::answer::versioned;
use crate::admin::native::catalogue::address;
use crate::admin::native::input::Named;
use crate::admin::native::instant::{show, show_ms};
use crate::admin::native::{Answered, Problem};
use crate::admin::v3::{Failure, Scene, permit};
use crate::life_cycle;
use crate::people::Action;
use crate::store::{Connection, StoredChain, Subscription};

/// A key set with all that is known of it, but for the values of its keys.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct KeySetDetails {
    #[serde(flatten)]
    key_set: KeySet,
    policy: Policy,
    /// Its keys, LATEST first.
    keys: Vec<Key>,
    /// The APIs that may be called with it.
    authorized_apis: Vec<AuthorizedApi>,
    /// What it was subscribed to, the oldest first, with what was cancelled.
    subscriptions: Vec<SubscriptionSeen>,
    /// Its application is suspended: it comes back with that.
    application_suspended: bool,
    /// Why the last activation or suspension failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<LastError>,
    /// What the caller may do with it now.
    actions: Vec<Act>,
}

/// How a key set lives.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Policy {
    /// The id of the policy template that it came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    template: Option<String>,
    /// A new key replaces the old one after so many months.
    #[serde(skip_serializing_if = "Option::is_none")]
    rotation_months: Option<u16>,
    /// So many seconds before that date.
    #[serde(skip_serializing_if = "Option::is_none")]
    rotation_lead_seconds: Option<u32>,
    /// A key dies after so many months.
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration_months: Option<u16>,
    /// Whether a new key may be asked for.
    manual_regeneration: bool,
    /// For how many seconds the old key works beside the new one.
    overlap_seconds: u32,
}

/// An API that may be called.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct AuthorizedApi {
    service: Reference,
    /// The address of the API in the catalogue, which stays.
    catalogue: String,
}

/// A subscription of a key set to an API.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Subscription)]
pub(crate) struct SubscriptionSeen {
    pub(crate) id: String,
    pub(crate) key_set: String,
    pub(crate) service: String,
    pub(crate) package: String,
    pub(crate) plan: String,
    #[schema(format = DateTime)]
    pub(crate) created: String,
    /// When it was cancelled; the API cannot be called by it since.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub(crate) cancelled: Option<String>,
}

/// Why something could not be done.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct LastError {
    #[schema(format = DateTime)]
    at: String,
    reason: String,
}

/// Look at a key set.
#[utoipa::path(
    get,
    path = "/api/key-sets/{id}",
    tag = "key sets",
    operation_id = "getKeySet",
    params(Named),
    responses(
        (status = 200, description = "It.", body = KeySetDetails,
         headers(("ETag" = String, description = "Tells it from itself changed."))),
        Problem,
    ),
)]
pub(super) async fn get(asked: Asked) -> Answered {
    let (work, id) = (asked.work.clone(), asked.id().to_owned());
    let looked = asked.look(move |connection| {
        let chain = existing(connection, &id)?;
        permit(work.scene(), Action::KeyRead, &chain.realm)?;
        Ok((KeySetDetails::of(work.scene(), connection, &chain)?, etag(&chain)))
    });
    match looked.await {
        Ok((details, etag)) => Ok(versioned(&details, &etag)?),
        Err(Failure::Forbidden(action)) => {
            Err(asked.forbid(action, NOUN, "read", asked.id()).await.into())
        }
        Err(failure) => Err(failure.into()),
    }
}

impl KeySetDetails {
    /// What a chain looks like.
    pub(crate) fn of(
        scene: Scene<'_>,
        connection: &mut dyn Connection,
        chain: &StoredChain,
    ) -> Result<Self, Failure> {
        let subscriptions = Subscription::of_chain(connection, &chain.id)?;
        Ok(Self {
            key_set: KeySet::of(scene, connection, &mut Names::default(), chain)?,
            policy: Policy::of(chain),
            keys: keys::of_chain(chain),
            authorized_apis: authorized(scene, connection, chain, &subscriptions)?,
            subscriptions: subscriptions.into_iter().map(SubscriptionSeen::from).collect(),
            application_suspended: chain.life.application_suspended,
            last_error: chain.life.last_error.clone().map(LastError::from),
            actions: Act::open_to(scene, chain),
        })
    }
}

/// The APIs of subscriptions that hold, as far as they are called in the way of the key set.
fn authorized(
    scene: Scene<'_>,
    connection: &mut dyn Connection,
    chain: &StoredChain,
    subscriptions: &[Subscription],
) -> Result<Vec<AuthorizedApi>, Failure> {
    let mut apis: Vec<AuthorizedApi> = Vec::new();
    for subscription in subscriptions.iter().filter(|each| each.cancelled.is_none()) {
        let id = &subscription.service;
        if apis.iter().any(|api| api.service.id == *id) {
            continue;
        }
        let Some(service) = scene.directory().service(connection, id)? else { continue };
        if service.auth_types.iter().any(|each| each.as_str() == chain.auth_type) {
            let service = Reference { id: service.id, name: service.name };
            apis.push(AuthorizedApi { service, catalogue: address(id) });
        }
    }
    Ok(apis)
}

impl Policy {
    fn of(chain: &StoredChain) -> Self {
        let policy = chain.life.policy.unwrap_or_default();
        Self {
            template: chain.template.clone(),
            rotation_months: policy.rotation.map(|rotation| rotation.after().get()),
            rotation_lead_seconds: policy.rotation.map(life_cycle::RotationPolicy::lead),
            expiration_months: policy.expiration.map(life_cycle::Months::get),
            manual_regeneration: policy.manual_regeneration,
            overlap_seconds: policy.overlap,
        }
    }
}

impl From<Subscription> for SubscriptionSeen {
    fn from(subscription: Subscription) -> Self {
        let Subscription { id, chain, service, package, plan, created, cancelled } = subscription;
        let (created, cancelled) = (show_ms(created), cancelled.map(show_ms));
        Self { id, key_set: chain, service, package, plan, created, cancelled }
    }
}

impl From<life_cycle::Failure> for LastError {
    fn from(failure: life_cycle::Failure) -> Self {
        Self { at: show(failure.at), reason: failure.reason }
    }
}
