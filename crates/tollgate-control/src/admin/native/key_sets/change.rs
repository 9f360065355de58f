//! Another name, or another policy, of a key set.

use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::acting::Act;
use super::details::KeySetDetails;
use super::{NOUN, etag, existing};
use crate::admin::asked::Asked;
use crate::admin::native::answer::done;
use crate::admin::native::input::{Conditional, Named};
use crate::admin::native::{Answered, Problem};
use crate::admin::once::Made;
use crate::admin::v3::{Failure, permit};
use crate::life_cycle::{Months, Policy, RotationPolicy};
use crate::operations::{KeySetChange, NewPolicy};

/// What is to become of a key set. What is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ChangedKeySet {
    #[schema(min_length = 1, max_length = 255)]
    name: Option<String>,
    policy: Option<ChangedPolicy>,
}

/// Another policy, as a whole. Nothing that is planned moves; the next key follows it.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ChangedPolicy {
    /// The id of a policy template; then nothing else is given.
    template: Option<String>,
    /// A new key replaces the old one after so many months; left out, never.
    #[schema(minimum = 1, maximum = 1200)]
    rotation_months: Option<u16>,
    /// So many seconds before that date.
    rotation_lead_seconds: Option<u32>,
    /// A key dies after so many months; left out, never.
    #[schema(minimum = 1, maximum = 1200)]
    expiration_months: Option<u16>,
    /// Whether a new key may be asked for.
    manual_regeneration: Option<bool>,
    /// For how many seconds the old key works beside the new one.
    overlap_seconds: Option<u32>,
}

/// Give a key set another name or policy.
#[utoipa::path(
    put, path = "/api/key-sets/{id}", tag = "key sets", operation_id = "changeKeySet",
    params(Named, Conditional),
    request_body = ChangedKeySet,
    responses(
        (status = 200, description = "It is done.", body = KeySetDetails,
         headers(("ETag" = String, description = "Tells it from itself changed."))),
        Problem,
    ),
)]
pub(super) async fn put(asked: Asked) -> Answered {
    let ChangedKeySet { name, policy } = asked.input()?;
    let fits = |name: &String| {
        (1..=255).contains(&name.chars().count()) && !name.chars().any(char::is_control)
    };
    if !name.as_ref().is_none_or(fits) {
        return Err(Failure::invalid("name", "expected text of 1 to 255 characters").into());
    }
    let policy = policy.map(ChangedPolicy::read).transpose()?;
    let wanted = KeySetChange { name, policy };
    let (work, id, expected) = (asked.work.clone(), asked.id().to_owned(), asked.expected()?);
    let deed = asked.deed(NOUN, Act::Change.verb(), &id);
    let made = asked.change(deed, move |change, deed| {
        let work = work.of_change();
        let scene = work.scene();
        let before = existing(change.connection(), &id)?;
        permit(scene, Act::Change.action(), &before.realm)?;
        if expected.is_some_and(|expected| expected != etag(&before)) {
            return Err(Failure::Changed);
        }
        let changed = work.context.change_key_set(change, &id, before.life.version, wanted);
        let after = changed.map_err(Failure::of_operation)?;
        deed.details = json!({
            "name": [before.name, after.name],
            "template": [before.template, after.template],
            "policyChanged": before.life.policy != after.life.policy,
        })
        .to_string();
        let details = KeySetDetails::of(scene, change.connection(), &after)?;
        Made::new(&details, Some(etag(&after)))
    });
    Ok(done(&made.await?)?)
}

impl ChangedPolicy {
    fn read(self) -> Result<NewPolicy, Failure> {
        let Self {
            template,
            rotation_months,
            rotation_lead_seconds,
            expiration_months,
            manual_regeneration,
            overlap_seconds,
        } = self;
        if let Some(template) = template {
            let alone = rotation_months.is_none()
                && rotation_lead_seconds.is_none()
                && expiration_months.is_none()
                && manual_regeneration.is_none()
                && overlap_seconds.is_none();
            let expected = "expected alone: the rest is the template's";
            return match alone {
                true => Ok(NewPolicy::OfTemplate(template)),
                false => Err(Failure::invalid("policy.template", expected)),
            };
        }
        let months = |name: &str, count: Option<u16>| match count.map(Months::new) {
            None => Ok(None),
            Some(Some(months)) => Ok(Some(months)),
            Some(None) => {
                Err(Failure::invalid(&format!("policy.{name}"), "expected a number from 1 to 1200"))
            }
        };
        let lead = rotation_lead_seconds.unwrap_or(0);
        let rotation = match months("rotationMonths", rotation_months)? {
            None => None,
            Some(after) => Some(RotationPolicy::new(after, lead).ok_or_else(|| {
                let expected = "expected less than the months of the rotation have at least";
                Failure::invalid("policy.rotationLeadSeconds", expected)
            })?),
        };
        Ok(NewPolicy::Own(Policy {
            rotation,
            expiration: months("expirationMonths", expiration_months)?,
            manual_regeneration: manual_regeneration.unwrap_or(false),
            overlap: overlap_seconds.unwrap_or(0),
        }))
    }
}
