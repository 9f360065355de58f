//! The resources of the v3 API.

pub(super) mod access_key;
pub(super) mod application;
pub(super) mod client;
pub(super) mod member;
pub(super) mod organization;
pub(super) mod package;
pub(in crate::admin) mod package_key;
pub(in crate::admin) mod plan;
pub(super) mod policy;
pub(super) mod proxy;
pub(super) mod role;
pub(super) mod service;
pub(super) mod token;
pub(super) mod usage;
pub(super) mod webhook;

use super::engine::Resource;

/// All of them, each at every path that it has.
pub(crate) const ALL: &[&Resource] = &[
    &member::ALL,
    &application::ALL,
    &application::OF_MEMBER,
    &service::ALL,
    &service::ENDPOINTS,
    &service::METHODS,
    &package::ALL,
    &plan::ALL,
    &plan::SERVICES,
    &plan::ENDPOINTS,
    &plan::METHODS,
    &package_key::ALL,
    &package_key::OF_APPLICATION,
    &package_key::OF_MEMBER,
    &role::ALL,
    &organization::ALL,
    &organization::GROUPS,
    &policy::ALL,
    &client::ALL,
    &access_key::ALL,
    &proxy::ALL,
    &token::ALL,
    &webhook::ALL,
    &webhook::DELIVERIES,
    &usage::OF_KEY_SET,
    &usage::OF_PACKAGE_KEY,
];
