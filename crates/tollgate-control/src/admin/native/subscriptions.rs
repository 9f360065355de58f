//! Subscriptions: which APIs key sets may call (S4-3 to S4-6, S4-11).

use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{answer, done};
use super::input::Named;
use super::key_sets::{Credentials, KeySetDetails, SubscriptionSeen};
use super::{Answered, Problem};
use crate::admin::Plane;
use crate::admin::asked::Asked;
use crate::admin::once::Made;
use crate::admin::v3::{Failure, permit};
use crate::operations::{Subscribe, Subscribed};
use crate::people::Action;
use crate::store::{Connection, StoredChain, Subscription};

const NOUN: &str = "subscription";

pub(super) fn router() -> OpenApiRouter<Plane> {
    OpenApiRouter::new().routes(routes!(create)).routes(routes!(get, cancel))
}

/// An API that an application is to call.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewSubscription {
    /// The id of the application.
    application: String,
    /// The id of the API.
    service: String,
    /// The id of a package with a plan that opens the API.
    package: String,
    /// The id of the plan.
    plan: String,
}

/// What a subscription came to, for one authentication type of the API.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SubscribedKeySet)]
struct Joined {
    subscription: SubscriptionSeen,
    /// The key set was there already, and serves this API too.
    reused: bool,
    key_set: KeySetDetails,
    /// The key of a new key set, with its value, for those who may retrieve it.
    #[serde(skip_serializing_if = "Option::is_none")]
    issued: Option<Credentials>,
}

/// Subscribe an application to an API.
///
/// For each authentication type of the API there is one key set: that of the application with the
/// same type and policy which is not revoked or expired, else a new one, which is pending.
#[utoipa::path(
    post, path = "/api/subscriptions", tag = "subscriptions", operation_id = "subscribe",
    request_body = NewSubscription,
    responses(
        (status = 200, description = "One for each authentication type.", body = [Joined]),
        Problem,
    ),
)]
async fn create(asked: Asked) -> Answered {
    let NewSubscription { application, service, package, plan } = asked.input()?;
    let wanted = Subscribe { application, service, package, plan };
    let work = asked.work.clone();
    let deed = asked.deed(NOUN, "create", "");
    let joined = asked.change(deed, move |change, deed| {
        let work = work.of_change();
        let scene = work.scene();
        let application =
            scene.directory().application(change.connection(), &wanted.application)?;
        let missing = || Failure::NotFound("there is no such application".to_owned());
        let realm = application.ok_or_else(missing)?.realm;
        permit(scene, Action::KeySubscribe, &realm)?;
        let subscribed = work.context.subscribe(change, &wanted).map_err(Failure::of_operation)?;
        let may = scene.caller.may(scene.permissions(), Action::KeyRetrieve, &realm);
        let mut all = Vec::with_capacity(subscribed.len());
        for Subscribed { chain, subscription, reused, issued } in subscribed {
            let issued = issued.filter(|_| may);
            all.push(Joined {
                key_set: KeySetDetails::of(scene, change.connection(), &chain)?,
                issued: issued.map(|issued| Credentials::issued(&chain, &issued)),
                subscription: subscription.into(),
                reused,
            });
        }
        deed.details = json!({
            "application": wanted.application,
            "service": wanted.service,
            "package": wanted.package,
            "plan": wanted.plan,
            "keySets": all.iter().map(|one| &one.subscription.key_set).collect::<Vec<_>>(),
            "subscriptions": all.iter().map(|one| &one.subscription.id).collect::<Vec<_>>(),
            "shown": all.iter().any(|one| one.issued.is_some()),
        })
        .to_string();
        let secret = all.iter().any(|one| one.issued.is_some());
        Ok(Made::new(&all, None)?.with_secrets(secret))
    });
    Ok(done(&joined.await?)?)
}

/// Look at a subscription.
#[utoipa::path(
    get, path = "/api/subscriptions/{id}", tag = "subscriptions", operation_id = "getSubscription",
    params(Named),
    responses((status = 200, description = "It.", body = SubscriptionSeen), Problem),
)]
async fn get(asked: Asked) -> Answered {
    let (work, id) = (asked.work.clone(), asked.id().to_owned());
    let looked = asked.look(move |connection| {
        let (subscription, chain) = existing(connection, &id)?;
        permit(work.scene(), Action::KeyRead, &chain.realm)?;
        Ok(SubscriptionSeen::from(subscription))
    });
    match looked.await {
        Ok(subscription) => Ok(answer(&subscription)?),
        Err(Failure::Forbidden(action)) => {
            Err(asked.forbid(action, NOUN, "read", asked.id()).await.into())
        }
        Err(failure) => Err(failure.into()),
    }
}

/// Cancel a subscription.
///
/// The key set stays, and the API cannot be called with it any more, unless another of its
/// subscriptions opens it.
#[utoipa::path(
    delete, path = "/api/subscriptions/{id}", tag = "subscriptions",
    operation_id = "cancelSubscription",
    params(Named),
    responses((status = 200, description = "It is cancelled.", body = SubscriptionSeen), Problem),
)]
async fn cancel(asked: Asked) -> Answered {
    let (work, id) = (asked.work.clone(), asked.id().to_owned());
    let deed = asked.deed(NOUN, "cancel", &id);
    let cancelled = asked.change(deed, move |change, _| {
        let work = work.of_change();
        let (_, chain) = existing(change.connection(), &id)?;
        permit(work.scene(), Action::KeySubscribe, &chain.realm)?;
        let cancelled = work.context.cancel_subscription(change, &id);
        let cancelled = cancelled.map_err(Failure::of_operation)?;
        Made::new(&SubscriptionSeen::from(cancelled), None)
    });
    Ok(done(&cancelled.await?)?)
}

/// A subscription, and the key set that it belongs to.
fn existing(
    connection: &mut dyn Connection,
    id: &str,
) -> Result<(Subscription, StoredChain), Failure> {
    let missing = || Failure::NotFound("there is no such subscription".to_owned());
    let subscription = Subscription::find(connection, id)?.ok_or_else(missing)?;
    let chain = StoredChain::find(connection, &subscription.chain)?.ok_or_else(missing)?;
    Ok((subscription, chain))
}
