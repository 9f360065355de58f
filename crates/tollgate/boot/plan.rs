//! What workers are made with, as the settings have it.

use hyper::header::HeaderValue;
use tollgate_proxy::{AccessLog, WorkerSettings};

use super::Failure;
use crate::config::{self, Settings};

/// What holds for every request.
pub(crate) fn worker_settings(settings: &Settings) -> Result<WorkerSettings, Failure> {
    Ok(WorkerSettings {
        via: via(settings)?,
        on_key_dead: settings.process.on_key_dead,
        error_dialect: settings.process.error_dialect,
        responder: responder(settings)?,
        request_ids: settings.tracing.request_ids,
        idle_room: settings.process.idle_room_bytes / workers(settings) as u64,
        traces: settings.tracing.traces,
    })
}

pub(super) fn workers(settings: &Settings) -> usize {
    match settings.process.workers {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        workers => workers,
    }
}

pub(super) fn access_log(settings: &config::AccessLog) -> Result<Option<AccessLog>, Failure> {
    let Some(path) = settings.path.clone() else { return Ok(None) };
    match AccessLog::open(path, settings.ring) {
        Ok(log) => Ok(Some(log)),
        Err(error) => Err(format!("access_log.path cannot be written to: {error}").into()),
    }
}

fn via(settings: &Settings) -> Result<Option<HeaderValue>, Failure> {
    let pseudonym = &settings.process.via;
    if pseudonym.is_empty() {
        return Ok(None);
    }
    Ok(Some(HeaderValue::try_from(format!("1.1 {pseudonym}"))?))
}

fn responder(settings: &Settings) -> Result<Option<HeaderValue>, Failure> {
    let name = Some(&settings.process.responder).filter(|name| !name.is_empty());
    Ok(name.map(|name| HeaderValue::from_str(name)).transpose()?)
}
