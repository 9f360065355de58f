//! What a key set looks like in a list.

use std::collections::HashMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::filters::Status;
use crate::admin::native::instant::{show, show_ms, show_planned};
use crate::admin::v3::{Failure, Scene};
use crate::life_cycle::Instant;
use crate::store::{Connection, StoredChain};

/// A key set: the successive keys of an application for one authentication type, the newest of
/// which is LATEST.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct KeySet {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) status: Status,
    /// How calls with its keys are authenticated.
    pub(super) auth_type: String,
    pub(super) environment: String,
    pub(super) application: Reference,
    /// The user name of the member whose application it is.
    pub(super) username: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) organization: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) group: Option<String>,
    /// The key that is LATEST.
    pub(super) latest: String,
    /// When LATEST was first activated.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub(super) provisioned: Option<String>,
    /// When LATEST is to be replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rotation: Option<String>,
    /// When LATEST is to die of age.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expiration: Option<String>,
    /// When LATEST was revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub(super) revoked: Option<String>,
    #[schema(format = DateTime)]
    pub(super) created: String,
    #[schema(format = DateTime)]
    pub(super) updated: String,
}

/// Another object.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Reference {
    pub(crate) id: String,
    pub(crate) name: String,
}

/// Names of applications and their members, looked up once each.
#[derive(Default)]
pub(super) struct Names(HashMap<String, (String, String)>);

impl Names {
    /// The name of an application, and its member's user name. What is gone is called by its id.
    fn of(
        &mut self,
        scene: Scene<'_>,
        connection: &mut dyn Connection,
        id: &str,
    ) -> Result<(String, String), Failure> {
        if let Some(known) = self.0.get(id) {
            return Ok(known.clone());
        }
        let directory = scene.directory();
        let names = match directory.application(connection, id)? {
            None => (id.to_owned(), String::new()),
            Some(application) => {
                let member = directory.member(connection, &application.member)?;
                let username = member.map(|member| member.username).unwrap_or_default();
                (application.name, username)
            }
        };
        self.0.insert(id.to_owned(), names.clone());
        Ok(names)
    }
}

impl KeySet {
    /// What a chain looks like.
    pub(super) fn of(
        scene: Scene<'_>,
        connection: &mut dyn Connection,
        names: &mut Names,
        chain: &StoredChain,
    ) -> Result<Self, Failure> {
        let (name, username) = names.of(scene, connection, &chain.application)?;
        let latest = &chain.life.latest;
        Ok(Self {
            id: chain.id.clone(),
            name: chain.name.clone(),
            status: chain.life.state().into(),
            auth_type: chain.auth_type.clone(),
            environment: scene.file().environment.0.to_string(),
            application: Reference { id: chain.application.clone(), name },
            username,
            organization: chain.realm.organization.clone(),
            group: chain.realm.group.clone(),
            latest: chain.key_id(latest.number).unwrap_or_default().to_owned(),
            provisioned: latest.provisioned.map(show),
            rotation: latest
                .rotation
                .map(|rotation| show_planned(Instant::Second(rotation.planned))),
            expiration: latest.expiration.map(show_planned),
            revoked: latest.revoked.map(show),
            created: show_ms(chain.created),
            updated: show_ms(chain.updated),
        })
    }
}
