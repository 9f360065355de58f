//! What has to hold between fields and between objects.

pub(super) mod duplicates;
pub(super) mod keyed;
pub(super) mod keyless;
pub(super) mod overrides;
pub(super) mod reference;
pub(super) mod routes;
pub(super) mod secrets;
